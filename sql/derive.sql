-- The calculus of time (metrics.md, sections 1 to 5) over whole quarter-hours,
-- from samples and ticks to quarter_hours, in one statement.
--
-- All instants in it are epoch milliseconds, all lengths milliseconds, and every
-- division rounds down, as the rules do. period_ms is the largest period near the
-- range: no observation reaches further than the hold it gives (held_from to
-- held_to), and no claim looks further than eight times it (near_from to near_to):
-- two linked neighbours away, 2.5 periods each, and what the last of them has.
--
-- The order of the steps is chosen for the common case, a quarter-hour without
-- holes: one sort of the samples finds the few where an agent's pair changes
-- (turns), everything after works on those. Ticks are looked at only for agents
-- who were not observed all the time (holes).

-- name: DeriveQuarterHours :one
WITH
given AS (
    SELECT @from_ms::bigint AS from_ms, @to_ms::bigint AS to_ms, @horizon_ms::bigint AS horizon_ms, @period_ms::bigint AS period_ms
),
near AS (
    SELECT from_ms, to_ms, horizon_ms, to_timestamp(from_ms / 1000.0) AS from_at, to_timestamp(to_ms / 1000.0) AS to_at, to_timestamp(horizon_ms / 1000.0) AS horizon_at,
           to_timestamp((from_ms - 5 * period_ms / 2) / 1000.0) AS held_from, to_timestamp((to_ms + 5 * period_ms / 2) / 1000.0) AS held_to,
           to_timestamp((from_ms - 8 * period_ms) / 1000.0) AS near_from, to_timestamp((to_ms + 8 * period_ms) / 1000.0) AS near_to
    FROM given
),
-- Samples of compacted days are kept as runs: samples and runs are one stretch of
-- time each, either may be empty, which makes its ends NULL.
bounds AS (
    SELECT near.*, tstzrange(held_from, held_to) - runs AS held_samples, tstzrange(held_from, held_to) * runs AS held_runs,
           tstzrange(near_from, near_to) - runs AS near_samples, tstzrange(near_from, near_to) * runs AS near_runs
    FROM near, talktime.kept_in_runs(near_from, near_to) AS runs
),
bins AS (
    SELECT bin, least(bin + 900000, horizon_ms) AS settled_to
    FROM bounds, generate_series(from_ms, to_ms - 1, 900000) AS bin
    WHERE bin < horizon_ms
),

-- 1. Samples that say where an agent was. A pair (agent_state, is_working) is one
-- number here, so that the larger wins: talk before others, then the higher code;
-- not_signed_in is the pair (2, false).
pairs AS (
    SELECT (is_working::int::bigint << 32) + agent_state + 2147483648 AS pair, measure, is_conflict
    FROM talktime.state_measures
),
seen AS NOT MATERIALIZED (
    SELECT agent_id, (date_part('epoch', polled_at) * 1000)::bigint AS t, period_ms::bigint AS p,
           (coalesce(is_working, false)::int::bigint << 32) + coalesce(agent_state, 2) + 2147483648 AS pair
    FROM talktime.samples
    WHERE polled_at >= (SELECT lower(held_samples) FROM bounds) AND polled_at < (SELECT upper(held_samples) FROM bounds)
      AND (outcome = 'observed' OR outcome = 'not_signed_in') -- a list is slower
    UNION ALL
    SELECT agent_id, (date_part('epoch', polled_at) * 1000)::bigint, period_ms::bigint,
           (coalesce(is_working, false)::int::bigint << 32) + coalesce(agent_state, 2) + 2147483648
    FROM talktime.run_samples
    WHERE run_at >= (SELECT date_bin('15 minutes', lower(held_runs), 'epoch') FROM bounds) AND run_at < (SELECT upper(held_runs) FROM bounds)
      AND polled_at >= (SELECT lower(held_runs) FROM bounds) AND polled_at < (SELECT upper(held_runs) FROM bounds)
      AND (outcome = 'observed' OR outcome = 'not_signed_in')
),

-- 2. Turns: the observations where something happens to an agent's time. prev_t
-- is the previous observation. Several in one millisecond count once, with the
-- smallest p: agents for whom that happened are few, and are gone through again
-- with their samples grouped, which is too dear for everybody.
--
-- Every sample passes here, so it is packed into two numbers: key is the agent, below
-- 2^21, and t, below 2^42 until the year 2109, which one comparison puts in order;
-- what is p and the pair. Keys of two agents are further apart than any hold.
-- OFFSET 0 has them packed before the sort, which otherwise carries all they are
-- made of: twice as much, most of it through files.
marked AS MATERIALIZED (
    SELECT agent_id, t, p, pair, CASE WHEN is_same THEN t - (key - prev_key) END AS prev_t,
           CASE WHEN is_same THEN prev_what >> 33 END AS prev_p, CASE WHEN is_same THEN prev_what & 8589934591 END AS prev_pair, is_last
    FROM (
        SELECT key, prev_key, prev_what, (key >> 42)::integer AS agent_id, key & 4398046511103 AS t,
               what >> 33 AS p, what & 8589934591 AS pair,
               coalesce(prev_key >> 42 = key >> 42, false) AS is_same, coalesce(next_key >> 42 <> key >> 42, true) AS is_last
        FROM (
            SELECT key, what, lag(key) OVER w AS prev_key, lag(what) OVER w AS prev_what, lead(key) OVER w AS next_key
            FROM (SELECT (agent_id::bigint << 42) + t AS key, (p << 33) + pair AS what FROM seen OFFSET 0) AS s
            WINDOW w AS (ORDER BY key)
        ) AS s
        WHERE what IS DISTINCT FROM prev_what OR 2 * (key - prev_key) > 5 * (what >> 33) OR coalesce(next_key >> 42 <> key >> 42, true) OR prev_key = key
           OR what & 4294967296 <> 0 AND what & 8589934591 <> ALL (ARRAY(SELECT pair FROM pairs WHERE NOT is_conflict))
    ) AS m
),
seen_twice AS MATERIALIZED (
    SELECT DISTINCT agent_id FROM marked WHERE prev_t = t
),
turns AS MATERIALIZED (
    SELECT * FROM marked WHERE agent_id NOT IN (SELECT agent_id FROM seen_twice)
    UNION ALL
    SELECT agent_id, t, p, pair, lag(t) OVER w, lag(p) OVER w, lag(pair) OVER w, lead(t) OVER w IS NULL
    FROM (
        SELECT seen.agent_id, t, min(p) AS p, max(pair) AS pair
        FROM seen JOIN seen_twice USING (agent_id)
        GROUP BY seen.agent_id, t
    ) AS s
    WINDOW w AS (PARTITION BY agent_id ORDER BY t)
),
-- With the measure, and with the turn before and after. is_joined says that the
-- previous observation is no further than the hold, 2.5 periods of the sparser of
-- the two; is_turn that the pair begins here. The others are an agent's last
-- observation, or are here as conflicts only.
measured AS MATERIALIZED (
    SELECT *, lag(measure) OVER w AS prev_measure, lead(t) OVER w AS next_t, lead(p) OVER w AS next_p,
           lead(is_turn) OVER w AS next_is_turn, lead(is_joined) OVER w AS next_is_joined,
           lead(prev_t) OVER w AS next_prev_t, lead(prev_p) OVER w AS next_prev_p
    FROM (
        SELECT agent_id, t, p, turns.pair, prev_t, prev_p, is_last,
               coalesce(measure, CASE WHEN turns.pair >= 4294967296 THEN 'talk' ELSE 'other' END::talktime.measure) AS measure,
               coalesce(2 * (t - prev_t) <= 5 * greatest(p, prev_p), false) AS is_joined,
               prev_pair IS DISTINCT FROM turns.pair OR 2 * (t - prev_t) > 5 * greatest(p, prev_p) AS is_turn
        FROM turns LEFT JOIN pairs ON pairs.pair = turns.pair
    ) AS m
    WHERE is_turn OR is_last
    WINDOW w AS (PARTITION BY agent_id ORDER BY t)
),

