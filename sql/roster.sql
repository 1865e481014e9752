-- The roster as reports and imports read it: every tenure, in order.
-- name: Roster :many
SELECT h.agent_id, coalesce(a.person, '')::text AS person, h.name, h.team, h.valid_from, h.valid_to
FROM talktime.agent_history AS h LEFT JOIN talktime.agents AS a ON a.agent_key = h.agent_key
ORDER BY h.agent_id, h.valid_from;

-- One import at a time; readers go on.
-- name: LockRoster :exec
LOCK TABLE talktime.agent_history IN SHARE ROW EXCLUSIVE MODE;

-- name: AddPersons :exec
INSERT INTO talktime.agents (person) SELECT DISTINCT unnest(@persons::text[]) AS person ORDER BY person ON CONFLICT (person) DO NOTHING;

-- Tenures are put by agent and valid_from; one that lasts comes with its own start
-- for an end. The constraints look at the end of the transaction.
-- name: PutTenures :exec
INSERT INTO talktime.agent_history AS h (agent_id, valid_from, valid_to, agent_key, name, team)
SELECT put.agent_id, put.valid_from, nullif(put.valid_to, put.valid_from), a.agent_key, put.name, put.team
FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@valid_from::timestamptz[]) AS valid_from, unnest(@valid_to::timestamptz[]) AS valid_to,
             unnest(@persons::text[]) AS person, unnest(@names::text[]) AS name, unnest(@teams::text[]) AS team) AS put
LEFT JOIN talktime.agents AS a ON a.person = put.person
ON CONFLICT (agent_id, valid_from) DO UPDATE
SET valid_to = excluded.valid_to, agent_key = excluded.agent_key, name = excluded.name, team = excluded.team;

-- Persons that a correction left without a tenure.
-- name: DropPersonsWithoutTenure :exec
DELETE FROM talktime.agents AS a WHERE NOT EXISTS (SELECT FROM talktime.agent_history AS h WHERE h.agent_key = a.agent_key);

-- Agents whose id begins with some digits, and who they are at an instant.
-- name: AgentsLike :many
SELECT a.agent_id, coalesce(h.name, '')::text AS name, coalesce(h.team, '')::text AS team
FROM (SELECT k.agent_id FROM talktime.known_agents AS k UNION SELECT r.agent_id FROM talktime.agent_history AS r) AS a
LEFT JOIN talktime.agent_history AS h ON h.agent_id = a.agent_id AND h.valid_from <= @at AND (h.valid_to IS NULL OR h.valid_to > @at)
WHERE a.agent_id::text LIKE (@digits::text)::text || '%'
ORDER BY a.agent_id
LIMIT @most;

-- name: Teams :many
SELECT DISTINCT team FROM talktime.agent_history WHERE team <> '' ORDER BY team;
