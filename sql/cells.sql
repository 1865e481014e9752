-- What reports read: figures summed by part and span. A part is a stretch of one
-- agent's time that a report keeps together, such as that of one person in one team;
-- the report gives parts and their order, by which its rows can stream. The spans
-- are given by their starts, so that any zone's days are counted by its own
-- calendar; the span of a row is the number of starts at or before it.
--
-- Spans that are kept days are read from days, the rest, given by its bounds and as
-- ranges, from quarter_hours: a day's row is what its quarter-hours sum to, so what
-- is read is the same. No part begins or ends within a day that is read from days.
-- Where the rest is one range its bounds say it all, and the planner can guess its
-- size.

-- name: Cells :many
WITH parts AS (
    SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at,
           unnest(@parts_to::timestamptz[]) AS to_at, generate_subscripts(@agents::integer[], 1) AS part
)
SELECT * FROM (
    SELECT parts.part, width_bucket(d.from_at, @span_starts::timestamptz[])::integer AS span,
           d.talk_ms, d.reserved_ms, d.acw_ms, d.available_ms, d.busy_ms, d.rest_ms, d.pre_rest_ms, d.other_ms, d.signed_out_ms, d.failed_ms,
           d.recorder_down_ms, d.unscheduled_ms, d.pending_ms, d.talk_low_ms, d.reserved_low_ms, d.acw_low_ms, d.available_low_ms, d.busy_low_ms,
           d.rest_low_ms, d.pre_rest_low_ms, d.other_low_ms, d.signed_out_low_ms, d.handle_low_ms, d.not_ready_low_ms, d.staffed_low_ms,
           d.talk_reach_ms, d.reserved_reach_ms, d.acw_reach_ms, d.available_reach_ms, d.busy_reach_ms, d.rest_reach_ms, d.pre_rest_reach_ms,
           d.other_reach_ms, d.signed_out_reach_ms, d.handle_reach_ms, d.not_ready_reach_ms, d.staffed_reach_ms, d.talk_edge_ms, d.reserved_edge_ms,
           d.acw_edge_ms, d.available_edge_ms, d.busy_edge_ms, d.rest_edge_ms, d.pre_rest_edge_ms, d.other_edge_ms, d.signed_out_edge_ms,
           d.handle_edge_ms, d.not_ready_edge_ms, d.staffed_edge_ms, d.change_ms, d.change_sq, d.talk_entries, d.conflicts,
           d.quarter_hours::bigint AS bins, d.last_bin_start_at AS last_bin, d.final_quarter_hours::bigint AS final_bins, d.revision
    FROM (SELECT unnest(@zones::text[]) AS time_zone, (unnest(@day_starts::text[]))::time AS business_day_start,
                 (unnest(@dates::text[]))::date AS local_date) AS kept
    JOIN talktime.days AS d USING (time_zone, business_day_start, local_date)
    JOIN parts ON parts.agent_id = d.agent_id AND d.from_at >= parts.from_at AND d.to_at <= parts.to_at
    UNION ALL
    SELECT parts.part, width_bucket(q.bin_start_at, @span_starts::timestamptz[])::integer AS span,
           sum(q.talk_ms)::bigint, sum(q.reserved_ms)::bigint, sum(q.acw_ms)::bigint, sum(q.available_ms)::bigint, sum(q.busy_ms)::bigint,
           sum(q.rest_ms)::bigint, sum(q.pre_rest_ms)::bigint, sum(q.other_ms)::bigint, sum(q.signed_out_ms)::bigint, sum(q.failed_ms)::bigint,
           sum(q.recorder_down_ms)::bigint, sum(q.unscheduled_ms)::bigint, sum(q.pending_ms)::bigint, sum(q.talk_low_ms)::bigint,
           sum(q.reserved_low_ms)::bigint, sum(q.acw_low_ms)::bigint, sum(q.available_low_ms)::bigint, sum(q.busy_low_ms)::bigint,
           sum(q.rest_low_ms)::bigint, sum(q.pre_rest_low_ms)::bigint, sum(q.other_low_ms)::bigint, sum(q.signed_out_low_ms)::bigint,
           sum(q.handle_low_ms)::bigint, sum(q.not_ready_low_ms)::bigint, sum(q.staffed_low_ms)::bigint, sum(q.talk_reach_ms)::bigint,
           sum(q.reserved_reach_ms)::bigint, sum(q.acw_reach_ms)::bigint, sum(q.available_reach_ms)::bigint, sum(q.busy_reach_ms)::bigint,
           sum(q.rest_reach_ms)::bigint, sum(q.pre_rest_reach_ms)::bigint, sum(q.other_reach_ms)::bigint, sum(q.signed_out_reach_ms)::bigint,
           sum(q.handle_reach_ms)::bigint, sum(q.not_ready_reach_ms)::bigint, sum(q.staffed_reach_ms)::bigint, sum(q.talk_edge_ms)::bigint,
           sum(q.reserved_edge_ms)::bigint, sum(q.acw_edge_ms)::bigint, sum(q.available_edge_ms)::bigint, sum(q.busy_edge_ms)::bigint,
           sum(q.rest_edge_ms)::bigint, sum(q.pre_rest_edge_ms)::bigint, sum(q.other_edge_ms)::bigint, sum(q.signed_out_edge_ms)::bigint,
           sum(q.handle_edge_ms)::bigint, sum(q.not_ready_edge_ms)::bigint, sum(q.staffed_edge_ms)::bigint, sum(q.change_ms)::bigint,
           sum(q.change_sq)::bigint, sum(q.talk_entries)::bigint, sum(q.conflicts)::bigint,
           count(*), max(q.bin_start_at), count(*) FILTER (WHERE q.is_final), max(q.revision)
    FROM parts
    JOIN talktime.quarter_hours AS q ON q.agent_id = parts.agent_id AND q.bin_start_at >= parts.from_at AND q.bin_start_at < parts.to_at
    WHERE q.bin_start_at >= @rest_from::timestamptz AND q.bin_start_at < @rest_to::timestamptz
      AND (@rest_is_one::boolean OR q.bin_start_at <@ (@rest::text)::tstzmultirange)
    GROUP BY parts.part, span
) AS cells
ORDER BY (@runs::integer[])[part], span, part;