-- 3. Stretches of one pair, tiling the observed time. A change puts the border
-- half way; a hole leaves half a period of credit on either side. Beside each end
-- stand the samples around it, where they are joined.
stretches AS MATERIALIZED (
    SELECT agent_id, pair, measure,
           CASE WHEN is_joined THEN prev_t END AS started_after, t AS started_before,
           CASE WHEN is_joined THEN prev_t + (t - prev_t) / 2 ELSE t - p / 2 END AS run_from,
           CASE WHEN next_t IS NULL THEN t WHEN next_is_turn THEN next_prev_t ELSE next_t END AS ended_after,
           CASE WHEN next_is_turn AND next_is_joined THEN next_t END AS ended_before,
           CASE WHEN next_t IS NULL THEN t + p / 2
                WHEN NOT next_is_turn THEN next_t + next_p / 2
                WHEN next_is_joined THEN next_prev_t + (next_t - next_prev_t) / 2
                ELSE next_prev_t + next_prev_p / 2 END AS run_to
    FROM measured
    WHERE is_turn
),
-- Visits to a measure begin where a pair of another measure was before, or
-- nothing joined. Beside them each agent's last observation.
visits AS MATERIALIZED (
    SELECT agent_id, t, p, prev_t, prev_p, is_last, is_joined, measure, prev_measure, is_start
    FROM (SELECT *, is_turn AND (NOT is_joined OR prev_measure <> measure) AS is_start FROM measured) AS m
    WHERE is_start OR is_last
),
-- 4. Edges: where the samples leave open when a measure began or ended. A change
-- is an edge of both measures, a credit is one a period long of its own measure.
-- edge_mid is the border that was drawn.
edges AS MATERIALIZED (
    SELECT *,
           coalesce(m0 IN ('talk', 'acw'), false) AS handle0, coalesce(m1 IN ('talk', 'acw'), false) AS handle1,
           coalesce(m0 IN ('busy', 'rest', 'pre_rest'), false) AS not_ready0, coalesce(m1 IN ('busy', 'rest', 'pre_rest'), false) AS not_ready1,
           coalesce(m0 <> 'signed_out', false) AS staffed0, coalesce(m1 <> 'signed_out', false) AS staffed1
    FROM (
        SELECT agent_id, prev_measure AS m0, measure AS m1, prev_t AS edge_from, prev_t + (t - prev_t) / 2 AS edge_mid, t AS edge_to
        FROM visits WHERE is_start AND is_joined
        UNION ALL
        SELECT agent_id, NULL, measure, t - p, t - p / 2, t
        FROM visits WHERE is_start AND NOT is_joined
        UNION ALL
        SELECT agent_id, prev_measure, NULL, prev_t, prev_t + prev_p / 2, prev_t + prev_p
        FROM visits WHERE is_start AND NOT is_joined AND prev_t IS NOT NULL
        UNION ALL
        SELECT agent_id, measure, NULL, t, t + p / 2, t + p
        FROM visits WHERE is_last
    ) AS e
),

