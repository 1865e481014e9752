-- +goose Up
CREATE TABLE talktime.agent_sets (
    agent_set_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agents       int4multirange NOT NULL,
    fingerprint  text NOT NULL UNIQUE
);
COMMENT ON TABLE talktime.agent_sets IS 'Sets of agents that were due together; one row a set, shared by schedules and ticks. Rows are never changed.';
COMMENT ON COLUMN talktime.agent_sets.agent_set_id IS 'Key of the set.';
COMMENT ON COLUMN talktime.agent_sets.agents IS 'The gateway''s agent ids in the set.';
COMMENT ON COLUMN talktime.agent_sets.fingerprint IS 'md5 of the set''s text: a set with many holes is too long for a unique index of its own.';

CREATE TABLE talktime.schedules (
    schedule_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    cron         text NOT NULL,
    time_zone    text NOT NULL,
    all_agents   boolean NOT NULL,
    agent_set_id bigint NOT NULL REFERENCES talktime.agent_sets,
    valid_from   timestamptz NOT NULL,
    valid_to     timestamptz CHECK (valid_to >= valid_from)
);
-- One declaration of a name is in force at a time.
CREATE UNIQUE INDEX schedules_in_force ON talktime.schedules (name) WHERE valid_to IS NULL;
COMMENT ON TABLE talktime.schedules IS
    'What a recorder was told, and when: one row a declaration. A changed declaration closes its row and opens the next, so that anyone can enumerate what was due.';
COMMENT ON COLUMN talktime.schedules.schedule_id IS 'Key of the declaration.';
COMMENT ON COLUMN talktime.schedules.name IS 'The schedule''s name; ticks carry it.';
COMMENT ON COLUMN talktime.schedules.cron IS 'Six fields, seconds first.';
COMMENT ON COLUMN talktime.schedules.time_zone IS 'IANA zone in which the cron fields are read.';
COMMENT ON COLUMN talktime.schedules.all_agents IS 'True when the set is every agent with a GUID.';
COMMENT ON COLUMN talktime.schedules.agent_set_id IS 'Who was due while the declaration was in force.';
COMMENT ON COLUMN talktime.schedules.valid_from IS 'From this instant on the declaration was in force.';
COMMENT ON COLUMN talktime.schedules.valid_to IS 'Up to this instant, not including it; empty while it is in force.';

CREATE TABLE talktime.ticks (
    schedule      text NOT NULL,
    due_at        timestamptz NOT NULL,
    shard         smallint NOT NULL DEFAULT 0,
    period_ms     integer NOT NULL CHECK (period_ms BETWEEN 1 AND 3600000),
    agent_set_id  bigint NOT NULL REFERENCES talktime.agent_sets,
    status        talktime.tick_status NOT NULL,
    started_at    timestamptz,
    finished_at   timestamptz,
    observed      integer NOT NULL DEFAULT 0,
    not_signed_in integer NOT NULL DEFAULT 0,
    unauthorized  integer NOT NULL DEFAULT 0,
    bad_request   integer NOT NULL DEFAULT 0,
    gateway_error integer NOT NULL DEFAULT 0,
    unreachable   integer NOT NULL DEFAULT 0,
    bad_reply     integer NOT NULL DEFAULT 0,
    skipped       integer NOT NULL DEFAULT 0,
    PRIMARY KEY (schedule, due_at, shard)
);
CREATE INDEX ticks_due_at ON talktime.ticks (due_at);
COMMENT ON TABLE talktime.ticks IS
    'Due instants of schedules and what became of them; one row a tick, written in the transaction of its samples, which makes storing a round happen exactly once.';
