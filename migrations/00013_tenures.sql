-- Names and teams in the views of quarter-hours, past the policy on agent_history.
-- A query with such a policy inside a grouped subquery gets no parallel workers from
-- Postgres 15, which made a day of 5,000 agents by team and half-hour a third slower
-- than asking our tables. The policy on quarter_hours decides which rows are seen; a
-- row shows the name and team at its own start, which are those it was let through by.

-- +goose Up
CREATE VIEW talktime.tenures AS
SELECT a.agent_id, array_agg(a.valid_from) AS starts, array_agg(a.name) AS names, array_agg(a.team) AS teams
FROM (SELECT * FROM talktime.agent_history ORDER BY agent_id, valid_from) AS a GROUP BY a.agent_id;
COMMENT ON VIEW talktime.tenures IS 'The tenures of each agent, for views to look names and teams up by instant. Whoever may read it sees all of them.';
COMMENT ON COLUMN talktime.tenures.agent_id IS 'The agent.';
COMMENT ON COLUMN talktime.tenures.starts IS 'When each tenure begins, in order.';
COMMENT ON COLUMN talktime.tenures.names IS 'The names, in the same order.';
COMMENT ON COLUMN talktime.tenures.teams IS 'The teams, in the same order.';

CREATE OR REPLACE VIEW bi_v1.fct_agent_quarter_hours AS
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
LEFT JOIN talktime.tenures AS h ON h.agent_id = q.agent_id
LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = q.bin_start_at;

CREATE OR REPLACE VIEW bi_v1.fct_agent_state_quarter_hours AS
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
LEFT JOIN talktime.tenures AS h ON h.agent_id = q.agent_id
LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = q.bin_start_at;

SELECT talktime.settle_roles();

-- +goose Down
CREATE OR REPLACE VIEW bi_v1.fct_agent_quarter_hours AS
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

CREATE OR REPLACE VIEW bi_v1.fct_agent_state_quarter_hours AS
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
DROP VIEW talktime.tenures;
