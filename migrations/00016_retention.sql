-- What is kept for how long. Samples go after weeks, what is derived from them after
-- a year or so, days never.

-- +goose Up
CREATE TABLE talktime.drops (
    relation   text NOT NULL CHECK (relation IN ('samples', 'quarter_hours', 'segments', 'ticks')),
    from_at    timestamptz NOT NULL,
    to_at      timestamptz NOT NULL CHECK (to_at > from_at),
    noted_at   timestamptz NOT NULL,
    dropped_at timestamptz,
    PRIMARY KEY (relation, from_at)
);
COMMENT ON TABLE talktime.drops IS
    'Ledger: stretches of time whose rows retention has dropped, or is about to. A row is written first, under the derive lock: from then on nothing is derived from what goes. Kept for ever.';
COMMENT ON COLUMN talktime.drops.relation IS 'The table the rows were of.';
COMMENT ON COLUMN talktime.drops.from_at IS 'Start of the stretch: a UTC day of samples, a UTC month of the others.';
COMMENT ON COLUMN talktime.drops.to_at IS 'End of the stretch, not included.';
COMMENT ON COLUMN talktime.drops.noted_at IS 'The program''s clock when it was found that they may go.';
COMMENT ON COLUMN talktime.drops.dropped_at IS 'The program''s clock when they were gone; empty until then.';

-- As before; and what retention was dropping and left detached, because it was cut
-- off, is in nobody's way.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION talktime.make_partition(parent text, from_at timestamptz, to_at timestamptz, suffix text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    child text := parent || '_' || suffix;
    key   text := (SELECT a.attname FROM pg_partitioned_table p JOIN pg_attribute a
                   ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
                   WHERE p.partrelid = format('talktime.%I', parent)::regclass);
BEGIN
    IF to_regclass(format('talktime.%I', child)) IS NOT NULL THEN
        IF EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = format('talktime.%I', child)::regclass)
           OR NOT EXISTS (SELECT FROM talktime.drops AS d WHERE d.relation = parent AND d.from_at = make_partition.from_at) THEN
            RETURN false;
        END IF;
        EXECUTE format('DROP TABLE talktime.%I', child);
    END IF;
    EXECUTE format('CREATE TABLE talktime.%I (LIKE talktime.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS,
                    CONSTRAINT in_range CHECK (%I >= %L AND %I < %L))', child, parent, key, from_at, key, to_at);
    EXECUTE format('ALTER TABLE talktime.%I ATTACH PARTITION talktime.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, from_at, to_at);
    EXECUTE format('ALTER TABLE talktime.%I DROP CONSTRAINT in_range', child);
    RETURN true;
END $$;
-- +goose StatementEnd

CREATE INDEX hand_rounds_taken_to ON talktime.hand_rounds (taken_to);
CREATE INDEX gone_quarter_hours_bin ON talktime.gone_quarter_hours (bin_start_at);

CREATE VIEW bi_v1.meta_retention AS
SELECT v.view_name::text AS view_name, max(d.to_at)::timestamptz AS kept_from_at, max(coalesce(d.dropped_at, d.noted_at))::timestamptz AS deleted_at
FROM (VALUES ('fct_samples', 'samples'), ('fct_agent_quarter_hours', 'quarter_hours'), ('fct_agent_state_quarter_hours', 'quarter_hours'),
             ('fct_agent_episodes', 'segments'), ('fct_agent_sessions', 'segments'), ('fct_ticks', 'ticks')) AS v (view_name, relation)
JOIN talktime.drops AS d ON d.relation = v.relation
GROUP BY v.view_name;
COMMENT ON VIEW bi_v1.meta_retention IS
    'What was dropped because of its age: copies may keep it, it was never wrong. Key: view_name. A view that is not here has lost nothing; fct_agent_days never does.';
COMMENT ON COLUMN bi_v1.meta_retention.view_name IS 'The view whose rows went.';
COMMENT ON COLUMN bi_v1.meta_retention.kept_from_at IS 'Rows from this instant on are there, UTC; those of before are gone.';
COMMENT ON COLUMN bi_v1.meta_retention.deleted_at IS 'When the last ones went.';
COMMENT ON VIEW bi_v1.meta_deletions IS
    'Rows that vanished from fct_agent_quarter_hours because they were wrong, for copies that are kept up; those dropped because of their age are in meta_retention. Key: derivation_id, agent_id, bin_start_at.';
SELECT talktime.own_bi_views();

-- +goose Down
DROP VIEW bi_v1.meta_retention;
COMMENT ON VIEW bi_v1.meta_deletions IS 'Rows that vanished from fct_agent_quarter_hours, for copies that are kept up. Key: derivation_id, agent_id, bin_start_at.';
DROP INDEX talktime.gone_quarter_hours_bin;
DROP INDEX talktime.hand_rounds_taken_to;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION talktime.make_partition(parent text, from_at timestamptz, to_at timestamptz, suffix text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    child text := parent || '_' || suffix;
    key   text := (SELECT a.attname FROM pg_partitioned_table p JOIN pg_attribute a
                   ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
                   WHERE p.partrelid = format('talktime.%I', parent)::regclass);
BEGIN
    IF to_regclass(format('talktime.%I', child)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE talktime.%I (LIKE talktime.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS,
                    CONSTRAINT in_range CHECK (%I >= %L AND %I < %L))', child, parent, key, from_at, key, to_at);
    EXECUTE format('ALTER TABLE talktime.%I ATTACH PARTITION talktime.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, from_at, to_at);
    EXECUTE format('ALTER TABLE talktime.%I DROP CONSTRAINT in_range', child);
    RETURN true;
END $$;
-- +goose StatementEnd
DROP TABLE talktime.drops;
