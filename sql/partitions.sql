-- Partitions of samples (UTC days) and of derived tables (UTC months): which there
-- are, and making them.

-- Those of every partitioned table; one without any has a row of no length. The
-- catalog keeps a partition's range as text only. One whose detaching was begun takes
-- no rows any more.
-- name: Partitions :many
SELECT p.relname::text AS parent, coalesce(c.relname, '')::text AS name,
       coalesce((b.bounds[1])::timestamptz, 'epoch')::timestamptz AS from_at,
       coalesce((b.bounds[2])::timestamptz, 'epoch')::timestamptz AS to_at,
       coalesce(i.inhdetachpending, false)::boolean AS is_leaving
FROM pg_catalog.pg_class AS p
LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhparent = p.oid
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
LEFT JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \(''([^'']+)''\) TO \(''([^'']+)''\)$') AS b (bounds) ON true
WHERE p.relnamespace = to_regnamespace('talktime') AND p.relkind = 'p'
ORDER BY p.relname, from_at;

-- Where a table stands on its way out of a partitioned one: attached, leaving (its
-- detaching was begun), apart, or gone.
-- name: PartitionState :one
SELECT (CASE WHEN c.oid IS NULL THEN 'gone' WHEN i.inhrelid IS NULL THEN 'apart'
             WHEN i.inhdetachpending THEN 'leaving' ELSE 'attached' END)::text AS state
FROM (SELECT @parent::text AS parent, @name::text AS name) AS given
LEFT JOIN pg_catalog.pg_class AS c ON c.relname = given.name AND c.relnamespace = 'talktime'::regnamespace
LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid
    AND i.inhparent = (SELECT p.oid FROM pg_catalog.pg_class AS p WHERE p.relname = given.parent AND p.relnamespace = 'talktime'::regnamespace);

-- name: TableBytes :one
SELECT coalesce(pg_total_relation_size(to_regclass('talktime.' || quote_ident(@name::text))), 0)::bigint AS bytes;

-- name: MakePartitions :one
SELECT talktime.make_partitions(@from_at::timestamptz, @to_at::timestamptz)::integer AS made;

-- name: MakePartition :one
SELECT talktime.make_partition(@parent::text, @from_at::timestamptz, @to_at::timestamptz, @suffix::text)::boolean AS made;

-- One maker at a time, as talktime.make_partitions has it.
-- name: LockPartitions :exec
SELECT pg_advisory_xact_lock(hashtext('talktime.make_partitions'));

-- For a transaction that would rather try again than have others wait behind it.
-- name: LimitLockWait :exec
SELECT set_config('lock_timeout', @milliseconds::text, true);

-- One program at a time maintains, in a session of its own for as long as it lives.
-- name: TryLockMaintenance :one
SELECT pg_try_advisory_lock(hashtext('talktime.maintain')) AS is_held;

-- name: UnlockMaintenance :exec
SELECT pg_advisory_unlock_all();

-- Who owns the partitioned tables, where this role may not act for that one; no row
-- where it may.
-- name: ForeignOwner :many
SELECT DISTINCT pg_get_userbyid(c.relowner)::text AS owner
FROM pg_catalog.pg_class AS c
WHERE c.relkind = 'p' AND c.relnamespace = to_regnamespace('talktime') AND NOT pg_has_role(c.relowner, 'USAGE');
