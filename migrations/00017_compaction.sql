-- Old samples as runs: a seventh of the disk, with every poll's instant kept, so that
-- whatever can be derived from samples can be derived from runs.

-- +goose Up
CREATE TABLE talktime.compactions (
    day               date PRIMARY KEY,
    compacted_at      timestamptz NOT NULL,
    polls             bigint NOT NULL,
    runs              bigint NOT NULL,
    compared_rows     bigint NOT NULL,
    compared_segments bigint NOT NULL,
    derivation_id     bigint NOT NULL
);
COMMENT ON TABLE talktime.compactions IS
    'UTC days whose samples are kept in sample_runs: one row a day, whose commit switches every reader and writer over. What samples still holds of such a day is not read any more and is dropped.';
COMMENT ON COLUMN talktime.compactions.day IS 'The day, UTC.';
COMMENT ON COLUMN talktime.compactions.compacted_at IS 'The program''s clock when the day was switched.';
COMMENT ON COLUMN talktime.compactions.polls IS 'Samples of the day then; later ones are in sample_runs only.';
COMMENT ON COLUMN talktime.compactions.runs IS 'Runs they became.';
COMMENT ON COLUMN talktime.compactions.compared_rows IS 'Rows of quarter_hours that were derived from the runs and found equal, column by column, before the switch. Beside them every sample was compared.';
COMMENT ON COLUMN talktime.compactions.compared_segments IS 'Segments that were.';
COMMENT ON COLUMN talktime.compactions.derivation_id IS 'The newest derivation when they were compared.';

CREATE TABLE talktime.compacting (
    day date PRIMARY KEY
);
COMMENT ON TABLE talktime.compacting IS
    'UTC days whose runs are being made. Who stores samples of such a day removes its row in the same transaction, and the day is not switched: not all of it would be in its runs.';
COMMENT ON COLUMN talktime.compacting.day IS 'The day, UTC.';

-- Widest first. A row without an empty column has a header of 24 bytes, any other of
-- ten columns 32: hence retcode is '' where there is none, which is nearly everywhere.
CREATE TABLE talktime.sample_runs (
    polled_at   timestamptz NOT NULL,
    seen_until  timestamptz NOT NULL,
    agent_id    integer NOT NULL,
    period_ms   integer NOT NULL,
    outcome     talktime.outcome NOT NULL,
    agent_state smallint,
    polls       smallint NOT NULL,
    is_working  boolean,
    retcode     text NOT NULL,
    instants    bytea NOT NULL,
    CONSTRAINT sample_runs_status_if_observed CHECK (
        (outcome = 'observed') = (agent_state IS NOT NULL) AND (agent_state IS NULL) = (is_working IS NULL)),
    CONSTRAINT sample_runs_inside_quarter_hour CHECK (
        polled_at <= seen_until AND seen_until < date_bin('15 minutes', polled_at, 'epoch') + interval '15 minutes'),
    CONSTRAINT sample_runs_instants CHECK (polls > 0 AND length(instants) = 2 * polls)
) PARTITION BY RANGE (polled_at);
CREATE INDEX sample_runs_polled_at ON talktime.sample_runs USING brin (polled_at) WITH (pages_per_range = 32);
COMMENT ON TABLE talktime.sample_runs IS
    'Samples of the days in compactions, without loss: one row a run of equal samples of one agent inside one quarter-hour, no further apart than the hold. An observation of another kind ends a run, a failed poll does not: it is in a run of its own. A sample that came after its day was compacted is a run of one poll. Partitioned as samples is; a day without a row in compactions is being made and not read.';
