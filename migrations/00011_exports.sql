-- +goose Up
-- The ledger of exports. One row is one edition: one period of one export in one
-- revision. Its row is written before its files are delivered and says so
-- afterwards, so that whatever is killed in between is gone on with.
CREATE TABLE talktime.exports (
    name          text NOT NULL,
    from_at       timestamptz NOT NULL,
    to_at         timestamptz NOT NULL,
    revision      integer NOT NULL CHECK (revision >= 1),
    time_zone     text NOT NULL,
    due_at        timestamptz NOT NULL,
    status        text NOT NULL CHECK (status IN ('waiting', 'delivering', 'delivered', 'failed', 'abandoned')),
    reason        text NOT NULL,
    definition    text NOT NULL,
    destination   text NOT NULL,
    files         text[] NOT NULL DEFAULT '{}',
    sha256        text NOT NULL DEFAULT '',
    row_count     bigint NOT NULL DEFAULT 0,
    bytes         bigint NOT NULL DEFAULT 0,
    coverage_pct  double precision,
    is_final      boolean NOT NULL DEFAULT false,
    derivation_id bigint NOT NULL DEFAULT 0,
    horizon_at    timestamptz,
    roster_sum    text NOT NULL DEFAULT '',
    program       text NOT NULL DEFAULT '',
    manifest      text NOT NULL DEFAULT '',
    attempts      integer NOT NULL DEFAULT 0,
    error         text NOT NULL DEFAULT '',
    entered_at    timestamptz NOT NULL,
    attempted_at  timestamptz,
    delivered_at  timestamptz,
    PRIMARY KEY (name, from_at, to_at, revision),
    CONSTRAINT exports_forward CHECK (from_at < to_at),
    CONSTRAINT exports_delivered CHECK (status <> 'delivered' OR delivered_at IS NOT NULL AND manifest <> '')
);
COMMENT ON TABLE talktime.exports IS
    'Ledger: every period of every export, one row a revision. Kept for ever.';
COMMENT ON COLUMN talktime.exports.name IS 'The export''s name in the configuration.';
COMMENT ON COLUMN talktime.exports.from_at IS 'Start of the period, included.';
COMMENT ON COLUMN talktime.exports.to_at IS 'End of the period, not included.';
COMMENT ON COLUMN talktime.exports.revision IS 'From 1. The next one is issued when what was delivered has changed, or has become final.';
COMMENT ON COLUMN talktime.exports.time_zone IS 'Zone of the tz database whose calendar the period is of.';
COMMENT ON COLUMN talktime.exports.due_at IS 'The instant its schedule gave, or at which it was asked for by hand; the same in all revisions.';
COMMENT ON COLUMN talktime.exports.status IS
    'waiting: not final yet. delivering: begun. delivered: all files are there. failed: see error; tried again. abandoned: begun, and its figures changed before it was done; the next revision holds them.';
COMMENT ON COLUMN talktime.exports.reason IS
    'Why there is this revision: first, by_hand (a first one that was asked for), final (figures were still awaited before), late_observation, roster, definition, program.';
COMMENT ON COLUMN talktime.exports.definition IS 'What was exported, as the configuration had it: report, grouping, filters, form.';
COMMENT ON COLUMN talktime.exports.destination IS 'Where to, without secrets.';
COMMENT ON COLUMN talktime.exports.files IS 'Names of its files in the order in which they are delivered: data first, manifest last.';
COMMENT ON COLUMN talktime.exports.sha256 IS 'Checksum of the data file in hexadecimal; empty until it was made once.';
COMMENT ON COLUMN talktime.exports.row_count IS 'Rows of the data file.';
COMMENT ON COLUMN talktime.exports.bytes IS 'Length of the data file.';
COMMENT ON COLUMN talktime.exports.coverage_pct IS 'How much of the time polls were due for was observed. Empty where none was due.';
COMMENT ON COLUMN talktime.exports.is_final IS 'False where figures were still awaited: it was delivered because its deadline had come.';
COMMENT ON COLUMN talktime.exports.derivation_id IS 'The last derivation its figures were read after. Later ones may change them.';
COMMENT ON COLUMN talktime.exports.horizon_at IS 'The instant up to which figures were derived then.';
COMMENT ON COLUMN talktime.exports.roster_sum IS 'talktime.roster_sum of its period when its names and teams were read.';
COMMENT ON COLUMN talktime.exports.program IS 'Name and version of the program that made it.';
COMMENT ON COLUMN talktime.exports.manifest IS 'Its manifest, byte for byte; empty until it was made once.';
COMMENT ON COLUMN talktime.exports.attempts IS 'How often it was tried to make and deliver it.';
COMMENT ON COLUMN talktime.exports.error IS 'Why the last attempt failed, or what is wrong with what was delivered; empty when nothing is.';
COMMENT ON COLUMN talktime.exports.entered_at IS 'When the period was entered here.';
COMMENT ON COLUMN talktime.exports.attempted_at IS 'When the last attempt began.';
COMMENT ON COLUMN talktime.exports.delivered_at IS 'When the last of its files was there.';