COMMENT ON COLUMN talktime.ticks.schedule IS 'Name of the schedule.';
COMMENT ON COLUMN talktime.ticks.due_at IS 'The instant the schedule''s cron rule gave.';
COMMENT ON COLUMN talktime.ticks.shard IS 'Part of a sharded recorder; 0 until there is one.';
COMMENT ON COLUMN talktime.ticks.period_ms IS 'p: the smaller of the distances to the schedule''s previous and next due instants, at most an hour. Milliseconds.';
COMMENT ON COLUMN talktime.ticks.agent_set_id IS 'Who was due.';
COMMENT ON COLUMN talktime.ticks.status IS 'taken or missed.';
COMMENT ON COLUMN talktime.ticks.started_at IS 'When the round''s first poll began; empty for a missed tick.';
COMMENT ON COLUMN talktime.ticks.finished_at IS 'When the round''s last poll ended; empty for a missed tick.';
COMMENT ON COLUMN talktime.ticks.observed IS 'Polls of the round that ended observed.';
COMMENT ON COLUMN talktime.ticks.not_signed_in IS 'Polls of the round that ended not_signed_in.';
COMMENT ON COLUMN talktime.ticks.unauthorized IS 'Polls of the round that ended unauthorized.';
COMMENT ON COLUMN talktime.ticks.bad_request IS 'Polls of the round that ended bad_request.';
COMMENT ON COLUMN talktime.ticks.gateway_error IS 'Polls of the round that ended gateway_error.';
COMMENT ON COLUMN talktime.ticks.unreachable IS 'Polls of the round that ended unreachable.';
COMMENT ON COLUMN talktime.ticks.bad_reply IS 'Polls of the round that ended bad_reply.';
COMMENT ON COLUMN talktime.ticks.skipped IS 'Polls of the round that ended skipped.';

CREATE TABLE talktime.hand_rounds (
    taken_from   timestamptz NOT NULL,
    taken_to     timestamptz NOT NULL CHECK (taken_to >= taken_from),
    period_ms    integer NOT NULL CHECK (period_ms BETWEEN 1 AND 3600000),
    agent_set_id bigint NOT NULL REFERENCES talktime.agent_sets
);
CREATE INDEX hand_rounds_taken ON talktime.hand_rounds (taken_from, taken_to);
COMMENT ON TABLE talktime.hand_rounds IS
    'Rounds taken by hand: their samples count as observations but belong to no tick. One row a round, so that derive knows how far its samples reach.';
COMMENT ON COLUMN talktime.hand_rounds.taken_from IS 'polled_at of the round''s earliest sample.';
COMMENT ON COLUMN talktime.hand_rounds.taken_to IS 'polled_at of the round''s latest sample.';
COMMENT ON COLUMN talktime.hand_rounds.period_ms IS 'The largest period_ms its samples carry. Milliseconds.';
COMMENT ON COLUMN talktime.hand_rounds.agent_set_id IS 'Who was polled.';

-- Seven columns, widest first: 52 bytes a row with the index. An eighth would
-- still fit the null bitmap, a ninth would cost eight bytes a row.
CREATE TABLE talktime.samples (
    polled_at   timestamptz NOT NULL,
    agent_id    integer NOT NULL,
    period_ms   integer NOT NULL,
    agent_state integer,
    is_working  boolean,
    outcome     talktime.outcome NOT NULL,
    retcode     text,
    CONSTRAINT samples_status_if_observed CHECK (
        (outcome = 'observed') = (agent_state IS NOT NULL) AND (agent_state IS NULL) = (is_working IS NULL))
) PARTITION BY RANGE (polled_at);
-- No key: ticks make storing exactly-once, and every reader goes by time.
CREATE INDEX samples_polled_at ON talktime.samples USING brin (polled_at) WITH (pages_per_range = 32);
COMMENT ON TABLE talktime.samples IS
    'The time series and the truth: one row an agent and tick, the last attempt, failures included. Range-partitioned by UTC day of polled_at; never edited.';
COMMENT ON COLUMN talktime.samples.polled_at IS 'Midpoint of request and reply, UTC, whole milliseconds.';
COMMENT ON COLUMN talktime.samples.agent_id IS 'The gateway''s number of the agent.';
COMMENT ON COLUMN talktime.samples.period_ms IS 'p of the tick the sample was taken for; of several, the smallest. Milliseconds.';
COMMENT ON COLUMN talktime.samples.agent_state IS 'The gateway''s agentState code; empty unless observed.';
COMMENT ON COLUMN talktime.samples.is_working IS 'The gateway''s isWorking: the agent is talking; empty unless observed.';
COMMENT ON COLUMN talktime.samples.outcome IS 'What became of the poll.';
COMMENT ON COLUMN talktime.samples.retcode IS 'The gateway''s code of a failed poll, where it gave one.';

-- +goose Down
DROP TABLE talktime.samples, talktime.hand_rounds, talktime.ticks, talktime.schedules, talktime.agent_sets;