COMMENT ON COLUMN talktime.sample_runs.polled_at IS 'polled_at of the first sample.';
COMMENT ON COLUMN talktime.sample_runs.seen_until IS 'polled_at of the last one.';
COMMENT ON COLUMN talktime.sample_runs.agent_id IS 'The gateway''s number of the agent.';
COMMENT ON COLUMN talktime.sample_runs.period_ms IS 'period_ms of all of them. Milliseconds.';
COMMENT ON COLUMN talktime.sample_runs.outcome IS 'What became of the polls.';
COMMENT ON COLUMN talktime.sample_runs.agent_state IS 'The gateway''s agentState code; empty unless observed.';
COMMENT ON COLUMN talktime.sample_runs.polls IS 'How many samples.';
COMMENT ON COLUMN talktime.sample_runs.is_working IS 'The gateway''s isWorking; empty unless observed.';
COMMENT ON COLUMN talktime.sample_runs.retcode IS 'The gateway''s code of failed polls; '''' where it gave none.';
COMMENT ON COLUMN talktime.sample_runs.instants IS 'When each sample was taken, two bytes each, ascending: how many milliseconds it was late, measured by the period from the first one on. Only the difference to the first two bytes means something. talktime.run_samples reads it.';

-- The series is called in the target list, not joined: conditions on run_at reach
-- the partitions through it, and derive, which forbids nested loops, has none.
CREATE VIEW talktime.run_samples AS
SELECT r.run_at, r.run_at + ((r.n * r.period_ms + (get_byte(r.instants, 2 * r.n) << 8) + get_byte(r.instants, 2 * r.n + 1)
       - (get_byte(r.instants, 0) << 8) - get_byte(r.instants, 1)) * interval '1 millisecond') AS polled_at,
       r.agent_id, r.period_ms, r.agent_state, r.is_working, r.outcome, nullif(r.retcode, '') AS retcode
FROM (SELECT polled_at AS run_at, agent_id, period_ms, agent_state, is_working, outcome, retcode, instants, generate_series(0, polls - 1) AS n
      FROM talktime.sample_runs) AS r;
COMMENT ON VIEW talktime.run_samples IS 'The samples that sample_runs holds, those of days still being made included.';
COMMENT ON COLUMN talktime.run_samples.run_at IS 'polled_at of the run''s first sample, in the same quarter-hour. Bound it to read little.';

CREATE VIEW talktime.compacted_time AS
SELECT range_agg(tstzrange(c.day::timestamp AT TIME ZONE 'UTC', (c.day + 1)::timestamp AT TIME ZONE 'UTC')) AS days FROM talktime.compactions AS c;
COMMENT ON VIEW talktime.compacted_time IS 'The days in compactions. One row.';
COMMENT ON COLUMN talktime.compacted_time.days IS 'The time they take; empty where there is none.';

CREATE VIEW talktime.every_sample AS
SELECT s.polled_at, s.agent_id, s.period_ms, s.agent_state, s.is_working, s.outcome, s.retcode
FROM talktime.samples AS s
WHERE ((SELECT c.days FROM talktime.compacted_time AS c) @> s.polled_at) IS NOT TRUE
UNION ALL
SELECT r.polled_at, r.agent_id, r.period_ms, r.agent_state, r.is_working, r.outcome, r.retcode
FROM talktime.run_samples AS r
WHERE (SELECT c.days FROM talktime.compacted_time AS c) @> r.run_at;
COMMENT ON VIEW talktime.every_sample IS 'All samples, wherever they are kept. A bound on polled_at does not spare it from going through all runs, one on agent_id from taking those of others apart.';

-- +goose StatementBegin
DO $$
DECLARE
    col record;
BEGIN
    FOR col IN SELECT attname, col_description(attrelid, attnum) AS words FROM pg_attribute WHERE attrelid = 'talktime.samples'::regclass AND attnum > 0 LOOP
        EXECUTE format('COMMENT ON COLUMN talktime.run_samples.%I IS %L', col.attname, col.words);
        EXECUTE format('COMMENT ON COLUMN talktime.every_sample.%I IS %L', col.attname, col.words);
    END LOOP;
END $$;
-- +goose StatementEnd

-- A day or less touches two days at most, so that what is kept in runs, and what is
-- not, are one stretch each: readers have two bounds for either table, and no
-- condition on every row.
-- +goose StatementBegin
CREATE FUNCTION talktime.kept_in_runs(from_at timestamptz, to_at timestamptz)
RETURNS tstzrange LANGUAGE sql STABLE AS $$
    SELECT tstzrange(CASE WHEN first_is THEN from_at ELSE border END, CASE WHEN last_is THEN to_at ELSE border END)
    FROM (SELECT greatest(from_at, date_trunc('day', to_at - interval '1 microsecond', 'UTC')) AS border,
                 EXISTS (SELECT FROM talktime.compactions WHERE day = (from_at AT TIME ZONE 'UTC')::date) AS first_is,
                 EXISTS (SELECT FROM talktime.compactions WHERE day = ((to_at - interval '1 microsecond') AT TIME ZONE 'UTC')::date) AS last_is) AS days
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION talktime.kept_in_runs(timestamptz, timestamptz) IS
    'The part of [from_at, to_at), which is a day long at most, whose samples are in sample_runs; the rest of it is in samples.';

-- +goose StatementBegin
CREATE FUNCTION talktime.has_samples(of_day timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM talktime.samples WHERE polled_at >= of_day AND polled_at < of_day + interval '24 hours')
    OR EXISTS (SELECT FROM talktime.compactions WHERE day = (of_day AT TIME ZONE 'UTC')::date)
       AND EXISTS (SELECT FROM talktime.sample_runs WHERE polled_at >= of_day AND polled_at < of_day + interval '24 hours')
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION talktime.has_samples(timestamptz) IS 'Whether any sample of the UTC day that begins at of_day is left, wherever it is kept.';

-- A bound on polled_at cannot reach through runs to their partitions, so that each
-- question would go through all that is kept of them. The view shows what it did.
COMMENT ON VIEW bi_v1.fct_samples IS
    'Every poll''s answer or failure, one row an agent and tick. Kept for days, not months: until the day is compacted (compact_after, 7 days), when its polls go on in talktime.every_sample. Reads little where polled_at is bounded.';

-- +goose Down
COMMENT ON VIEW bi_v1.fct_samples IS
    'Every poll''s answer or failure, one row an agent and tick. Kept for days, not months. Reads little where polled_at is bounded.';
DROP FUNCTION talktime.has_samples(timestamptz);
DROP FUNCTION talktime.kept_in_runs(timestamptz, timestamptz);
DROP VIEW talktime.every_sample, talktime.compacted_time, talktime.run_samples;
DROP TABLE talktime.sample_runs, talktime.compacting, talktime.compactions;