-- The rows of the latest deliveries of each period, to tell what a later revision
-- changes. The delivered file itself may be gone, taken by whom it was for.
CREATE TABLE talktime.export_copies (
    name     text NOT NULL,
    from_at  timestamptz NOT NULL,
    to_at    timestamptz NOT NULL,
    revision integer NOT NULL,
    part     integer NOT NULL,
    content  bytea NOT NULL,
    PRIMARY KEY (name, from_at, to_at, revision, part),
    FOREIGN KEY (name, from_at, to_at, revision) REFERENCES talktime.exports ON DELETE CASCADE
);
ALTER TABLE talktime.export_copies ALTER COLUMN content SET STORAGE EXTERNAL; -- it is compressed already
COMMENT ON TABLE talktime.export_copies IS
    'The rows of delivered editions as gzipped CSV, in parts. Only a period''s latest delivered revision and the one before it have them.';
COMMENT ON COLUMN talktime.export_copies.name IS 'The export''s name.';
COMMENT ON COLUMN talktime.export_copies.from_at IS 'Start of the period, included.';
COMMENT ON COLUMN talktime.export_copies.to_at IS 'End of the period, not included.';
COMMENT ON COLUMN talktime.export_copies.revision IS 'The revision whose rows these are.';
COMMENT ON COLUMN talktime.export_copies.part IS 'Counts the parts from 0.';
COMMENT ON COLUMN talktime.export_copies.content IS 'This part of the gzip stream.';

-- A tenure counts as far as it lies in the time, so that who comes and goes today
-- leaves the sums of the past alone.
CREATE FUNCTION talktime.roster_sum(from_at timestamptz, to_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT md5(coalesce(string_agg(concat_ws(E'\x1f', h.agent_id, greatest(h.valid_from, from_at), h.agent_key, h.name, h.team), E'\x1e'
                                   ORDER BY h.agent_id, h.valid_from), ''))
    FROM talktime.agent_history AS h
    WHERE h.valid_from < to_at AND coalesce(h.valid_to, 'infinity') > from_at
$$;
COMMENT ON FUNCTION talktime.roster_sum(timestamptz, timestamptz) IS
    'Checksum of who held which agent id in [from_at, to_at), by what name and in which team: equal sums, equal rosters.';

-- What may change a delivered period is found by it; a plain minute's derivation
-- is not in it.
CREATE INDEX derivations_changing ON talktime.derivations (from_at) WHERE inserted_rows + deleted_rows + restated_rows > 0;

CREATE TABLE talktime.audit_log (
    audit_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    action     text NOT NULL,
    subject    text NOT NULL,
    os_user    text NOT NULL,
    host       text NOT NULL,
    role_name  text NOT NULL DEFAULT session_user,
    parameters jsonb NOT NULL,
    row_count  bigint NOT NULL,
    error      text NOT NULL DEFAULT ''
);
CREATE INDEX audit_log_at ON talktime.audit_log (at);
COMMENT ON TABLE talktime.audit_log IS 'Ledger: who ran which report or export, when, with what parameters, and how many rows came of it. Kept for ever.';
COMMENT ON COLUMN talktime.audit_log.audit_id IS 'Key of the entry.';
COMMENT ON COLUMN talktime.audit_log.at IS 'The program''s clock when it was done.';
COMMENT ON COLUMN talktime.audit_log.action IS 'report or export.';
COMMENT ON COLUMN talktime.audit_log.subject IS 'The report''s or the export''s name.';
COMMENT ON COLUMN talktime.audit_log.os_user IS 'The user of the operating system the program ran as.';
COMMENT ON COLUMN talktime.audit_log.host IS 'The machine it ran on.';
COMMENT ON COLUMN talktime.audit_log.role_name IS 'The role it was connected to the database as.';
COMMENT ON COLUMN talktime.audit_log.parameters IS 'What was asked for.';
COMMENT ON COLUMN talktime.audit_log.row_count IS 'Rows written.';
COMMENT ON COLUMN talktime.audit_log.error IS 'Why it failed; empty when it did not.';

-- +goose Down
DROP TABLE talktime.audit_log;
DROP INDEX talktime.derivations_changing;
DROP FUNCTION talktime.roster_sum(timestamptz, timestamptz);
DROP TABLE talktime.export_copies, talktime.exports;