-- 5. All of it cut at the borders of quarter-hours and at the horizon, and summed:
-- the time of each state,
times AS MATERIALIZED (
    SELECT agent_id, bin, sum(ms) AS counted_ms,
           coalesce(sum(ms) FILTER (WHERE measure = 'talk'), 0) AS talk_ms,
           coalesce(sum(ms) FILTER (WHERE measure = 'reserved'), 0) AS reserved_ms,
           coalesce(sum(ms) FILTER (WHERE measure = 'acw'), 0) AS acw_ms,
           coalesce(sum(ms) FILTER (WHERE measure = 'available'), 0) AS available_ms,
           coalesce(sum(ms) FILTER (WHERE measure = 'busy'), 0) AS busy_ms,
           coalesce(sum(ms) FILTER (WHERE measure = 'rest'), 0) AS rest_ms,
           coalesce(sum(ms) FILTER (WHERE measure = 'pre_rest'), 0) AS pre_rest_ms,
           coalesce(sum(ms) FILTER (WHERE measure = 'other'), 0) AS other_ms,
           coalesce(sum(ms) FILTER (WHERE measure = 'signed_out'), 0) AS signed_out_ms
    FROM (
        SELECT agent_id, bin, measure, greatest(0, least(run_to, settled_to) - greatest(run_from, bin))::integer AS ms
        FROM stretches JOIN bins ON run_from < bin + 900000 AND bin < run_to
    ) AS t
    GROUP BY agent_id, bin
),
-- the edges, a long before the border that was drawn and b after it: lost to m0's
-- low is a, to m1's b, and either reaches over the whole edge,
edge_sums AS (
    SELECT agent_id, bin,
           coalesce(sum(a) FILTER (WHERE m0 = 'talk'), 0) + coalesce(sum(b) FILTER (WHERE m1 = 'talk'), 0) AS talk_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE 'talk' IN (m0, m1)), 0) AS talk_reach_ms,
           coalesce(sum(a) FILTER (WHERE m0 = 'reserved'), 0) + coalesce(sum(b) FILTER (WHERE m1 = 'reserved'), 0) AS reserved_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE 'reserved' IN (m0, m1)), 0) AS reserved_reach_ms,
           coalesce(sum(a) FILTER (WHERE m0 = 'acw'), 0) + coalesce(sum(b) FILTER (WHERE m1 = 'acw'), 0) AS acw_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE 'acw' IN (m0, m1)), 0) AS acw_reach_ms,
           coalesce(sum(a) FILTER (WHERE m0 = 'available'), 0) + coalesce(sum(b) FILTER (WHERE m1 = 'available'), 0) AS available_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE 'available' IN (m0, m1)), 0) AS available_reach_ms,
           coalesce(sum(a) FILTER (WHERE m0 = 'busy'), 0) + coalesce(sum(b) FILTER (WHERE m1 = 'busy'), 0) AS busy_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE 'busy' IN (m0, m1)), 0) AS busy_reach_ms,
           coalesce(sum(a) FILTER (WHERE m0 = 'rest'), 0) + coalesce(sum(b) FILTER (WHERE m1 = 'rest'), 0) AS rest_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE 'rest' IN (m0, m1)), 0) AS rest_reach_ms,
           coalesce(sum(a) FILTER (WHERE m0 = 'pre_rest'), 0) + coalesce(sum(b) FILTER (WHERE m1 = 'pre_rest'), 0) AS pre_rest_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE 'pre_rest' IN (m0, m1)), 0) AS pre_rest_reach_ms,
           coalesce(sum(a) FILTER (WHERE m0 = 'other'), 0) + coalesce(sum(b) FILTER (WHERE m1 = 'other'), 0) AS other_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE 'other' IN (m0, m1)), 0) AS other_reach_ms,
           coalesce(sum(a) FILTER (WHERE m0 = 'signed_out'), 0) + coalesce(sum(b) FILTER (WHERE m1 = 'signed_out'), 0) AS signed_out_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE 'signed_out' IN (m0, m1)), 0) AS signed_out_reach_ms,
           coalesce(sum(a) FILTER (WHERE handle0 AND NOT handle1), 0) + coalesce(sum(b) FILTER (WHERE handle1 AND NOT handle0), 0) AS handle_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE handle0 <> handle1), 0) AS handle_reach_ms,
           coalesce(sum(a) FILTER (WHERE not_ready0 AND NOT not_ready1), 0) + coalesce(sum(b) FILTER (WHERE not_ready1 AND NOT not_ready0), 0) AS not_ready_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE not_ready0 <> not_ready1), 0) AS not_ready_reach_ms,
           coalesce(sum(a) FILTER (WHERE staffed0 AND NOT staffed1), 0) + coalesce(sum(b) FILTER (WHERE staffed1 AND NOT staffed0), 0) AS staffed_lost_ms,
           coalesce(sum(a + b) FILTER (WHERE staffed0 <> staffed1), 0) AS staffed_reach_ms
    FROM (
        SELECT edges.*, bin,
               greatest(0, least(edge_mid, settled_to) - greatest(edge_from, bin))::integer AS a,
               greatest(0, least(edge_to, settled_to) - greatest(edge_mid, bin))::integer AS b
        FROM edges JOIN bins ON edge_from < bin + 900000 AND bin < edge_to
    ) AS e
    GROUP BY agent_id, bin
),
-- the changes, g long, each whole where its second observation is,
change_sums AS (
    SELECT agent_id, bin, sum(g) AS change_ms, sum(g::bigint * g) AS change_sq,
           coalesce(sum(g) FILTER (WHERE 'talk' IN (m0, m1)), 0) AS talk_edge_ms,
           coalesce(sum(g) FILTER (WHERE 'reserved' IN (m0, m1)), 0) AS reserved_edge_ms,
           coalesce(sum(g) FILTER (WHERE 'acw' IN (m0, m1)), 0) AS acw_edge_ms,
           coalesce(sum(g) FILTER (WHERE 'available' IN (m0, m1)), 0) AS available_edge_ms,
           coalesce(sum(g) FILTER (WHERE 'busy' IN (m0, m1)), 0) AS busy_edge_ms,
           coalesce(sum(g) FILTER (WHERE 'rest' IN (m0, m1)), 0) AS rest_edge_ms,
           coalesce(sum(g) FILTER (WHERE 'pre_rest' IN (m0, m1)), 0) AS pre_rest_edge_ms,
           coalesce(sum(g) FILTER (WHERE 'other' IN (m0, m1)), 0) AS other_edge_ms,
           coalesce(sum(g) FILTER (WHERE 'signed_out' IN (m0, m1)), 0) AS signed_out_edge_ms,
           coalesce(sum(g) FILTER (WHERE handle0 <> handle1), 0) AS handle_edge_ms,
           coalesce(sum(g) FILTER (WHERE not_ready0 <> not_ready1), 0) AS not_ready_edge_ms,
           coalesce(sum(g) FILTER (WHERE staffed0 <> staffed1), 0) AS staffed_edge_ms
    FROM (
        SELECT edges.*, (edge_to - edge_from)::integer AS g, bin
        FROM edges JOIN bins ON bin <= edge_to AND edge_to < settled_to
        WHERE m0 IS NOT NULL AND m1 IS NOT NULL
    ) AS c
    GROUP BY agent_id, bin
),
-- and the entries, where a visit to talk starts, and conflicts.
entry_counts AS (
    SELECT agent_id, bin, count(*) AS talk_entries
    FROM (
        SELECT agent_id, CASE WHEN is_joined THEN prev_t + (t - prev_t) / 2 ELSE t - p / 2 END AS entry_at
        FROM visits WHERE is_start AND measure = 'talk'
    ) AS v
    JOIN bins ON bin <= entry_at AND entry_at < settled_to
    GROUP BY agent_id, bin
),
conflict_counts AS (
    SELECT agent_id, bin, count(*) AS conflicts
    FROM turns JOIN bins ON bin <= t AND t < settled_to
    WHERE pair >= 4294967296 AND pair <> ALL (ARRAY(SELECT pair FROM pairs WHERE NOT is_conflict))
    GROUP BY agent_id, bin
),

