-- Days kept beside quarter_hours: see kept_days, the ledger of which hold.

-- name: KeptDays :many
SELECT time_zone, to_char(business_day_start, 'HH24:MI') AS business_day_start, local_date::text AS local_date, from_at, to_at
FROM talktime.kept_days
WHERE from_at >= @from_at::timestamptz AND to_at <= @to_at::timestamptz
ORDER BY from_at, to_at, time_zone, business_day_start;

-- Days stay that cannot be summed again, for retention has dropped quarter-hours of
-- theirs.
-- name: StrikeDays :exec
DELETE FROM talktime.kept_days AS k
WHERE k.from_at < @to_at::timestamptz AND k.to_at > @from_at::timestamptz
  AND NOT EXISTS (SELECT FROM talktime.drops AS g WHERE g.relation = 'quarter_hours' AND g.from_at < k.to_at AND g.to_at > k.from_at);

-- name: FirstQuarterHour :one
SELECT bin_start_at FROM talktime.quarter_hours ORDER BY bin_start_at LIMIT 1;

-- Sums one local day of every agent and merges it: rows that differ are written,
-- vanished ones deleted, equal ones not touched.
-- name: KeepDay :exec
WITH day AS (
    SELECT @time_zone::text AS time_zone, (@business_day_start::text)::time AS business_day_start, (@local_date::text)::date AS local_date,
           @from_at::timestamptz AS from_at, @to_at::timestamptz AS to_at, @kept_at::timestamptz AS kept_at
),
-- A quarter-hour that vanished changes its day, too.
gone_before AS (
    SELECT agent_id, max(gone_at) AS gone_at, max(derivation_id) AS gone_id
    FROM talktime.gone_quarter_hours
    WHERE bin_start_at >= (SELECT from_at FROM day) AND bin_start_at < (SELECT to_at FROM day)
    GROUP BY agent_id
),
summed AS MATERIALIZED (
    SELECT q.agent_id,
           sum(talk_ms)::bigint AS talk_ms, sum(reserved_ms)::bigint AS reserved_ms, sum(acw_ms)::bigint AS acw_ms,
           sum(available_ms)::bigint AS available_ms, sum(busy_ms)::bigint AS busy_ms, sum(rest_ms)::bigint AS rest_ms,
           sum(pre_rest_ms)::bigint AS pre_rest_ms, sum(other_ms)::bigint AS other_ms, sum(signed_out_ms)::bigint AS signed_out_ms,
           sum(failed_ms)::bigint AS failed_ms, sum(recorder_down_ms)::bigint AS recorder_down_ms, sum(unscheduled_ms)::bigint AS unscheduled_ms,
           sum(pending_ms)::bigint AS pending_ms, sum(talk_low_ms)::bigint AS talk_low_ms, sum(talk_reach_ms)::bigint AS talk_reach_ms,
           sum(talk_edge_ms)::bigint AS talk_edge_ms, sum(reserved_low_ms)::bigint AS reserved_low_ms,
           sum(reserved_reach_ms)::bigint AS reserved_reach_ms, sum(reserved_edge_ms)::bigint AS reserved_edge_ms,
           sum(acw_low_ms)::bigint AS acw_low_ms, sum(acw_reach_ms)::bigint AS acw_reach_ms, sum(acw_edge_ms)::bigint AS acw_edge_ms,
           sum(available_low_ms)::bigint AS available_low_ms, sum(available_reach_ms)::bigint AS available_reach_ms,
           sum(available_edge_ms)::bigint AS available_edge_ms, sum(busy_low_ms)::bigint AS busy_low_ms, sum(busy_reach_ms)::bigint AS busy_reach_ms,
           sum(busy_edge_ms)::bigint AS busy_edge_ms, sum(rest_low_ms)::bigint AS rest_low_ms, sum(rest_reach_ms)::bigint AS rest_reach_ms,
           sum(rest_edge_ms)::bigint AS rest_edge_ms, sum(pre_rest_low_ms)::bigint AS pre_rest_low_ms,
           sum(pre_rest_reach_ms)::bigint AS pre_rest_reach_ms, sum(pre_rest_edge_ms)::bigint AS pre_rest_edge_ms,
           sum(other_low_ms)::bigint AS other_low_ms, sum(other_reach_ms)::bigint AS other_reach_ms, sum(other_edge_ms)::bigint AS other_edge_ms,
           sum(signed_out_low_ms)::bigint AS signed_out_low_ms, sum(signed_out_reach_ms)::bigint AS signed_out_reach_ms,
           sum(signed_out_edge_ms)::bigint AS signed_out_edge_ms, sum(handle_low_ms)::bigint AS handle_low_ms,
           sum(handle_reach_ms)::bigint AS handle_reach_ms, sum(handle_edge_ms)::bigint AS handle_edge_ms,
           sum(not_ready_low_ms)::bigint AS not_ready_low_ms, sum(not_ready_reach_ms)::bigint AS not_ready_reach_ms,
           sum(not_ready_edge_ms)::bigint AS not_ready_edge_ms, sum(staffed_low_ms)::bigint AS staffed_low_ms,
           sum(staffed_reach_ms)::bigint AS staffed_reach_ms, sum(staffed_edge_ms)::bigint AS staffed_edge_ms, sum(change_ms)::bigint AS change_ms,
           sum(change_sq)::bigint AS change_sq, sum(talk_entries)::bigint AS talk_entries, sum(conflicts)::bigint AS conflicts,
           count(*)::integer AS quarter_hours, (count(*) FILTER (WHERE is_final))::integer AS final_quarter_hours,
           max(bin_start_at) AS last_bin_start_at, max(revision) AS revision,
           greatest(max(q.updated_at), max(g.gone_at)) AS updated_at, greatest(max(q.derivation_id), max(g.gone_id)) AS derivation_id
    FROM talktime.quarter_hours AS q
    LEFT JOIN gone_before AS g ON g.agent_id = q.agent_id
    WHERE q.bin_start_at >= (SELECT from_at FROM day) AND q.bin_start_at < (SELECT to_at FROM day)
    GROUP BY q.agent_id
),
stored AS (
    SELECT days.* FROM talktime.days JOIN day USING (time_zone, business_day_start, local_date)
),
differing AS (
    SELECT s.*
    FROM summed AS s CROSS JOIN day
    LEFT JOIN stored AS d USING (agent_id)
    WHERE d.agent_id IS NULL OR d.from_at <> day.from_at OR d.to_at <> day.to_at
       OR (
            s.talk_ms, s.reserved_ms, s.acw_ms, s.available_ms, s.busy_ms, s.rest_ms, s.pre_rest_ms, s.other_ms, s.signed_out_ms, s.failed_ms,
            s.recorder_down_ms, s.unscheduled_ms, s.pending_ms, s.talk_low_ms, s.talk_reach_ms, s.talk_edge_ms, s.reserved_low_ms,
            s.reserved_reach_ms, s.reserved_edge_ms, s.acw_low_ms, s.acw_reach_ms, s.acw_edge_ms, s.available_low_ms, s.available_reach_ms,
            s.available_edge_ms, s.busy_low_ms, s.busy_reach_ms, s.busy_edge_ms, s.rest_low_ms, s.rest_reach_ms, s.rest_edge_ms, s.pre_rest_low_ms,
            s.pre_rest_reach_ms, s.pre_rest_edge_ms, s.other_low_ms, s.other_reach_ms, s.other_edge_ms, s.signed_out_low_ms, s.signed_out_reach_ms,
            s.signed_out_edge_ms, s.handle_low_ms, s.handle_reach_ms, s.handle_edge_ms, s.not_ready_low_ms, s.not_ready_reach_ms, s.not_ready_edge_ms,
            s.staffed_low_ms, s.staffed_reach_ms, s.staffed_edge_ms, s.change_ms, s.change_sq, s.talk_entries, s.conflicts, s.quarter_hours,
            s.final_quarter_hours, s.last_bin_start_at, s.revision, s.derivation_id)
        IS DISTINCT FROM (
            d.talk_ms, d.reserved_ms, d.acw_ms, d.available_ms, d.busy_ms, d.rest_ms, d.pre_rest_ms, d.other_ms, d.signed_out_ms, d.failed_ms,
            d.recorder_down_ms, d.unscheduled_ms, d.pending_ms, d.talk_low_ms, d.talk_reach_ms, d.talk_edge_ms, d.reserved_low_ms,
            d.reserved_reach_ms, d.reserved_edge_ms, d.acw_low_ms, d.acw_reach_ms, d.acw_edge_ms, d.available_low_ms, d.available_reach_ms,
            d.available_edge_ms, d.busy_low_ms, d.busy_reach_ms, d.busy_edge_ms, d.rest_low_ms, d.rest_reach_ms, d.rest_edge_ms, d.pre_rest_low_ms,
            d.pre_rest_reach_ms, d.pre_rest_edge_ms, d.other_low_ms, d.other_reach_ms, d.other_edge_ms, d.signed_out_low_ms, d.signed_out_reach_ms,
            d.signed_out_edge_ms, d.handle_low_ms, d.handle_reach_ms, d.handle_edge_ms, d.not_ready_low_ms, d.not_ready_reach_ms, d.not_ready_edge_ms,
            d.staffed_low_ms, d.staffed_reach_ms, d.staffed_edge_ms, d.change_ms, d.change_sq, d.talk_entries, d.conflicts, d.quarter_hours,
            d.final_quarter_hours, d.last_bin_start_at, d.revision, d.derivation_id)
),
gone AS (
    DELETE FROM talktime.days AS d USING day
    WHERE d.time_zone = day.time_zone AND d.business_day_start = day.business_day_start AND d.local_date = day.local_date
      AND NOT EXISTS (SELECT FROM summed WHERE summed.agent_id = d.agent_id)
),
written AS (
    INSERT INTO talktime.days (
        agent_id, time_zone, business_day_start, local_date, from_at, to_at,
        talk_ms, reserved_ms, acw_ms, available_ms, busy_ms, rest_ms, pre_rest_ms, other_ms, signed_out_ms, failed_ms, recorder_down_ms,
        unscheduled_ms, pending_ms, talk_low_ms, talk_reach_ms, talk_edge_ms, reserved_low_ms, reserved_reach_ms, reserved_edge_ms, acw_low_ms,
        acw_reach_ms, acw_edge_ms, available_low_ms, available_reach_ms, available_edge_ms, busy_low_ms, busy_reach_ms, busy_edge_ms, rest_low_ms,
        rest_reach_ms, rest_edge_ms, pre_rest_low_ms, pre_rest_reach_ms, pre_rest_edge_ms, other_low_ms, other_reach_ms, other_edge_ms,
        signed_out_low_ms, signed_out_reach_ms, signed_out_edge_ms, handle_low_ms, handle_reach_ms, handle_edge_ms, not_ready_low_ms,
        not_ready_reach_ms, not_ready_edge_ms, staffed_low_ms, staffed_reach_ms, staffed_edge_ms, change_ms, change_sq, talk_entries, conflicts,
        quarter_hours, final_quarter_hours, last_bin_start_at, revision, updated_at, derivation_id)
    SELECT d.agent_id, time_zone, business_day_start, local_date, from_at, to_at,
        d.talk_ms, d.reserved_ms, d.acw_ms, d.available_ms, d.busy_ms, d.rest_ms, d.pre_rest_ms, d.other_ms, d.signed_out_ms, d.failed_ms,
        d.recorder_down_ms, d.unscheduled_ms, d.pending_ms, d.talk_low_ms, d.talk_reach_ms, d.talk_edge_ms, d.reserved_low_ms, d.reserved_reach_ms,
        d.reserved_edge_ms, d.acw_low_ms, d.acw_reach_ms, d.acw_edge_ms, d.available_low_ms, d.available_reach_ms, d.available_edge_ms, d.busy_low_ms,
        d.busy_reach_ms, d.busy_edge_ms, d.rest_low_ms, d.rest_reach_ms, d.rest_edge_ms, d.pre_rest_low_ms, d.pre_rest_reach_ms, d.pre_rest_edge_ms,
        d.other_low_ms, d.other_reach_ms, d.other_edge_ms, d.signed_out_low_ms, d.signed_out_reach_ms, d.signed_out_edge_ms, d.handle_low_ms,
        d.handle_reach_ms, d.handle_edge_ms, d.not_ready_low_ms, d.not_ready_reach_ms, d.not_ready_edge_ms, d.staffed_low_ms, d.staffed_reach_ms,
        d.staffed_edge_ms, d.change_ms, d.change_sq, d.talk_entries, d.conflicts, d.quarter_hours, d.final_quarter_hours, d.last_bin_start_at,
        d.revision, d.updated_at, d.derivation_id
    FROM differing AS d CROSS JOIN day
    ON CONFLICT (time_zone, business_day_start, local_date, agent_id) DO UPDATE SET (
        from_at, to_at,
        talk_ms, reserved_ms, acw_ms, available_ms, busy_ms, rest_ms, pre_rest_ms, other_ms, signed_out_ms, failed_ms, recorder_down_ms,
        unscheduled_ms, pending_ms, talk_low_ms, talk_reach_ms, talk_edge_ms, reserved_low_ms, reserved_reach_ms, reserved_edge_ms, acw_low_ms,
        acw_reach_ms, acw_edge_ms, available_low_ms, available_reach_ms, available_edge_ms, busy_low_ms, busy_reach_ms, busy_edge_ms, rest_low_ms,
        rest_reach_ms, rest_edge_ms, pre_rest_low_ms, pre_rest_reach_ms, pre_rest_edge_ms, other_low_ms, other_reach_ms, other_edge_ms,
        signed_out_low_ms, signed_out_reach_ms, signed_out_edge_ms, handle_low_ms, handle_reach_ms, handle_edge_ms, not_ready_low_ms,
        not_ready_reach_ms, not_ready_edge_ms, staffed_low_ms, staffed_reach_ms, staffed_edge_ms, change_ms, change_sq, talk_entries, conflicts,
        quarter_hours, final_quarter_hours, last_bin_start_at, revision, updated_at, derivation_id) = (
        excluded.from_at, excluded.to_at,
        excluded.talk_ms, excluded.reserved_ms, excluded.acw_ms, excluded.available_ms, excluded.busy_ms, excluded.rest_ms, excluded.pre_rest_ms,
        excluded.other_ms, excluded.signed_out_ms, excluded.failed_ms, excluded.recorder_down_ms, excluded.unscheduled_ms, excluded.pending_ms,
        excluded.talk_low_ms, excluded.talk_reach_ms, excluded.talk_edge_ms, excluded.reserved_low_ms, excluded.reserved_reach_ms,
        excluded.reserved_edge_ms, excluded.acw_low_ms, excluded.acw_reach_ms, excluded.acw_edge_ms, excluded.available_low_ms,
        excluded.available_reach_ms, excluded.available_edge_ms, excluded.busy_low_ms, excluded.busy_reach_ms, excluded.busy_edge_ms,
        excluded.rest_low_ms, excluded.rest_reach_ms, excluded.rest_edge_ms, excluded.pre_rest_low_ms, excluded.pre_rest_reach_ms,
        excluded.pre_rest_edge_ms, excluded.other_low_ms, excluded.other_reach_ms, excluded.other_edge_ms, excluded.signed_out_low_ms,
        excluded.signed_out_reach_ms, excluded.signed_out_edge_ms, excluded.handle_low_ms, excluded.handle_reach_ms, excluded.handle_edge_ms,
        excluded.not_ready_low_ms, excluded.not_ready_reach_ms, excluded.not_ready_edge_ms, excluded.staffed_low_ms, excluded.staffed_reach_ms,
        excluded.staffed_edge_ms, excluded.change_ms, excluded.change_sq, excluded.talk_entries, excluded.conflicts, excluded.quarter_hours,
        excluded.final_quarter_hours, excluded.last_bin_start_at, excluded.revision, excluded.updated_at, excluded.derivation_id)
)
INSERT INTO talktime.kept_days (time_zone, business_day_start, local_date, from_at, to_at, kept_at)
SELECT time_zone, business_day_start, local_date, from_at, to_at, kept_at FROM day
ON CONFLICT (time_zone, business_day_start, local_date) DO UPDATE SET (from_at, to_at, kept_at) = (excluded.from_at, excluded.to_at, excluded.kept_at);
