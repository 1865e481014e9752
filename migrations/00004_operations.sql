-- +goose Up
CREATE TABLE talktime.job_runs (
    job_run_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job         text NOT NULL,
    due_at      timestamptz NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    error       text
);
CREATE INDEX job_runs_job ON talktime.job_runs (job, due_at);
COMMENT ON TABLE talktime.job_runs IS 'Ledger: one row a run of a scheduled job. Rounds are not here: their row is the tick.';
COMMENT ON COLUMN talktime.job_runs.job_run_id IS 'Key of the run.';
COMMENT ON COLUMN talktime.job_runs.job IS 'The job''s name.';
COMMENT ON COLUMN talktime.job_runs.due_at IS 'The instant its schedule gave.';
COMMENT ON COLUMN talktime.job_runs.started_at IS 'When it began.';
COMMENT ON COLUMN talktime.job_runs.finished_at IS 'When it ended.';
COMMENT ON COLUMN talktime.job_runs.error IS 'Why it failed; empty when it did not.';

-- Partitions are made apart and then attached: attaching lets readers and
-- writers of the parent go on, CREATE … PARTITION OF does not. The CHECK spares
-- ATTACH the scan and is dropped when it has served.
-- +goose StatementBegin
CREATE FUNCTION talktime.make_partition(parent text, from_at timestamptz, to_at timestamptz, suffix text)
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
COMMENT ON FUNCTION talktime.make_partition(text, timestamptz, timestamptz, text) IS
    'Makes one partition of a talktime table for [from_at, to_at) unless it is there. True when it made one.';

-- +goose StatementBegin
CREATE FUNCTION talktime.make_partitions(from_at timestamptz, to_at timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made integer := 0;
    d    date;
BEGIN
    -- One maker at a time: two recorders starting together must not collide.
    PERFORM pg_advisory_xact_lock(hashtext('talktime.make_partitions'));
    FOR d IN SELECT generate_series(date_trunc('day', from_at AT TIME ZONE 'UTC'), to_at AT TIME ZONE 'UTC', '1 day')::date LOOP
        made := made + talktime.make_partition('samples', d::timestamp AT TIME ZONE 'UTC',
            (d + 1)::timestamp AT TIME ZONE 'UTC', to_char(d, 'YYYYMMDD'))::int;
    END LOOP;
    FOR d IN SELECT generate_series(date_trunc('month', from_at AT TIME ZONE 'UTC'), to_at AT TIME ZONE 'UTC', '1 month')::date LOOP
        made := made + talktime.make_partition('quarter_hours', d::timestamp AT TIME ZONE 'UTC',
            (d + interval '1 month')::timestamp AT TIME ZONE 'UTC', to_char(d, 'YYYYMM'))::int;
    END LOOP;
    RETURN made;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION talktime.make_partitions(timestamptz, timestamptz) IS
    'Makes the partitions of samples (UTC days) and quarter_hours (UTC months) that [from_at, to_at] touches. Returns how many it made.';

-- +goose Down
DROP FUNCTION talktime.make_partitions(timestamptz, timestamptz);
DROP FUNCTION talktime.make_partition(text, timestamptz, timestamptz, text);
DROP TABLE talktime.job_runs;
