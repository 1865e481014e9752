-- How the recording goes, for those who run it: cheap enough to be asked every
-- few seconds.

-- How many marks wait for a derive, or for the horizon to pass them.
-- name: CountDirtyMarks :one
SELECT count(*) FROM talktime.dirty;

-- Of each job the end of its last run that went well; no row where there is none.
-- One look into the index a job, newest run first, however long the ledger.
-- name: LastJobSuccesses :many
SELECT asked.job::text AS job, last.finished_at
FROM unnest(@jobs::text[]) AS asked (job)
CROSS JOIN LATERAL (
    SELECT r.finished_at FROM talktime.job_runs AS r
    WHERE r.job = asked.job AND r.error IS NULL
    ORDER BY r.due_at DESC LIMIT 1) AS last;

-- Of each partitioned table the first instant from at on that has no partition:
-- at itself where there is none for it, else the end of the partitions that
-- follow one another. The catalog keeps a partition's range as text only.
-- name: PartitionsUntil :many
WITH parts AS (
    SELECT parent.relname AS parent,
           (substring(pg_get_expr(child.relpartbound, child.oid) FROM 'FROM \(''([^'']+)''\)'))::timestamptz AS from_at,
           (substring(pg_get_expr(child.relpartbound, child.oid) FROM 'TO \(''([^'']+)''\)'))::timestamptz AS to_at
    FROM pg_catalog.pg_class AS parent
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = parent.oid
    JOIN pg_catalog.pg_class AS child ON child.oid = i.inhrelid
    WHERE parent.relkind = 'p' AND parent.relnamespace = 'talktime'::regnamespace
),
tables AS (
    SELECT c.relname AS parent FROM pg_catalog.pg_class AS c
    WHERE c.relkind = 'p' AND c.relnamespace = 'talktime'::regnamespace
)
SELECT t.parent::text AS table_name,
       coalesce((SELECT min(p.to_at) FROM parts AS p
                 WHERE p.parent = t.parent AND p.to_at > @at::timestamptz
                   AND EXISTS (SELECT FROM parts AS here
                               WHERE here.parent = t.parent AND here.from_at <= @at::timestamptz AND here.to_at > @at::timestamptz)
                   AND NOT EXISTS (SELECT FROM parts AS next
                                   WHERE next.parent = t.parent AND next.from_at = p.to_at)),
                @at::timestamptz)::timestamptz AS until_at
FROM tables AS t
ORDER BY t.parent;
