-- Samples of old days into runs: see sample_runs and compactions.

-- Shared by whoever stores samples of a day, exclusive for beginning to compact it
-- and for switching it: so neither happens beside a transaction that stores.
-- name: LockDaysShared :exec
SELECT pg_advisory_xact_lock_shared(hashtext('talktime.compaction'), (day AT TIME ZONE 'UTC')::date - '2000-01-01'::date)
FROM unnest(@days::timestamptz[]) AS day;

-- name: LockDay :exec
SELECT pg_advisory_xact_lock(hashtext('talktime.compaction'), (@day::text)::date - '2000-01-01'::date);

-- What who stores samples of these days must know, under the lock: which of them are
-- compacted. Of one that is just being compacted not all is in its runs from now on.
-- name: CompactedDays :many
WITH asked AS (
    SELECT (day AT TIME ZONE 'UTC')::date AS day FROM unnest(@days::timestamptz[]) AS day
),
void AS (
    DELETE FROM talktime.compacting AS c USING asked WHERE c.day = asked.day
)
SELECT (c.day::timestamp AT TIME ZONE 'UTC')::timestamptz AS day FROM talktime.compactions AS c JOIN asked ON asked.day = c.day;

-- A sample for a compacted day is a run of its own.
-- name: PutLateSamples :exec
INSERT INTO talktime.sample_runs (polled_at, seen_until, agent_id, period_ms, outcome, agent_state, polls, is_working, retcode, instants)
SELECT late.polled_at, late.polled_at, late.agent_id, late.period_ms, late.outcome::talktime.outcome,
       CASE WHEN late.outcome = 'observed' THEN late.agent_state END, 1, CASE WHEN late.outcome = 'observed' THEN late.is_working END, late.retcode, '\x8000'
FROM (SELECT unnest(@polled_at::timestamptz[]) AS polled_at, unnest(@agent_ids::integer[]) AS agent_id, unnest(@period_ms::integer[]) AS period_ms,
             unnest(@outcomes::text[]) AS outcome, unnest(@agent_states::integer[]) AS agent_state, unnest(@are_working::boolean[]) AS is_working,
             unnest(@retcodes::text[]) AS retcode) AS late;

-- UTC days with samples in a partition of their own that end by an instant and are
-- not compacted yet.
-- name: DaysToCompact :many
SELECT d.day::text AS day
FROM (SELECT substring(c.relname FROM '^samples_(\d{8})$')::date AS day
      FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'talktime.samples'::regclass) AS d
