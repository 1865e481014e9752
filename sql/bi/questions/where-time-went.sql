-- What did each team's time go to, week by week? One row a week, team and measure,
-- for a stacked chart; all measures of a team and week sum to its agents' time.
SELECT d.iso_week_label, q.team, q.measure,
       sum(q.seconds) / 3600 AS hours
FROM bi_v1.fct_agent_state_quarter_hours AS q
JOIN bi_v1.dim_dates AS d ON d.is_main_zone AND d.starts_at <= q.bin_start_at AND q.bin_start_at < d.ends_at
WHERE d.week_start_date > (SELECT (f.horizon_at AT TIME ZONE f.time_zone)::date - 56 FROM bi_v1.meta_freshness AS f)
GROUP BY d.iso_week_label, q.team, q.measure
ORDER BY d.iso_week_label, q.team, hours DESC NULLS LAST