-- 6. Holes: agents a tick was due for and who were not observed all the time.
near_ticks AS MATERIALIZED (
    SELECT schedule, (date_part('epoch', due_at) * 1000)::bigint AS due, period_ms::bigint AS p, agent_set_id
    FROM talktime.ticks
    WHERE due_at >= (SELECT near_from FROM bounds) AND due_at < (SELECT near_to FROM bounds)
),
near_sets AS (
    SELECT s.agent_set_id, agents, p
    FROM (SELECT agent_set_id, max(p) AS p FROM near_ticks GROUP BY agent_set_id) AS s
    JOIN talktime.agent_sets USING (agent_set_id)
),
-- Every agent near the range with the largest period that covers it, the periods
-- of rounds taken by hand and of ticks still to come included.
near_agents AS MATERIALIZED (
    SELECT agent_id, max(p) AS p
    FROM (
        SELECT agents, p FROM near_sets
        UNION ALL
        SELECT agents, h.period_ms
        FROM talktime.hand_rounds AS h JOIN talktime.agent_sets USING (agent_set_id), bounds
        WHERE taken_to >= near_from AND taken_from < near_to
        UNION ALL
        SELECT unnest(@upcoming_agents::text[])::int4multirange, unnest(@upcoming_period_ms::bigint[])
    ) AS s, unnest(agents) AS r, generate_series(lower(r), upper(r) - 1) AS agent_id
    GROUP BY agent_id
),
due AS (
    SELECT DISTINCT agent_id, t.bin
    FROM (SELECT DISTINCT agent_set_id, due / 900000 * 900000 AS bin FROM near_ticks, bounds WHERE due < horizon_ms) AS t
    JOIN bins USING (bin)
    JOIN talktime.agent_sets USING (agent_set_id),
    unnest(agents) AS r, generate_series(lower(r), upper(r) - 1) AS agent_id
),
gappy AS MATERIALIZED (
    SELECT n.agent_id, bins.bin, settled_to
    FROM near_agents AS n CROSS JOIN bins LEFT JOIN times ON times.agent_id = n.agent_id AND times.bin = bins.bin
    WHERE coalesce(counted_ms, 0) < settled_to - bins.bin
),
-- What of a quarter-hour nobody saw.
covered AS (
    SELECT stretches.agent_id, range_agg(int8range(run_from, run_to)) AS covered
    FROM stretches JOIN (SELECT DISTINCT agent_id FROM gappy) AS g USING (agent_id)
    WHERE run_from < run_to
    GROUP BY stretches.agent_id
),
gaps AS MATERIALIZED (
    SELECT gappy.agent_id, bin, int8multirange(int8range(bin, settled_to)) - coalesce(covered, '{}') AS hole
    FROM gappy LEFT JOIN covered USING (agent_id)
),
-- And the time in which anything may claim it: after a restart everybody has a hole,
-- of moments. Not materialized, so that the planner sees that agents are distinct
-- and hashes them, a few mostly, rather than all samples near them.
gappy_agents AS NOT MATERIALIZED (
    SELECT agent_id, gap_from, gap_to, to_timestamp(gap_from / 1000.0) AS gap_from_at, to_timestamp(gap_to / 1000.0) AS gap_to_at
    FROM (
        SELECT agent_id, min(lower(hole)) - 8 * (SELECT period_ms FROM given) AS gap_from, max(upper(hole)) + 8 * (SELECT period_ms FROM given) AS gap_to
        FROM gaps
        GROUP BY agent_id
    ) AS g
),
-- Each gappy agent's ticks, schedule by schedule. Two successive ones are linked
-- when no further apart than 2.5 of the larger period; a tick has what was polled
-- from its due instant to the next where they are linked, else for one period.
own_ticks AS (
    SELECT agent_id, schedule, due, p,
           coalesce(2 * (due - prev_due) <= 5 * greatest(p, prev_p), false) AS is_linked_back,
           coalesce(2 * (next_due - due) <= 5 * greatest(p, next_p), false) AS is_linked_on,
           CASE WHEN 2 * (next_due - due) <= 5 * greatest(p, next_p) THEN next_due ELSE due + p END AS has_to
    FROM (
        SELECT agent_id, schedule, due, near_ticks.p,
               lag(due) OVER w AS prev_due, lag(near_ticks.p) OVER w AS prev_p,
               lead(due) OVER w AS next_due, lead(near_ticks.p) OVER w AS next_p
        FROM gappy_agents
        JOIN near_sets ON agents @> agent_id
        JOIN near_ticks USING (agent_set_id)
        WHERE due >= gap_from AND due < gap_to
        WINDOW w AS (PARTITION BY agent_id, schedule ORDER BY due)
    ) AS t
),
-- Ticks and the agent's samples in one line of time; a sample belongs to the tick
-- before it. tick_no counts the ticks so far, at an equal instant the tick first.
own_samples AS (
    SELECT s.agent_id, (date_part('epoch', polled_at) * 1000)::bigint AS t, outcome IN ('observed', 'not_signed_in') AS is_observation
    FROM talktime.samples AS s JOIN gappy_agents USING (agent_id)
    WHERE polled_at >= (SELECT lower(near_samples) FROM bounds) AND polled_at < (SELECT upper(near_samples) FROM bounds)
      AND polled_at >= gap_from_at AND polled_at < gap_to_at
    UNION ALL
    SELECT s.agent_id, (date_part('epoch', polled_at) * 1000)::bigint, outcome IN ('observed', 'not_signed_in')
    FROM talktime.run_samples AS s JOIN gappy_agents USING (agent_id)
    WHERE run_at >= (SELECT date_bin('15 minutes', lower(near_runs), 'epoch') FROM bounds) AND run_at < (SELECT upper(near_runs) FROM bounds)
      AND polled_at >= (SELECT lower(near_runs) FROM bounds) AND polled_at < (SELECT upper(near_runs) FROM bounds)
      AND polled_at >= gap_from_at AND polled_at < gap_to_at
),
line AS (
    SELECT agent_id, schedule, t, is_observation, due, p, is_linked_back, is_linked_on,
           count(due) OVER w AS tick_no, max(has_to) OVER w AS has_to
    FROM (
        SELECT agent_id, schedule, due AS t, NULL::boolean AS is_observation, due, p, is_linked_back, is_linked_on, has_to FROM own_ticks
        UNION ALL
        SELECT o.agent_id, s.schedule, t, is_observation, NULL, NULL, NULL, NULL, NULL
        FROM own_samples AS o JOIN (SELECT DISTINCT agent_id, schedule FROM own_ticks) AS s USING (agent_id)
    ) AS e
    WINDOW w AS (PARTITION BY agent_id, schedule ORDER BY t, due NULLS LAST)
),
-- Where a tick stands: at its last failed poll, else at its due instant.
stands AS (
    SELECT agent_id, schedule, due, p, is_linked_back, is_linked_on, first_observation, last_observation,
           coalesce(last_failed, due) AS x, last_failed IS NOT NULL AS is_failed
    FROM (
        SELECT agent_id, schedule, max(due) AS due, max(p) AS p, bool_or(is_linked_back) AS is_linked_back, bool_or(is_linked_on) AS is_linked_on,
               min(t) FILTER (WHERE is_observation AND t < has_to) AS first_observation,
               max(t) FILTER (WHERE is_observation AND t < has_to) AS last_observation,
               max(t) FILTER (WHERE NOT is_observation AND t < has_to) AS last_failed
        FROM line WHERE tick_no > 0
        GROUP BY agent_id, schedule, tick_no
    ) AS t
),
-- A tick without an observation claims the time around where it stands, towards a
-- linked neighbour half way or up to the neighbour's nearest observation.
claims AS (
    SELECT agent_id, is_failed,
           CASE WHEN is_linked_back THEN coalesce(prev_observation, (prev_x + x) / 2) ELSE x - p / 2 END AS claim_from,
           CASE WHEN is_linked_on THEN coalesce(next_observation, (x + next_x) / 2) ELSE x + p - p / 2 END AS claim_to
    FROM (
        SELECT *, lag(last_observation) OVER w AS prev_observation, lag(x) OVER w AS prev_x,
               lead(first_observation) OVER w AS next_observation, lead(x) OVER w AS next_x
        FROM stands
        WINDOW w AS (PARTITION BY agent_id, schedule ORDER BY due)
    ) AS s
    WHERE first_observation IS NULL
),
claimed AS (
    SELECT agent_id, range_agg(int8range(claim_from, claim_to)) AS claimed,
           range_agg(int8range(claim_from, claim_to)) FILTER (WHERE is_failed) AS failed
    FROM claims WHERE claim_from < claim_to
    GROUP BY agent_id
),
hole_parts AS MATERIALIZED (
    SELECT gaps.agent_id, bin, hole * coalesce(failed, '{}') AS failed, hole * claimed - coalesce(failed, '{}') AS recorder_down
    FROM gaps JOIN claimed USING (agent_id)
),
holes AS (
    SELECT agent_id, bin, failed_ms, recorder_down_ms
    FROM hole_parts
    CROSS JOIN LATERAL (SELECT coalesce(sum(upper(r) - lower(r)), 0) AS failed_ms FROM unnest(failed) AS r) AS f
    CROSS JOIN LATERAL (SELECT coalesce(sum(upper(r) - lower(r)), 0) AS recorder_down_ms FROM unnest(recorder_down) AS r) AS d
),

