-- What verify reads.

-- The quarter-hours in which there are rows or should be.
-- name: QuarterHoursKnown :many
WITH given AS (
    SELECT @from_at::timestamptz AS from_at, @to_at::timestamptz AS to_at
)
SELECT bin::timestamptz AS bin_start_at
FROM given, generate_series(from_at, to_at - interval '15 minutes', interval '15 minutes') AS bin
WHERE EXISTS (SELECT FROM talktime.quarter_hours AS q WHERE q.bin_start_at >= bin AND q.bin_start_at < bin + interval '15 minutes')
   OR EXISTS (SELECT FROM talktime.ticks AS t WHERE t.due_at >= bin AND t.due_at < bin + interval '15 minutes')
ORDER BY bin;

-- What there is to compare: rows, and segments of the final ones.
-- name: QuarterHourRows :many
SELECT q.bin_start_at, count(*) FILTER (WHERE q.is_final) AS final_rows, count(*) FILTER (WHERE NOT q.is_final) AS open_rows,
       coalesce(sum(s.segments) FILTER (WHERE q.is_final), 0)::bigint AS final_segments
FROM talktime.quarter_hours AS q
LEFT JOIN (SELECT bin_start_at, agent_id, count(*) AS segments FROM talktime.segments
           WHERE bin_start_at >= @from_at::timestamptz AND bin_start_at < @to_at::timestamptz
           GROUP BY bin_start_at, agent_id) AS s ON s.bin_start_at = q.bin_start_at AND s.agent_id = q.agent_id
WHERE q.bin_start_at >= @from_at::timestamptz AND q.bin_start_at < @to_at::timestamptz
GROUP BY q.bin_start_at
ORDER BY q.bin_start_at;

-- The columns that follow from samples and ticks, keys included. The others tell
-- when a row was derived and how often its figures changed.
-- name: DerivedColumns :one
SELECT count(*) FILTER (WHERE attrelid = 'talktime.quarter_hours'::regclass) AS of_rows,
       count(*) FILTER (WHERE attrelid = 'talktime.segments'::regclass) AS of_segments
FROM pg_catalog.pg_attribute
WHERE attrelid IN ('talktime.quarter_hours'::regclass, 'talktime.segments'::regclass) AND attnum > 0 AND NOT attisdropped
  AND attname NOT IN ('revision', 'updated_at', 'derivation_id');

-- How many segments there are, and how many of them a derivation wrote.
-- name: CountSegments :one
SELECT count(*) AS there, count(*) FILTER (WHERE derivation_id = @derivation_id) AS written
FROM talktime.segments
WHERE bin_start_at >= @from_at::timestamptz AND bin_start_at < @to_at::timestamptz;

-- Rows and segments with their derived columns by name, whatever columns there
-- are. A segment is final with its row.
-- name: DerivedCells :many
SELECT q.bin_start_at, q.agent_id, false AS is_segment, q.bin_start_at AS from_at, q.derivation_id, q.is_final,
       (to_jsonb(q) - '{bin_start_at,agent_id,revision,updated_at,derivation_id}'::text[])::text AS cells
FROM talktime.quarter_hours AS q
WHERE q.bin_start_at >= @from_at::timestamptz AND q.bin_start_at < @to_at::timestamptz
UNION ALL
SELECT s.bin_start_at, s.agent_id, true, s.from_at, s.derivation_id, coalesce(q.is_final, true),
       (to_jsonb(s) - '{bin_start_at,agent_id,from_at,derivation_id}'::text[])::text
FROM talktime.segments AS s
LEFT JOIN talktime.quarter_hours AS q ON q.bin_start_at = s.bin_start_at AND q.agent_id = s.agent_id
WHERE s.bin_start_at >= @from_at::timestamptz AND s.bin_start_at < @to_at::timestamptz
ORDER BY bin_start_at, agent_id, is_segment, from_at;
