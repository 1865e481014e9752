-- The ledger of exports.

-- One program at a time works on an export, in a session of its own for as long
-- as it lives.
-- name: TryLockExport :one
SELECT pg_try_advisory_lock(hashtext('talktime.export'), hashtext(@name::text)) AS is_held;

-- name: UnlockExport :exec
SELECT pg_advisory_unlock(hashtext('talktime.export'), hashtext(@name::text));

-- name: Exports :many
SELECT * FROM talktime.exports WHERE @name::text = '' OR name = @name ORDER BY name, due_at, from_at, to_at, revision;

-- name: PutExport :exec
INSERT INTO talktime.exports (name, from_at, to_at, revision, time_zone, due_at, status, reason, definition, destination, files, sha256,
    row_count, bytes, coverage_pct, is_final, derivation_id, horizon_at, roster_sum, program, manifest, attempts, error,
    entered_at, attempted_at, delivered_at)
VALUES (@name, @from_at, @to_at, @revision, @time_zone, @due_at, @status, @reason, @definition, @destination, @files, @sha256,
    @row_count, @bytes, @coverage_pct, @is_final, @derivation_id, @horizon_at, @roster_sum, @program, @manifest, @attempts, @error,
    @entered_at, @attempted_at, @delivered_at)
ON CONFLICT (name, from_at, to_at, revision) DO UPDATE SET
    (time_zone, due_at, status, reason, definition, destination, files, sha256, row_count, bytes, coverage_pct, is_final, derivation_id,
     horizon_at, roster_sum, program, manifest, attempts, error, attempted_at, delivered_at) = (
     excluded.time_zone, excluded.due_at, excluded.status, excluded.reason, excluded.definition, excluded.destination, excluded.files,
     excluded.sha256, excluded.row_count, excluded.bytes, excluded.coverage_pct, excluded.is_final, excluded.derivation_id,
     excluded.horizon_at, excluded.roster_sum, excluded.program, excluded.manifest, excluded.attempts, excluded.error,
     excluded.attempted_at, excluded.delivered_at);

-- An edition that was entered and turned out to be none.
-- name: DropExport :exec
DELETE FROM talktime.exports
WHERE name = @name AND from_at = @from_at AND to_at = @to_at AND revision = @revision AND status <> 'delivered';

-- name: DropExportCopies :exec
DELETE FROM talktime.export_copies
WHERE name = @name AND from_at = @from_at AND to_at = @to_at AND revision BETWEEN @first_revision AND @last_revision;

-- name: PutExportCopy :exec
INSERT INTO talktime.export_copies (name, from_at, to_at, revision, part, content)
VALUES (@name, @from_at, @to_at, @revision, @part, @content);

-- name: ExportCopy :one
SELECT content FROM talktime.export_copies
WHERE name = @name AND from_at = @from_at AND to_at = @to_at AND revision = @revision AND part = @part;

-- What figures of a window are read from, and whether some are awaited still.
-- name: ExportBasis :one
SELECT coalesce((SELECT max(d.derivation_id) FROM talktime.derivations AS d), 0)::bigint AS derivation_id,
       talktime.roster_sum(@from_at::timestamptz, @to_at::timestamptz)::text AS roster_sum,
       EXISTS (SELECT FROM talktime.quarter_hours AS q
               WHERE NOT q.is_final AND q.bin_start_at >= @from_at AND q.bin_start_at < @to_at) AS is_open;

-- The whole roster in one sum.
-- name: RosterSum :one
SELECT talktime.roster_sum('-infinity', 'infinity')::text AS roster_sum;

-- Latest delivered editions that something has happened to since: a derivation
-- within their period that changed figures that were final, made rows or dropped
-- some; another roster, which is looked at only where the whole of it has changed;
-- or they were not final. A derivation is of an hour at most. A period whose
-- quarter-hours retention has dropped stays as it was delivered.
-- name: StaleExports :many
SELECT s.from_at, s.to_at, s.is_rederived::boolean AS is_rederived, s.has_other_roster::boolean AS has_other_roster
FROM (
    SELECT e.from_at, e.to_at, e.due_at, e.is_final,
           EXISTS (SELECT FROM talktime.derivations AS d
                   WHERE d.inserted_rows + d.deleted_rows + d.restated_rows > 0
                     AND d.from_at > e.from_at - interval '1 day' AND d.from_at < e.to_at AND d.to_at > e.from_at
                     AND d.derivation_id > e.derivation_id) AS is_rederived,
           CASE WHEN @roster_is_new::boolean THEN e.roster_sum <> talktime.roster_sum(e.from_at, e.to_at) ELSE false END AS has_other_roster
    FROM talktime.exports AS e
    WHERE e.name = @name AND e.status = 'delivered'
      AND NOT EXISTS (SELECT FROM talktime.drops AS g WHERE g.relation = 'quarter_hours' AND g.from_at < e.to_at AND g.to_at > e.from_at)
      AND NOT EXISTS (SELECT FROM talktime.exports AS n
                      WHERE n.name = e.name AND n.from_at = e.from_at AND n.to_at = e.to_at AND n.revision > e.revision)
) AS s
WHERE s.is_rederived OR s.has_other_roster OR NOT s.is_final
ORDER BY s.due_at, s.from_at;

-- The last delivery of each export (the epoch where there is none), and how many of its periods are not delivered
-- because an attempt failed.
-- name: ExportHealth :many
SELECT e.name, coalesce(max(e.delivered_at), 'epoch')::timestamptz AS delivered_at, count(*) FILTER (WHERE e.status = 'failed') AS failed
FROM talktime.exports AS e
GROUP BY e.name
ORDER BY e.name;
