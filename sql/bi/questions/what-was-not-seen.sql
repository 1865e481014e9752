-- Whose time was not seen, when, and why? Agents and local days below full coverage,
-- the worst first: failed (polls without an answer), recorder_down (nobody asked).
SELECT d.local_date, d.agent_id, d.agent_name, d.team,
       d.coverage_pct, d.failed_seconds / 60 AS failed_minutes, d.recorder_down_seconds / 60 AS recorder_down_minutes
FROM bi_v1.fct_agent_days AS d
CROSS JOIN bi_v1.meta_freshness AS f
WHERE d.is_main_zone AND d.unobserved_ms > 0
  AND d.local_date > (f.horizon_at AT TIME ZONE f.time_zone)::date - 28
ORDER BY d.unobserved_ms DESC, d.local_date, d.agent_id
