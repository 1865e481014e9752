-- A copy of the facts that is kept up: the first run loads everything, each later
-- one what changed since, and always leaves what a fresh load would. In psql, or
-- statement by statement in the tool of the warehouse.
--
-- derivation_id is the watermark: it is given under a lock that is held until the
-- commit, so nothing ever commits behind one that was seen. Rows that vanished are
-- in meta_deletions. agent_name, team and the local columns follow the roster and
-- the main zone without a new derivation_id: leave them out, as here, and join
-- dim_agent_history and dim_quarter_hours, which are small enough to load whole.
-- Days are cut where an agent id or its team changes hands: load them afresh after
-- a roster import (set the watermark to 0).

CREATE SCHEMA IF NOT EXISTS bi_copy;
CREATE TABLE IF NOT EXISTS bi_copy.watermark AS SELECT 0::bigint AS derivation_id;
CREATE TABLE IF NOT EXISTS bi_copy.quarter_hours AS SELECT agent_id, bin_start_at, window_seconds, talk_seconds, handle_seconds, staffed_seconds,
    observed_seconds, unobserved_seconds, talk_entries, is_final, revision, updated_at, derivation_id
FROM bi_v1.fct_agent_quarter_hours WITH NO DATA;
CREATE TABLE IF NOT EXISTS bi_copy.days AS SELECT time_zone, local_date, agent_id, part_start_at, window_seconds, talk_seconds, handle_seconds, staffed_seconds,
    observed_seconds, unobserved_seconds, pending_seconds, talk_entries, is_final, revision, updated_at, derivation_id
FROM bi_v1.fct_agent_days WITH NO DATA;

-- One snapshot for all of it. A tool that cannot have that reads next first, and
-- will read some rows twice, which does no harm.
BEGIN ISOLATION LEVEL REPEATABLE READ;
CREATE TEMPORARY TABLE next ON COMMIT DROP AS SELECT derivation_id FROM bi_v1.meta_freshness;

DELETE FROM bi_copy.quarter_hours AS c
WHERE (agent_id, bin_start_at) IN (SELECT agent_id, bin_start_at FROM bi_v1.meta_deletions WHERE derivation_id > (SELECT derivation_id FROM bi_copy.watermark)
                                   UNION ALL
                                   SELECT agent_id, bin_start_at FROM bi_v1.fct_agent_quarter_hours WHERE derivation_id > (SELECT derivation_id FROM bi_copy.watermark));
INSERT INTO bi_copy.quarter_hours
SELECT agent_id, bin_start_at, window_seconds, talk_seconds, handle_seconds, staffed_seconds,
       observed_seconds, unobserved_seconds, talk_entries, is_final, revision, updated_at, derivation_id
FROM bi_v1.fct_agent_quarter_hours WHERE derivation_id > (SELECT derivation_id FROM bi_copy.watermark);

DELETE FROM bi_copy.days AS c
WHERE (time_zone, local_date, agent_id) IN (SELECT q.time_zone, q.local_date, d.agent_id FROM bi_v1.meta_deletions AS d JOIN bi_v1.dim_quarter_hours AS q ON q.bin_start_at = d.bin_start_at
                                            WHERE d.derivation_id > (SELECT derivation_id FROM bi_copy.watermark)
                                            UNION ALL
                                            SELECT time_zone, local_date, agent_id FROM bi_v1.fct_agent_days WHERE derivation_id > (SELECT derivation_id FROM bi_copy.watermark));
INSERT INTO bi_copy.days
SELECT time_zone, local_date, agent_id, part_start_at, window_seconds, talk_seconds, handle_seconds, staffed_seconds,
       observed_seconds, unobserved_seconds, pending_seconds, talk_entries, is_final, revision, updated_at, derivation_id
FROM bi_v1.fct_agent_days WHERE derivation_id > (SELECT derivation_id FROM bi_copy.watermark);

UPDATE bi_copy.watermark SET derivation_id = (SELECT derivation_id FROM next);
COMMIT;
