-- How long did each agent talk in the last seven local days, and how far off may
-- that be? Variances add over days and agents, standard errors do not: the 95 %
-- interval is talk plus and minus the last column. Least and most: low adds up, and
-- so does reach; the most is clipped to the window after summing.
SELECT d.agent_id, d.agent_name,
       sum(d.talk_seconds) / 3600 AS talk_hours,
       sum(d.talk_low_ms) / 3600000.0::float8 AS least_talk_hours,
       least(sum(d.talk_low_ms) + sum(d.talk_reach_ms), sum(d.window_ms)) / 3600000.0::float8 AS most_talk_hours,
       1.96 * sqrt(sum(d.talk_variance_s2)) / 60 AS plus_minus_minutes
FROM bi_v1.fct_agent_days AS d
CROSS JOIN bi_v1.meta_freshness AS f
WHERE d.is_main_zone
  AND d.local_date > (f.horizon_at AT TIME ZONE f.time_zone)::date - 7
GROUP BY d.agent_id, d.agent_name
ORDER BY talk_hours DESC NULLS LAST, d.agent_id