-- The same in order of part and span, where each span is a kept day: for queries
-- whose runs are of one agent. Each part's days are looked up by their key, in the
-- order they are wanted in, so that rows stream and only one part's are ever sorted.
-- OFFSET 0 forbids the planner to join everything first and sort it on disk: to it a
-- lookup is a random page, but what lies beside it is what the next part looks up.

-- name: DaysOfAgents :many
SELECT parts.part::bigint AS part, kept.span::bigint AS span,
       d.talk_ms, d.reserved_ms, d.acw_ms, d.available_ms, d.busy_ms, d.rest_ms, d.pre_rest_ms, d.other_ms, d.signed_out_ms, d.failed_ms,
       d.recorder_down_ms, d.unscheduled_ms, d.pending_ms, d.talk_low_ms, d.reserved_low_ms, d.acw_low_ms, d.available_low_ms, d.busy_low_ms,
       d.rest_low_ms, d.pre_rest_low_ms, d.other_low_ms, d.signed_out_low_ms, d.handle_low_ms, d.not_ready_low_ms, d.staffed_low_ms, d.talk_reach_ms,
       d.reserved_reach_ms, d.acw_reach_ms, d.available_reach_ms, d.busy_reach_ms, d.rest_reach_ms, d.pre_rest_reach_ms, d.other_reach_ms,
       d.signed_out_reach_ms, d.handle_reach_ms, d.not_ready_reach_ms, d.staffed_reach_ms, d.talk_edge_ms, d.reserved_edge_ms, d.acw_edge_ms,
       d.available_edge_ms, d.busy_edge_ms, d.rest_edge_ms, d.pre_rest_edge_ms, d.other_edge_ms, d.signed_out_edge_ms, d.handle_edge_ms,
       d.not_ready_edge_ms, d.staffed_edge_ms, d.change_ms, d.change_sq, d.talk_entries, d.conflicts,
       d.quarter_hours::bigint AS bins, d.last_bin_start_at AS last_bin, d.final_quarter_hours::bigint AS final_bins, d.revision
