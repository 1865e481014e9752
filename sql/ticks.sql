-- Ticks: the instants that were due and what became of them.

-- A taken tick replaces a missed one; of two taken the first stands. Tells by the
-- number of rows whether the tick was stored, and with it its samples may be.
-- name: PutTakenTick :execrows
INSERT INTO talktime.ticks AS t (
    schedule, due_at, period_ms, agent_set_id, status, epoch, started_at, finished_at,
    observed, not_signed_in, unauthorized, bad_request, gateway_error, unreachable, bad_reply, skipped)
VALUES (
    @schedule, @due_at, @period_ms, @agent_set_id, 'taken', @epoch, @started_at, @finished_at,
    @observed, @not_signed_in, @unauthorized, @bad_request, @gateway_error, @unreachable, @bad_reply, @skipped)
ON CONFLICT (schedule, due_at, shard) DO UPDATE SET (
    period_ms, agent_set_id, status, epoch, started_at, finished_at,
    observed, not_signed_in, unauthorized, bad_request, gateway_error, unreachable, bad_reply, skipped) = (
    excluded.period_ms, excluded.agent_set_id, excluded.status, excluded.epoch, excluded.started_at, excluded.finished_at,
    excluded.observed, excluded.not_signed_in, excluded.unauthorized, excluded.bad_request,
    excluded.gateway_error, excluded.unreachable, excluded.bad_reply, excluded.skipped)
WHERE t.status = 'missed';

-- name: PutMissedTicks :exec
INSERT INTO talktime.ticks (schedule, due_at, period_ms, agent_set_id, status, epoch)
SELECT unnest(@schedules::text[]), unnest(@due_at::timestamptz[]), unnest(@period_ms::integer[]), unnest(@agent_set_id::bigint[]), 'missed',
       unnest(@epochs::bigint[])
ON CONFLICT (schedule, due_at, shard) DO NOTHING;

-- name: PutHandRound :exec
INSERT INTO talktime.hand_rounds (taken_from, taken_to, period_ms, agent_set_id)
VALUES (@taken_from, @taken_to, @period_ms, @agent_set_id);

-- name: StoredTicks :many
SELECT schedule, due_at FROM talktime.ticks
WHERE due_at >= @from_at::timestamptz AND due_at < @to_at::timestamptz
ORDER BY schedule, due_at;

-- The largest period that matters to [from_at, to_at): a tick's reach is eight of
-- its own periods, so distant dense ticks do not count and distant sparse ones do.
-- near_from and near_to lie eight hours, the largest reach, around the range.
-- name: LargestPeriodNear :one
SELECT coalesce(greatest(
    (SELECT max(period_ms) FROM talktime.ticks
     WHERE due_at >= @near_from::timestamptz AND due_at < @near_to::timestamptz
       AND due_at + 8 * period_ms * interval '1 millisecond' >= @from_at::timestamptz
       AND due_at - 8 * period_ms * interval '1 millisecond' < @to_at::timestamptz),
    (SELECT max(period_ms) FROM talktime.hand_rounds
     WHERE taken_to >= @near_from::timestamptz AND taken_from < @near_to::timestamptz
       AND taken_to + 8 * period_ms * interval '1 millisecond' >= @from_at::timestamptz
       AND taken_from - 8 * period_ms * interval '1 millisecond' < @to_at::timestamptz)), 0)::bigint AS period_ms;

-- The periods of ticks and of rounds taken by hand.
-- name: Periods :many
SELECT period_ms FROM talktime.ticks
WHERE due_at >= @from_at::timestamptz AND due_at < @to_at::timestamptz
UNION
SELECT period_ms FROM talktime.hand_rounds
WHERE taken_to >= @from_at::timestamptz AND taken_from < @to_at::timestamptz
ORDER BY period_ms;
