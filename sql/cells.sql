-- What reports read: quarter-hours summed by part and span. A part is a stretch
-- of one agent's time that a report keeps together, such as that of one person in
-- one team; the report gives parts and their order, by which its rows can stream.
-- The spans are given by their starts, so that any zone's days are counted by its
-- own calendar; the span of a row is the number of starts at or before it.

-- name: Cells :many
SELECT parts.part, width_bucket(bin_start_at, @span_starts::timestamptz[])::integer AS span,
       sum(talk_ms)::bigint AS talk_ms, sum(reserved_ms)::bigint AS reserved_ms, sum(acw_ms)::bigint AS acw_ms,
       sum(available_ms)::bigint AS available_ms, sum(busy_ms)::bigint AS busy_ms, sum(rest_ms)::bigint AS rest_ms,
       sum(pre_rest_ms)::bigint AS pre_rest_ms, sum(other_ms)::bigint AS other_ms, sum(signed_out_ms)::bigint AS signed_out_ms,
       sum(failed_ms)::bigint AS failed_ms, sum(recorder_down_ms)::bigint AS recorder_down_ms, sum(unscheduled_ms)::bigint AS unscheduled_ms,
       sum(pending_ms)::bigint AS pending_ms, sum(talk_low_ms)::bigint AS talk_low_ms, sum(reserved_low_ms)::bigint AS reserved_low_ms,
       sum(acw_low_ms)::bigint AS acw_low_ms, sum(available_low_ms)::bigint AS available_low_ms, sum(busy_low_ms)::bigint AS busy_low_ms,
       sum(rest_low_ms)::bigint AS rest_low_ms, sum(pre_rest_low_ms)::bigint AS pre_rest_low_ms, sum(other_low_ms)::bigint AS other_low_ms,
       sum(signed_out_low_ms)::bigint AS signed_out_low_ms, sum(handle_low_ms)::bigint AS handle_low_ms, sum(not_ready_low_ms)::bigint AS not_ready_low_ms,
       sum(staffed_low_ms)::bigint AS staffed_low_ms, sum(talk_reach_ms)::bigint AS talk_reach_ms, sum(reserved_reach_ms)::bigint AS reserved_reach_ms,
       sum(acw_reach_ms)::bigint AS acw_reach_ms, sum(available_reach_ms)::bigint AS available_reach_ms, sum(busy_reach_ms)::bigint AS busy_reach_ms,
       sum(rest_reach_ms)::bigint AS rest_reach_ms, sum(pre_rest_reach_ms)::bigint AS pre_rest_reach_ms, sum(other_reach_ms)::bigint AS other_reach_ms,
       sum(signed_out_reach_ms)::bigint AS signed_out_reach_ms, sum(handle_reach_ms)::bigint AS handle_reach_ms, sum(not_ready_reach_ms)::bigint AS not_ready_reach_ms,
       sum(staffed_reach_ms)::bigint AS staffed_reach_ms, sum(talk_edge_ms)::bigint AS talk_edge_ms, sum(reserved_edge_ms)::bigint AS reserved_edge_ms,
       sum(acw_edge_ms)::bigint AS acw_edge_ms, sum(available_edge_ms)::bigint AS available_edge_ms, sum(busy_edge_ms)::bigint AS busy_edge_ms,
       sum(rest_edge_ms)::bigint AS rest_edge_ms, sum(pre_rest_edge_ms)::bigint AS pre_rest_edge_ms, sum(other_edge_ms)::bigint AS other_edge_ms,
       sum(signed_out_edge_ms)::bigint AS signed_out_edge_ms, sum(handle_edge_ms)::bigint AS handle_edge_ms, sum(not_ready_edge_ms)::bigint AS not_ready_edge_ms,
       sum(staffed_edge_ms)::bigint AS staffed_edge_ms, sum(change_ms)::bigint AS change_ms, sum(change_sq)::bigint AS change_sq,
       sum(talk_entries)::bigint AS talk_entries, sum(conflicts)::bigint AS conflicts,
       count(*) AS bins, max(bin_start_at)::timestamptz AS last_bin, count(*) FILTER (WHERE is_final) AS final_bins, max(revision)::integer AS revision
FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at,
             unnest(@parts_to::timestamptz[]) AS to_at, unnest(@runs::integer[]) AS run,
             generate_subscripts(@agents::integer[], 1) AS part) AS parts
JOIN talktime.quarter_hours ON quarter_hours.agent_id = parts.agent_id
     AND quarter_hours.bin_start_at >= parts.from_at AND quarter_hours.bin_start_at < parts.to_at
WHERE bin_start_at >= @from_at::timestamptz AND bin_start_at < @to_at::timestamptz
GROUP BY parts.run, parts.part, span
ORDER BY parts.run, span, parts.part;

-- name: AgentsWithQuarterHours :one
SELECT coalesce(range_agg(int4range(agent_id, agent_id + 1)), '{}')::text AS agents
FROM (SELECT DISTINCT agent_id FROM talktime.quarter_hours
      WHERE bin_start_at >= @from_at::timestamptz AND bin_start_at < @to_at::timestamptz) AS a;