-- 7. The rows: where a tick was due, or where time was counted or claimed.
keys AS (
    SELECT k.agent_id, k.bin, settled_to - k.bin AS settled_ms, coalesce(counted_ms, 0) AS counted_ms
    FROM (SELECT agent_id, bin FROM times UNION SELECT agent_id, bin FROM due UNION SELECT agent_id, bin FROM holes) AS k
    JOIN bins USING (bin)
    LEFT JOIN times AS t USING (agent_id, bin)
),
derived AS MATERIALIZED (
    SELECT k.agent_id, to_timestamp(k.bin / 1000) AS bin_start_at,
           coalesce(t.talk_ms, 0) AS talk_ms,
           coalesce(t.reserved_ms, 0) AS reserved_ms,
           coalesce(t.acw_ms, 0) AS acw_ms,
           coalesce(t.available_ms, 0) AS available_ms,
           coalesce(t.busy_ms, 0) AS busy_ms,
           coalesce(t.rest_ms, 0) AS rest_ms,
           coalesce(t.pre_rest_ms, 0) AS pre_rest_ms,
           coalesce(t.other_ms, 0) AS other_ms,
           coalesce(t.signed_out_ms, 0) AS signed_out_ms,
           coalesce(h.failed_ms, 0) AS failed_ms,
           coalesce(h.recorder_down_ms, 0) AS recorder_down_ms,
           k.settled_ms - k.counted_ms - coalesce(h.failed_ms, 0) - coalesce(h.recorder_down_ms, 0) AS unscheduled_ms,
           900000 - k.settled_ms AS pending_ms,
           coalesce(t.talk_ms, 0) - coalesce(e.talk_lost_ms, 0) AS talk_low_ms,
           coalesce(e.talk_reach_ms, 0) AS talk_reach_ms,
           coalesce(c.talk_edge_ms, 0) AS talk_edge_ms,
           coalesce(t.reserved_ms, 0) - coalesce(e.reserved_lost_ms, 0) AS reserved_low_ms,
           coalesce(e.reserved_reach_ms, 0) AS reserved_reach_ms,
           coalesce(c.reserved_edge_ms, 0) AS reserved_edge_ms,
           coalesce(t.acw_ms, 0) - coalesce(e.acw_lost_ms, 0) AS acw_low_ms,
           coalesce(e.acw_reach_ms, 0) AS acw_reach_ms,
           coalesce(c.acw_edge_ms, 0) AS acw_edge_ms,
           coalesce(t.available_ms, 0) - coalesce(e.available_lost_ms, 0) AS available_low_ms,
           coalesce(e.available_reach_ms, 0) AS available_reach_ms,
           coalesce(c.available_edge_ms, 0) AS available_edge_ms,
           coalesce(t.busy_ms, 0) - coalesce(e.busy_lost_ms, 0) AS busy_low_ms,
           coalesce(e.busy_reach_ms, 0) AS busy_reach_ms,
           coalesce(c.busy_edge_ms, 0) AS busy_edge_ms,
           coalesce(t.rest_ms, 0) - coalesce(e.rest_lost_ms, 0) AS rest_low_ms,
           coalesce(e.rest_reach_ms, 0) AS rest_reach_ms,
           coalesce(c.rest_edge_ms, 0) AS rest_edge_ms,
           coalesce(t.pre_rest_ms, 0) - coalesce(e.pre_rest_lost_ms, 0) AS pre_rest_low_ms,
           coalesce(e.pre_rest_reach_ms, 0) AS pre_rest_reach_ms,
           coalesce(c.pre_rest_edge_ms, 0) AS pre_rest_edge_ms,
           coalesce(t.other_ms, 0) - coalesce(e.other_lost_ms, 0) AS other_low_ms,
           coalesce(e.other_reach_ms, 0) AS other_reach_ms,
           coalesce(c.other_edge_ms, 0) AS other_edge_ms,
           coalesce(t.signed_out_ms, 0) - coalesce(e.signed_out_lost_ms, 0) AS signed_out_low_ms,
           coalesce(e.signed_out_reach_ms, 0) AS signed_out_reach_ms,
           coalesce(c.signed_out_edge_ms, 0) AS signed_out_edge_ms,
           coalesce(t.talk_ms + t.acw_ms, 0) - coalesce(e.handle_lost_ms, 0) AS handle_low_ms,
           coalesce(e.handle_reach_ms, 0) AS handle_reach_ms,
           coalesce(c.handle_edge_ms, 0) AS handle_edge_ms,
           coalesce(t.busy_ms + t.rest_ms + t.pre_rest_ms, 0) - coalesce(e.not_ready_lost_ms, 0) AS not_ready_low_ms,
           coalesce(e.not_ready_reach_ms, 0) AS not_ready_reach_ms,
           coalesce(c.not_ready_edge_ms, 0) AS not_ready_edge_ms,
           coalesce(t.talk_ms + t.reserved_ms + t.acw_ms + t.available_ms + t.busy_ms + t.rest_ms + t.pre_rest_ms + t.other_ms, 0) - coalesce(e.staffed_lost_ms, 0) AS staffed_low_ms,
           coalesce(e.staffed_reach_ms, 0) AS staffed_reach_ms,
           coalesce(c.staffed_edge_ms, 0) AS staffed_edge_ms,
           coalesce(c.change_ms, 0) AS change_ms,
           coalesce(c.change_sq, 0) AS change_sq,
           coalesce(n.talk_entries, 0) AS talk_entries,
           coalesce(x.conflicts, 0) AS conflicts,
           k.bin + 900000 + coalesce(5 * a.p / 2, 0) <= horizon_ms AND k.bin + 900000 <= @settled_before_ms::bigint AS is_final
    FROM bounds CROSS JOIN keys AS k
    LEFT JOIN times AS t USING (agent_id, bin)
    LEFT JOIN edge_sums AS e USING (agent_id, bin)
    LEFT JOIN change_sums AS c USING (agent_id, bin)
    LEFT JOIN entry_counts AS n USING (agent_id, bin)
    LEFT JOIN conflict_counts AS x USING (agent_id, bin)
    LEFT JOIN holes AS h USING (agent_id, bin)
    LEFT JOIN due AS d USING (agent_id, bin)
    LEFT JOIN near_agents AS a USING (agent_id)
    WHERE d.agent_id IS NOT NULL OR k.counted_ms > 0 OR coalesce(h.failed_ms + h.recorder_down_ms, 0) > 0
),

