-- The ledgers around derive: what is dirty, what was derived, which jobs ran.

-- One derivation at a time: its id is given under this lock, so that a higher id
-- is always committed later.
-- name: LockDerive :exec
SELECT pg_advisory_xact_lock(hashtext('talktime.derive'));

-- Consumed in the transaction that derives: marks added meanwhile are not seen
-- and stay.
-- name: TakeDirty :many
DELETE FROM talktime.dirty RETURNING from_at, to_at, period_ms;

-- name: MarkDirty :exec
INSERT INTO talktime.dirty (from_at, to_at, period_ms)
SELECT unnest(@from_at::timestamptz[]), unnest(@to_at::timestamptz[]), unnest(@period_ms::integer[]);

-- name: DirtyMarks :many
SELECT from_at, to_at, period_ms FROM talktime.dirty ORDER BY from_at;

-- name: OpenQuarterHours :many
SELECT DISTINCT bin_start_at FROM talktime.quarter_hours WHERE NOT is_final ORDER BY bin_start_at;

-- For the transaction that derives: the planner cannot guess the sizes inside so
-- long a statement, and a nested loop taken by mistake costs hours, a merge join
-- sorts again what is in order; compiling it costs more than it saves.
-- name: TuneDerive :exec
SELECT set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true), set_config('work_mem', '128MB', true);

-- The furthest horizon derived to, and the program's clock then. No row where
-- nothing was derived yet.
-- name: LastDerivation :one
SELECT horizon_at, derived_at FROM talktime.derivations ORDER BY horizon_at DESC, derivation_id DESC LIMIT 1;

-- name: PutJobRun :exec
INSERT INTO talktime.job_runs (job, due_at, started_at, finished_at, error)
VALUES (@job, @due_at, @started_at, @finished_at, @error);
