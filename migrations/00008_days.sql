-- +goose Up
-- What is kept beside quarter_hours so that reports of weeks and months read a
-- hundredth of the rows. Nothing here is a figure of its own: dropping all of it
-- changes no report.
CREATE TABLE talktime.days (
    agent_id integer NOT NULL,
    time_zone text NOT NULL,
    business_day_start time NOT NULL,
    local_date date NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    talk_ms bigint NOT NULL,
    reserved_ms bigint NOT NULL,
    acw_ms bigint NOT NULL,
    available_ms bigint NOT NULL,
    busy_ms bigint NOT NULL,
    rest_ms bigint NOT NULL,
    pre_rest_ms bigint NOT NULL,
    other_ms bigint NOT NULL,
    signed_out_ms bigint NOT NULL,
    failed_ms bigint NOT NULL,
    recorder_down_ms bigint NOT NULL,
    unscheduled_ms bigint NOT NULL,
    pending_ms bigint NOT NULL,
    talk_low_ms bigint NOT NULL,
    talk_reach_ms bigint NOT NULL,
    talk_edge_ms bigint NOT NULL,
    reserved_low_ms bigint NOT NULL,
    reserved_reach_ms bigint NOT NULL,
    reserved_edge_ms bigint NOT NULL,
    acw_low_ms bigint NOT NULL,
    acw_reach_ms bigint NOT NULL,
    acw_edge_ms bigint NOT NULL,
    available_low_ms bigint NOT NULL,
    available_reach_ms bigint NOT NULL,
    available_edge_ms bigint NOT NULL,
    busy_low_ms bigint NOT NULL,
    busy_reach_ms bigint NOT NULL,
    busy_edge_ms bigint NOT NULL,
    rest_low_ms bigint NOT NULL,
    rest_reach_ms bigint NOT NULL,
    rest_edge_ms bigint NOT NULL,
    pre_rest_low_ms bigint NOT NULL,
    pre_rest_reach_ms bigint NOT NULL,
    pre_rest_edge_ms bigint NOT NULL,
    other_low_ms bigint NOT NULL,
    other_reach_ms bigint NOT NULL,
    other_edge_ms bigint NOT NULL,
    signed_out_low_ms bigint NOT NULL,
    signed_out_reach_ms bigint NOT NULL,
    signed_out_edge_ms bigint NOT NULL,
    handle_low_ms bigint NOT NULL,
    handle_reach_ms bigint NOT NULL,
    handle_edge_ms bigint NOT NULL,
    not_ready_low_ms bigint NOT NULL,
    not_ready_reach_ms bigint NOT NULL,
    not_ready_edge_ms bigint NOT NULL,
    staffed_low_ms bigint NOT NULL,
    staffed_reach_ms bigint NOT NULL,
    staffed_edge_ms bigint NOT NULL,
    change_ms bigint NOT NULL,
    change_sq bigint NOT NULL,
    talk_entries bigint NOT NULL,
    conflicts bigint NOT NULL,
    quarter_hours integer NOT NULL,
    final_quarter_hours integer NOT NULL,
    last_bin_start_at timestamptz NOT NULL,
    revision integer NOT NULL,
    updated_at timestamptz NOT NULL,
    derivation_id bigint NOT NULL,
    PRIMARY KEY (time_zone, business_day_start, local_date, agent_id),
    -- Every second is accounted for (metrics.md, section 3, identities 1 and 3).
    CONSTRAINT days_identity CHECK (
        talk_ms + reserved_ms + acw_ms + available_ms + busy_ms + rest_ms + pre_rest_ms + other_ms + signed_out_ms
        + failed_ms + recorder_down_ms + unscheduled_ms + pending_ms = 900000 * quarter_hours::bigint),
    CONSTRAINT days_not_negative CHECK (
        least(talk_ms, reserved_ms, acw_ms, available_ms, busy_ms, rest_ms, pre_rest_ms, other_ms, signed_out_ms,
              failed_ms, recorder_down_ms, unscheduled_ms, pending_ms) >= 0),
    CONSTRAINT days_quarter_hours CHECK (
        quarter_hours > 0 AND final_quarter_hours BETWEEN 0 AND quarter_hours
        AND last_bin_start_at >= from_at AND last_bin_start_at < to_at)
);
CREATE INDEX days_derivation ON talktime.days USING brin (derivation_id);
COMMENT ON TABLE talktime.days IS
    'Derived: what an agent''s quarter-hours of one local day sum to, for the configured zones. It holds for the days in kept_days; rows of other days may be out of date.';