-- 8. Segments of closed quarter-hours: the stretches cut at their borders, and
-- what was not observed by its cause. The samples around an end stand in the
-- segment that holds the end.
cut AS MATERIALIZED (
    SELECT agent_id, bin, greatest(run_from, bin) AS cut_from, least(run_to, bin + 900000) AS cut_to,
           CASE WHEN run_from >= bin THEN started_after END AS started_after,
           CASE WHEN run_from >= bin THEN started_before END AS started_before,
           CASE WHEN run_to <= bin + 900000 THEN ended_after END AS ended_after,
           CASE WHEN run_to <= bin + 900000 THEN ended_before END AS ended_before,
           (pair % 4294967296 - 2147483648)::integer AS agent_state, pair >= 4294967296 AS is_working,
           measure, NULL::talktime.cause AS cause
    FROM stretches JOIN bins ON run_from < bin + 900000 AND bin < run_to AND settled_to = bin + 900000
    WHERE run_from < run_to
    UNION ALL
    SELECT agent_id, bin, lower(r), upper(r), NULL, NULL, NULL, NULL, NULL, NULL, NULL, cause
    FROM (
        SELECT agent_id, bin, failed AS parts, 'failed'::talktime.cause AS cause FROM hole_parts
        UNION ALL
        SELECT agent_id, bin, recorder_down, 'recorder_down' FROM hole_parts
    ) AS h
    JOIN bins USING (bin)
    CROSS JOIN LATERAL unnest(parts) AS r
    WHERE settled_to = bin + 900000
),
new_segments AS MATERIALIZED (
    SELECT agent_id, to_timestamp(bin / 1000) AS bin_start_at, to_timestamp(cut_from / 1000.0::float8) AS from_at, to_timestamp(cut_to / 1000.0::float8) AS to_at,
           to_timestamp(started_after / 1000.0::float8) AS started_after, to_timestamp(started_before / 1000.0::float8) AS started_before,
           to_timestamp(ended_after / 1000.0::float8) AS ended_after, to_timestamp(ended_before / 1000.0::float8) AS ended_before,
           agent_state, is_working, measure, cause
    FROM cut
),

