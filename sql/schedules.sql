-- What recorders were told: schedules and the sets of agents they name.

-- name: PutAgentSet :exec
INSERT INTO talktime.agent_sets (agents, fingerprint)
VALUES ((@agents::text)::int4multirange, md5((@agents::text)::int4multirange::text))
ON CONFLICT (fingerprint) DO NOTHING;

-- name: AgentSetID :one
SELECT agent_set_id FROM talktime.agent_sets WHERE fingerprint = md5((@agents::text)::int4multirange::text);

-- One declaration at a time: rows alone cannot be locked before there are any.
-- name: LockSchedules :exec
SELECT pg_advisory_xact_lock(hashtext('talktime.schedules'));

-- name: SchedulesInForce :many
SELECT s.schedule_id, s.name, s.cron, s.time_zone, s.all_agents, a.agents::text AS agents
FROM talktime.schedules AS s JOIN talktime.agent_sets AS a USING (agent_set_id)
WHERE s.valid_to IS NULL
ORDER BY s.name;

-- greatest: a clock that was set back must not close a row before it opened.
-- name: CloseSchedule :exec
UPDATE talktime.schedules SET valid_to = greatest(valid_from, @at::timestamptz) WHERE schedule_id = @schedule_id;

-- name: OpenSchedule :exec
INSERT INTO talktime.schedules (name, cron, time_zone, all_agents, agent_set_id, valid_from)
VALUES (@name, @cron, @time_zone, @all_agents, @agent_set_id, @at);

-- name: SchedulesSince :many
SELECT s.name, s.cron, s.time_zone, s.all_agents, a.agents::text AS agents, s.valid_from, s.valid_to
FROM talktime.schedules AS s JOIN talktime.agent_sets AS a USING (agent_set_id)
WHERE s.valid_to IS NULL OR s.valid_to > @since::timestamptz
ORDER BY s.name, s.valid_from, s.schedule_id;