COMMENT ON COLUMN talktime.days.agent_id IS 'The gateway''s number of the agent.';
COMMENT ON COLUMN talktime.days.time_zone IS 'Zone of the tz database whose calendar the day is of.';
COMMENT ON COLUMN talktime.days.business_day_start IS 'Local time of day at which the day begins.';
COMMENT ON COLUMN talktime.days.local_date IS 'Date of the day: the local date on which it begins.';
COMMENT ON COLUMN talktime.days.from_at IS 'Start of its first quarter-hour, UTC.';
COMMENT ON COLUMN talktime.days.to_at IS 'End of its last quarter-hour, UTC, not included. A day has 92, 96 or 100 quarter-hours, 94 or 98 on Lord Howe.';
COMMENT ON COLUMN talktime.days.talk_ms IS 'Time talking (isWorking). Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.reserved_ms IS 'Time ringing or being seized (7, not working). Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.acw_ms IS 'Time after-call work (5). Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.available_ms IS 'Time available (4, 6). Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.busy_ms IS 'Time busy (3). Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.rest_ms IS 'Time at rest (8). Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.pre_rest_ms IS 'Time waiting for rest (9). Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.other_ms IS 'Time in an unknown or undocumented state. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.signed_out_ms IS 'Time signed out (2, or not signed in). Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.failed_ms IS 'Time not observed: polls failed. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.recorder_down_ms IS 'Time not observed: no recorder polled. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.unscheduled_ms IS 'Time not observed: no poll was due. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.pending_ms IS 'Time not settled yet; 0 in every final row. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.talk_low_ms IS 'Part of the time talking (isWorking) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.talk_reach_ms IS 'Length of all edges of the time talking (isWorking) in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.talk_edge_ms IS 'Summed length of the changes into or out of talking (isWorking) whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.reserved_low_ms IS 'Part of the time ringing or being seized (7, not working) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.reserved_reach_ms IS 'Length of all edges of the time ringing or being seized (7, not working) in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.reserved_edge_ms IS 'Summed length of the changes into or out of ringing or being seized (7, not working) whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.acw_low_ms IS 'Part of the time after-call work (5) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.acw_reach_ms IS 'Length of all edges of the time after-call work (5) in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.acw_edge_ms IS 'Summed length of the changes into or out of after-call work (5) whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.available_low_ms IS 'Part of the time available (4, 6) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.available_reach_ms IS 'Length of all edges of the time available (4, 6) in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.available_edge_ms IS 'Summed length of the changes into or out of available (4, 6) whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.busy_low_ms IS 'Part of the time busy (3) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.busy_reach_ms IS 'Length of all edges of the time busy (3) in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.busy_edge_ms IS 'Summed length of the changes into or out of busy (3) whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.rest_low_ms IS 'Part of the time at rest (8) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.rest_reach_ms IS 'Length of all edges of the time at rest (8) in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.rest_edge_ms IS 'Summed length of the changes into or out of at rest (8) whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.pre_rest_low_ms IS 'Part of the time waiting for rest (9) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.pre_rest_reach_ms IS 'Length of all edges of the time waiting for rest (9) in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.pre_rest_edge_ms IS 'Summed length of the changes into or out of waiting for rest (9) whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.other_low_ms IS 'Part of the time in an unknown or undocumented state that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.other_reach_ms IS 'Length of all edges of the time in an unknown or undocumented state in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.other_edge_ms IS 'Summed length of the changes into or out of in an unknown or undocumented state whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.signed_out_low_ms IS 'Part of the time signed out (2, or not signed in) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.signed_out_reach_ms IS 'Length of all edges of the time signed out (2, or not signed in) in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.signed_out_edge_ms IS 'Summed length of the changes into or out of signed out (2, or not signed in) whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.handle_low_ms IS 'Part of the time handle (talk, acw) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.handle_reach_ms IS 'Length of all edges of the time handle (talk, acw) in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.handle_edge_ms IS 'Summed length of the changes into or out of handle (talk, acw) whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.not_ready_low_ms IS 'Part of the time not ready (busy, rest, pre_rest) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.not_ready_reach_ms IS 'Length of all edges of the time not ready (busy, rest, pre_rest) in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.not_ready_edge_ms IS 'Summed length of the changes into or out of not ready (busy, rest, pre_rest) whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.staffed_low_ms IS 'Part of the time staffed (all states but signed_out) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.staffed_reach_ms IS 'Length of all edges of the time staffed (all states but signed_out) in this day; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.staffed_edge_ms IS 'Summed length of the changes into or out of staffed (all states but signed_out) whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.change_ms IS 'Summed length of all changes whose second sample lies in this day. Milliseconds, additive.';
COMMENT ON COLUMN talktime.days.change_sq IS 'Sum of the squared lengths of those changes. Square milliseconds, additive.';
COMMENT ON COLUMN talktime.days.talk_entries IS 'Talk episodes seen to begin in this day: not a count of calls. Additive.';
COMMENT ON COLUMN talktime.days.conflicts IS 'Observations in this day whose isWorking contradicts their state code. Additive.';
COMMENT ON COLUMN talktime.days.quarter_hours IS 'How many rows of quarter_hours are summed: those of the day the agent has.';
COMMENT ON COLUMN talktime.days.final_quarter_hours IS 'How many of them are final.';
COMMENT ON COLUMN talktime.days.last_bin_start_at IS 'Start of the latest of them, UTC.';
COMMENT ON COLUMN talktime.days.revision IS 'The largest revision among them.';
COMMENT ON COLUMN talktime.days.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN talktime.days.derivation_id IS 'The last derivation before the row changed: the watermark for incremental refresh.';

CREATE TABLE talktime.kept_days (
    time_zone          text NOT NULL,
    business_day_start time NOT NULL,
    local_date         date NOT NULL,
    from_at            timestamptz NOT NULL,
    to_at              timestamptz NOT NULL,
    kept_at            timestamptz NOT NULL,
    PRIMARY KEY (time_zone, business_day_start, local_date)
);
COMMENT ON TABLE talktime.kept_days IS
    'Ledger: the local days whose rows in days are what quarter_hours sum to, for every agent. A derivation that changes a quarter-hour strikes its days off in the same transaction.';
COMMENT ON COLUMN talktime.kept_days.time_zone IS 'Zone of the tz database whose calendar the day is of.';
COMMENT ON COLUMN talktime.kept_days.business_day_start IS 'Local time of day at which the day begins.';
COMMENT ON COLUMN talktime.kept_days.local_date IS 'Date of the day: the local date on which it begins.';
COMMENT ON COLUMN talktime.kept_days.from_at IS 'Start of its first quarter-hour, UTC.';
COMMENT ON COLUMN talktime.kept_days.to_at IS 'End of its last quarter-hour, UTC, not included.';
COMMENT ON COLUMN talktime.kept_days.kept_at IS 'The program''s clock when its rows were last summed.';

-- +goose Down
DROP TABLE talktime.kept_days, talktime.days;
