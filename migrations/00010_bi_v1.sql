-- The BI contract: schema bi_v1, what BI tools may rely on. Its columns are only
-- ever added; a breaking change is a bi_v2 beside it. What lies behind the views
-- may change with any version.

-- +goose Up
-- Calendars, laid out: a local date that is looked up serves every tool, a computed
-- one keeps Postgres from leaving out partitions.
CREATE TABLE talktime.calendars (
    calendar_no        smallint PRIMARY KEY,
    time_zone          text NOT NULL UNIQUE,
    business_day_start time NOT NULL,
    fingerprint        text NOT NULL,
    program            text NOT NULL,
    filled_at          timestamptz NOT NULL
);
COMMENT ON TABLE talktime.calendars IS 'The calendars of time_zone and extra_zones, as a recorder last laid them out. One row a zone.';
COMMENT ON COLUMN talktime.calendars.calendar_no IS '0 is time_zone, the calendar of local dates in bi_v1; extra_zones follow.';
COMMENT ON COLUMN talktime.calendars.time_zone IS 'Zone of the tz database.';
COMMENT ON COLUMN talktime.calendars.business_day_start IS 'Local time of day at which a day begins.';
COMMENT ON COLUMN talktime.calendars.fingerprint IS 'Hash of its days: equal where nothing is to be laid out anew.';
COMMENT ON COLUMN talktime.calendars.program IS 'The program that looked at it last, with its version.';
COMMENT ON COLUMN talktime.calendars.filled_at IS 'When that was, by its clock.';

CREATE TABLE talktime.local_days (
    calendar_no   smallint NOT NULL REFERENCES talktime.calendars ON DELETE CASCADE,
    local_date    date NOT NULL,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL CHECK (ends_at > starts_at),
    utc_offset    text NOT NULL,
    local_time    text NOT NULL,
    is_dst_change boolean NOT NULL,
    PRIMARY KEY (calendar_no, local_date)
);
CREATE UNIQUE INDEX local_days_starts_at ON talktime.local_days (calendar_no, starts_at);
COMMENT ON TABLE talktime.local_days IS 'The local days of each calendar: whole years, from the first data to at least two months ahead.';
COMMENT ON COLUMN talktime.local_days.calendar_no IS 'The calendar.';
COMMENT ON COLUMN talktime.local_days.local_date IS 'Date of the day: the local date on which it begins.';
COMMENT ON COLUMN talktime.local_days.starts_at IS 'Start of its first quarter-hour, UTC.';
COMMENT ON COLUMN talktime.local_days.ends_at IS 'End of its last quarter-hour, UTC, not included.';
COMMENT ON COLUMN talktime.local_days.utc_offset IS 'What a local clock is ahead of UTC at its start, such as +01:00.';
COMMENT ON COLUMN talktime.local_days.local_time IS 'What a local clock shows at its start: business_day_start, or later where the clock leaves that out.';
COMMENT ON COLUMN talktime.local_days.is_dst_change IS 'True where that changes in the day.';

CREATE TABLE talktime.local_quarter_hours (
    calendar_no        smallint NOT NULL REFERENCES talktime.calendars ON DELETE CASCADE,
    bin_start_at       timestamptz NOT NULL,
    half_hour_start_at timestamptz NOT NULL,
    hour_start_at      timestamptz NOT NULL,
    local_date         date NOT NULL,
    utc_offset         text NOT NULL,
    local_time         text NOT NULL,
    PRIMARY KEY (calendar_no, bin_start_at)
);
CREATE INDEX local_quarter_hours_date ON talktime.local_quarter_hours (calendar_no, local_date);
COMMENT ON TABLE talktime.local_quarter_hours IS 'The quarter-hours of local_days, and what a local clock shows of them.';
COMMENT ON COLUMN talktime.local_quarter_hours.calendar_no IS 'The calendar.';
COMMENT ON COLUMN talktime.local_quarter_hours.bin_start_at IS 'Start of the quarter-hour, UTC.';
COMMENT ON COLUMN talktime.local_quarter_hours.half_hour_start_at IS 'Start of the local half-hour it is in, as reports by 30m have it.';
COMMENT ON COLUMN talktime.local_quarter_hours.hour_start_at IS 'Start of the local hour it is in, as reports by 60m have it.';
COMMENT ON COLUMN talktime.local_quarter_hours.local_date IS 'The local day it belongs to.';
COMMENT ON COLUMN talktime.local_quarter_hours.utc_offset IS 'What a local clock is ahead of UTC then, such as +01:00.';
COMMENT ON COLUMN talktime.local_quarter_hours.local_time IS 'What a local clock shows at its start, such as 08:15. Some come twice a day in autumn.';

-- Few days hold a tenure's end; these find them.
CREATE INDEX agent_history_from ON talktime.agent_history (valid_from);
CREATE INDEX agent_history_to ON talktime.agent_history (valid_to);

-- Who was ever due or polled, so that agents the roster does not know have a row.
CREATE TABLE talktime.known_agents (
    agent_id integer PRIMARY KEY
);
COMMENT ON TABLE talktime.known_agents IS 'Every agent that is in an agent set; a trigger on agent_sets adds them.';
COMMENT ON COLUMN talktime.known_agents.agent_id IS 'The gateway''s number of the agent.';

-- +goose StatementBegin
CREATE FUNCTION talktime.note_agents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO talktime.known_agents (agent_id)
    SELECT DISTINCT a FROM stored, unnest(stored.agents) AS r, generate_series(lower(r), upper(r) - 1) AS a ORDER BY a
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION talktime.note_agents() IS 'Adds the agents of stored sets to known_agents.';
CREATE TRIGGER agent_sets_inserted AFTER INSERT ON talktime.agent_sets
    REFERENCING NEW TABLE AS stored FOR EACH STATEMENT EXECUTE FUNCTION talktime.note_agents();
INSERT INTO talktime.known_agents (agent_id)
SELECT DISTINCT a FROM talktime.agent_sets, unnest(agents) AS r, generate_series(lower(r), upper(r) - 1) AS a ORDER BY a;

-- What derive deleted, so that a copy kept up by derivation_id can follow.
CREATE TABLE talktime.gone_quarter_hours (
    agent_id      integer NOT NULL,
    bin_start_at  timestamptz NOT NULL,
    derivation_id bigint NOT NULL,
    gone_at       timestamptz NOT NULL,
    PRIMARY KEY (agent_id, bin_start_at, derivation_id)
);
CREATE INDEX gone_quarter_hours_derivation ON talktime.gone_quarter_hours (derivation_id);
COMMENT ON TABLE talktime.gone_quarter_hours IS 'Ledger: rows that vanished from quarter_hours because what was recorded later leaves no reason for them. They may have come back since.';
COMMENT ON COLUMN talktime.gone_quarter_hours.agent_id IS 'The gateway''s number of the agent.';
COMMENT ON COLUMN talktime.gone_quarter_hours.bin_start_at IS 'Start of the quarter-hour, UTC.';
COMMENT ON COLUMN talktime.gone_quarter_hours.derivation_id IS 'The derivation that deleted the row.';
COMMENT ON COLUMN talktime.gone_quarter_hours.gone_at IS 'The program''s clock then.';

-- A day's watermark is now that of its quarter-hours: sum kept days again.
DELETE FROM talktime.kept_days;
COMMENT ON COLUMN talktime.days.updated_at IS 'When a quarter-hour of it last changed or vanished.';
COMMENT ON COLUMN talktime.days.derivation_id IS 'The derivation that last changed one of its quarter-hours, or deleted one: the same whether the day is kept or summed when asked.';

-- The closed form of metrics.md, section 5, as the reports have it in Go.
-- +goose StatementBegin
CREATE FUNCTION talktime.variance_ms2(value_ms bigint, base_ms bigint, edge_ms bigint, change_ms bigint, change_sq bigint)
RETURNS float8 LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    p float8;
    q float8;
    x float8;
BEGIN
    IF base_ms = 0 OR edge_ms = 0 OR change_ms = 0 OR value_ms IN (0, base_ms) THEN
        RETURN 0;
    END IF;
    p := value_ms / base_ms::float8;
    q := 1 - p;
    x := -ln(greatest(1e-6, 1 - edge_ms / base_ms::float8 / (2 * p * q)));
    RETURN base_ms * p * q * (change_sq / change_ms::float8) * CASE WHEN x < 0.001 THEN x / 6 ELSE 1 / tanh(x / 2) - 2 / x END;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION talktime.variance_ms2(bigint, bigint, bigint, bigint, bigint) IS
    'Variance of a figure in square milliseconds, of sums of one agent and one local day or less; 0 where no change was seen or the figure is all or nothing of its base.';

CREATE SCHEMA bi_v1;
COMMENT ON SCHEMA bi_v1 IS 'talktime for BI tools: a contract. Columns are only ever added. Begin with meta_metrics (what adds up and what does not) and meta_freshness (how far it reaches).';

-- Habits of all views: names and teams are looked up in one row an agent, by
-- binary search in its tenures (sorted once, by a subquery), and local dates by the quarter-hour, so that
-- Postgres drops either join from a query that asks for neither; instants are
-- timestamptz and end in _at, lengths are float8 seconds beside exact bigint
-- milliseconds; every computed column is cast, so that no version of Postgres gives
-- it another type; where nothing was observed states have no value, as in reports,
-- for 0 means observed and none.

