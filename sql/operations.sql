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