FROM ROWS FROM (unnest(@agents::integer[]), unnest(@parts_from::timestamptz[]), unnest(@parts_to::timestamptz[])) WITH ORDINALITY AS parts (agent_id, from_at, to_at, part)
CROSS JOIN ROWS FROM (unnest(@zones::text[]), unnest((@day_starts::text[])::time[]), unnest((@dates::text[])::date[]))
    WITH ORDINALITY AS kept (time_zone, business_day_start, local_date, span)
CROSS JOIN LATERAL (
    SELECT *
    FROM talktime.days AS d
    WHERE d.time_zone = kept.time_zone AND d.business_day_start = kept.business_day_start AND d.local_date = kept.local_date
      AND d.agent_id = parts.agent_id AND d.from_at >= parts.from_at AND d.to_at <= parts.to_at
    OFFSET 0
) AS d
ORDER BY parts.part, kept.span;

-- The same where each span is a quarter-hour: its row is the cell, nothing is summed.

-- name: QuarterHoursOfAgents :many
SELECT parts.part::bigint AS part, spans.span::bigint AS span,
       q.talk_ms, q.reserved_ms, q.acw_ms, q.available_ms, q.busy_ms, q.rest_ms, q.pre_rest_ms, q.other_ms, q.signed_out_ms, q.failed_ms,
       q.recorder_down_ms, q.unscheduled_ms, q.pending_ms, q.talk_low_ms, q.reserved_low_ms, q.acw_low_ms, q.available_low_ms, q.busy_low_ms,
       q.rest_low_ms, q.pre_rest_low_ms, q.other_low_ms, q.signed_out_low_ms, q.handle_low_ms, q.not_ready_low_ms, q.staffed_low_ms, q.talk_reach_ms,
       q.reserved_reach_ms, q.acw_reach_ms, q.available_reach_ms, q.busy_reach_ms, q.rest_reach_ms, q.pre_rest_reach_ms, q.other_reach_ms,
       q.signed_out_reach_ms, q.handle_reach_ms, q.not_ready_reach_ms, q.staffed_reach_ms, q.talk_edge_ms, q.reserved_edge_ms, q.acw_edge_ms,
       q.available_edge_ms, q.busy_edge_ms, q.rest_edge_ms, q.pre_rest_edge_ms, q.other_edge_ms, q.signed_out_edge_ms, q.handle_edge_ms,
       q.not_ready_edge_ms, q.staffed_edge_ms, q.change_ms, q.change_sq, q.talk_entries, q.conflicts,
       1 AS bins, q.bin_start_at AS last_bin, q.is_final::integer AS final_bins, q.revision
FROM ROWS FROM (unnest(@agents::integer[]), unnest(@parts_from::timestamptz[]), unnest(@parts_to::timestamptz[])) WITH ORDINALITY AS parts (agent_id, from_at, to_at, part)
CROSS JOIN unnest(@span_starts::timestamptz[]) WITH ORDINALITY AS spans (from_at, span)
CROSS JOIN LATERAL (
    SELECT *
    FROM talktime.quarter_hours AS q
    WHERE q.bin_start_at = spans.from_at AND q.agent_id = parts.agent_id AND q.bin_start_at >= parts.from_at AND q.bin_start_at < parts.to_at
      AND q.bin_start_at >= @rest_from::timestamptz AND q.bin_start_at < @rest_to::timestamptz
    OFFSET 0
) AS q
ORDER BY parts.part, spans.span;

-- Who has a row in a window, which is given as the days kept in it and the rest
-- that they leave.
-- name: AgentsWithQuarterHours :one
SELECT coalesce(range_agg(int4range(agent_id, agent_id + 1)), '{}')::text AS agents
FROM (
    SELECT d.agent_id
    FROM (SELECT unnest(@zones::text[]) AS time_zone, (unnest(@day_starts::text[]))::time AS business_day_start,
                 (unnest(@dates::text[]))::date AS local_date) AS kept
    JOIN talktime.days AS d USING (time_zone, business_day_start, local_date)
    UNION
    SELECT q.agent_id
    FROM talktime.quarter_hours AS q
    WHERE q.bin_start_at >= @rest_from::timestamptz AND q.bin_start_at < @rest_to::timestamptz
      AND (@rest_is_one::boolean OR q.bin_start_at <@ (@rest::text)::tstzmultirange)
) AS a;
