-- The lease: which recorder works on this database, and the fence around ticks.
-- Whatever changes a row moves its beat_at.

-- The newest reign. No row: nobody ever took the lease. is_free: by the
-- database's clock alone, for who looks only once.
-- name: LatestEpoch :one
SELECT e.epoch, e.holder, e.ticks_from, e.ticks_until, e.beat_at, e.ttl_ms,
       (e.ticks_until IS NOT NULL OR e.beat_at < clock_timestamp() - 3 * e.ttl_ms * interval '1 millisecond')::boolean AS is_free
FROM talktime.epochs AS e
WHERE e.epoch > 0
ORDER BY e.epoch DESC
LIMIT 1;

-- Ends the reign that was seen and begins the next one: in one statement, so that
-- a machine that dies over it leaves no lock behind. No row: somebody was faster,
-- or that reign has given a sign of life or ended since.
-- name: BeginEpoch :execrows
WITH ended AS (
    UPDATE talktime.epochs SET ticks_until = @ends_at::timestamptz, beat_at = clock_timestamp()
    WHERE epoch + 1 = @epoch AND epoch > 0 AND beat_at = @seen_beat_at::timestamptz
    RETURNING epoch
)
INSERT INTO talktime.epochs (epoch, holder, ticks_from, beat_at, ttl_ms)
SELECT @epoch, @holder, @begins_at, clock_timestamp(), @ttl_ms
WHERE @epoch::bigint = 1 OR EXISTS (SELECT FROM ended)
ON CONFLICT (epoch) DO NOTHING;

-- No row: the reign is over.
-- name: Beat :execrows
UPDATE talktime.epochs SET beat_at = clock_timestamp() WHERE epoch = @epoch AND ticks_until IS NULL;

-- No row: it was over already.
-- name: EndEpoch :execrows
UPDATE talktime.epochs SET ticks_until = greatest(ticks_from, @ends_at::timestamptz), beat_at = clock_timestamp()
WHERE epoch = @epoch AND ticks_until IS NULL;

-- A plain look: a lock on the row could outlive the machine that holds it and keep
-- others from taking over. What slips in while the reign ends is stored once all
-- the same.
-- name: Reigned :one
SELECT EXISTS (
    SELECT FROM talktime.epochs
    WHERE epoch = @epoch AND ticks_from <= @first_at::timestamptz
      AND (ticks_until IS NULL OR ticks_until > @last_at::timestamptz)) AS did;

-- name: HasSuccessor :one
SELECT EXISTS (SELECT FROM talktime.epochs WHERE epoch > @epoch) AS has;
