-- What the pairs that the gateway tells count as, in the order of the measures.
-- A pair without a row counts by the rule of derive.sql.
-- name: MeasuresOf :many
SELECT agent_state::integer AS agent_state, is_working::boolean AS is_working, measure::text AS measure, label::text AS label
FROM (
    SELECT told.agent_state, told.is_working, coalesce(known.label, 'not documented') AS label,
           coalesce(known.measure, (CASE WHEN told.is_working THEN 'talk' ELSE 'other' END)::talktime.measure) AS measure
    FROM (SELECT unnest(@agent_states::integer[]) AS agent_state, unnest(@are_working::boolean[]) AS is_working) AS told
    LEFT JOIN talktime.state_measures AS known ON known.agent_state = told.agent_state AND known.is_working = told.is_working
) AS pairs
ORDER BY pairs.measure, pairs.agent_state, pairs.is_working;