WHERE (d.day + 1)::timestamp AT TIME ZONE 'UTC' <= @end_by::timestamptz
  AND NOT EXISTS (SELECT FROM talktime.compactions AS done WHERE done.day = d.day)
  AND EXISTS (SELECT FROM talktime.samples AS s
              WHERE s.polled_at >= d.day::timestamp AT TIME ZONE 'UTC' AND s.polled_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC')
ORDER BY d.day;

-- Compacted days whose partition of samples is still there, attached or not.
-- name: DaysToDrop :many
SELECT d.day::text AS day, d.polls, d.runs
FROM talktime.compactions AS d
WHERE to_regclass('talktime.samples_' || to_char(d.day, 'YYYYMMDD')) IS NOT NULL
ORDER BY d.day;

-- name: ClaimDay :exec
INSERT INTO talktime.compacting (day) SELECT (@day::text)::date ON CONFLICT (day) DO NOTHING;

-- name: ReleaseDay :execrows
DELETE FROM talktime.compacting WHERE day = (@day::text)::date;

-- name: HasRuns :one
SELECT EXISTS (SELECT FROM talktime.sample_runs WHERE polled_at >= @from_at::timestamptz AND polled_at < @to_at::timestamptz);

-- name: DropRuns :exec
DELETE FROM talktime.sample_runs WHERE polled_at >= @from_at::timestamptz AND polled_at < @to_at::timestamptz;

-- Makes the runs of whole quarter-hours. Observations and failed polls are told apart
-- first, so that a failed poll ends no run of observations. late_ms is how far a
-- sample is behind where the period would have it from the run's first on; half of
-- what two bytes hold is added, and where it leaves their range the run ends. All of
-- it goes through the samples in one order, which is sorted once.
-- name: MakeRuns :execrows
WITH ordered AS (
    SELECT s.*, coalesce(s.retcode, '') AS code, s.outcome IN ('observed', 'not_signed_in') AS is_observation,
           date_bin('15 minutes', s.polled_at, 'epoch') AS bin_start_at
    FROM talktime.samples AS s
    WHERE s.polled_at >= @from_at::timestamptz AND s.polled_at < @to_at::timestamptz
),
marked AS (
    SELECT *, row_number() OVER w AS n,
           (period_ms, outcome, agent_state, is_working, code) IS DISTINCT FROM
               (lag(period_ms) OVER w, lag(outcome) OVER w, lag(agent_state) OVER w, lag(is_working) OVER w, lag(code) OVER w)
           OR polled_at - lag(polled_at) OVER w > 2.5 * period_ms * interval '1 millisecond' AS is_first
    FROM ordered
    WINDOW w AS (PARTITION BY bin_start_at, agent_id, is_observation ORDER BY polled_at, period_ms, outcome, agent_state, is_working, code ROWS UNBOUNDED PRECEDING)
),
measured AS (
    SELECT *, (date_part('epoch', polled_at - max(polled_at) FILTER (WHERE is_first) OVER w) * 1000)::bigint
              - (n - max(n) FILTER (WHERE is_first) OVER w) * period_ms + 32768 AS late_ms
    FROM marked
    WINDOW w AS (PARTITION BY bin_start_at, agent_id, is_observation ORDER BY polled_at, period_ms, outcome, agent_state, is_working, code ROWS UNBOUNDED PRECEDING)
),
cut AS (
    SELECT *, is_first OR (late_ms >> 16) <> (lag(late_ms) OVER w >> 16) AS is_cut
    FROM measured
    WINDOW w AS (PARTITION BY bin_start_at, agent_id, is_observation ORDER BY polled_at, period_ms, outcome, agent_state, is_working, code ROWS UNBOUNDED PRECEDING)
),
numbered AS (
    SELECT *, count(*) FILTER (WHERE is_cut) OVER w AS run_no
    FROM cut
    WINDOW w AS (PARTITION BY bin_start_at, agent_id, is_observation ORDER BY polled_at, period_ms, outcome, agent_state, is_working, code ROWS UNBOUNDED PRECEDING)
)
INSERT INTO talktime.sample_runs (polled_at, seen_until, agent_id, period_ms, outcome, agent_state, polls, is_working, retcode, instants)
SELECT min(polled_at), max(polled_at), agent_id, period_ms, outcome, agent_state, count(*), is_working, code,
       string_agg(substr(int4send((late_ms & 65535)::integer), 3), '' ORDER BY n)
FROM numbered
GROUP BY bin_start_at, agent_id, is_observation, run_no, period_ms, outcome, agent_state, is_working, code
ORDER BY bin_start_at, agent_id, min(polled_at);

-- How many samples of whole quarter-hours are not in runs as they are in samples, or
-- the other way round; and how much there is.
-- name: CompareRuns :one
WITH both_sides AS (
    SELECT s.polled_at, s.agent_id, s.period_ms, s.agent_state, s.is_working, s.outcome, s.retcode, 1 AS n
    FROM talktime.samples AS s
    WHERE s.polled_at >= @from_at::timestamptz AND s.polled_at < @to_at::timestamptz
    UNION ALL
    SELECT r.polled_at, r.agent_id, r.period_ms, r.agent_state, r.is_working, r.outcome, r.retcode, -1
    FROM talktime.run_samples AS r
    WHERE r.run_at >= @from_at::timestamptz AND r.run_at < @to_at::timestamptz
)
SELECT coalesce(sum(abs(n)), 0)::bigint AS differing, coalesce(sum(polls), 0)::bigint AS polls,
       (SELECT count(*) FROM talktime.sample_runs AS r WHERE r.polled_at >= @from_at::timestamptz AND r.polled_at < @to_at::timestamptz) AS runs
FROM (SELECT sum(n) AS n, count(*) FILTER (WHERE n > 0) AS polls
      FROM both_sides GROUP BY polled_at, agent_id, period_ms, agent_state, is_working, outcome, retcode) AS s;

-- The switch. It is made for trial, too, and taken back, to derive from the runs.
-- name: SwitchDay :exec
INSERT INTO talktime.compactions (day, compacted_at, polls, runs, compared_rows, compared_segments, derivation_id)
VALUES ((@day::text)::date, @compacted_at, @polls, @runs, @compared_rows, @compared_segments,
        coalesce((SELECT max(derivation_id) FROM talktime.derivations), 0));
