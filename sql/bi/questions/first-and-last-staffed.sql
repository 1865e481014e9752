-- When did each agent's time at work begin and end, in the last seven local days?
-- end_kind says how sure the end is: observed, open (goes on), or unknown (the agent
-- was not seen any more). Text in local time of the main zone.
SELECT s.local_date, s.agent_id, s.agent_name, s.team,
       to_char(s.first_staffed_at AT TIME ZONE f.time_zone, 'YYYY-MM-DD HH24:MI') AS first_staffed_local,
       to_char(s.last_staffed_at AT TIME ZONE f.time_zone, 'YYYY-MM-DD HH24:MI') AS last_staffed_local,
       s.end_kind, s.staffed_seconds / 3600 AS staffed_hours, s.suspected_left_signed_in
FROM bi_v1.fct_agent_sessions AS s
CROSS JOIN bi_v1.meta_freshness AS f
WHERE s.bin_start_at >= f.horizon_at - interval '7 days'
ORDER BY s.first_staffed_at, s.agent_id
