-- How long did each team talk, day by day, and how much of its time was seen?
-- The last 28 local days of the main zone. Talk and handle add up over anything;
-- coverage is made of sums, never averaged. Read talk only beside coverage.
SELECT d.local_date, d.team,
       sum(d.talk_seconds) / 3600 AS talk_hours,
       sum(d.handle_seconds) / 3600 AS handle_hours,
       sum(d.staffed_seconds) / 3600 AS staffed_hours,
       100.0 * sum(d.coverage_numerator_ms)::float8 / nullif(sum(d.coverage_denominator_ms)::float8, 0) AS coverage_pct,
       bool_and(d.is_final) AS is_final
FROM bi_v1.fct_agent_days AS d
CROSS JOIN bi_v1.meta_freshness AS f
WHERE d.is_main_zone
  AND d.local_date > (f.horizon_at AT TIME ZONE f.time_zone)::date - 28
GROUP BY d.local_date, d.team
ORDER BY d.local_date, d.team
