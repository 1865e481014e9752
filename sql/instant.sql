-- What everyone's state at an instant is told from.

-- Of each agent the last observation at or before the instant and the first one
-- after it, in [from_at, to_at), 9,000 s on either side at most. Instants are counted in
-- milliseconds from from_at, and packed above the pair or the period, so that one
-- pass finds the nearest instant with, of several observations in one
-- millisecond, the pair that counts (the larger, see derive.sql) and the smallest
-- period.
-- name: ObservationsAround :many
WITH given AS (
    SELECT tstzrange(g.from_at, g.to_at) AS around, talktime.kept_in_runs(g.from_at, g.to_at) AS runs
    FROM (SELECT @from_at::timestamptz AS from_at, @to_at::timestamptz AS to_at) AS g
),
bounds AS (
    SELECT lower(around - runs) AS from_at, upper(around - runs) AS to_at, lower(runs) AS runs_from, upper(runs) AS runs_to FROM given
),
samples AS (
    SELECT s.agent_id, s.polled_at, s.period_ms, s.agent_state, s.is_working, s.outcome
    FROM talktime.samples AS s
    WHERE s.polled_at >= (SELECT from_at FROM bounds) AND s.polled_at < (SELECT to_at FROM bounds)
    UNION ALL
    SELECT s.agent_id, s.polled_at, s.period_ms, s.agent_state, s.is_working, s.outcome
    FROM talktime.run_samples AS s
    WHERE s.run_at >= (SELECT date_bin('15 minutes', runs_from, 'epoch') FROM bounds) AND s.run_at < (SELECT runs_to FROM bounds)
      AND s.polled_at >= (SELECT runs_from FROM bounds) AND s.polled_at < (SELECT runs_to FROM bounds)
),
observations AS (
    SELECT s.agent_id, s.period_ms::bigint AS p, s.polled_at > @at::timestamptz AS is_after,
           (date_part('epoch', s.polled_at - @from_at::timestamptz) * 1000)::bigint AS t,
           (coalesce(s.is_working, false)::int::bigint << 32) + coalesce(s.agent_state, 2) + 2147483648 AS pair
    FROM samples AS s
    WHERE s.outcome IN ('observed', 'not_signed_in')
      AND (cardinality(@agents::integer[]) = 0 OR s.agent_id = ANY (@agents::integer[]))
),
nearest AS (
    SELECT agent_id,
           max((t << 34) + pair) FILTER (WHERE NOT is_after) AS before_pair,
           max((t << 22) + 4194303 - p) FILTER (WHERE NOT is_after) AS before_p,
           min((t << 34) + 17179869183 - pair) FILTER (WHERE is_after) AS after_pair,
           min((t << 22) + p) FILTER (WHERE is_after) AS after_p
    FROM observations
    GROUP BY agent_id
),
sides AS (
    SELECT agent_id, false AS is_after, before_pair >> 34 AS t, before_pair & 17179869183 AS pair, 4194303 - (before_p & 4194303) AS p
    FROM nearest WHERE before_pair IS NOT NULL
    UNION ALL
    SELECT agent_id, true, after_pair >> 34, 17179869183 - (after_pair & 17179869183), after_p & 4194303
    FROM nearest WHERE after_pair IS NOT NULL
),
told AS (
    SELECT agent_id, is_after, t, p, (pair % 4294967296 - 2147483648)::integer AS agent_state, pair >= 4294967296 AS is_working
    FROM sides
)
SELECT told.agent_id, told.is_after::boolean AS is_after, told.t::bigint AS after_from_ms, told.p::bigint AS period_ms,
       told.agent_state::integer AS agent_state, told.is_working::boolean AS is_working,
       coalesce(known.measure::text, CASE WHEN told.is_working THEN 'talk' ELSE 'other' END)::text AS measure
FROM told LEFT JOIN talktime.state_measures AS known ON known.agent_state = told.agent_state AND known.is_working = told.is_working
ORDER BY told.agent_id, told.is_after;

-- Within at most a day.
-- name: PollsNear :many
WITH given AS (
    SELECT tstzrange(g.from_at, g.to_at) AS near, talktime.kept_in_runs(g.from_at, g.to_at) AS runs
    FROM (SELECT @from_at::timestamptz AS from_at, @to_at::timestamptz AS to_at) AS g
),
bounds AS (
    SELECT lower(near - runs) AS from_at, upper(near - runs) AS to_at, lower(runs) AS runs_from, upper(runs) AS runs_to FROM given
)
SELECT polls.agent_id, polls.polled_at, polls.outcome
FROM (
    SELECT s.agent_id, s.polled_at, s.outcome::text AS outcome
    FROM talktime.samples AS s
    WHERE s.polled_at >= (SELECT from_at FROM bounds) AND s.polled_at < (SELECT to_at FROM bounds) AND s.agent_id = ANY (@agents::integer[])
    UNION ALL
    SELECT s.agent_id, s.polled_at, s.outcome::text
    FROM talktime.run_samples AS s
    WHERE s.run_at >= (SELECT date_bin('15 minutes', runs_from, 'epoch') FROM bounds) AND s.run_at < (SELECT runs_to FROM bounds)
      AND s.polled_at >= (SELECT runs_from FROM bounds) AND s.polled_at < (SELECT runs_to FROM bounds) AND s.agent_id = ANY (@agents::integer[])
) AS polls
ORDER BY polls.agent_id, polls.polled_at;

-- name: TicksNear :many
SELECT t.schedule, t.due_at, t.period_ms, t.agent_set_id
FROM talktime.ticks AS t
WHERE t.due_at >= @from_at::timestamptz AND t.due_at < @to_at::timestamptz
ORDER BY t.schedule, t.due_at;

-- name: AgentSets :many
SELECT s.agent_set_id, s.agents::text AS agents FROM talktime.agent_sets AS s WHERE s.agent_set_id = ANY (@agent_set_ids::bigint[]);
