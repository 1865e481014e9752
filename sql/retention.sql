-- Dropping what is older than it is to be kept.

-- name: NoteDrop :exec
INSERT INTO talktime.drops (relation, from_at, to_at, noted_at)
VALUES (@relation, @from_at, @to_at, @noted_at)
ON CONFLICT (relation, from_at) DO UPDATE SET (to_at, noted_at, dropped_at) = (excluded.to_at, excluded.noted_at, NULL);

-- name: EndDrop :exec
UPDATE talktime.drops SET dropped_at = @dropped_at WHERE relation = @relation AND from_at = @from_at;

-- Those that were cut off.
-- name: OpenDrops :many
SELECT relation, from_at, to_at FROM talktime.drops WHERE dropped_at IS NULL ORDER BY from_at, relation;

-- What was dropped of [from_at, to_at).
-- name: Dropped :many
SELECT from_at, to_at FROM talktime.drops
WHERE relation = @relation AND from_at < @to_at::timestamptz AND to_at > @from_at::timestamptz
ORDER BY from_at;

-- Since when each table has all of its rows, where some were dropped.
-- name: KeptFrom :many
SELECT relation, max(to_at)::timestamptz AS kept_from FROM talktime.drops GROUP BY relation ORDER BY relation;

-- The calendars that days are kept of.
-- name: KeptCalendars :many
SELECT DISTINCT time_zone, to_char(business_day_start, 'HH24:MI') AS business_day_start FROM talktime.kept_days ORDER BY 1, 2;

-- name: CountOpenRows :one
SELECT count(*) FROM talktime.quarter_hours
WHERE NOT is_final AND bin_start_at >= @from_at::timestamptz AND bin_start_at < @to_at::timestamptz;

-- name: HasQuarterHours :one
SELECT EXISTS (SELECT FROM talktime.quarter_hours WHERE bin_start_at >= @from_at::timestamptz AND bin_start_at < @to_at::timestamptz) AS has;

-- The first tick or round by hand; otherwise where there is none.
-- name: FirstTick :one
SELECT coalesce(least((SELECT min(due_at) FROM talktime.ticks), (SELECT min(taken_to) FROM talktime.hand_rounds)), @otherwise::timestamptz)::timestamptz AS first_at;

-- name: DropTicks :execrows
DELETE FROM talktime.ticks WHERE due_at >= @from_at::timestamptz AND due_at < @to_at::timestamptz;

-- name: DropHandRounds :execrows
DELETE FROM talktime.hand_rounds WHERE taken_to >= @from_at::timestamptz AND taken_to < @to_at::timestamptz;

-- name: DropGoneQuarterHours :execrows
DELETE FROM talktime.gone_quarter_hours WHERE bin_start_at >= @from_at::timestamptz AND bin_start_at < @to_at::timestamptz;

-- Some of the runs of before; the last one of each job stays, for it tells when that was.
-- name: DropJobRuns :execrows
DELETE FROM talktime.job_runs AS r
WHERE r.job_run_id IN (
    SELECT o.job_run_id FROM talktime.job_runs AS o
    WHERE o.due_at < @before_at::timestamptz
      AND EXISTS (SELECT FROM talktime.job_runs AS n WHERE n.job = o.job AND n.due_at > o.due_at)
    ORDER BY o.job_run_id LIMIT @at_once);

-- name: CountJobRuns :one
SELECT count(*) FROM talktime.job_runs AS o
WHERE o.due_at < @before_at::timestamptz
  AND EXISTS (SELECT FROM talktime.job_runs AS n WHERE n.job = o.job AND n.due_at > o.due_at);

-- What there is of each table that ages: since when, and its size.
-- name: KeptTables :many
SELECT p.relname::text AS name, coalesce(min(b.from_at) FILTER (WHERE b.from_at <= @now::timestamptz), @now::timestamptz)::timestamptz AS first_at,
       coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS bytes
FROM pg_catalog.pg_class AS p
LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhparent = p.oid
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
LEFT JOIN LATERAL (SELECT (regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \(''([^'']+)'''))[1]::timestamptz AS from_at) AS b ON true
WHERE p.relnamespace = to_regnamespace('talktime') AND p.relkind = 'p'
GROUP BY p.relname
UNION ALL
SELECT 'ticks', coalesce((SELECT min(due_at) FROM talktime.ticks), @now::timestamptz)::timestamptz, pg_total_relation_size('talktime.ticks')
ORDER BY 1;