-- Agent × quarter-hour, wide.
CREATE VIEW bi_v1.fct_agent_quarter_hours AS
SELECT
    q.agent_id, coalesce(h.names[width_bucket(q.bin_start_at, h.starts)], '')::text AS agent_name, coalesce(h.teams[width_bucket(q.bin_start_at, h.starts)], '')::text AS team,
    l.local_date, q.bin_start_at, (q.bin_start_at + interval '15 minutes')::timestamptz AS bin_end_at, l.utc_offset,
    l.local_time, (SELECT k.time_zone FROM talktime.calendars AS k WHERE k.calendar_no = 0)::text AS time_zone, l.half_hour_start_at, l.hour_start_at,
    -- Time: what the gateway said, why it said nothing, and sums of both.
    (CASE WHEN g.is_seen THEN q.talk_ms / 1000::float8 END)::float8 AS talk_seconds, (CASE WHEN g.is_seen THEN q.talk_ms END)::bigint AS talk_ms,
    (CASE WHEN g.is_seen THEN q.reserved_ms / 1000::float8 END)::float8 AS reserved_seconds, (CASE WHEN g.is_seen THEN q.reserved_ms END)::bigint AS reserved_ms,
    (CASE WHEN g.is_seen THEN q.acw_ms / 1000::float8 END)::float8 AS acw_seconds, (CASE WHEN g.is_seen THEN q.acw_ms END)::bigint AS acw_ms,
    (CASE WHEN g.is_seen THEN q.available_ms / 1000::float8 END)::float8 AS available_seconds, (CASE WHEN g.is_seen THEN q.available_ms END)::bigint AS available_ms,
    (CASE WHEN g.is_seen THEN q.busy_ms / 1000::float8 END)::float8 AS busy_seconds, (CASE WHEN g.is_seen THEN q.busy_ms END)::bigint AS busy_ms,
    (CASE WHEN g.is_seen THEN q.rest_ms / 1000::float8 END)::float8 AS rest_seconds, (CASE WHEN g.is_seen THEN q.rest_ms END)::bigint AS rest_ms,
    (CASE WHEN g.is_seen THEN q.pre_rest_ms / 1000::float8 END)::float8 AS pre_rest_seconds, (CASE WHEN g.is_seen THEN q.pre_rest_ms END)::bigint AS pre_rest_ms,
    (CASE WHEN g.is_seen THEN q.other_ms / 1000::float8 END)::float8 AS other_seconds, (CASE WHEN g.is_seen THEN q.other_ms END)::bigint AS other_ms,
    (CASE WHEN g.is_seen THEN q.signed_out_ms / 1000::float8 END)::float8 AS signed_out_seconds, (CASE WHEN g.is_seen THEN q.signed_out_ms END)::bigint AS signed_out_ms,
    (q.failed_ms / 1000::float8)::float8 AS failed_seconds, q.failed_ms::bigint AS failed_ms,
    (q.recorder_down_ms / 1000::float8)::float8 AS recorder_down_seconds, q.recorder_down_ms::bigint AS recorder_down_ms,
    (q.unscheduled_ms / 1000::float8)::float8 AS unscheduled_seconds, q.unscheduled_ms::bigint AS unscheduled_ms,
    (q.pending_ms / 1000::float8)::float8 AS pending_seconds, q.pending_ms::bigint AS pending_ms,
    (CASE WHEN g.is_seen THEN g.handle_ms / 1000::float8 END)::float8 AS handle_seconds, (CASE WHEN g.is_seen THEN g.handle_ms END)::bigint AS handle_ms,
    (CASE WHEN g.is_seen THEN g.not_ready_ms / 1000::float8 END)::float8 AS not_ready_seconds, (CASE WHEN g.is_seen THEN g.not_ready_ms END)::bigint AS not_ready_ms,
    (CASE WHEN g.is_seen THEN g.staffed_ms / 1000::float8 END)::float8 AS staffed_seconds, (CASE WHEN g.is_seen THEN g.staffed_ms END)::bigint AS staffed_ms,
    (g.observed_ms / 1000::float8)::float8 AS observed_seconds, g.observed_ms::bigint AS observed_ms,
    (g.unobserved_ms / 1000::float8)::float8 AS unobserved_seconds, g.unobserved_ms::bigint AS unobserved_ms,
    (g.window_ms / 1000::float8)::float8 AS window_seconds, g.window_ms::bigint AS window_ms,
    -- How good each figure is.
    (CASE WHEN g.is_seen THEN q.talk_low_ms / 1000::float8 END)::float8 AS talk_low_seconds, (CASE WHEN g.is_seen THEN least(q.talk_low_ms + q.talk_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS talk_high_seconds,
    (CASE WHEN g.is_seen THEN q.talk_low_ms END)::bigint AS talk_low_ms, (CASE WHEN g.is_seen THEN least(q.talk_low_ms + q.talk_reach_ms, g.window_ms) END)::bigint AS talk_high_ms, q.talk_reach_ms::bigint AS talk_reach_ms,
    (sqrt(nullif(CASE WHEN q.talk_edge_ms > 0 THEN talktime.variance_ms2(q.talk_ms, g.logged_ms, q.talk_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS talk_stderr_seconds,
    (CASE WHEN g.is_seen THEN q.reserved_low_ms / 1000::float8 END)::float8 AS reserved_low_seconds, (CASE WHEN g.is_seen THEN least(q.reserved_low_ms + q.reserved_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS reserved_high_seconds,
    (CASE WHEN g.is_seen THEN q.reserved_low_ms END)::bigint AS reserved_low_ms, (CASE WHEN g.is_seen THEN least(q.reserved_low_ms + q.reserved_reach_ms, g.window_ms) END)::bigint AS reserved_high_ms, q.reserved_reach_ms::bigint AS reserved_reach_ms,
    (sqrt(nullif(CASE WHEN q.reserved_edge_ms > 0 THEN talktime.variance_ms2(q.reserved_ms, g.logged_ms, q.reserved_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS reserved_stderr_seconds,
    (CASE WHEN g.is_seen THEN q.acw_low_ms / 1000::float8 END)::float8 AS acw_low_seconds, (CASE WHEN g.is_seen THEN least(q.acw_low_ms + q.acw_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS acw_high_seconds,
    (CASE WHEN g.is_seen THEN q.acw_low_ms END)::bigint AS acw_low_ms, (CASE WHEN g.is_seen THEN least(q.acw_low_ms + q.acw_reach_ms, g.window_ms) END)::bigint AS acw_high_ms, q.acw_reach_ms::bigint AS acw_reach_ms,
    (sqrt(nullif(CASE WHEN q.acw_edge_ms > 0 THEN talktime.variance_ms2(q.acw_ms, g.logged_ms, q.acw_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS acw_stderr_seconds,
    (CASE WHEN g.is_seen THEN q.available_low_ms / 1000::float8 END)::float8 AS available_low_seconds, (CASE WHEN g.is_seen THEN least(q.available_low_ms + q.available_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS available_high_seconds,
    (CASE WHEN g.is_seen THEN q.available_low_ms END)::bigint AS available_low_ms, (CASE WHEN g.is_seen THEN least(q.available_low_ms + q.available_reach_ms, g.window_ms) END)::bigint AS available_high_ms, q.available_reach_ms::bigint AS available_reach_ms,
    (sqrt(nullif(CASE WHEN q.available_edge_ms > 0 THEN talktime.variance_ms2(q.available_ms, g.logged_ms, q.available_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS available_stderr_seconds,
    (CASE WHEN g.is_seen THEN q.busy_low_ms / 1000::float8 END)::float8 AS busy_low_seconds, (CASE WHEN g.is_seen THEN least(q.busy_low_ms + q.busy_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS busy_high_seconds,
    (CASE WHEN g.is_seen THEN q.busy_low_ms END)::bigint AS busy_low_ms, (CASE WHEN g.is_seen THEN least(q.busy_low_ms + q.busy_reach_ms, g.window_ms) END)::bigint AS busy_high_ms, q.busy_reach_ms::bigint AS busy_reach_ms,
    (sqrt(nullif(CASE WHEN q.busy_edge_ms > 0 THEN talktime.variance_ms2(q.busy_ms, g.observed_ms, q.busy_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS busy_stderr_seconds,
    (CASE WHEN g.is_seen THEN q.rest_low_ms / 1000::float8 END)::float8 AS rest_low_seconds, (CASE WHEN g.is_seen THEN least(q.rest_low_ms + q.rest_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS rest_high_seconds,
    (CASE WHEN g.is_seen THEN q.rest_low_ms END)::bigint AS rest_low_ms, (CASE WHEN g.is_seen THEN least(q.rest_low_ms + q.rest_reach_ms, g.window_ms) END)::bigint AS rest_high_ms, q.rest_reach_ms::bigint AS rest_reach_ms,
    (sqrt(nullif(CASE WHEN q.rest_edge_ms > 0 THEN talktime.variance_ms2(q.rest_ms, g.observed_ms, q.rest_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS rest_stderr_seconds,
    (CASE WHEN g.is_seen THEN q.pre_rest_low_ms / 1000::float8 END)::float8 AS pre_rest_low_seconds, (CASE WHEN g.is_seen THEN least(q.pre_rest_low_ms + q.pre_rest_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS pre_rest_high_seconds,
    (CASE WHEN g.is_seen THEN q.pre_rest_low_ms END)::bigint AS pre_rest_low_ms, (CASE WHEN g.is_seen THEN least(q.pre_rest_low_ms + q.pre_rest_reach_ms, g.window_ms) END)::bigint AS pre_rest_high_ms, q.pre_rest_reach_ms::bigint AS pre_rest_reach_ms,
    (sqrt(nullif(CASE WHEN q.pre_rest_edge_ms > 0 THEN talktime.variance_ms2(q.pre_rest_ms, g.observed_ms, q.pre_rest_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS pre_rest_stderr_seconds,
    (CASE WHEN g.is_seen THEN q.other_low_ms / 1000::float8 END)::float8 AS other_low_seconds, (CASE WHEN g.is_seen THEN least(q.other_low_ms + q.other_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS other_high_seconds,
    (CASE WHEN g.is_seen THEN q.other_low_ms END)::bigint AS other_low_ms, (CASE WHEN g.is_seen THEN least(q.other_low_ms + q.other_reach_ms, g.window_ms) END)::bigint AS other_high_ms, q.other_reach_ms::bigint AS other_reach_ms,
    (sqrt(nullif(CASE WHEN q.other_edge_ms > 0 THEN talktime.variance_ms2(q.other_ms, g.observed_ms, q.other_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS other_stderr_seconds,
    (CASE WHEN g.is_seen THEN q.signed_out_low_ms / 1000::float8 END)::float8 AS signed_out_low_seconds, (CASE WHEN g.is_seen THEN least(q.signed_out_low_ms + q.signed_out_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS signed_out_high_seconds,
    (CASE WHEN g.is_seen THEN q.signed_out_low_ms END)::bigint AS signed_out_low_ms, (CASE WHEN g.is_seen THEN least(q.signed_out_low_ms + q.signed_out_reach_ms, g.window_ms) END)::bigint AS signed_out_high_ms, q.signed_out_reach_ms::bigint AS signed_out_reach_ms,
    (sqrt(nullif(CASE WHEN q.signed_out_edge_ms > 0 THEN talktime.variance_ms2(q.signed_out_ms, g.observed_ms, q.signed_out_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS signed_out_stderr_seconds,
    (CASE WHEN g.is_seen THEN q.handle_low_ms / 1000::float8 END)::float8 AS handle_low_seconds, (CASE WHEN g.is_seen THEN least(q.handle_low_ms + q.handle_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS handle_high_seconds,
    (CASE WHEN g.is_seen THEN q.handle_low_ms END)::bigint AS handle_low_ms, (CASE WHEN g.is_seen THEN least(q.handle_low_ms + q.handle_reach_ms, g.window_ms) END)::bigint AS handle_high_ms, q.handle_reach_ms::bigint AS handle_reach_ms,
    (sqrt(nullif(CASE WHEN q.handle_edge_ms > 0 THEN talktime.variance_ms2(g.handle_ms, g.logged_ms, q.handle_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS handle_stderr_seconds,
    (CASE WHEN g.is_seen THEN q.not_ready_low_ms / 1000::float8 END)::float8 AS not_ready_low_seconds, (CASE WHEN g.is_seen THEN least(q.not_ready_low_ms + q.not_ready_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS not_ready_high_seconds,
    (CASE WHEN g.is_seen THEN q.not_ready_low_ms END)::bigint AS not_ready_low_ms, (CASE WHEN g.is_seen THEN least(q.not_ready_low_ms + q.not_ready_reach_ms, g.window_ms) END)::bigint AS not_ready_high_ms, q.not_ready_reach_ms::bigint AS not_ready_reach_ms,
    (sqrt(nullif(CASE WHEN q.not_ready_edge_ms > 0 THEN talktime.variance_ms2(g.not_ready_ms, g.observed_ms, q.not_ready_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS not_ready_stderr_seconds,
    (CASE WHEN g.is_seen THEN q.staffed_low_ms / 1000::float8 END)::float8 AS staffed_low_seconds, (CASE WHEN g.is_seen THEN least(q.staffed_low_ms + q.staffed_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS staffed_high_seconds,
    (CASE WHEN g.is_seen THEN q.staffed_low_ms END)::bigint AS staffed_low_ms, (CASE WHEN g.is_seen THEN least(q.staffed_low_ms + q.staffed_reach_ms, g.window_ms) END)::bigint AS staffed_high_ms, q.staffed_reach_ms::bigint AS staffed_reach_ms,
    (sqrt(nullif(CASE WHEN q.staffed_edge_ms > 0 THEN talktime.variance_ms2(g.staffed_ms, g.observed_ms, q.staffed_edge_ms, q.change_ms, q.change_sq) END, 0)) / 1000)::float8 AS staffed_stderr_seconds,
    -- Ratios of the row alone, empty where less than 90 % was observed; beside them what to sum and divide instead.
    ((CASE WHEN g.is_covered THEN (200000 * r.occupancy_numerator_ms + r.occupancy_denominator_ms) / nullif(2 * r.occupancy_denominator_ms, 0) END) / 1000::float8)::float8 AS occupancy_pct, r.occupancy_numerator_ms, r.occupancy_denominator_ms,
    ((CASE WHEN g.is_covered THEN (200000 * r.occupancy_incl_ring_numerator_ms + r.occupancy_incl_ring_denominator_ms) / nullif(2 * r.occupancy_incl_ring_denominator_ms, 0) END) / 1000::float8)::float8 AS occupancy_incl_ring_pct, r.occupancy_incl_ring_numerator_ms, r.occupancy_incl_ring_denominator_ms,
    ((CASE WHEN g.is_covered THEN (200000 * r.ready_utilization_numerator_ms + r.ready_utilization_denominator_ms) / nullif(2 * r.ready_utilization_denominator_ms, 0) END) / 1000::float8)::float8 AS ready_utilization_pct, r.ready_utilization_numerator_ms, r.ready_utilization_denominator_ms,
    ((CASE WHEN g.is_covered THEN (200000 * r.staffed_utilization_numerator_ms + r.staffed_utilization_denominator_ms) / nullif(2 * r.staffed_utilization_denominator_ms, 0) END) / 1000::float8)::float8 AS staffed_utilization_pct, r.staffed_utilization_numerator_ms, r.staffed_utilization_denominator_ms,
    ((CASE WHEN g.is_covered THEN (200000 * r.talk_share_numerator_ms + r.talk_share_denominator_ms) / nullif(2 * r.talk_share_denominator_ms, 0) END) / 1000::float8)::float8 AS talk_share_pct, r.talk_share_numerator_ms, r.talk_share_denominator_ms,
    ((CASE WHEN g.is_covered THEN (200000 * r.not_ready_numerator_ms + r.not_ready_denominator_ms) / nullif(2 * r.not_ready_denominator_ms, 0) END) / 1000::float8)::float8 AS not_ready_pct, r.not_ready_numerator_ms, r.not_ready_denominator_ms,
    ((100000 * r.coverage_numerator_ms / nullif(r.coverage_denominator_ms, 0)) / 1000::float8)::float8 AS coverage_pct, r.coverage_numerator_ms, r.coverage_denominator_ms,
    (CASE WHEN g.is_seen THEN q.talk_entries END)::bigint AS talk_entries, (CASE WHEN g.is_seen THEN q.conflicts END)::bigint AS conflicts,
    q.is_final, q.revision, q.updated_at, q.derivation_id
FROM talktime.quarter_hours AS q
CROSS JOIN LATERAL (SELECT (q.talk_ms + q.acw_ms)::bigint AS handle_ms,
    (q.busy_ms + q.rest_ms + q.pre_rest_ms)::bigint AS not_ready_ms,
    (q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms + q.busy_ms + q.rest_ms + q.pre_rest_ms + q.other_ms)::bigint AS staffed_ms,
    (q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms + q.busy_ms + q.rest_ms + q.pre_rest_ms + q.other_ms + q.signed_out_ms)::bigint AS observed_ms,
    (q.failed_ms + q.recorder_down_ms)::bigint AS unobserved_ms,
    900000::bigint AS window_ms,
    (q.failed_ms + q.recorder_down_ms + q.unscheduled_ms + q.pending_ms < 900000)::boolean AS is_seen,
    (q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms)::bigint AS logged_ms,
    (10::bigint * (q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms + q.busy_ms + q.rest_ms + q.pre_rest_ms + q.other_ms + q.signed_out_ms) >= 9 * (q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms + q.busy_ms + q.rest_ms + q.pre_rest_ms + q.other_ms + q.signed_out_ms + q.failed_ms + q.recorder_down_ms)::bigint)::boolean AS is_covered) AS g
CROSS JOIN LATERAL (SELECT
    (g.handle_ms)::bigint AS occupancy_numerator_ms, (g.handle_ms + q.available_ms)::bigint AS occupancy_denominator_ms,
    (g.handle_ms + q.reserved_ms)::bigint AS occupancy_incl_ring_numerator_ms, (g.handle_ms + q.reserved_ms + q.available_ms)::bigint AS occupancy_incl_ring_denominator_ms,
    (g.handle_ms)::bigint AS ready_utilization_numerator_ms, (g.staffed_ms - g.not_ready_ms)::bigint AS ready_utilization_denominator_ms,
    (g.handle_ms)::bigint AS staffed_utilization_numerator_ms, (g.staffed_ms)::bigint AS staffed_utilization_denominator_ms,
    (q.talk_ms)::bigint AS talk_share_numerator_ms, (g.staffed_ms)::bigint AS talk_share_denominator_ms,
    (g.not_ready_ms)::bigint AS not_ready_numerator_ms, (g.staffed_ms)::bigint AS not_ready_denominator_ms,
    (g.observed_ms)::bigint AS coverage_numerator_ms, (g.observed_ms + g.unobserved_ms)::bigint AS coverage_denominator_ms) AS r
LEFT JOIN (SELECT agent_id, array_agg(valid_from) AS starts, array_agg(name) AS names, array_agg(team) AS teams
           FROM (SELECT * FROM talktime.agent_history ORDER BY agent_id, valid_from) AS a GROUP BY agent_id) AS h ON h.agent_id = q.agent_id
LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = q.bin_start_at;

-- Agent × quarter-hour × measure, long: thirteen rows for each of the above.
CREATE VIEW bi_v1.fct_agent_state_quarter_hours AS
SELECT
    q.agent_id, coalesce(h.names[width_bucket(q.bin_start_at, h.starts)], '')::text AS agent_name, coalesce(h.teams[width_bucket(q.bin_start_at, h.starts)], '')::text AS team,
    l.local_date, q.bin_start_at, (q.bin_start_at + interval '15 minutes')::timestamptz AS bin_end_at, l.utc_offset,
    l.local_time, (SELECT k.time_zone FROM talktime.calendars AS k WHERE k.calendar_no = 0)::text AS time_zone, l.half_hour_start_at, l.hour_start_at,
    m.measure::text AS measure, (CASE WHEN s.is_told THEN m.ms / 1000::float8 END)::float8 AS seconds, (CASE WHEN s.is_told THEN m.low_ms / 1000::float8 END)::float8 AS low_seconds,
    (CASE WHEN s.is_told THEN m.high_ms / 1000::float8 END)::float8 AS high_seconds,
    (CASE WHEN s.is_told THEN m.ms END)::bigint AS ms, (CASE WHEN s.is_told THEN m.low_ms END)::bigint AS low_ms, (CASE WHEN s.is_told THEN m.high_ms END)::bigint AS high_ms,
    m.reach_ms::bigint AS reach_ms,
    q.is_final, q.revision, q.updated_at, q.derivation_id
FROM talktime.quarter_hours AS q
CROSS JOIN LATERAL (SELECT
    unnest(ARRAY['talk', 'reserved', 'acw', 'available', 'busy', 'rest', 'pre_rest', 'other', 'signed_out', 'failed', 'recorder_down', 'unscheduled', 'pending']::text[]) AS measure,
    unnest(ARRAY[q.talk_ms, q.reserved_ms, q.acw_ms, q.available_ms, q.busy_ms, q.rest_ms, q.pre_rest_ms, q.other_ms, q.signed_out_ms, q.failed_ms, q.recorder_down_ms, q.unscheduled_ms, q.pending_ms]::integer[]) AS ms,
    unnest(ARRAY[q.talk_low_ms, q.reserved_low_ms, q.acw_low_ms, q.available_low_ms, q.busy_low_ms, q.rest_low_ms, q.pre_rest_low_ms, q.other_low_ms, q.signed_out_low_ms, NULL, NULL, NULL, NULL]::integer[]) AS low_ms,
    unnest(ARRAY[least(q.talk_low_ms + q.talk_reach_ms, 900000), least(q.reserved_low_ms + q.reserved_reach_ms, 900000), least(q.acw_low_ms + q.acw_reach_ms, 900000), least(q.available_low_ms + q.available_reach_ms, 900000), least(q.busy_low_ms + q.busy_reach_ms, 900000), least(q.rest_low_ms + q.rest_reach_ms, 900000), least(q.pre_rest_low_ms + q.pre_rest_reach_ms, 900000), least(q.other_low_ms + q.other_reach_ms, 900000), least(q.signed_out_low_ms + q.signed_out_reach_ms, 900000), NULL, NULL, NULL, NULL]::integer[]) AS high_ms,
    unnest(ARRAY[q.talk_reach_ms, q.reserved_reach_ms, q.acw_reach_ms, q.available_reach_ms, q.busy_reach_ms, q.rest_reach_ms, q.pre_rest_reach_ms, q.other_reach_ms, q.signed_out_reach_ms, NULL, NULL, NULL, NULL]::integer[]) AS reach_ms) AS m
CROSS JOIN LATERAL (SELECT (m.reach_ms IS NULL OR q.failed_ms + q.recorder_down_ms + q.unscheduled_ms + q.pending_ms < 900000)::boolean AS is_told) AS s
LEFT JOIN (SELECT agent_id, array_agg(valid_from) AS starts, array_agg(name) AS names, array_agg(team) AS teams
           FROM (SELECT * FROM talktime.agent_history ORDER BY agent_id, valid_from) AS a GROUP BY agent_id) AS h ON h.agent_id = q.agent_id
LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = q.bin_start_at;

-- Agent × local day × zone. Kept days are read from days. What is not kept (the
-- running day, days that were changed since, zones that are new) and days in which
-- a tenure begins or ends are summed from quarter-hours when asked, in parts where
-- an agent's own does. As in reports what has no row is unscheduled before the
-- horizon and pending from it on, so that every part accounts for all of its time;
-- and so the derivation that last changed a row may only have carried the horizon on.
-- Ends of tenures are looked for, too: a reader may not see the one that follows.
CREATE VIEW bi_v1.fct_agent_days AS
SELECT
    t.time_zone, t.is_main_zone, t.agent_id, t.agent_name, t.team,
    t.local_date, t.starts_at AS bin_start_at, t.ends_at AS bin_end_at, t.utc_offset, t.local_time, t.part_start_at, t.part_end_at,
    -- Time: what the gateway said, why it said nothing, and sums of both.
    (CASE WHEN g.is_seen THEN t.talk_ms / 1000::float8 END)::float8 AS talk_seconds, (CASE WHEN g.is_seen THEN t.talk_ms END)::bigint AS talk_ms,
    (CASE WHEN g.is_seen THEN t.reserved_ms / 1000::float8 END)::float8 AS reserved_seconds, (CASE WHEN g.is_seen THEN t.reserved_ms END)::bigint AS reserved_ms,
    (CASE WHEN g.is_seen THEN t.acw_ms / 1000::float8 END)::float8 AS acw_seconds, (CASE WHEN g.is_seen THEN t.acw_ms END)::bigint AS acw_ms,
    (CASE WHEN g.is_seen THEN t.available_ms / 1000::float8 END)::float8 AS available_seconds, (CASE WHEN g.is_seen THEN t.available_ms END)::bigint AS available_ms,
    (CASE WHEN g.is_seen THEN t.busy_ms / 1000::float8 END)::float8 AS busy_seconds, (CASE WHEN g.is_seen THEN t.busy_ms END)::bigint AS busy_ms,
    (CASE WHEN g.is_seen THEN t.rest_ms / 1000::float8 END)::float8 AS rest_seconds, (CASE WHEN g.is_seen THEN t.rest_ms END)::bigint AS rest_ms,
    (CASE WHEN g.is_seen THEN t.pre_rest_ms / 1000::float8 END)::float8 AS pre_rest_seconds, (CASE WHEN g.is_seen THEN t.pre_rest_ms END)::bigint AS pre_rest_ms,
    (CASE WHEN g.is_seen THEN t.other_ms / 1000::float8 END)::float8 AS other_seconds, (CASE WHEN g.is_seen THEN t.other_ms END)::bigint AS other_ms,
    (CASE WHEN g.is_seen THEN t.signed_out_ms / 1000::float8 END)::float8 AS signed_out_seconds, (CASE WHEN g.is_seen THEN t.signed_out_ms END)::bigint AS signed_out_ms,
    (t.failed_ms / 1000::float8)::float8 AS failed_seconds, t.failed_ms::bigint AS failed_ms,
    (t.recorder_down_ms / 1000::float8)::float8 AS recorder_down_seconds, t.recorder_down_ms::bigint AS recorder_down_ms,
    (t.unscheduled_ms / 1000::float8)::float8 AS unscheduled_seconds, t.unscheduled_ms::bigint AS unscheduled_ms,
    (t.pending_ms / 1000::float8)::float8 AS pending_seconds, t.pending_ms::bigint AS pending_ms,
    (CASE WHEN g.is_seen THEN g.handle_ms / 1000::float8 END)::float8 AS handle_seconds, (CASE WHEN g.is_seen THEN g.handle_ms END)::bigint AS handle_ms,
    (CASE WHEN g.is_seen THEN g.not_ready_ms / 1000::float8 END)::float8 AS not_ready_seconds, (CASE WHEN g.is_seen THEN g.not_ready_ms END)::bigint AS not_ready_ms,
    (CASE WHEN g.is_seen THEN g.staffed_ms / 1000::float8 END)::float8 AS staffed_seconds, (CASE WHEN g.is_seen THEN g.staffed_ms END)::bigint AS staffed_ms,
    (g.observed_ms / 1000::float8)::float8 AS observed_seconds, g.observed_ms::bigint AS observed_ms,
    (g.unobserved_ms / 1000::float8)::float8 AS unobserved_seconds, g.unobserved_ms::bigint AS unobserved_ms,
    (g.window_ms / 1000::float8)::float8 AS window_seconds, g.window_ms::bigint AS window_ms,
    -- How good each figure is.
    (CASE WHEN g.is_seen THEN t.talk_low_ms / 1000::float8 END)::float8 AS talk_low_seconds, (CASE WHEN g.is_seen THEN least(t.talk_low_ms + t.talk_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS talk_high_seconds,
    (CASE WHEN g.is_seen THEN t.talk_low_ms END)::bigint AS talk_low_ms, (CASE WHEN g.is_seen THEN least(t.talk_low_ms + t.talk_reach_ms, g.window_ms) END)::bigint AS talk_high_ms, t.talk_reach_ms::bigint AS talk_reach_ms,
    (sqrt(nullif(CASE WHEN t.talk_edge_ms > 0 THEN talktime.variance_ms2(t.talk_ms, g.logged_ms, t.talk_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS talk_stderr_seconds,
    (coalesce(CASE WHEN t.talk_edge_ms > 0 THEN talktime.variance_ms2(t.talk_ms, g.logged_ms, t.talk_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS talk_variance_s2,
    (CASE WHEN g.is_seen THEN t.reserved_low_ms / 1000::float8 END)::float8 AS reserved_low_seconds, (CASE WHEN g.is_seen THEN least(t.reserved_low_ms + t.reserved_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS reserved_high_seconds,
    (CASE WHEN g.is_seen THEN t.reserved_low_ms END)::bigint AS reserved_low_ms, (CASE WHEN g.is_seen THEN least(t.reserved_low_ms + t.reserved_reach_ms, g.window_ms) END)::bigint AS reserved_high_ms, t.reserved_reach_ms::bigint AS reserved_reach_ms,
    (sqrt(nullif(CASE WHEN t.reserved_edge_ms > 0 THEN talktime.variance_ms2(t.reserved_ms, g.logged_ms, t.reserved_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS reserved_stderr_seconds,
    (coalesce(CASE WHEN t.reserved_edge_ms > 0 THEN talktime.variance_ms2(t.reserved_ms, g.logged_ms, t.reserved_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS reserved_variance_s2,
    (CASE WHEN g.is_seen THEN t.acw_low_ms / 1000::float8 END)::float8 AS acw_low_seconds, (CASE WHEN g.is_seen THEN least(t.acw_low_ms + t.acw_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS acw_high_seconds,
    (CASE WHEN g.is_seen THEN t.acw_low_ms END)::bigint AS acw_low_ms, (CASE WHEN g.is_seen THEN least(t.acw_low_ms + t.acw_reach_ms, g.window_ms) END)::bigint AS acw_high_ms, t.acw_reach_ms::bigint AS acw_reach_ms,
    (sqrt(nullif(CASE WHEN t.acw_edge_ms > 0 THEN talktime.variance_ms2(t.acw_ms, g.logged_ms, t.acw_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS acw_stderr_seconds,
    (coalesce(CASE WHEN t.acw_edge_ms > 0 THEN talktime.variance_ms2(t.acw_ms, g.logged_ms, t.acw_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS acw_variance_s2,
    (CASE WHEN g.is_seen THEN t.available_low_ms / 1000::float8 END)::float8 AS available_low_seconds, (CASE WHEN g.is_seen THEN least(t.available_low_ms + t.available_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS available_high_seconds,
    (CASE WHEN g.is_seen THEN t.available_low_ms END)::bigint AS available_low_ms, (CASE WHEN g.is_seen THEN least(t.available_low_ms + t.available_reach_ms, g.window_ms) END)::bigint AS available_high_ms, t.available_reach_ms::bigint AS available_reach_ms,
    (sqrt(nullif(CASE WHEN t.available_edge_ms > 0 THEN talktime.variance_ms2(t.available_ms, g.logged_ms, t.available_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS available_stderr_seconds,
    (coalesce(CASE WHEN t.available_edge_ms > 0 THEN talktime.variance_ms2(t.available_ms, g.logged_ms, t.available_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS available_variance_s2,
    (CASE WHEN g.is_seen THEN t.busy_low_ms / 1000::float8 END)::float8 AS busy_low_seconds, (CASE WHEN g.is_seen THEN least(t.busy_low_ms + t.busy_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS busy_high_seconds,
    (CASE WHEN g.is_seen THEN t.busy_low_ms END)::bigint AS busy_low_ms, (CASE WHEN g.is_seen THEN least(t.busy_low_ms + t.busy_reach_ms, g.window_ms) END)::bigint AS busy_high_ms, t.busy_reach_ms::bigint AS busy_reach_ms,
    (sqrt(nullif(CASE WHEN t.busy_edge_ms > 0 THEN talktime.variance_ms2(t.busy_ms, g.observed_ms, t.busy_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS busy_stderr_seconds,
    (coalesce(CASE WHEN t.busy_edge_ms > 0 THEN talktime.variance_ms2(t.busy_ms, g.observed_ms, t.busy_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS busy_variance_s2,
    (CASE WHEN g.is_seen THEN t.rest_low_ms / 1000::float8 END)::float8 AS rest_low_seconds, (CASE WHEN g.is_seen THEN least(t.rest_low_ms + t.rest_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS rest_high_seconds,
    (CASE WHEN g.is_seen THEN t.rest_low_ms END)::bigint AS rest_low_ms, (CASE WHEN g.is_seen THEN least(t.rest_low_ms + t.rest_reach_ms, g.window_ms) END)::bigint AS rest_high_ms, t.rest_reach_ms::bigint AS rest_reach_ms,
    (sqrt(nullif(CASE WHEN t.rest_edge_ms > 0 THEN talktime.variance_ms2(t.rest_ms, g.observed_ms, t.rest_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS rest_stderr_seconds,
    (coalesce(CASE WHEN t.rest_edge_ms > 0 THEN talktime.variance_ms2(t.rest_ms, g.observed_ms, t.rest_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS rest_variance_s2,
    (CASE WHEN g.is_seen THEN t.pre_rest_low_ms / 1000::float8 END)::float8 AS pre_rest_low_seconds, (CASE WHEN g.is_seen THEN least(t.pre_rest_low_ms + t.pre_rest_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS pre_rest_high_seconds,
    (CASE WHEN g.is_seen THEN t.pre_rest_low_ms END)::bigint AS pre_rest_low_ms, (CASE WHEN g.is_seen THEN least(t.pre_rest_low_ms + t.pre_rest_reach_ms, g.window_ms) END)::bigint AS pre_rest_high_ms, t.pre_rest_reach_ms::bigint AS pre_rest_reach_ms,
    (sqrt(nullif(CASE WHEN t.pre_rest_edge_ms > 0 THEN talktime.variance_ms2(t.pre_rest_ms, g.observed_ms, t.pre_rest_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS pre_rest_stderr_seconds,
    (coalesce(CASE WHEN t.pre_rest_edge_ms > 0 THEN talktime.variance_ms2(t.pre_rest_ms, g.observed_ms, t.pre_rest_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS pre_rest_variance_s2,
    (CASE WHEN g.is_seen THEN t.other_low_ms / 1000::float8 END)::float8 AS other_low_seconds, (CASE WHEN g.is_seen THEN least(t.other_low_ms + t.other_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS other_high_seconds,
    (CASE WHEN g.is_seen THEN t.other_low_ms END)::bigint AS other_low_ms, (CASE WHEN g.is_seen THEN least(t.other_low_ms + t.other_reach_ms, g.window_ms) END)::bigint AS other_high_ms, t.other_reach_ms::bigint AS other_reach_ms,
    (sqrt(nullif(CASE WHEN t.other_edge_ms > 0 THEN talktime.variance_ms2(t.other_ms, g.observed_ms, t.other_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS other_stderr_seconds,
    (coalesce(CASE WHEN t.other_edge_ms > 0 THEN talktime.variance_ms2(t.other_ms, g.observed_ms, t.other_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS other_variance_s2,
    (CASE WHEN g.is_seen THEN t.signed_out_low_ms / 1000::float8 END)::float8 AS signed_out_low_seconds, (CASE WHEN g.is_seen THEN least(t.signed_out_low_ms + t.signed_out_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS signed_out_high_seconds,
    (CASE WHEN g.is_seen THEN t.signed_out_low_ms END)::bigint AS signed_out_low_ms, (CASE WHEN g.is_seen THEN least(t.signed_out_low_ms + t.signed_out_reach_ms, g.window_ms) END)::bigint AS signed_out_high_ms, t.signed_out_reach_ms::bigint AS signed_out_reach_ms,
    (sqrt(nullif(CASE WHEN t.signed_out_edge_ms > 0 THEN talktime.variance_ms2(t.signed_out_ms, g.observed_ms, t.signed_out_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS signed_out_stderr_seconds,
    (coalesce(CASE WHEN t.signed_out_edge_ms > 0 THEN talktime.variance_ms2(t.signed_out_ms, g.observed_ms, t.signed_out_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS signed_out_variance_s2,
    (CASE WHEN g.is_seen THEN t.handle_low_ms / 1000::float8 END)::float8 AS handle_low_seconds, (CASE WHEN g.is_seen THEN least(t.handle_low_ms + t.handle_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS handle_high_seconds,
    (CASE WHEN g.is_seen THEN t.handle_low_ms END)::bigint AS handle_low_ms, (CASE WHEN g.is_seen THEN least(t.handle_low_ms + t.handle_reach_ms, g.window_ms) END)::bigint AS handle_high_ms, t.handle_reach_ms::bigint AS handle_reach_ms,
    (sqrt(nullif(CASE WHEN t.handle_edge_ms > 0 THEN talktime.variance_ms2(g.handle_ms, g.logged_ms, t.handle_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS handle_stderr_seconds,
    (coalesce(CASE WHEN t.handle_edge_ms > 0 THEN talktime.variance_ms2(g.handle_ms, g.logged_ms, t.handle_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS handle_variance_s2,
    (CASE WHEN g.is_seen THEN t.not_ready_low_ms / 1000::float8 END)::float8 AS not_ready_low_seconds, (CASE WHEN g.is_seen THEN least(t.not_ready_low_ms + t.not_ready_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS not_ready_high_seconds,
    (CASE WHEN g.is_seen THEN t.not_ready_low_ms END)::bigint AS not_ready_low_ms, (CASE WHEN g.is_seen THEN least(t.not_ready_low_ms + t.not_ready_reach_ms, g.window_ms) END)::bigint AS not_ready_high_ms, t.not_ready_reach_ms::bigint AS not_ready_reach_ms,
    (sqrt(nullif(CASE WHEN t.not_ready_edge_ms > 0 THEN talktime.variance_ms2(g.not_ready_ms, g.observed_ms, t.not_ready_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS not_ready_stderr_seconds,
    (coalesce(CASE WHEN t.not_ready_edge_ms > 0 THEN talktime.variance_ms2(g.not_ready_ms, g.observed_ms, t.not_ready_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS not_ready_variance_s2,
    (CASE WHEN g.is_seen THEN t.staffed_low_ms / 1000::float8 END)::float8 AS staffed_low_seconds, (CASE WHEN g.is_seen THEN least(t.staffed_low_ms + t.staffed_reach_ms, g.window_ms) / 1000::float8 END)::float8 AS staffed_high_seconds,
    (CASE WHEN g.is_seen THEN t.staffed_low_ms END)::bigint AS staffed_low_ms, (CASE WHEN g.is_seen THEN least(t.staffed_low_ms + t.staffed_reach_ms, g.window_ms) END)::bigint AS staffed_high_ms, t.staffed_reach_ms::bigint AS staffed_reach_ms,
    (sqrt(nullif(CASE WHEN t.staffed_edge_ms > 0 THEN talktime.variance_ms2(g.staffed_ms, g.observed_ms, t.staffed_edge_ms, t.change_ms, t.change_sq) END, 0)) / 1000)::float8 AS staffed_stderr_seconds,
    (coalesce(CASE WHEN t.staffed_edge_ms > 0 THEN talktime.variance_ms2(g.staffed_ms, g.observed_ms, t.staffed_edge_ms, t.change_ms, t.change_sq) END, 0) / 1000000)::float8 AS staffed_variance_s2,
    -- Ratios of the row alone, empty where less than 90 % was observed; beside them what to sum and divide instead.
    ((CASE WHEN g.is_covered THEN (200000 * r.occupancy_numerator_ms + r.occupancy_denominator_ms) / nullif(2 * r.occupancy_denominator_ms, 0) END) / 1000::float8)::float8 AS occupancy_pct, r.occupancy_numerator_ms, r.occupancy_denominator_ms,
    ((CASE WHEN g.is_covered THEN (200000 * r.occupancy_incl_ring_numerator_ms + r.occupancy_incl_ring_denominator_ms) / nullif(2 * r.occupancy_incl_ring_denominator_ms, 0) END) / 1000::float8)::float8 AS occupancy_incl_ring_pct, r.occupancy_incl_ring_numerator_ms, r.occupancy_incl_ring_denominator_ms,
    ((CASE WHEN g.is_covered THEN (200000 * r.ready_utilization_numerator_ms + r.ready_utilization_denominator_ms) / nullif(2 * r.ready_utilization_denominator_ms, 0) END) / 1000::float8)::float8 AS ready_utilization_pct, r.ready_utilization_numerator_ms, r.ready_utilization_denominator_ms,
    ((CASE WHEN g.is_covered THEN (200000 * r.staffed_utilization_numerator_ms + r.staffed_utilization_denominator_ms) / nullif(2 * r.staffed_utilization_denominator_ms, 0) END) / 1000::float8)::float8 AS staffed_utilization_pct, r.staffed_utilization_numerator_ms, r.staffed_utilization_denominator_ms,
    ((CASE WHEN g.is_covered THEN (200000 * r.talk_share_numerator_ms + r.talk_share_denominator_ms) / nullif(2 * r.talk_share_denominator_ms, 0) END) / 1000::float8)::float8 AS talk_share_pct, r.talk_share_numerator_ms, r.talk_share_denominator_ms,
    ((CASE WHEN g.is_covered THEN (200000 * r.not_ready_numerator_ms + r.not_ready_denominator_ms) / nullif(2 * r.not_ready_denominator_ms, 0) END) / 1000::float8)::float8 AS not_ready_pct, r.not_ready_numerator_ms, r.not_ready_denominator_ms,
    ((100000 * r.coverage_numerator_ms / nullif(r.coverage_denominator_ms, 0)) / 1000::float8)::float8 AS coverage_pct, r.coverage_numerator_ms, r.coverage_denominator_ms,
    (CASE WHEN g.is_seen THEN t.talk_entries END)::bigint AS talk_entries, (CASE WHEN g.is_seen THEN t.conflicts END)::bigint AS conflicts,
    t.quarter_hours, t.is_final, t.revision, t.updated_at, t.derivation_id
FROM (
    SELECT s.time_zone, s.is_main_zone, s.agent_id, coalesce(h.names[k.tenure], '')::text AS agent_name, coalesce(h.teams[k.tenure], '')::text AS team,
           s.local_date, s.starts_at, s.ends_at, s.utc_offset, s.local_time, b.part_start_at, b.part_end_at, c.window_ms,
           s.talk_ms, s.reserved_ms, s.acw_ms, s.available_ms, s.busy_ms, s.rest_ms, s.pre_rest_ms, s.other_ms, s.signed_out_ms,
           s.failed_ms, s.recorder_down_ms, s.talk_low_ms, s.talk_reach_ms, s.talk_edge_ms, s.reserved_low_ms, s.reserved_reach_ms,
           s.reserved_edge_ms, s.acw_low_ms, s.acw_reach_ms, s.acw_edge_ms, s.available_low_ms, s.available_reach_ms, s.available_edge_ms,
           s.busy_low_ms, s.busy_reach_ms, s.busy_edge_ms, s.rest_low_ms, s.rest_reach_ms, s.rest_edge_ms, s.pre_rest_low_ms,
           s.pre_rest_reach_ms, s.pre_rest_edge_ms, s.other_low_ms, s.other_reach_ms, s.other_edge_ms, s.signed_out_low_ms,
           s.signed_out_reach_ms, s.signed_out_edge_ms, s.handle_low_ms, s.handle_reach_ms, s.handle_edge_ms, s.not_ready_low_ms,
           s.not_ready_reach_ms, s.not_ready_edge_ms, s.staffed_low_ms, s.staffed_reach_ms, s.staffed_edge_ms, s.change_ms, s.change_sq,
           s.talk_entries, s.conflicts,
           c.window_ms - c.missing_pending_ms - s.talk_ms - s.reserved_ms - s.acw_ms - s.available_ms - s.busy_ms - s.rest_ms - s.pre_rest_ms - s.other_ms - s.signed_out_ms - s.failed_ms - s.recorder_down_ms - s.pending_ms AS unscheduled_ms,
           s.pending_ms + c.missing_pending_ms AS pending_ms,
           s.quarter_hours, (s.final_quarter_hours = s.quarter_hours AND c.missing_pending_ms = 0)::boolean AS is_final, s.revision,
           greatest(s.updated_at, coalesce((SELECT v.derived_at FROM talktime.derivations AS v WHERE v.horizon_at >= b.part_end_at ORDER BY v.horizon_at, v.derivation_id LIMIT 1),
                                           (SELECT max(derived_at) FROM talktime.derivations)))::timestamptz AS updated_at,
           greatest(s.derivation_id, coalesce((SELECT v.derivation_id FROM talktime.derivations AS v WHERE v.horizon_at >= b.part_end_at ORDER BY v.horizon_at, v.derivation_id LIMIT 1),
                                              (SELECT max(derivation_id) FROM talktime.derivations)))::bigint AS derivation_id
    FROM (
        SELECT k.time_zone, k.calendar_no = 0 AS is_main_zone, d.agent_id, d.local_date, y.starts_at, y.ends_at, y.utc_offset, y.local_time, d.from_at AS first_at,
               d.talk_ms, d.reserved_ms, d.acw_ms, d.available_ms, d.busy_ms, d.rest_ms, d.pre_rest_ms, d.other_ms, d.signed_out_ms,
               d.failed_ms, d.recorder_down_ms, d.unscheduled_ms, d.pending_ms, d.talk_low_ms, d.talk_reach_ms, d.talk_edge_ms,
               d.reserved_low_ms, d.reserved_reach_ms, d.reserved_edge_ms, d.acw_low_ms, d.acw_reach_ms, d.acw_edge_ms, d.available_low_ms,
               d.available_reach_ms, d.available_edge_ms, d.busy_low_ms, d.busy_reach_ms, d.busy_edge_ms, d.rest_low_ms, d.rest_reach_ms,
               d.rest_edge_ms, d.pre_rest_low_ms, d.pre_rest_reach_ms, d.pre_rest_edge_ms, d.other_low_ms, d.other_reach_ms,
               d.other_edge_ms, d.signed_out_low_ms, d.signed_out_reach_ms, d.signed_out_edge_ms, d.handle_low_ms, d.handle_reach_ms,
               d.handle_edge_ms, d.not_ready_low_ms, d.not_ready_reach_ms, d.not_ready_edge_ms, d.staffed_low_ms, d.staffed_reach_ms,
               d.staffed_edge_ms, d.change_ms, d.change_sq, d.talk_entries, d.conflicts,
               d.quarter_hours, d.final_quarter_hours, d.last_bin_start_at, d.revision, d.updated_at, d.derivation_id
        FROM talktime.calendars AS k
        JOIN talktime.local_days AS y ON y.calendar_no = k.calendar_no
        JOIN talktime.kept_days AS p ON p.time_zone = k.time_zone AND p.business_day_start = k.business_day_start AND p.local_date = y.local_date
        JOIN talktime.days AS d ON d.time_zone = k.time_zone AND d.business_day_start = k.business_day_start AND d.local_date = y.local_date
        WHERE NOT EXISTS (SELECT FROM talktime.agent_history AS a WHERE a.valid_from > y.starts_at AND a.valid_from < y.ends_at)
          AND NOT EXISTS (SELECT FROM talktime.agent_history AS a WHERE a.valid_to > y.starts_at AND a.valid_to < y.ends_at)
        UNION ALL
        SELECT k.time_zone, k.calendar_no = 0, q.agent_id, y.local_date, y.starts_at, y.ends_at, y.utc_offset, y.local_time, min(q.bin_start_at),
               sum(q.talk_ms)::bigint, sum(q.reserved_ms)::bigint, sum(q.acw_ms)::bigint, sum(q.available_ms)::bigint,
               sum(q.busy_ms)::bigint, sum(q.rest_ms)::bigint, sum(q.pre_rest_ms)::bigint, sum(q.other_ms)::bigint,
               sum(q.signed_out_ms)::bigint, sum(q.failed_ms)::bigint, sum(q.recorder_down_ms)::bigint, sum(q.unscheduled_ms)::bigint,
               sum(q.pending_ms)::bigint, sum(q.talk_low_ms)::bigint, sum(q.talk_reach_ms)::bigint, sum(q.talk_edge_ms)::bigint,
               sum(q.reserved_low_ms)::bigint, sum(q.reserved_reach_ms)::bigint, sum(q.reserved_edge_ms)::bigint, sum(q.acw_low_ms)::bigint,
               sum(q.acw_reach_ms)::bigint, sum(q.acw_edge_ms)::bigint, sum(q.available_low_ms)::bigint, sum(q.available_reach_ms)::bigint,
               sum(q.available_edge_ms)::bigint, sum(q.busy_low_ms)::bigint, sum(q.busy_reach_ms)::bigint, sum(q.busy_edge_ms)::bigint,
               sum(q.rest_low_ms)::bigint, sum(q.rest_reach_ms)::bigint, sum(q.rest_edge_ms)::bigint, sum(q.pre_rest_low_ms)::bigint,
               sum(q.pre_rest_reach_ms)::bigint, sum(q.pre_rest_edge_ms)::bigint, sum(q.other_low_ms)::bigint,
               sum(q.other_reach_ms)::bigint, sum(q.other_edge_ms)::bigint, sum(q.signed_out_low_ms)::bigint,
               sum(q.signed_out_reach_ms)::bigint, sum(q.signed_out_edge_ms)::bigint, sum(q.handle_low_ms)::bigint,
               sum(q.handle_reach_ms)::bigint, sum(q.handle_edge_ms)::bigint, sum(q.not_ready_low_ms)::bigint,
               sum(q.not_ready_reach_ms)::bigint, sum(q.not_ready_edge_ms)::bigint, sum(q.staffed_low_ms)::bigint,
               sum(q.staffed_reach_ms)::bigint, sum(q.staffed_edge_ms)::bigint, sum(q.change_ms)::bigint, sum(q.change_sq)::bigint,
               sum(q.talk_entries)::bigint, sum(q.conflicts)::bigint,
               count(*)::integer, (count(*) FILTER (WHERE q.is_final))::integer, max(q.bin_start_at), max(q.revision),
               greatest(max(q.updated_at), (SELECT max(gone_at) FROM talktime.gone_quarter_hours AS g
                   WHERE g.agent_id = q.agent_id AND g.bin_start_at >= y.starts_at AND g.bin_start_at < y.ends_at)),
               greatest(max(q.derivation_id), (SELECT max(derivation_id) FROM talktime.gone_quarter_hours AS g
                   WHERE g.agent_id = q.agent_id AND g.bin_start_at >= y.starts_at AND g.bin_start_at < y.ends_at))
        FROM talktime.calendars AS k
        JOIN talktime.local_days AS y ON y.calendar_no = k.calendar_no
        JOIN talktime.quarter_hours AS q ON q.bin_start_at >= y.starts_at AND q.bin_start_at < y.ends_at
        LEFT JOIN (SELECT agent_id, array_agg(valid_from) AS starts
                   FROM (SELECT * FROM talktime.agent_history ORDER BY agent_id, valid_from) AS a GROUP BY agent_id) AS h ON h.agent_id = q.agent_id
        WHERE y.starts_at < (SELECT max(horizon_at) FROM talktime.derivations)
          -- An equality, for which the planner expects few days, as there are.
          AND (EXISTS (SELECT FROM talktime.kept_days AS p WHERE p.time_zone = k.time_zone AND p.business_day_start = k.business_day_start AND p.local_date = y.local_date)
               AND NOT EXISTS (SELECT FROM talktime.agent_history AS a WHERE a.valid_from > y.starts_at AND a.valid_from < y.ends_at)
               AND NOT EXISTS (SELECT FROM talktime.agent_history AS a WHERE a.valid_to > y.starts_at AND a.valid_to < y.ends_at))::integer = 0
        GROUP BY k.time_zone, k.calendar_no, q.agent_id, y.local_date, y.starts_at, y.ends_at, y.utc_offset, y.local_time, width_bucket(q.bin_start_at, h.starts)
    ) AS s
    LEFT JOIN (SELECT agent_id, array_agg(valid_from) AS starts, array_agg(valid_to) AS ends, array_agg(name) AS names, array_agg(team) AS teams
               FROM (SELECT * FROM talktime.agent_history ORDER BY agent_id, valid_from) AS a GROUP BY agent_id) AS h ON h.agent_id = s.agent_id
    CROSS JOIN LATERAL (SELECT coalesce(width_bucket(s.first_at, h.starts), 0) AS tenure) AS k
    CROSS JOIN LATERAL (SELECT greatest(s.starts_at, h.starts[k.tenure])::timestamptz AS part_start_at,
                               least(s.ends_at, h.ends[k.tenure], h.starts[k.tenure + 1])::timestamptz AS part_end_at) AS b
    CROSS JOIN LATERAL (SELECT (date_part('epoch', b.part_end_at - b.part_start_at) * 1000)::bigint AS window_ms,
                               (greatest(0, date_part('epoch', b.part_end_at - greatest(b.part_start_at, s.last_bin_start_at + interval '15 minutes',
                                   (SELECT max(horizon_at) FROM talktime.derivations)))) * 1000)::bigint AS missing_pending_ms) AS c
) AS t
CROSS JOIN LATERAL (SELECT (t.talk_ms + t.acw_ms)::bigint AS handle_ms,
    (t.busy_ms + t.rest_ms + t.pre_rest_ms)::bigint AS not_ready_ms,
    (t.talk_ms + t.reserved_ms + t.acw_ms + t.available_ms + t.busy_ms + t.rest_ms + t.pre_rest_ms + t.other_ms)::bigint AS staffed_ms,
    (t.talk_ms + t.reserved_ms + t.acw_ms + t.available_ms + t.busy_ms + t.rest_ms + t.pre_rest_ms + t.other_ms + t.signed_out_ms)::bigint AS observed_ms,
    (t.failed_ms + t.recorder_down_ms)::bigint AS unobserved_ms,
    t.window_ms::bigint AS window_ms,
    (t.talk_ms + t.reserved_ms + t.acw_ms + t.available_ms + t.busy_ms + t.rest_ms + t.pre_rest_ms + t.other_ms + t.signed_out_ms > 0)::boolean AS is_seen,
    (t.talk_ms + t.reserved_ms + t.acw_ms + t.available_ms)::bigint AS logged_ms,
    (10::bigint * (t.talk_ms + t.reserved_ms + t.acw_ms + t.available_ms + t.busy_ms + t.rest_ms + t.pre_rest_ms + t.other_ms + t.signed_out_ms) >= 9 * (t.talk_ms + t.reserved_ms + t.acw_ms + t.available_ms + t.busy_ms + t.rest_ms + t.pre_rest_ms + t.other_ms + t.signed_out_ms + t.failed_ms + t.recorder_down_ms)::bigint)::boolean AS is_covered) AS g
CROSS JOIN LATERAL (SELECT
    (g.handle_ms)::bigint AS occupancy_numerator_ms, (g.handle_ms + t.available_ms)::bigint AS occupancy_denominator_ms,
    (g.handle_ms + t.reserved_ms)::bigint AS occupancy_incl_ring_numerator_ms, (g.handle_ms + t.reserved_ms + t.available_ms)::bigint AS occupancy_incl_ring_denominator_ms,
    (g.handle_ms)::bigint AS ready_utilization_numerator_ms, (g.staffed_ms - g.not_ready_ms)::bigint AS ready_utilization_denominator_ms,
    (g.handle_ms)::bigint AS staffed_utilization_numerator_ms, (g.staffed_ms)::bigint AS staffed_utilization_denominator_ms,
    (t.talk_ms)::bigint AS talk_share_numerator_ms, (g.staffed_ms)::bigint AS talk_share_denominator_ms,
    (g.not_ready_ms)::bigint AS not_ready_numerator_ms, (g.staffed_ms)::bigint AS not_ready_denominator_ms,
    (g.observed_ms)::bigint AS coverage_numerator_ms, (g.observed_ms + g.unobserved_ms)::bigint AS coverage_denominator_ms) AS r;

-- Episodes: maximal runs of one pair, or of one cause of not being observed, made
-- of segments as reports make them (metrics.md, section 7). An episode is found by
-- the segment it begins with, so a condition on bin_start_at or agent_id reads no
-- more than it must; where it goes on over a quarter-hour's border, its last segment
-- is looked up.
CREATE VIEW bi_v1.fct_agent_episodes AS
SELECT
    s.agent_id, coalesce(h.names[width_bucket(s.from_at, h.starts)], '')::text AS agent_name, coalesce(h.teams[width_bucket(s.from_at, h.starts)], '')::text AS team,
    l.local_date, s.bin_start_at, s.from_at AS started_at, x.ended_at,
    (x.ms / 1000::float8)::float8 AS seconds, x.ms,
    s.agent_state, s.is_working, s.measure::text AS measure, s.cause::text AS cause,
    s.started_after AS started_after_at, s.started_before AS started_before_at, x.ended_after AS ended_after_at, x.ended_before AS ended_before_at,
    (CASE WHEN s.measure IS NOT NULL THEN x.is_open END)::boolean AS is_open,
    (CASE WHEN s.measure IS NOT NULL THEN s.started_after IS NULL OR x.ended_before IS NULL AND NOT x.is_open END)::boolean AS is_cut_by_gap
FROM talktime.segments AS s
LEFT JOIN LATERAL (
    SELECT e.to_at, e.ended_after, e.ended_before
    FROM talktime.segments AS e
    WHERE s.ended_after IS NULL AND s.to_at = s.bin_start_at + interval '15 minutes'
      AND e.agent_id = s.agent_id AND e.from_at >= s.from_at AND e.bin_start_at >= s.bin_start_at
      AND (e.ended_after IS NOT NULL OR e.to_at < e.bin_start_at + interval '15 minutes'
           OR NOT EXISTS (SELECT FROM talktime.segments AS n
                          WHERE n.agent_id = e.agent_id AND n.bin_start_at = e.to_at AND n.from_at = e.to_at AND n.started_before IS NULL
                            AND (n.agent_state, n.is_working, n.measure, n.cause) IS NOT DISTINCT FROM (e.agent_state, e.is_working, e.measure, e.cause)))
    ORDER BY e.from_at
    LIMIT 1
) AS e ON true
CROSS JOIN LATERAL (SELECT coalesce(e.to_at, s.to_at)::timestamptz AS ended_at, coalesce(e.ended_after, s.ended_after)::timestamptz AS ended_after,
                           coalesce(e.ended_before, s.ended_before)::timestamptz AS ended_before,
                           (round(date_part('epoch', coalesce(e.to_at, s.to_at) - s.from_at) * 1000))::bigint AS ms,
                           (coalesce(e.ended_after, s.ended_after) IS NULL
                            AND coalesce(e.to_at, s.to_at) = (SELECT date_bin('15 minutes', max(horizon_at), 'epoch') FROM talktime.derivations))::boolean AS is_open) AS x
LEFT JOIN (SELECT agent_id, array_agg(valid_from) AS starts, array_agg(name) AS names, array_agg(team) AS teams
           FROM (SELECT * FROM talktime.agent_history ORDER BY agent_id, valid_from) AS a GROUP BY agent_id) AS h ON h.agent_id = s.agent_id
LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = s.bin_start_at
WHERE s.from_at > s.bin_start_at OR s.started_before IS NOT NULL
   OR NOT EXISTS (SELECT FROM talktime.segments AS p
                  WHERE p.agent_id = s.agent_id AND p.bin_start_at = s.bin_start_at - interval '15 minutes'
                    AND p.from_at >= s.bin_start_at - interval '15 minutes' AND p.to_at = s.from_at AND p.ended_after IS NULL
                    AND (p.agent_state, p.is_working, p.measure, p.cause) IS NOT DISTINCT FROM (s.agent_state, s.is_working, s.measure, s.cause));

-- Sessions: runs of staffed time that go over unobserved holes of up to ten minutes
-- and end where the agent was seen signed out, as reports make them. A session is
-- found by the segment it begins with, then its last one is looked up.
CREATE VIEW bi_v1.fct_agent_sessions AS
SELECT
    s.agent_id, coalesce(h.names[width_bucket(s.from_at, h.starts)], '')::text AS agent_name, coalesce(h.teams[width_bucket(s.from_at, h.starts)], '')::text AS team,
    l.local_date, s.bin_start_at, s.from_at AS first_staffed_at, e.to_at AS last_staffed_at,
    (x.ms / 1000::float8)::float8 AS seconds, x.ms,
    (i.staffed_ms / 1000::float8)::float8 AS staffed_seconds, i.staffed_ms,
    ((x.ms - i.staffed_ms) / 1000::float8)::float8 AS unobserved_seconds, (x.ms - i.staffed_ms)::bigint AS unobserved_ms,
    (i.talk_ms / 1000::float8)::float8 AS talk_seconds, i.talk_ms,
    (CASE WHEN e.to_at = x.closed_at THEN 'open'
          WHEN e.ended_before IS NOT NULL THEN 'observed'
          WHEN x.closed_at - e.to_at <= interval '10 minutes' THEN 'open'
          ELSE 'unknown' END)::text AS end_kind,
    s.started_after AS started_after_at, s.started_before AS started_before_at, e.ended_after AS ended_after_at, e.ended_before AS ended_before_at,
    EXISTS (
        SELECT FROM (
            SELECT lag(k.to_at, 1, s.from_at) OVER (ORDER BY k.from_at) AS quiet_from, k.from_at AS quiet_to
            FROM (
                SELECT t.from_at, t.to_at FROM talktime.segments AS t
                WHERE t.agent_id = s.agent_id AND t.bin_start_at >= s.bin_start_at AND t.bin_start_at <= e.bin_start_at
                  AND t.from_at >= s.from_at AND t.from_at <= e.from_at AND t.measure = 'talk'
                UNION ALL SELECT e.to_at, e.to_at
            ) AS k
        ) AS v
        WHERE v.quiet_to - v.quiet_from > interval '4 hours'
          AND EXISTS (SELECT FROM talktime.local_days AS d
                      WHERE d.calendar_no = 0 AND d.starts_at <= v.quiet_from AND d.ends_at > v.quiet_from AND d.ends_at < v.quiet_to)
    ) AS suspected_left_signed_in
FROM talktime.segments AS s
CROSS JOIN LATERAL (
    SELECT e.bin_start_at, e.from_at, e.to_at, e.ended_after, e.ended_before
    FROM talktime.segments AS e
    WHERE e.agent_id = s.agent_id AND e.from_at >= s.from_at AND e.bin_start_at >= s.bin_start_at AND e.measure <> 'signed_out'
      AND NOT coalesce((SELECT n.measure <> 'signed_out' FROM talktime.segments AS n
                        WHERE n.agent_id = e.agent_id AND n.bin_start_at >= e.bin_start_at AND n.bin_start_at <= e.bin_start_at + interval '15 minutes'
                          AND n.from_at >= e.to_at AND n.from_at <= e.to_at + interval '10 minutes' AND n.measure IS NOT NULL
                        ORDER BY n.from_at LIMIT 1), false)
    ORDER BY e.from_at
    LIMIT 1
) AS e
CROSS JOIN LATERAL (
    SELECT (coalesce(sum(round(date_part('epoch', i.to_at - i.from_at) * 1000)), 0))::bigint AS staffed_ms,
           (coalesce(sum(round(date_part('epoch', i.to_at - i.from_at) * 1000)) FILTER (WHERE i.measure = 'talk'), 0))::bigint AS talk_ms
    FROM talktime.segments AS i
    WHERE i.agent_id = s.agent_id AND i.bin_start_at >= s.bin_start_at AND i.bin_start_at <= e.bin_start_at
      AND i.from_at >= s.from_at AND i.from_at <= e.from_at AND i.measure <> 'signed_out'
) AS i
CROSS JOIN LATERAL (SELECT (round(date_part('epoch', e.to_at - s.from_at) * 1000))::bigint AS ms,
                           (SELECT date_bin('15 minutes', max(horizon_at), 'epoch') FROM talktime.derivations)::timestamptz AS closed_at) AS x
LEFT JOIN (SELECT agent_id, array_agg(valid_from) AS starts, array_agg(name) AS names, array_agg(team) AS teams
           FROM (SELECT * FROM talktime.agent_history ORDER BY agent_id, valid_from) AS a GROUP BY agent_id) AS h ON h.agent_id = s.agent_id
LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = s.bin_start_at
WHERE s.measure <> 'signed_out'
  AND NOT coalesce((SELECT p.measure <> 'signed_out' AND p.to_at >= s.from_at - interval '10 minutes' FROM talktime.segments AS p
                    WHERE p.agent_id = s.agent_id AND p.bin_start_at >= s.bin_start_at - interval '15 minutes' AND p.bin_start_at <= s.bin_start_at
                      AND p.from_at >= s.from_at - interval '25 minutes' AND p.from_at < s.from_at AND p.measure IS NOT NULL
                    ORDER BY p.from_at DESC LIMIT 1), false);

-- Samples: what was asked and answered, failures included.
CREATE VIEW bi_v1.fct_samples AS
SELECT
    s.agent_id, coalesce(h.names[width_bucket(s.polled_at, h.starts)], '')::text AS agent_name, coalesce(h.teams[width_bucket(s.polled_at, h.starts)], '')::text AS team,
    l.local_date, date_bin('15 minutes', s.polled_at, 'epoch')::timestamptz AS bin_start_at, s.polled_at,
    s.outcome::text AS outcome, o.is_observation, s.agent_state, s.is_working,
    (CASE WHEN o.is_observation THEN coalesce(m.measure::text, CASE WHEN s.is_working THEN 'talk' ELSE 'other' END) END)::text AS measure,
    (CASE WHEN s.outcome = 'observed' THEN coalesce(m.is_conflict, s.is_working) END)::boolean AS is_conflict,
    s.retcode, (s.period_ms / 1000::float8)::float8 AS period_seconds, s.period_ms::bigint AS period_ms
FROM talktime.samples AS s
JOIN talktime.outcomes AS o ON o.outcome = s.outcome
LEFT JOIN talktime.state_measures AS m ON m.agent_state = CASE WHEN s.outcome = 'not_signed_in' THEN 2 ELSE s.agent_state END
                                      AND m.is_working = CASE WHEN s.outcome = 'not_signed_in' THEN false ELSE s.is_working END
LEFT JOIN (SELECT agent_id, array_agg(valid_from) AS starts, array_agg(name) AS names, array_agg(team) AS teams
           FROM (SELECT * FROM talktime.agent_history ORDER BY agent_id, valid_from) AS a GROUP BY agent_id) AS h ON h.agent_id = s.agent_id
LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = date_bin('15 minutes', s.polled_at, 'epoch');

-- Ticks: what was due, and what became of it. Of no agent in particular.
CREATE VIEW bi_v1.fct_ticks AS
SELECT
    t.schedule AS schedule_name, t.due_at, t.shard::integer AS shard, l.local_date, date_bin('15 minutes', t.due_at, 'epoch')::timestamptz AS bin_start_at,
    t.status::text AS tick_status, t.started_at, t.finished_at,
    (t.period_ms / 1000::float8)::float8 AS period_seconds, t.period_ms::bigint AS period_ms,
    (date_part('epoch', t.finished_at - t.started_at))::float8 AS round_seconds, (round(date_part('epoch', t.finished_at - t.started_at) * 1000))::bigint AS round_ms,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM talktime.agent_sets AS a, unnest(a.agents) AS r WHERE a.agent_set_id = t.agent_set_id)::bigint AS agents_due,
    (t.observed + t.not_signed_in + t.unauthorized + t.bad_request + t.gateway_error + t.unreachable + t.bad_reply + t.skipped)::bigint AS polls,
    t.observed::bigint AS observed_polls, t.not_signed_in::bigint AS not_signed_in_polls, t.unauthorized::bigint AS unauthorized_polls,
    t.bad_request::bigint AS bad_request_polls, t.gateway_error::bigint AS gateway_error_polls, t.unreachable::bigint AS unreachable_polls,
    t.bad_reply::bigint AS bad_reply_polls, t.skipped::bigint AS skipped_polls
FROM talktime.ticks AS t
LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = date_bin('15 minutes', t.due_at, 'epoch');

CREATE VIEW bi_v1.dim_agent_history AS
SELECT h.agent_id, h.valid_from AS valid_from_at, h.valid_to AS valid_to_at, h.agent_key, h.name AS agent_name, h.team,
       (h.valid_from <= now() AND (h.valid_to > now() OR h.valid_to IS NULL))::boolean AS is_current
FROM talktime.agent_history AS h;

-- Everyone who was ever due, polled or named, as they are now.
CREATE VIEW bi_v1.dim_agents AS
SELECT a.agent_id, h.agent_key, coalesce(h.name, '')::text AS agent_name, coalesce(h.team, '')::text AS team, h.valid_from AS valid_from_at
FROM (SELECT agent_id FROM talktime.known_agents UNION SELECT agent_id FROM talktime.agent_history) AS a
LEFT JOIN talktime.agent_history AS h ON h.agent_id = a.agent_id AND h.valid_from <= now() AND (h.valid_to > now() OR h.valid_to IS NULL);

-- Every team there ever was, and none: facts of no team have the empty one.
CREATE VIEW bi_v1.dim_teams AS
SELECT t.team, (CASE t.team WHEN '' THEN '(none)' ELSE t.team END)::text AS team_label, coalesce(h.current_agents, 0)::bigint AS current_agents
FROM (SELECT team FROM talktime.agent_history UNION SELECT '') AS t
LEFT JOIN (SELECT team, count(*) AS current_agents FROM talktime.agent_history
           WHERE agent_key IS NOT NULL AND valid_from <= now() AND (valid_to > now() OR valid_to IS NULL) GROUP BY team) AS h ON h.team = t.team;

CREATE VIEW bi_v1.dim_states AS
SELECT m.agent_state, m.is_working, m.measure::text AS measure, m.label AS state_label, m.is_conflict,
       (m.measure IN ('talk', 'acw'))::boolean AS is_handle, (m.measure IN ('busy', 'rest', 'pre_rest'))::boolean AS is_not_ready,
       (m.measure <> 'signed_out')::boolean AS is_staffed
FROM talktime.state_measures AS m;

-- Dates name no part of a day: joining facts to starts_at and ends_at gives the
-- planner instants, by which it leaves out partitions.
CREATE VIEW bi_v1.dim_dates AS
SELECT k.time_zone, (k.calendar_no = 0)::boolean AS is_main_zone, d.local_date, d.starts_at, d.ends_at, d.utc_offset, d.is_dst_change,
       (date_part('epoch', d.ends_at - d.starts_at))::bigint AS seconds_in_day, (date_part('epoch', d.ends_at - d.starts_at) / 900)::bigint AS quarter_hours_in_day,
       date_part('isodow', d.local_date)::integer AS iso_weekday, to_char(d.local_date, 'FMDay')::text AS weekday_name, (date_part('isodow', d.local_date) >= 6)::boolean AS is_weekend,
       date_part('isoyear', d.local_date)::integer AS iso_year, date_part('week', d.local_date)::integer AS iso_week, to_char(d.local_date, 'IYYY-"W"IW')::text AS iso_week_label,
       (date_trunc('week', d.local_date::timestamp))::date AS week_start_date, (date_trunc('month', d.local_date::timestamp))::date AS month_start_date,
       to_char(d.local_date, 'YYYY-MM')::text AS month_label, date_part('month', d.local_date)::integer AS calendar_month,
       date_part('quarter', d.local_date)::integer AS calendar_quarter, date_part('year', d.local_date)::integer AS calendar_year,
       to_char(k.business_day_start, 'HH24:MI')::text AS business_day_start
FROM talktime.local_days AS d JOIN talktime.calendars AS k ON k.calendar_no = d.calendar_no;

CREATE VIEW bi_v1.dim_quarter_hours AS
SELECT k.time_zone, (k.calendar_no = 0)::boolean AS is_main_zone, l.bin_start_at, (l.bin_start_at + interval '15 minutes')::timestamptz AS bin_end_at,
       l.half_hour_start_at, l.hour_start_at, l.local_date, l.local_time, l.utc_offset
FROM talktime.local_quarter_hours AS l JOIN talktime.calendars AS k ON k.calendar_no = l.calendar_no;

-- What vanished from fct_agent_quarter_hours, for copies that are kept up.
CREATE VIEW bi_v1.meta_deletions AS
SELECT g.derivation_id, g.agent_id, g.bin_start_at, g.gone_at AS deleted_at
FROM talktime.gone_quarter_hours AS g;

-- goose's ledger lies outside our schema. The latest round is that of the latest
-- ticks: the whole ledger of ticks is not for a question asked each minute.
CREATE VIEW bi_v1.meta_freshness AS
SELECT 'bi_v1'::text AS contract_name, (SELECT max(version_id) FROM public.talktime_migrations WHERE is_applied)::bigint AS schema_version,
       k.program AS program_version, k.time_zone, to_char(k.business_day_start, 'HH24:MI')::text AS business_day_start,
       (SELECT min(bin_start_at) FROM talktime.quarter_hours)::timestamptz AS data_from_at, f.horizon_at, f.derived_at,
       (date_part('epoch', now() - f.horizon_at))::float8 AS horizon_age_seconds,
       (SELECT coalesce(max(derivation_id), 0) FROM talktime.derivations)::bigint AS derivation_id,
       (SELECT max(t.finished_at) FROM (SELECT finished_at FROM talktime.ticks ORDER BY due_at DESC LIMIT 100) AS t)::timestamptz AS last_round_at,
       (SELECT count(DISTINCT b) FROM talktime.dirty AS m,
               generate_series(date_bin('15 minutes', m.from_at, 'epoch'), m.to_at - interval '1 millisecond', interval '15 minutes') AS b
        WHERE b < f.horizon_at)::bigint AS dirty_quarter_hours
FROM (SELECT 1) AS one
LEFT JOIN talktime.calendars AS k ON k.calendar_no = 0
LEFT JOIN (SELECT horizon_at, derived_at FROM talktime.derivations ORDER BY horizon_at DESC, derivation_id DESC LIMIT 1) AS f ON true;

-- The dictionary: every measure of every view. Comments on columns are made from
-- it, so that they cannot disagree.
CREATE TABLE talktime.metrics (
    metric     text PRIMARY KEY,
    meaning    text NOT NULL,
    formula    text NOT NULL,
    unit       text NOT NULL,
    additivity text NOT NULL,
    since      integer NOT NULL
);
COMMENT ON TABLE talktime.metrics IS 'Reference: the measures of bi_v1, one row a column name; it means the same in every view.';
COMMENT ON COLUMN talktime.metrics.metric IS 'Name of the column.';
COMMENT ON COLUMN talktime.metrics.meaning IS 'What it is.';
COMMENT ON COLUMN talktime.metrics.formula IS 'How it is made, of the gateway''s words or of other columns.';
COMMENT ON COLUMN talktime.metrics.unit IS 'Its unit.';
COMMENT ON COLUMN talktime.metrics.additivity IS 'Whether its values may be summed, and what to do where not.';
COMMENT ON COLUMN talktime.metrics.since IS 'Version of the schema that brought it.';

WITH figures (figure, is_evident, words, formula) AS (VALUES
    ('talk',          true,  'time talking, hold included',                             'isWorking, whatever the code'),
    ('reserved',      true,  'time ringing or being seized',                            'code 7, not working'),
    ('acw',           true,  'time in after-call work',                                 'code 5, not working'),
    ('available',     true,  'time available for a call',                               'codes 4 and 6, not working'),
    ('busy',          true,  'time busy',                                               'code 3, not working'),
    ('rest',          true,  'time at rest',                                            'code 8, not working'),
    ('pre_rest',      true,  'time waiting for a rest that was asked for',              'code 9, not working'),
    ('other',         true,  'time in an unknown or undocumented state',                'codes 0, 1 and unknown ones, not working'),
    ('signed_out',    true,  'time signed out',                                         'code 2 not working, or not signed in'),
    ('failed',        false, 'time not observed: polls failed',                         'ticks without an observation, of which a poll is stored'),
    ('recorder_down', false, 'time not observed: no recorder polled',                   'ticks without an observation, of which no poll is stored'),
    ('unscheduled',   false, 'time not observed: no poll was due',                      'what no tick claims'),
    ('pending',       false, 'time not settled yet; 0 in every final row',              'from the horizon on'),
    ('handle',        true,  'time handling calls',                                     'talk + acw'),
    ('not_ready',     true,  'time not ready',                                          'busy + rest + pre_rest'),
    ('staffed',       true,  'time signed in',                                          'talk + reserved + acw + available + busy + rest + pre_rest + other'),
    ('observed',      false, 'time the gateway told of',                                'staffed + signed_out'),
    ('unobserved',    false, 'time a poll was due for and brought no answer',           'failed + recorder_down'),
    ('window',        false, 'all time of the row',                                     'staffed + signed_out + unobserved + unscheduled + pending')
),
ratios (ratio, words, numerator, denominator) AS (VALUES
    ('occupancy',           'share of handling in the time with or ready for a call', 'talk + acw',            'talk + acw + available'),
    ('occupancy_incl_ring', 'the same with ringing on both sides',                    'talk + acw + reserved', 'talk + acw + reserved + available'),
    ('ready_utilization',   'share of handling in the time signed in and ready',      'talk + acw',            'staffed - not_ready'),
    ('staffed_utilization', 'share of handling in the time signed in',                'talk + acw',            'staffed'),
    ('talk_share',          'share of talk in the time signed in',                    'talk',                  'staffed'),
    ('not_ready',           'share of not ready in the time signed in',               'not_ready',             'staffed'),
    ('coverage',            'share of the time polls were due for that was observed', 'observed',              'observed + unobserved')
),
units (suffix, unit) AS (VALUES ('_seconds', 'seconds'), ('_ms', 'milliseconds')),
counts (outcome, words) AS (
    SELECT outcome::text, meaning FROM talktime.outcomes
)
INSERT INTO talktime.metrics (metric, meaning, formula, unit, additivity, since)
SELECT figure || suffix, words || CASE WHEN is_evident THEN '. 0 means observed and none, empty that nothing was observed' ELSE '' END, formula, unit, 'additive', 10
FROM figures, units
UNION ALL
SELECT figure || '_low' || suffix, 'at least that much of ' || figure || ': its time outside all its edges', 'time further from a change than the samples around it', unit, 'additive', 10
FROM figures, units WHERE is_evident
UNION ALL
SELECT figure || '_high' || suffix, 'at most that much of ' || figure || ', if nothing but the changes seen happened between samples',
       format('least(%s_low + %s_reach, window)', figure, figure), unit, 'not additive: sum low and reach, then least(low + reach, window)', 10
FROM figures, units WHERE is_evident
UNION ALL
SELECT figure || '_reach_ms', 'length of all edges of ' || figure, 'changes, and a period beside each hole', 'milliseconds', 'additive', 10
FROM figures WHERE is_evident
UNION ALL
SELECT figure || '_stderr_seconds', format('standard error of %s of sampling; empty where no change was seen. 95 %% lie within 1.96 times of it', figure),
       'square root of the variance', 'seconds', 'not additive: sum variances of days, then take the root', 10
FROM figures WHERE is_evident
UNION ALL
SELECT figure || '_variance_s2', format('variance of %s of sampling, of an agent and day; 0 where no change was seen', figure),
       'two-state signal looked at every d seconds: C*p*q*d*(coth(x/2) - 2/x)', 'square seconds', 'additive over agents and days', 10
FROM figures WHERE is_evident
UNION ALL
SELECT ratio || '_pct', words || '; empty where the denominator is 0' || CASE ratio WHEN 'coverage' THEN '. Rounded down' ELSE ' or coverage is below 90 %' END,
       format('100 * (%s) / (%s)', numerator, denominator), 'percent', format('not additive: sum %s_numerator_ms and %s_denominator_ms, then divide', ratio, ratio), 10
FROM ratios
UNION ALL
SELECT ratio || '_numerator_ms', format('numerator of %s_pct', ratio), numerator, 'milliseconds', 'additive', 10 FROM ratios
UNION ALL
SELECT ratio || '_denominator_ms', format('denominator of %s_pct', ratio), denominator, 'milliseconds', 'additive', 10 FROM ratios
UNION ALL
SELECT outcome || '_polls', format('polls that ended %s: %s', outcome, words), 'count', 'polls', 'additive', 10 FROM counts
UNION ALL
VALUES
    ('seconds',      'length of the row: of its measure, episode or session', 'ms / 1000', 'seconds', 'additive within one measure', 10),
    ('ms',           'length of the row: of its measure, episode or session', 'end - start', 'milliseconds', 'additive within one measure', 10),
    ('low_seconds',  'at least that much of the measure: its time outside all its edges; empty where nothing was observed', 'low_ms / 1000', 'seconds', 'additive within one measure', 10),
    ('low_ms',       'at least that much of the measure: its time outside all its edges; empty where nothing was observed', 'time further from a change than the samples around it', 'milliseconds', 'additive within one measure', 10),
    ('high_seconds', 'at most that much of the measure, if nothing but the changes seen happened between samples; empty where nothing was observed', 'least(low + reach, 900)', 'seconds', 'not additive: sum low and reach, then least(low + reach, window)', 10),
    ('high_ms',      'at most that much of the measure, if nothing but the changes seen happened between samples; empty where nothing was observed', 'least(low + reach, 900000)', 'milliseconds', 'not additive: sum low and reach, then least(low + reach, window)', 10),
    ('reach_ms',     'length of all edges of the measure; empty for time not observed', 'changes, and a period beside each hole', 'milliseconds', 'additive within one measure', 10),
    ('talk_entries', 'talk episodes seen to begin: not a count of calls, of which short ones are missed and neighbours merged; empty where nothing was observed', 'talk observations after another measure, or after a hole', 'count', 'additive', 10),
    ('conflicts',    'observations whose isWorking contradicts their state code; empty where nothing was observed', 'isWorking with a code other than 7, 3, 9', 'count', 'additive', 10),
    ('quarter_hours', 'rows of fct_agent_quarter_hours that the row sums', 'count', 'quarter-hours', 'additive', 10),
    ('revision',     '1 until final, then one more for every change of the row''s figures; of a day the largest of its quarter-hours', 'count', 'revisions', 'not additive: take the largest', 10),
    ('period_seconds', 'p: the smaller of the distances to the schedule''s neighbouring due instants, at most an hour', 'period_ms / 1000', 'seconds', 'not additive: take the largest', 10),
    ('period_ms',    'p: the smaller of the distances to the schedule''s neighbouring due instants, at most an hour', 'of the schedule', 'milliseconds', 'not additive: take the largest', 10),
    ('round_seconds', 'how long the round took; empty for a missed tick', 'finished_at - started_at', 'seconds', 'not additive: rounds of several schedules overlap', 10),
    ('round_ms',     'how long the round took; empty for a missed tick', 'finished_at - started_at', 'milliseconds', 'not additive: rounds of several schedules overlap', 10),
    ('agents_due',   'agents that were due at the tick', 'size of its agent set', 'agents', 'additive over ticks, as polls that were due; not a count of different agents', 10),
    ('polls',        'polls that were made, whatever became of them', 'sum of the outcomes', 'polls', 'additive', 10),
    ('current_agents', 'agent ids that are in the team now', 'count', 'agents', 'additive over teams', 10),
    ('seconds_in_day', 'length of the local day', 'ends_at - starts_at', 'seconds', 'additive over the days of one zone', 10),
    ('quarter_hours_in_day', 'length of the local day: 92, 96 or 100, 94 or 98 on Lord Howe', 'seconds_in_day / 900', 'quarter-hours', 'additive over the days of one zone', 10),
    ('horizon_age_seconds', 'how long ago the horizon was', 'now - horizon_at', 'seconds', 'not additive', 10),
    ('dirty_quarter_hours', 'quarter-hours before the horizon that wait to be derived again', 'distinct quarter-hours of the marks', 'quarter-hours', 'not additive', 10);

CREATE VIEW bi_v1.meta_metrics AS
SELECT m.metric, m.meaning, m.formula, m.unit, m.additivity, m.since FROM talktime.metrics AS m;

-- +goose StatementBegin
DO $$
DECLARE
    what record;
BEGIN
    FOR what IN
        SELECT * FROM (VALUES
            ('fct_agent_quarter_hours', 'What each agent did in each quarter-hour, one column a measure. Key: agent_id, bin_start_at. A row wherever a poll was due or time was counted, so unobserved quarter-hours are rows; window_seconds is 900. Reads little where bin_start_at is bounded.'),
            ('fct_agent_state_quarter_hours', 'The same, one row a measure. Key: agent_id, bin_start_at, measure. The thirteen of a quarter-hour sum to 900 s.'),
            ('fct_agent_days', 'What each agent did on each local day, in each configured zone: sum within one time_zone. Key: time_zone, local_date, agent_id, part_start_at: a day in which an agent id or its team changes hands has a row for each part. A running day reaches to the horizon, the rest is pending.'),
            ('fct_agent_episodes', 'Maximal runs of one state of one agent, and of not being observed by cause; whole, over midnight. Key: agent_id, started_at. Reads little where bin_start_at is bounded. Only closed quarter-hours are in it.'),
            ('fct_agent_sessions', 'Runs of staffed time that go over unobserved holes of up to ten minutes. Key: agent_id, first_staffed_at. Reads little where bin_start_at is bounded. Only closed quarter-hours are in it.'),
            ('fct_samples', 'Every poll''s answer or failure, one row an agent and tick. Kept for days, not months. Reads little where polled_at is bounded.'),
            ('fct_ticks', 'Due instants of schedules and what became of them. Key: schedule_name, due_at, shard. Of no agent in particular.'),
            ('dim_agents', 'Who holds each agent id now. Key: agent_id. Everyone who was ever due, polled or named.'),
            ('dim_agent_history', 'Who held an agent id, by what name and in which team, and when. Key: agent_id, valid_from_at. A quarter-hour belongs to the row valid at its start.'),
            ('dim_teams', 'Every team there ever was, and the empty one for none. Key: team.'),
            ('dim_states', 'What each pair of agent_state and is_working counts for. Key: agent_state, is_working. A pair that is not here is talk when working, other when not.'),
            ('dim_dates', 'Local days of each configured zone. Key: time_zone, local_date. Join facts by starts_at <= bin_start_at AND bin_start_at < ends_at: that leaves out what lies elsewhere. Whole years, for date tables.'),
            ('dim_quarter_hours', 'Quarter-hours of each configured zone and what a local clock shows of them. Key: time_zone, bin_start_at.'),
            ('meta_metrics', 'The dictionary: every measure of every view. Key: metric, the column''s name.'),
            ('meta_freshness', 'How far the data reaches and what made it. One row.'),
            ('meta_deletions', 'Rows that vanished from fct_agent_quarter_hours, for copies that are kept up. Key: derivation_id, agent_id, bin_start_at.')
        ) AS v (view_name, words)
    LOOP
        EXECUTE format('COMMENT ON VIEW bi_v1.%I IS %L', what.view_name, what.words);
    END LOOP;

    FOR what IN
        WITH keys (view_name, column_name, words) AS (VALUES
            (NULL, 'agent_id', 'The gateway''s number of the agent. An id may pass from one person to another.'),
            (NULL, 'agent_key', 'Number of the person who holds the agent id; empty while it is nobody''s.'),
            (NULL, 'agent_name', 'The person''s name then, as the roster has it now; empty for none. Looked up, not stored: it may change without a new derivation_id.'),
            (NULL, 'team', 'The team then, as the roster has it now; empty for none. Looked up, not stored: it may change without a new derivation_id.'),
            (NULL, 'local_date', 'The local day it begins in, of time_zone where the view has it, else of the main zone (meta_freshness). Looked up, not stored: to read little, join dim_dates or bound bin_start_at instead.'),
            (NULL, 'bin_start_at', 'Start of the quarter-hour in which it lies or begins, UTC. Never changes: bound it to read little.'),
            (NULL, 'bin_end_at', 'End of the quarter-hour, UTC, not included.'),
            (NULL, 'half_hour_start_at', 'Start of the local half-hour it is in: grouped by it, rows are those of reports by 30m.'),
            (NULL, 'hour_start_at', 'Start of the local hour it is in: grouped by it, rows are those of reports by 60m.'),
            (NULL, 'utc_offset', 'What a local clock is ahead of UTC at the start, such as +01:00.'),
            (NULL, 'local_time', 'What a local clock shows at the start, such as 08:15; some come twice a day in autumn.'),
            (NULL, 'time_zone', 'Zone of the tz database that local dates and times are of.'),
            (NULL, 'is_main_zone', 'True for the zone that facts have local dates of: time_zone of the configuration.'),
            (NULL, 'measure', 'What the time counts for: talk, reserved, acw … (meta_metrics). Empty where not observed.'),
            ('fct_agent_state_quarter_hours', 'measure', 'What the time counts for: one of thirteen, of talk to pending (meta_metrics).'),
            (NULL, 'is_final', 'True once no outstanding poll can change the row and the settle delay has passed.'),
            (NULL, 'updated_at', 'When the figures, or is_final, last changed; never for anything else.'),
            (NULL, 'derivation_id', 'The derivation that last changed the row: the watermark of incremental refresh. A higher one was always committed later.'),
            (NULL, 'agent_state', 'The gateway''s agentState code; empty where not observed.'),
            (NULL, 'is_working', 'The gateway''s isWorking: the agent is talking; empty where not observed.'),
            (NULL, 'started_after_at', 'The last sample before that shows another state: it began after it. Empty where nothing was observed just before.'),
            (NULL, 'started_before_at', 'The first sample inside: it began before it.'),
            (NULL, 'ended_after_at', 'The last sample inside: it ended after it. Empty while it goes on.'),
            (NULL, 'ended_before_at', 'The first sample after that shows another state: it ended before it. Empty while it goes on, or where nothing was observed just after.'),
            (NULL, 'is_conflict', 'True where isWorking contradicts the state code.'),
            (NULL, 'shard', 'Part of a sharded recorder; 0 until there is one.'),
            (NULL, 'started_at', 'When it began, UTC.'),
            (NULL, 'business_day_start', 'Local time of day at which a day begins, such as 00:00.'),
            (NULL, 'starts_at', 'When the local day begins, UTC.'),
            (NULL, 'ends_at', 'When the local day ends, UTC, not included.'),
            (NULL, 'valid_from_at', 'From this instant on the id was this person''s, by this name and in this team.'),
            (NULL, 'valid_to_at', 'Up to this instant, not included; empty in the last row of an id.'),
            ('fct_agent_days', 'bin_start_at', 'When the local day begins, UTC.'),
            ('fct_agent_days', 'bin_end_at', 'When the local day ends, UTC, not included.'),
            ('fct_agent_days', 'part_start_at', 'Start of the part of the day the row is of: the day''s, or where the id or its team changed hands in it.'),
            ('fct_agent_days', 'part_end_at', 'End of that part, not included.'),
            ('fct_agent_days', 'is_final', 'True once all quarter-hours of it are final and none is to come.'),
            ('fct_agent_episodes', 'ended_at', 'When it ended, UTC, not included; the end of the last closed quarter-hour while is_open.'),
            ('fct_agent_episodes', 'cause', 'Why the agent was not observed: failed or recorder_down; empty where observed.'),
            ('fct_agent_episodes', 'is_open', 'True where it goes on past the last closed quarter-hour.'),
            ('fct_agent_episodes', 'is_cut_by_gap', 'True where an end lies beside time not observed: the state may have begun earlier or lasted longer.'),
            ('fct_agent_sessions', 'first_staffed_at', 'When the session began, UTC.'),
            ('fct_agent_sessions', 'last_staffed_at', 'When it ended, UTC, not included.'),
            ('fct_agent_sessions', 'end_kind', 'observed: the agent was seen signed out; unknown: nobody looked for longer than ten minutes; open: it goes on.'),
            ('fct_agent_sessions', 'suspected_left_signed_in', 'True where more than four hours without talk reach over the end of a business day. Nothing is left out for it.'),
            ('fct_samples', 'bin_start_at', 'Start of the quarter-hour the sample is in, UTC. Computed: bound polled_at to read little.'),
            ('fct_samples', 'polled_at', 'Midpoint of request and reply, UTC.'),
            ('fct_samples', 'outcome', 'What became of the poll: observed, not_signed_in, unauthorized, bad_request, gateway_error, unreachable, bad_reply or skipped.'),
            ('fct_samples', 'is_observation', 'True where the outcome says where the agent was; only such samples count as time.'),
            ('fct_samples', 'retcode', 'The gateway''s code of a failed poll, where it gave one.'),
            ('fct_ticks', 'bin_start_at', 'Start of the quarter-hour the due instant is in, UTC. Computed: bound due_at to read little.'),
            ('fct_ticks', 'schedule_name', 'Name of the schedule.'),
            ('fct_ticks', 'due_at', 'The instant the schedule''s cron rule gave, UTC.'),
            ('fct_ticks', 'tick_status', 'taken: a round was made; missed: no recorder made one.'),
            ('fct_ticks', 'started_at', 'When the round''s first poll began, UTC; empty for a missed tick.'),
            ('fct_ticks', 'finished_at', 'When the round''s last poll ended, UTC; empty for a missed tick.'),
            ('dim_agents', 'agent_name', 'The person''s name now; empty for none.'),
            ('dim_agents', 'team', 'The team now; empty for none.'),
            ('dim_agents', 'valid_from_at', 'Since when; empty where the roster does not know the id.'),
            ('dim_agent_history', 'agent_name', 'The person''s name in that time; empty while the id is nobody''s.'),
            ('dim_agent_history', 'team', 'The person''s team in that time; empty for none.'),
            ('dim_agent_history', 'is_current', 'True for the row that is valid now.'),
            ('dim_teams', 'team', 'Name of the team, as facts have it; empty for none.'),
            ('dim_teams', 'team_label', 'Name of the team, (none) for none.'),
            ('dim_states', 'agent_state', 'The gateway''s agentState code.'),
            ('dim_states', 'is_working', 'The gateway''s isWorking: the agent is talking.'),
            ('dim_states', 'state_label', 'The pair in words.'),
            ('dim_states', 'is_handle', 'True where the time counts as handle.'),
            ('dim_states', 'is_not_ready', 'True where the time counts as not ready.'),
            ('dim_states', 'is_staffed', 'True where the time counts as staffed.'),
            ('dim_dates', 'local_date', 'Date of the day: the local date on which it begins.'),
            ('dim_dates', 'is_dst_change', 'True where the clock changes in the day, so that it is shorter or longer, or begins otherwise than it ends.'),
            ('dim_dates', 'iso_weekday', '1 Monday to 7 Sunday.'),
            ('dim_dates', 'weekday_name', 'Name of the weekday, in English.'),
            ('dim_dates', 'is_weekend', 'True on Saturday and Sunday.'),
            ('dim_dates', 'iso_year', 'Year of the ISO week.'),
            ('dim_dates', 'iso_week', 'Number of the ISO week, from Monday.'),
            ('dim_dates', 'iso_week_label', 'Such as 2026-W47.'),
            ('dim_dates', 'week_start_date', 'The Monday of the week.'),
            ('dim_dates', 'month_start_date', 'The first of the month.'),
            ('dim_dates', 'month_label', 'Such as 2026-11.'),
            ('dim_dates', 'calendar_month', '1 to 12.'),
            ('dim_dates', 'calendar_quarter', '1 to 4.'),
            ('dim_dates', 'calendar_year', 'Year of the date.'),
            ('meta_metrics', 'metric', 'Name of the column; it means the same in every view.'),
            ('meta_metrics', 'meaning', 'What it is.'),
            ('meta_metrics', 'formula', 'How it is made, of the gateway''s words or of other columns.'),
            ('meta_metrics', 'unit', 'Its unit.'),
            ('meta_metrics', 'additivity', 'Whether its values may be summed, and what to do where not.'),
            ('meta_metrics', 'since', 'Version of the schema that brought it.'),
            ('meta_freshness', 'contract_name', 'Name of this schema.'),
            ('meta_freshness', 'schema_version', 'Version of the database''s schema.'),
            ('meta_freshness', 'program_version', 'The recorder that last laid out the calendars; empty before the first.'),
            ('meta_freshness', 'time_zone', 'The main zone: that of local dates in facts but fct_agent_days, which has all.'),
            ('meta_freshness', 'data_from_at', 'Start of the first quarter-hour there is, UTC.'),
            ('meta_freshness', 'horizon_at', 'Figures reach up to this instant, UTC: before it every due tick is stored.'),
            ('meta_freshness', 'derived_at', 'When that was derived.'),
            ('meta_freshness', 'derivation_id', 'The latest derivation: the next watermark of an incremental refresh. Read it before the rows.'),
            ('meta_freshness', 'last_round_at', 'When the latest round ended, UTC.'),
            ('meta_deletions', 'derivation_id', 'The derivation that deleted the row.'),
            ('meta_deletions', 'deleted_at', 'When that was.')
        )
        SELECT c.relname, a.attname,
               coalesce(k.words, g.words, upper(left(m.meaning, 1)) || substr(m.meaning, 2) || '. Formula: ' || m.formula || '. Unit: ' || m.unit || '; ' || m.additivity || '.') AS words
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
        LEFT JOIN keys AS k ON k.view_name = c.relname AND k.column_name = a.attname
        LEFT JOIN keys AS g ON g.view_name IS NULL AND g.column_name = a.attname
        LEFT JOIN talktime.metrics AS m ON m.metric = a.attname
        WHERE c.relnamespace = 'bi_v1'::regnamespace AND c.relkind = 'v'
    LOOP
        EXECUTE format('COMMENT ON COLUMN bi_v1.%I.%I IS %L', what.relname, what.attname, what.words);
    END LOOP;
END $$;
-- +goose StatementEnd

-- The views belong to a role that can do nothing but read what they show. So
-- readers need no right on our tables, and row-level policies on our tables hold
-- through the views: they would not for a superuser's or a table owner's. Roles
-- are the cluster's: another database may have made this one, and may need it still.
-- A function, for a restored dump has other owners; it leaves alone what is right.
-- +goose StatementBegin
CREATE FUNCTION talktime.own_bi_views() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    relation regclass;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'talktime_bi') THEN
        BEGIN
            CREATE ROLE talktime_bi NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL; -- made meanwhile
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'role % may not make the role that the views of bi_v1 belong to; let a superuser run: CREATE ROLE talktime_bi NOLOGIN; GRANT talktime_bi TO %',
                    current_user, quote_ident(current_user);
        END;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'talktime_bi' AND (rolsuper OR rolbypassrls OR rolcanlogin)) THEN
        RAISE EXCEPTION 'role talktime_bi must be an ordinary one; let a superuser run: ALTER ROLE talktime_bi NOSUPERUSER NOBYPASSRLS NOLOGIN';
    END IF;

    IF NOT has_schema_privilege('talktime_bi', 'talktime', 'USAGE') THEN
        GRANT USAGE ON SCHEMA talktime TO talktime_bi;
    END IF;
    FOR relation IN
        SELECT DISTINCT d.refobjid
        FROM pg_class AS c JOIN pg_rewrite AS r ON r.ev_class = c.oid
        JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
        WHERE c.relnamespace = 'bi_v1'::regnamespace AND d.refobjid <> c.oid AND NOT has_table_privilege('talktime_bi', d.refobjid, 'SELECT')
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO talktime_bi', relation);
    END LOOP;

    FOR relation IN
        SELECT oid FROM pg_class WHERE relnamespace = 'bi_v1'::regnamespace AND relkind = 'v' AND relowner <> 'talktime_bi'::regrole
    LOOP
        -- Only a member gives views to a role, and only one that may make them there.
        IF NOT pg_has_role(current_user, 'talktime_bi', 'MEMBER') THEN
            EXECUTE format('GRANT talktime_bi TO %I', current_user);
        END IF;
        GRANT CREATE ON SCHEMA bi_v1 TO talktime_bi;
        EXECUTE format('ALTER VIEW %s OWNER TO talktime_bi', relation);
        REVOKE CREATE ON SCHEMA bi_v1 FROM talktime_bi;
    END LOOP;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION talktime.own_bi_views() IS 'Makes role talktime_bi where it is missing, lets it read what the views of bi_v1 read, and gives it the views.';
SELECT talktime.own_bi_views();

-- +goose Down
DROP SCHEMA bi_v1 CASCADE;
DROP FUNCTION talktime.own_bi_views();
REVOKE ALL ON ALL TABLES IN SCHEMA talktime FROM talktime_bi;
REVOKE ALL ON public.talktime_migrations FROM talktime_bi;
REVOKE ALL ON SCHEMA talktime FROM talktime_bi;
DROP TABLE talktime.metrics, talktime.gone_quarter_hours, talktime.local_quarter_hours, talktime.local_days, talktime.calendars;
DROP TRIGGER agent_sets_inserted ON talktime.agent_sets;
DROP FUNCTION talktime.note_agents();
DROP TABLE talktime.known_agents;
DROP INDEX talktime.agent_history_from, talktime.agent_history_to;
DROP FUNCTION talktime.variance_ms2(bigint, bigint, bigint, bigint, bigint);
COMMENT ON COLUMN talktime.days.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN talktime.days.derivation_id IS 'The last derivation before the row changed: the watermark for incremental refresh.';
