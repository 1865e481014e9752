-- Samples that are gone while what was derived from them stands.

-- Called before samples of these days are stored: where rounds stored some and
-- none is left, those that come now must not be taken for all there were.
-- name: NoteLostSamples :exec
INSERT INTO talktime.lost_samples (day)
SELECT (day AT TIME ZONE 'UTC')::date
FROM unnest(@days::timestamptz[]) AS day
WHERE talktime.was_sampled(day, day + interval '24 hours')
  AND NOT talktime.has_samples(day)
ON CONFLICT (day) DO NOTHING;

-- Days whose derived figures can no longer be reproduced in that part of them
-- that lies in [from_at, to_at): rounds stored samples there, and the day has none,
-- or others that came later, or is to have none; or rows stand there further from any
-- end than a tick covers, an hour, and there is none; or the rows themselves were
-- dropped. Those that retention has dropped do not come back.
-- name: LostDays :many
WITH given AS (
    SELECT @from_at::timestamptz AS from_at, @to_at::timestamptz AS to_at
),
days AS (
    SELECT day, day + interval '24 hours' AS day_to, greatest(day, from_at) AS part_from, least(day + interval '24 hours', to_at) AS part_to
    FROM given, generate_series(date_trunc('day', from_at, 'UTC'), to_at, interval '24 hours') AS day
)
SELECT day::timestamptz AS day,
       EXISTS (SELECT FROM talktime.drops AS g
               WHERE g.relation IN ('samples', 'quarter_hours') AND g.from_at < days.day_to AND g.to_at > days.day) AS is_dropped
FROM days
WHERE talktime.was_sampled(part_from, part_to)
      AND (NOT talktime.has_samples(day)
           OR EXISTS (SELECT FROM talktime.lost_samples AS l WHERE l.day = (days.day AT TIME ZONE 'UTC')::date)
           OR EXISTS (SELECT FROM talktime.drops AS g WHERE g.relation = 'samples' AND g.from_at < days.day_to AND g.to_at > days.day))
   OR EXISTS (SELECT FROM talktime.quarter_hours AS q
              WHERE q.bin_start_at >= part_from + interval '75 minutes' AND q.bin_start_at < part_to - interval '60 minutes')
      AND NOT EXISTS (SELECT FROM talktime.ticks AS t WHERE t.due_at >= part_from AND t.due_at < part_to)
      AND NOT EXISTS (SELECT FROM talktime.hand_rounds AS h WHERE h.taken_to >= part_from AND h.taken_from < part_to)
   OR EXISTS (SELECT FROM talktime.drops AS g WHERE g.relation = 'quarter_hours' AND g.from_at < part_to AND g.to_at > part_from)
ORDER BY day;

-- The earliest instant anything is known of.
-- name: KnownSince :one
SELECT coalesce(least((SELECT min(due_at) FROM talktime.ticks), (SELECT min(taken_from) FROM talktime.hand_rounds),
                      (SELECT min(bin_start_at) FROM talktime.quarter_hours), (SELECT min(from_at) FROM talktime.drops)), @otherwise::timestamptz)::timestamptz AS known_since;
