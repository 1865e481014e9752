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

-- How many days are kept that lie in the range, and their rows.
-- name: CountDays :one
SELECT count(DISTINCT (k.time_zone, k.business_day_start, k.local_date)) AS kept_days, count(d.agent_id) AS day_rows
FROM talktime.kept_days AS k
LEFT JOIN talktime.days AS d ON d.time_zone = k.time_zone AND d.business_day_start = k.business_day_start AND d.local_date = k.local_date
WHERE k.from_at >= @from_at::timestamptz AND k.to_at <= @to_at::timestamptz;

-- The figures of kept days that are not the sum of their quarter-hours', by name,
-- whatever figures there are. A derivation that changes a quarter-hour strikes its
-- days off the ledger in the same transaction, so those in it must hold.
-- name: DifferingDays :many
WITH kept AS (
    SELECT time_zone, business_day_start, local_date, from_at, to_at
    FROM talktime.kept_days
    WHERE from_at >= @from_at::timestamptz AND to_at <= @to_at::timestamptz
),
summed AS (
    SELECT k.time_zone, k.business_day_start, k.local_date, q.agent_id, c.name, sum(c.figure::bigint) AS figure
    FROM kept AS k
    JOIN talktime.quarter_hours AS q ON q.bin_start_at >= k.from_at AND q.bin_start_at < k.to_at
    CROSS JOIN LATERAL jsonb_each_text(to_jsonb(q)) AS c(name, figure)
    WHERE c.name LIKE '%\_ms' OR c.name IN ('change_sq', 'talk_entries', 'conflicts')
    GROUP BY k.time_zone, k.business_day_start, k.local_date, q.agent_id, c.name
),
stored AS (
    SELECT k.time_zone, k.business_day_start, k.local_date, d.agent_id, c.name, c.figure::bigint AS figure
    FROM kept AS k
    JOIN talktime.days AS d ON d.time_zone = k.time_zone AND d.business_day_start = k.business_day_start AND d.local_date = k.local_date
    CROSS JOIN LATERAL jsonb_each_text(to_jsonb(d)) AS c(name, figure)
    WHERE c.name LIKE '%\_ms' OR c.name IN ('change_sq', 'talk_entries', 'conflicts')
)
SELECT k.time_zone, to_char(k.business_day_start, 'HH24:MI') AS business_day_start, k.local_date::text AS local_date, k.from_at,
       coalesce(s.agent_id, d.agent_id)::integer AS agent_id, coalesce(s.name, d.name)::text AS name,
       coalesce(d.figure::text, 'none')::text AS stored, coalesce(s.figure::text, 'none')::text AS recomputed
FROM summed AS s
FULL JOIN stored AS d ON d.time_zone = s.time_zone AND d.business_day_start = s.business_day_start AND d.local_date = s.local_date
    AND d.agent_id = s.agent_id AND d.name = s.name
JOIN kept AS k ON k.time_zone = coalesce(s.time_zone, d.time_zone) AND k.business_day_start = coalesce(s.business_day_start, d.business_day_start)
    AND k.local_date = coalesce(s.local_date, d.local_date)
WHERE s.figure IS DISTINCT FROM d.figure
ORDER BY k.from_at, k.time_zone, coalesce(s.agent_id, d.agent_id), coalesce(s.name, d.name);
