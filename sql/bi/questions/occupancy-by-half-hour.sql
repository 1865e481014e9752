-- How busy was each team, half-hour by half-hour, on the last local day that is
-- over? Occupancy is (talk + acw) / (talk + acw + available), of sums. The join on
-- dim_dates bounds bin_start_at, so that only that day's partition is read.
SELECT q.team, q.half_hour_start_at, min(q.local_time) AS local_time,
       100.0 * sum(q.occupancy_numerator_ms)::float8 / nullif(sum(q.occupancy_denominator_ms)::float8, 0) AS occupancy_pct,
       sum(q.staffed_seconds) / 1800 AS agents_staffed,
       100.0 * sum(q.coverage_numerator_ms)::float8 / nullif(sum(q.coverage_denominator_ms)::float8, 0) AS coverage_pct
FROM bi_v1.fct_agent_quarter_hours AS q
JOIN bi_v1.dim_dates AS d ON d.is_main_zone AND d.starts_at <= q.bin_start_at AND q.bin_start_at < d.ends_at
WHERE d.starts_at = (SELECT max(e.starts_at) FROM bi_v1.dim_dates AS e, bi_v1.meta_freshness AS f WHERE e.is_main_zone AND e.ends_at <= f.horizon_at)
GROUP BY q.team, q.half_hour_start_at
ORDER BY q.team, q.half_hour_start_at
