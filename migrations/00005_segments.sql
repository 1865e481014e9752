-- +goose Up
CREATE TYPE talktime.cause AS ENUM ('failed', 'recorder_down');
COMMENT ON TYPE talktime.cause IS 'Why an agent a tick was due for was not observed. Time nothing was due for (unscheduled) is no segment.';

CREATE TABLE talktime.segments (
    agent_id       integer NOT NULL,
    bin_start_at   timestamptz NOT NULL,
    from_at        timestamptz NOT NULL,
    to_at          timestamptz NOT NULL,
    started_after  timestamptz,
    started_before timestamptz,
    ended_after    timestamptz,
    ended_before   timestamptz,
    agent_state    integer,
    is_working     boolean,
    measure        talktime.measure,
    cause          talktime.cause,
    derivation_id  bigint NOT NULL,
    PRIMARY KEY (agent_id, from_at, bin_start_at),
    CONSTRAINT segments_inside_bin CHECK (bin_start_at <= from_at AND from_at < to_at AND to_at <= bin_start_at + interval '15 minutes'),
    CONSTRAINT segments_measure_or_cause CHECK (
        (measure IS NULL) <> (cause IS NULL) AND (measure IS NULL) = (agent_state IS NULL) AND (measure IS NULL) = (is_working IS NULL))
) PARTITION BY RANGE (bin_start_at);
CREATE INDEX segments_bin_start_at ON talktime.segments USING brin (bin_start_at) WITH (pages_per_range = 32);
COMMENT ON TABLE talktime.segments IS
    'Derived: stretches of one pair (agent_state, is_working), or of one cause of not being observed, inside one closed quarter-hour. Those that touch over a border with the same pair are one episode.';
COMMENT ON COLUMN talktime.segments.agent_id IS 'The gateway''s number of the agent.';
COMMENT ON COLUMN talktime.segments.bin_start_at IS 'Start of the quarter-hour the segment lies in, UTC.';
COMMENT ON COLUMN talktime.segments.from_at IS 'Start of the segment, UTC, whole milliseconds.';
COMMENT ON COLUMN talktime.segments.to_at IS 'End of the segment, not included.';
COMMENT ON COLUMN talktime.segments.started_after IS 'The last sample of the pair before: the state began after it. Empty where the segment continues over the border, or where nothing was observed just before.';
COMMENT ON COLUMN talktime.segments.started_before IS 'The first sample of this pair: the state began before it. Empty where the segment continues over the border.';
COMMENT ON COLUMN talktime.segments.ended_after IS 'The last sample of this pair: the state ended after it. Empty where the segment goes on over the border.';
COMMENT ON COLUMN talktime.segments.ended_before IS 'The first sample of the next pair: the state ended before it. Empty where the segment goes on, or where nothing was observed just after.';
COMMENT ON COLUMN talktime.segments.agent_state IS 'The gateway''s agentState code; empty for unobserved time.';
COMMENT ON COLUMN talktime.segments.is_working IS 'The gateway''s isWorking; empty for unobserved time.';
COMMENT ON COLUMN talktime.segments.measure IS 'The measure the pair counts for; empty for unobserved time.';
COMMENT ON COLUMN talktime.segments.cause IS 'Why the agent was not observed; empty for observed time.';
COMMENT ON COLUMN talktime.segments.derivation_id IS 'The derivation that last changed the segment.';

-- As before, and segments by UTC month.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION talktime.make_partitions(from_at timestamptz, to_at timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made   integer := 0;
    d      date;
    parent text;
BEGIN
    -- One maker at a time: two recorders starting together must not collide.
    PERFORM pg_advisory_xact_lock(hashtext('talktime.make_partitions'));
    FOR d IN SELECT generate_series(date_trunc('day', from_at AT TIME ZONE 'UTC'), to_at AT TIME ZONE 'UTC', '1 day')::date LOOP
        made := made + talktime.make_partition('samples', d::timestamp AT TIME ZONE 'UTC',
            (d + 1)::timestamp AT TIME ZONE 'UTC', to_char(d, 'YYYYMMDD'))::int;
    END LOOP;
    FOR d IN SELECT generate_series(date_trunc('month', from_at AT TIME ZONE 'UTC'), to_at AT TIME ZONE 'UTC', '1 month')::date LOOP
        FOREACH parent IN ARRAY ARRAY['quarter_hours', 'segments'] LOOP
            made := made + talktime.make_partition(parent, d::timestamp AT TIME ZONE 'UTC',
                (d + interval '1 month')::timestamp AT TIME ZONE 'UTC', to_char(d, 'YYYYMM'))::int;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
-- +goose StatementEnd

COMMENT ON FUNCTION talktime.make_partitions(timestamptz, timestamptz) IS
    'Makes the partitions of samples (UTC days), quarter_hours and segments (UTC months) that [from_at, to_at] touches. Returns how many it made.';

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION talktime.make_partitions(from_at timestamptz, to_at timestamptz)
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
DROP TABLE talktime.segments;
DROP TYPE talktime.cause;
