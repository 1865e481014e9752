-- Everything about one person, for report subject. Who that is comes as parts: agent
-- ids and since when until when they were the person's. A quarter-hour belongs to the
-- part it begins in, a kept day only where all of it does; days with others in them
-- are of the others, too. Rows come as JSON in the columns' order: whatever a table
-- has is told, without this page knowing of it. All take the same parameters.

-- name: SubjectTenures :many
SELECT row_to_json(t)::text AS line FROM (
    SELECT h.agent_id, h.valid_from, h.valid_to, h.name, h.team, a.person
    FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
    JOIN talktime.agent_history AS h ON h.agent_id = p.agent_id AND h.valid_from < p.to_at AND coalesce(h.valid_to, 'infinity') > p.from_at
    LEFT JOIN talktime.agents AS a ON a.agent_key = h.agent_key
    ORDER BY h.valid_from, h.agent_id) AS t;

-- name: SubjectKnown :many
SELECT row_to_json(t)::text AS line FROM (
    SELECT DISTINCT k.agent_id
    FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
    JOIN talktime.known_agents AS k ON k.agent_id = p.agent_id
    ORDER BY 1) AS t;

-- name: SubjectSchedules :many
SELECT row_to_json(t)::text AS line FROM (
    SELECT p.agent_id, s.name, s.cron, s.time_zone, s.all_agents, s.valid_from, s.valid_to
    FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
    JOIN talktime.agent_sets AS a ON a.agents @> p.agent_id
    JOIN talktime.schedules AS s ON s.agent_set_id = a.agent_set_id AND s.valid_from < p.to_at AND coalesce(s.valid_to, 'infinity') > p.from_at
    ORDER BY s.valid_from, s.name, p.agent_id) AS t;

-- Ticks name nobody; counted are those whose set the agent was in.
-- name: SubjectTicks :many
SELECT row_to_json(t)::text AS line FROM (
    SELECT p.agent_id, k.schedule, k.status, count(*) AS ticks, min(k.due_at) AS first_at, max(k.due_at) AS last_at
    FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
    JOIN talktime.agent_sets AS a ON a.agents @> p.agent_id
    JOIN talktime.ticks AS k ON k.agent_set_id = a.agent_set_id AND k.due_at >= p.from_at AND k.due_at < p.to_at
    GROUP BY p.agent_id, k.schedule, k.status
    ORDER BY p.agent_id, k.schedule, k.status) AS t;

-- name: SubjectHandRounds :many
SELECT row_to_json(t)::text AS line FROM (
    SELECT p.agent_id, h.taken_from, h.taken_to, h.period_ms
    FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
    JOIN talktime.agent_sets AS a ON a.agents @> p.agent_id
    JOIN talktime.hand_rounds AS h ON h.agent_set_id = a.agent_set_id AND h.taken_from < p.to_at AND h.taken_to >= p.from_at
    ORDER BY h.taken_from, p.agent_id) AS t;

-- Agents are named once more, so that runs of others are not taken apart.
-- name: SubjectSamples :many
SELECT row_to_json(s)::text AS line
FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
JOIN talktime.every_sample AS s ON s.agent_id = p.agent_id AND s.polled_at >= p.from_at AND s.polled_at < p.to_at
WHERE s.agent_id = ANY (@agents::integer[])
ORDER BY s.polled_at, s.agent_id;

-- name: CountSubjectSamples :one
SELECT count(*) AS samples, coalesce(min(s.polled_at), 'epoch')::timestamptz AS first_at, coalesce(max(s.polled_at), 'epoch')::timestamptz AS last_at
FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
JOIN talktime.every_sample AS s ON s.agent_id = p.agent_id AND s.polled_at >= p.from_at AND s.polled_at < p.to_at
WHERE s.agent_id = ANY (@agents::integer[]);

-- name: SubjectQuarterHours :many
SELECT row_to_json(q)::text AS line
FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
JOIN talktime.quarter_hours AS q ON q.agent_id = p.agent_id AND q.bin_start_at >= p.from_at AND q.bin_start_at < p.to_at
ORDER BY q.bin_start_at, q.agent_id;

-- name: SubjectSegments :many
SELECT row_to_json(s)::text AS line
FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
JOIN talktime.segments AS s ON s.agent_id = p.agent_id AND s.bin_start_at >= p.from_at AND s.bin_start_at < p.to_at
ORDER BY s.from_at, s.agent_id, s.bin_start_at;

-- name: SubjectDays :many
SELECT row_to_json(d)::text AS line
FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
JOIN talktime.days AS d ON d.agent_id = p.agent_id AND d.from_at >= p.from_at AND d.to_at <= p.to_at
ORDER BY d.from_at, d.agent_id, d.time_zone, d.business_day_start;

-- name: SubjectGone :many
SELECT row_to_json(g)::text AS line
FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
JOIN talktime.gone_quarter_hours AS g ON g.agent_id = p.agent_id AND g.bin_start_at >= p.from_at AND g.bin_start_at < p.to_at
ORDER BY g.bin_start_at, g.agent_id, g.derivation_id;