-- 9. The merge: rows that differ are written, vanished ones deleted and noted, equal
-- ones not touched.
differing AS MATERIALIZED (
    SELECT d.*, q.agent_id IS NULL AS is_new, coalesce(q.is_final, false) AS was_final,
           coalesce(q.revision + (q.is_final AND is_changed)::int, 1) AS revision
    FROM derived AS d
    LEFT JOIN (
        SELECT * FROM talktime.quarter_hours
        WHERE bin_start_at >= (SELECT from_at FROM bounds) AND bin_start_at < (SELECT to_at FROM bounds)
    ) AS q USING (bin_start_at, agent_id)
    CROSS JOIN LATERAL (SELECT (
            q.talk_ms, q.reserved_ms, q.acw_ms, q.available_ms, q.busy_ms, q.rest_ms,
            q.pre_rest_ms, q.other_ms, q.signed_out_ms, q.failed_ms, q.recorder_down_ms, q.unscheduled_ms,
            q.pending_ms, q.talk_low_ms, q.talk_reach_ms, q.talk_edge_ms, q.reserved_low_ms, q.reserved_reach_ms,
            q.reserved_edge_ms, q.acw_low_ms, q.acw_reach_ms, q.acw_edge_ms, q.available_low_ms, q.available_reach_ms,
            q.available_edge_ms, q.busy_low_ms, q.busy_reach_ms, q.busy_edge_ms, q.rest_low_ms, q.rest_reach_ms,
            q.rest_edge_ms, q.pre_rest_low_ms, q.pre_rest_reach_ms, q.pre_rest_edge_ms, q.other_low_ms, q.other_reach_ms,
            q.other_edge_ms, q.signed_out_low_ms, q.signed_out_reach_ms, q.signed_out_edge_ms, q.handle_low_ms, q.handle_reach_ms,
            q.handle_edge_ms, q.not_ready_low_ms, q.not_ready_reach_ms, q.not_ready_edge_ms, q.staffed_low_ms, q.staffed_reach_ms,
            q.staffed_edge_ms, q.change_ms, q.change_sq, q.talk_entries, q.conflicts)
        IS DISTINCT FROM (
            d.talk_ms, d.reserved_ms, d.acw_ms, d.available_ms, d.busy_ms, d.rest_ms,
            d.pre_rest_ms, d.other_ms, d.signed_out_ms, d.failed_ms, d.recorder_down_ms, d.unscheduled_ms,
            d.pending_ms, d.talk_low_ms, d.talk_reach_ms, d.talk_edge_ms, d.reserved_low_ms, d.reserved_reach_ms,
            d.reserved_edge_ms, d.acw_low_ms, d.acw_reach_ms, d.acw_edge_ms, d.available_low_ms, d.available_reach_ms,
            d.available_edge_ms, d.busy_low_ms, d.busy_reach_ms, d.busy_edge_ms, d.rest_low_ms, d.rest_reach_ms,
            d.rest_edge_ms, d.pre_rest_low_ms, d.pre_rest_reach_ms, d.pre_rest_edge_ms, d.other_low_ms, d.other_reach_ms,
            d.other_edge_ms, d.signed_out_low_ms, d.signed_out_reach_ms, d.signed_out_edge_ms, d.handle_low_ms, d.handle_reach_ms,
            d.handle_edge_ms, d.not_ready_low_ms, d.not_ready_reach_ms, d.not_ready_edge_ms, d.staffed_low_ms, d.staffed_reach_ms,
            d.staffed_edge_ms, d.change_ms, d.change_sq, d.talk_entries, d.conflicts) AS is_changed) AS x
    WHERE is_changed OR q.agent_id IS NULL OR d.is_final AND NOT q.is_final
),
gone AS (
    DELETE FROM talktime.quarter_hours AS q
    WHERE q.bin_start_at >= (SELECT from_at FROM bounds) AND q.bin_start_at < (SELECT to_at FROM bounds)
      AND NOT EXISTS (SELECT FROM derived AS d WHERE d.bin_start_at = q.bin_start_at AND d.agent_id = q.agent_id)
    RETURNING q.agent_id, q.bin_start_at
),
derivation AS (
    INSERT INTO talktime.derivations (derivation_id, derived_at, from_at, to_at, horizon_at,
                                      inserted_rows, updated_rows, deleted_rows, restated_rows)
    SELECT coalesce((SELECT max(derivation_id) FROM talktime.derivations), 0) + 1, @derived_at::timestamptz,
           from_at, to_at, horizon_at,
           (SELECT count(*) FROM differing WHERE is_new), (SELECT count(*) FROM differing WHERE NOT is_new),
           (SELECT count(*) FROM gone), (SELECT count(*) FROM differing WHERE was_final)
    FROM bounds
    RETURNING *
),
gone_noted AS (
    INSERT INTO talktime.gone_quarter_hours (agent_id, bin_start_at, derivation_id, gone_at)
    SELECT g.agent_id, g.bin_start_at, v.derivation_id, v.derived_at FROM gone AS g CROSS JOIN derivation AS v
),
written AS (
    INSERT INTO talktime.quarter_hours (
        agent_id, bin_start_at,
        talk_ms, reserved_ms, acw_ms, available_ms, busy_ms, rest_ms,
        pre_rest_ms, other_ms, signed_out_ms, failed_ms, recorder_down_ms, unscheduled_ms,
        pending_ms, talk_low_ms, talk_reach_ms, talk_edge_ms, reserved_low_ms, reserved_reach_ms,
        reserved_edge_ms, acw_low_ms, acw_reach_ms, acw_edge_ms, available_low_ms, available_reach_ms,
        available_edge_ms, busy_low_ms, busy_reach_ms, busy_edge_ms, rest_low_ms, rest_reach_ms,
        rest_edge_ms, pre_rest_low_ms, pre_rest_reach_ms, pre_rest_edge_ms, other_low_ms, other_reach_ms,
        other_edge_ms, signed_out_low_ms, signed_out_reach_ms, signed_out_edge_ms, handle_low_ms, handle_reach_ms,
        handle_edge_ms, not_ready_low_ms, not_ready_reach_ms, not_ready_edge_ms, staffed_low_ms, staffed_reach_ms,
        staffed_edge_ms, change_ms, change_sq, talk_entries, conflicts,
        revision, is_final, updated_at, derivation_id)
    SELECT d.agent_id, d.bin_start_at,
        d.talk_ms, d.reserved_ms, d.acw_ms, d.available_ms, d.busy_ms, d.rest_ms,
        d.pre_rest_ms, d.other_ms, d.signed_out_ms, d.failed_ms, d.recorder_down_ms, d.unscheduled_ms,
        d.pending_ms, d.talk_low_ms, d.talk_reach_ms, d.talk_edge_ms, d.reserved_low_ms, d.reserved_reach_ms,
        d.reserved_edge_ms, d.acw_low_ms, d.acw_reach_ms, d.acw_edge_ms, d.available_low_ms, d.available_reach_ms,
        d.available_edge_ms, d.busy_low_ms, d.busy_reach_ms, d.busy_edge_ms, d.rest_low_ms, d.rest_reach_ms,
        d.rest_edge_ms, d.pre_rest_low_ms, d.pre_rest_reach_ms, d.pre_rest_edge_ms, d.other_low_ms, d.other_reach_ms,
        d.other_edge_ms, d.signed_out_low_ms, d.signed_out_reach_ms, d.signed_out_edge_ms, d.handle_low_ms, d.handle_reach_ms,
        d.handle_edge_ms, d.not_ready_low_ms, d.not_ready_reach_ms, d.not_ready_edge_ms, d.staffed_low_ms, d.staffed_reach_ms,
        d.staffed_edge_ms, d.change_ms, d.change_sq, d.talk_entries, d.conflicts,
        d.revision, d.is_final OR d.was_final, v.derived_at, v.derivation_id
    FROM differing AS d CROSS JOIN derivation AS v
    ON CONFLICT (bin_start_at, agent_id) DO UPDATE SET (
        talk_ms, reserved_ms, acw_ms, available_ms, busy_ms, rest_ms,
        pre_rest_ms, other_ms, signed_out_ms, failed_ms, recorder_down_ms, unscheduled_ms,
        pending_ms, talk_low_ms, talk_reach_ms, talk_edge_ms, reserved_low_ms, reserved_reach_ms,
        reserved_edge_ms, acw_low_ms, acw_reach_ms, acw_edge_ms, available_low_ms, available_reach_ms,
        available_edge_ms, busy_low_ms, busy_reach_ms, busy_edge_ms, rest_low_ms, rest_reach_ms,
        rest_edge_ms, pre_rest_low_ms, pre_rest_reach_ms, pre_rest_edge_ms, other_low_ms, other_reach_ms,
        other_edge_ms, signed_out_low_ms, signed_out_reach_ms, signed_out_edge_ms, handle_low_ms, handle_reach_ms,
        handle_edge_ms, not_ready_low_ms, not_ready_reach_ms, not_ready_edge_ms, staffed_low_ms, staffed_reach_ms,
        staffed_edge_ms, change_ms, change_sq, talk_entries, conflicts,
        revision, is_final, updated_at, derivation_id) = (
        excluded.talk_ms, excluded.reserved_ms, excluded.acw_ms, excluded.available_ms, excluded.busy_ms, excluded.rest_ms,
        excluded.pre_rest_ms, excluded.other_ms, excluded.signed_out_ms, excluded.failed_ms, excluded.recorder_down_ms, excluded.unscheduled_ms,
        excluded.pending_ms, excluded.talk_low_ms, excluded.talk_reach_ms, excluded.talk_edge_ms, excluded.reserved_low_ms, excluded.reserved_reach_ms,
        excluded.reserved_edge_ms, excluded.acw_low_ms, excluded.acw_reach_ms, excluded.acw_edge_ms, excluded.available_low_ms, excluded.available_reach_ms,
        excluded.available_edge_ms, excluded.busy_low_ms, excluded.busy_reach_ms, excluded.busy_edge_ms, excluded.rest_low_ms, excluded.rest_reach_ms,
        excluded.rest_edge_ms, excluded.pre_rest_low_ms, excluded.pre_rest_reach_ms, excluded.pre_rest_edge_ms, excluded.other_low_ms, excluded.other_reach_ms,
        excluded.other_edge_ms, excluded.signed_out_low_ms, excluded.signed_out_reach_ms, excluded.signed_out_edge_ms, excluded.handle_low_ms, excluded.handle_reach_ms,
        excluded.handle_edge_ms, excluded.not_ready_low_ms, excluded.not_ready_reach_ms, excluded.not_ready_edge_ms, excluded.staffed_low_ms, excluded.staffed_reach_ms,
        excluded.staffed_edge_ms, excluded.change_ms, excluded.change_sq, excluded.talk_entries, excluded.conflicts,
        excluded.revision, excluded.is_final, excluded.updated_at, excluded.derivation_id)
),
segments_gone AS (
    DELETE FROM talktime.segments AS s
    WHERE s.bin_start_at >= (SELECT from_at FROM bounds) AND s.bin_start_at < (SELECT to_at FROM bounds)
      AND NOT EXISTS (SELECT FROM new_segments AS n
                      WHERE n.bin_start_at = s.bin_start_at AND n.agent_id = s.agent_id AND n.from_at = s.from_at)
),
-- Changed and new ones apart: ON CONFLICT would look for each new one in the index
-- once more, and most are new.
segments_changed AS (
    UPDATE talktime.segments AS s SET (
        to_at, started_after, started_before, ended_after, ended_before, agent_state, is_working, measure, cause, derivation_id) = (
        n.to_at, n.started_after, n.started_before, n.ended_after, n.ended_before, n.agent_state, n.is_working, n.measure, n.cause, v.derivation_id)
    FROM new_segments AS n CROSS JOIN derivation AS v
    WHERE s.bin_start_at >= (SELECT from_at FROM bounds) AND s.bin_start_at < (SELECT to_at FROM bounds)
      AND n.bin_start_at = s.bin_start_at AND n.agent_id = s.agent_id AND n.from_at = s.from_at
      AND (s.to_at, s.started_after, s.started_before, s.ended_after, s.ended_before, s.agent_state, s.is_working, s.measure, s.cause)
          IS DISTINCT FROM
          (n.to_at, n.started_after, n.started_before, n.ended_after, n.ended_before, n.agent_state, n.is_working, n.measure, n.cause)
),
segments_added AS (
    INSERT INTO talktime.segments (
        agent_id, bin_start_at, from_at, to_at, started_after, started_before, ended_after, ended_before,
        agent_state, is_working, measure, cause, derivation_id)
    SELECT n.agent_id, n.bin_start_at, n.from_at, n.to_at, n.started_after, n.started_before, n.ended_after, n.ended_before,
           n.agent_state, n.is_working, n.measure, n.cause, v.derivation_id
    FROM new_segments AS n CROSS JOIN derivation AS v
    WHERE NOT EXISTS (SELECT FROM talktime.segments AS s
                      WHERE s.bin_start_at >= (SELECT from_at FROM bounds) AND s.bin_start_at < (SELECT to_at FROM bounds)
                        AND s.bin_start_at = n.bin_start_at AND s.agent_id = n.agent_id AND s.from_at = n.from_at)
)
SELECT derivation_id, inserted_rows, updated_rows, deleted_rows, restated_rows FROM derivation;
