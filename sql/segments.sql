-- What timelines and sessions read: the segments of a window, and beyond its ends
-- as many as the runs that reach over them may have. The rules of episodes and
-- sessions are the reports': these statements may give more than is needed, never
-- less. Naming agents by an array lets the index of (agent_id, from_at) serve few
-- of them; bin_start_at names the partitions.

-- Episodes: a run that holds an end of the window is followed to the segment that
-- has the sample of its other end.
-- name: SegmentsOfEpisodes :many
WITH inside AS (
    SELECT s.* FROM talktime.segments AS s
    WHERE s.bin_start_at >= @from_at::timestamptz AND s.bin_start_at < @to_at::timestamptz
      AND s.from_at >= @from_at::timestamptz AND s.from_at < @to_at::timestamptz
      AND (cardinality(@agents::integer[]) = 0 OR s.agent_id = ANY (@agents::integer[]))
),
reaching AS MATERIALIZED (
    SELECT i.agent_id,
           (SELECT max(b.from_at) FROM talktime.segments AS b
            WHERE b.agent_id = i.agent_id AND b.from_at < @from_at::timestamptz AND b.started_before IS NOT NULL) AS read_from,
           i.from_at - interval '1 microsecond' AS read_to
    FROM inside AS i
    WHERE i.from_at = @from_at::timestamptz AND i.started_before IS NULL AND i.measure IS NOT NULL
    UNION ALL
    SELECT i.agent_id, i.to_at,
           (SELECT coalesce(min(e.from_at), 'infinity') FROM talktime.segments AS e
            WHERE e.agent_id = i.agent_id AND e.from_at >= @to_at::timestamptz AND e.ended_after IS NOT NULL)
    FROM inside AS i
    WHERE i.to_at = @to_at::timestamptz AND i.ended_after IS NULL AND i.measure IS NOT NULL
)
SELECT agent_id, from_at, to_at, started_after, started_before, ended_after, ended_before,
       coalesce(agent_state, 0)::integer AS agent_state, coalesce(is_working, false)::boolean AS is_working,
       coalesce(measure::text, cause::text)::text AS measure
FROM (
    SELECT * FROM inside
    UNION ALL
    SELECT s.* FROM reaching AS r JOIN talktime.segments AS s ON s.agent_id = r.agent_id AND s.from_at BETWEEN r.read_from AND r.read_to
) AS s
ORDER BY agent_id, from_at;

-- Sessions: staffed time is followed on either side to where none is any more
-- within the gap that a session bridges. near_from lies on a quarter-hour, at least
-- the gap before the window.
-- name: SegmentsOfSessions :many
WITH given AS (
    SELECT g.from_at, g.to_at, g.gap_ms * interval '1 millisecond' AS gap
    FROM (SELECT @from_at::timestamptz AS from_at, @to_at::timestamptz AS to_at, @gap_ms::bigint AS gap_ms) AS g
),
near AS MATERIALIZED (
    SELECT s.* FROM talktime.segments AS s
    WHERE s.bin_start_at >= @near_from::timestamptz AND s.bin_start_at < @to_at::timestamptz
      AND s.from_at >= @near_from::timestamptz AND s.from_at < @to_at::timestamptz AND s.measure IS NOT NULL
      AND (cardinality(@agents::integer[]) = 0 OR s.agent_id = ANY (@agents::integer[]))
),
reaching AS MATERIALIZED (
    SELECT i.agent_id,
           (SELECT b.from_at FROM talktime.segments AS b
            WHERE b.agent_id = i.agent_id AND b.from_at < i.from_at AND b.measure <> 'signed_out'
              AND NOT EXISTS (SELECT FROM talktime.segments AS p
                              WHERE p.agent_id = b.agent_id AND p.from_at >= b.from_at - i.gap - interval '15 minutes' AND p.from_at < b.from_at
                                AND p.to_at >= b.from_at - i.gap AND p.measure <> 'signed_out')
            ORDER BY b.from_at DESC LIMIT 1) AS read_from,
           i.from_at - interval '1 microsecond' AS read_to
    FROM (SELECT DISTINCT n.agent_id, g.from_at, g.gap FROM near AS n, given AS g
          WHERE n.from_at < g.from_at AND n.to_at >= g.from_at - g.gap AND n.measure <> 'signed_out') AS i
    UNION ALL
    SELECT i.agent_id, i.to_at,
           (SELECT e.from_at FROM talktime.segments AS e
            WHERE e.agent_id = i.agent_id AND e.from_at >= i.to_at AND e.measure <> 'signed_out'
              AND NOT EXISTS (SELECT FROM talktime.segments AS n
                              WHERE n.agent_id = e.agent_id AND n.from_at > e.from_at AND n.from_at <= e.to_at + i.gap AND n.measure <> 'signed_out')
            ORDER BY e.from_at LIMIT 1)
    FROM (SELECT DISTINCT n.agent_id, g.to_at, g.gap FROM near AS n, given AS g
          WHERE n.to_at >= g.to_at - g.gap AND n.measure <> 'signed_out') AS i
)
SELECT agent_id, from_at, to_at, started_after, started_before, ended_after, ended_before,
       coalesce(agent_state, 0)::integer AS agent_state, coalesce(is_working, false)::boolean AS is_working,
       measure::text AS measure
FROM (
    SELECT * FROM near AS n WHERE n.bin_start_at >= @from_at::timestamptz
    UNION ALL
    SELECT s.* FROM reaching AS r JOIN talktime.segments AS s ON s.agent_id = r.agent_id AND s.from_at BETWEEN r.read_from AND r.read_to
    WHERE s.measure IS NOT NULL
) AS s
ORDER BY agent_id, from_at;