-- What was delivered of the time, where agents and teams of the export take the
-- agent in. Who is in a team changes; the one of each time counts.
-- name: SubjectExports :many
SELECT row_to_json(t)::text AS line FROM (
    SELECT DISTINCT e.name, e.from_at, e.to_at, e.revision, e.status, e.definition::json ->> 'report' AS report, e.definition::json ->> 'by' AS by,
           e.destination, e.files, e.delivered_at,
           EXISTS (SELECT FROM talktime.export_copies AS c WHERE c.name = e.name AND c.from_at = e.from_at AND c.to_at = e.to_at AND c.revision = e.revision) AS has_copy
    FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
    JOIN talktime.exports AS e ON e.from_at < p.to_at AND e.to_at > p.from_at AND e.sha256 <> ''
    WHERE talktime.is_asked_for(e.definition::jsonb, p.agent_id, greatest(e.from_at, p.from_at), least(e.to_at, p.to_at))) AS t
ORDER BY t.from_at, t.name, t.revision;

-- Reports and exports that asked for the agent by number, of a time that is not
-- another's.
-- name: SubjectAudit :many
SELECT row_to_json(t)::text AS line FROM (
    SELECT DISTINCT l.audit_id, l.at, l.action, l.subject, l.os_user, l.host, l.role_name, l.parameters::text AS parameters, l.row_count, l.exit_code
    FROM (SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at) AS p
    JOIN talktime.audit_log AS l ON l.parameters ? 'agents'
    WHERE coalesce((l.parameters ->> 'at')::timestamptz, (l.parameters ->> 'from')::timestamptz, '-infinity') < p.to_at
      AND coalesce((l.parameters ->> 'at')::timestamptz + interval '1 millisecond', (l.parameters ->> 'to')::timestamptz, 'infinity') > p.from_at
      AND talktime.is_asked_for(l.parameters, p.agent_id, p.from_at, p.to_at)) AS t
ORDER BY t.at, t.audit_id;

-- Where the person's figures went or may be seen: exports, roles with bi_v1, and who
-- ran reports that could show them.
-- name: SubjectRecipients :many
WITH parts AS (
    SELECT unnest(@agents::integer[]) AS agent_id, unnest(@parts_from::timestamptz[]) AS from_at, unnest(@parts_to::timestamptz[]) AS to_at
),
recipients AS (
    SELECT 'export'::text AS kind, e.name AS recipient, e.destination AS reached, count(DISTINCT (e.from_at, e.to_at, e.revision)) AS times,
           min(e.delivered_at) AS first_at, max(e.delivered_at) AS last_at
    FROM parts AS p
    JOIN talktime.exports AS e ON e.from_at < p.to_at AND e.to_at > p.from_at AND e.sha256 <> ''
    WHERE talktime.is_asked_for(e.definition::jsonb, p.agent_id, greatest(e.from_at, p.from_at), least(e.to_at, p.to_at))
    GROUP BY e.name, e.destination
    UNION ALL
    SELECT 'report', l.os_user || '@' || l.host, l.action || ' ' || l.subject, count(DISTINCT l.audit_id), min(l.at), max(l.at)
    FROM parts AS p
    JOIN talktime.audit_log AS l ON l.action = 'report' AND l.row_count > 0
     AND coalesce((l.parameters ->> 'at')::timestamptz, (l.parameters ->> 'from')::timestamptz, '-infinity') < p.to_at
     AND coalesce((l.parameters ->> 'at')::timestamptz + interval '1 millisecond', (l.parameters ->> 'to')::timestamptz, 'infinity') > p.from_at
    WHERE talktime.is_asked_for(l.parameters, p.agent_id, p.from_at, p.to_at)
    GROUP BY 2, 3
    UNION ALL
    SELECT 'role', g.role_name, 'bi_v1, ' || coalesce('team ' || g.team, 'everything'), NULL, min(g.granted_at), NULL
    FROM talktime.bi_grants AS g
    WHERE g.team IS NULL OR EXISTS (
        SELECT FROM parts AS p JOIN talktime.agent_history AS h ON h.agent_id = p.agent_id AND h.team = g.team
         AND h.valid_from < p.to_at AND coalesce(h.valid_to, 'infinity') > p.from_at)
    GROUP BY g.role_name, g.team
    UNION ALL
    SELECT 'role', r.rolname, 'the tables', NULL, NULL, NULL
    FROM pg_catalog.pg_roles AS r
    WHERE r.rolcanlogin AND has_table_privilege(r.oid, 'talktime.quarter_hours'::regclass, 'SELECT')
)
SELECT row_to_json(r)::text AS line FROM recipients AS r ORDER BY r.kind, r.recipient, r.reached;

-- What columns mean, in the order they stand, and what the codes of states do.
-- name: SubjectColumns :many
WITH meanings (place, nth, table_name, column_name, meaning) AS (
    SELECT array_position(@tables::text[], c.relname::text), a.attnum::integer, c.relname::text, a.attname::text, coalesce(col_description(c.oid, a.attnum), '')
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'talktime'::regnamespace AND c.relname = ANY (@tables::text[])
    UNION ALL
    SELECT 1000, agent_state, 'state_measures', format('agent_state %s, is_working %s', agent_state, is_working::text), label || ': ' || measure FROM talktime.state_measures
    UNION ALL
    SELECT 1001, 0, 'outcomes', 'outcome ' || outcome, meaning FROM talktime.outcomes
)
SELECT table_name::text AS table_name, column_name::text AS column_name, meaning::text AS meaning FROM meanings ORDER BY place, nth, column_name;
