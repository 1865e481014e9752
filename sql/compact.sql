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

-- Makes the runs of one quarter-hour. Every sample passes here, so it is packed: key is
-- the agent, below 2^20, whether the sample is an observation, so that a failed poll
-- ends no run of them, and the instant in milliseconds, below 2^42, which one
-- comparison puts in order, and keys of two agents are further apart than any hold;
-- what is the period and the status. late_ms is how far a sample is behind where the
-- period would have it from the run's first on; half of what two bytes hold is added,
-- and where it leaves their range the run ends. All of it goes through the samples in
-- one order, which is sorted once; max is of the nearest before, for keys ascend.
-- name: MakeRuns :execrows
WITH packed AS (
    SELECT (s.agent_id::bigint << 43) + ((s.outcome = 'observed' OR s.outcome = 'not_signed_in')::integer::bigint << 42)
               + (date_part('epoch', s.polled_at) * 1000)::bigint AS key,
           (s.period_ms::bigint << 32) + (coalesce(s.is_working, false)::integer << 16) + coalesce(s.agent_state, 0) + 32768 AS what,
           s.outcome, coalesce(s.retcode, '') AS code
    FROM talktime.samples AS s
    WHERE s.polled_at >= @from_at::timestamptz AND s.polled_at < @to_at::timestamptz
),
marked AS (
    SELECT key, what, outcome, code, row_number() OVER w AS n,
           what IS DISTINCT FROM lag(what) OVER w OR outcome <> lag(outcome) OVER w OR code <> lag(code) OVER w
           OR key - lag(key) OVER w > 5 * (what >> 32) / 2 AS is_first
    FROM packed
    WINDOW w AS (ORDER BY key ROWS UNBOUNDED PRECEDING)
),
measured AS (
    SELECT key, what, outcome, code, n, is_first,
           key - max(key) FILTER (WHERE is_first) OVER w - (n - max(n) FILTER (WHERE is_first) OVER w) * (what >> 32) + 32768 AS late_ms
    FROM marked
    WINDOW w AS (ORDER BY key ROWS UNBOUNDED PRECEDING)
),
cut AS (
    SELECT key, what, outcome, code, n, late_ms, is_first OR late_ms >> 16 <> lag(late_ms) OVER w >> 16 AS is_cut
    FROM measured
    WINDOW w AS (ORDER BY key ROWS UNBOUNDED PRECEDING)
),
numbered AS (
    SELECT key, what, outcome, code, n, late_ms, max(n) FILTER (WHERE is_cut) OVER w AS run_no
    FROM cut
    WINDOW w AS (ORDER BY key ROWS UNBOUNDED PRECEDING)
)
INSERT INTO talktime.sample_runs (polled_at, seen_until, agent_id, period_ms, outcome, agent_state, polls, is_working, retcode, instants)
SELECT to_timestamp((min(key) & 4398046511103) / 1000.0), to_timestamp((max(key) & 4398046511103) / 1000.0), (min(key) >> 43)::integer, (what >> 32)::integer,
       outcome, CASE WHEN outcome = 'observed' THEN (what & 65535) - 32768 END, count(*), CASE WHEN outcome = 'observed' THEN what & 65536 <> 0 END, code,
       string_agg(substr(int4send((late_ms & 65535)::integer), 3), '' ORDER BY n)
FROM numbered
GROUP BY run_no, what, outcome, code
ORDER BY run_no;

-- Whether the runs of a quarter-hour hold its samples and no others, and how much there
-- is. Both sides are told by a number of 64 bits for each sample, and the sum of those:
-- ten times less work than to match them. A hash of a row is the sum of those of its
-- columns; only hashed once more it tells which of them were together.
-- name: CompareRuns :one
SELECT s.polls, (s.polls, s.sum) IS NOT DISTINCT FROM (r.polls, r.sum) AS is_same,
       (SELECT count(*) FROM talktime.sample_runs AS r WHERE r.polled_at >= @from_at::timestamptz AND r.polled_at < @to_at::timestamptz) AS runs
FROM (SELECT count(*) AS polls,
             sum(hashint8extended(hash_record_extended((s.polled_at, s.agent_id, s.period_ms, s.agent_state, s.is_working, s.outcome, s.retcode), 1), 2)) AS sum
      FROM talktime.samples AS s
      WHERE s.polled_at >= @from_at::timestamptz AND s.polled_at < @to_at::timestamptz) AS s,
     (SELECT count(*) AS polls,
             sum(hashint8extended(hash_record_extended((r.polled_at, r.agent_id, r.period_ms, r.agent_state, r.is_working, r.outcome, r.retcode), 1), 2)) AS sum
      FROM talktime.run_samples AS r
      WHERE r.run_at >= @from_at::timestamptz AND r.run_at < @to_at::timestamptz) AS r;

-- The switch. It is made for trial, too, and taken back, to derive from the runs.
-- name: SwitchDay :exec
INSERT INTO talktime.compactions (day, compacted_at, polls, runs, compared_rows, compared_segments, derivation_id)
VALUES ((@day::text)::date, @compacted_at, @polls, @runs, @compared_rows, @compared_segments,
        coalesce((SELECT max(derivation_id) FROM talktime.derivations), 0));
