-- Who sees what of bi_v1. Reading through its views is a right on the views, given
-- to roles by hand or by `talktime bi grant`; which rows they show is decided here,
-- for each row by the team its agent was in at that time. The views read our tables
-- as talktime_bi, whom the policies hold; who has a right on the tables themselves
-- sees them whole.

-- +goose Up
CREATE TABLE talktime.bi_grants (
    role_name  text NOT NULL,
    team       text CHECK (team <> ''),
    granted_by text NOT NULL DEFAULT current_user,
    granted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT bi_grants_once UNIQUE NULLS NOT DISTINCT (role_name, team)
);
COMMENT ON TABLE talktime.bi_grants IS 'Who sees what through bi_v1: one row a role and team. A role without a row sees no agent there, whatever its rights.';
COMMENT ON COLUMN talktime.bi_grants.role_name IS 'The role, by name: roles are the cluster''s and not in a dump. Its members see what it does.';
COMMENT ON COLUMN talktime.bi_grants.team IS 'The team, as the roster names it; empty for everything.';
COMMENT ON COLUMN talktime.bi_grants.granted_by IS 'The role that granted it.';
COMMENT ON COLUMN talktime.bi_grants.granted_at IS 'When, by the server''s clock.';
INSERT INTO talktime.bi_grants (role_name) VALUES ('talktime_reader');

-- Tables are read with the rights of a view's owner, roles are those of its reader.
CREATE VIEW talktime.my_teams AS
SELECT g.team FROM talktime.bi_grants AS g JOIN pg_catalog.pg_roles AS r ON r.rolname = g.role_name WHERE pg_has_role(r.oid, 'USAGE')
UNION ALL
SELECT NULL WHERE has_table_privilege('talktime.quarter_hours'::regclass, 'SELECT');
COMMENT ON VIEW talktime.my_teams IS 'The teams that current_user sees in bi_v1; an empty one for everything, which those see who may read our tables anyway.';
COMMENT ON COLUMN talktime.my_teams.team IS 'The team; empty for everything.';

-- An agent and an instant as one number, so that all tenures of many agents are one
-- multirange, built once a query and searched in halves: a subquery for each row would
-- cost more than reading it, and frighten the planner. Tenures begin and end on
-- quarter-hours, so whole seconds will do; 2^36 of them last until the year 4147.
CREATE FUNCTION talktime.moment(agent_id integer, at timestamptz) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
RETURN (agent_id::bigint << 36) + floor(date_part('epoch', at))::bigint;
COMMENT ON FUNCTION talktime.moment(integer, timestamptz) IS 'An agent at an instant, as a number that grows with the agent id and then with time.';

CREATE VIEW talktime.my_tenures AS
SELECT range_agg(int4range(h.agent_id, h.agent_id + 1)) AS agents,
       range_agg(int8range(talktime.moment(h.agent_id, h.valid_from), coalesce(talktime.moment(h.agent_id, h.valid_to), (h.agent_id + 1)::bigint << 36))) AS moments
FROM talktime.agent_history AS h
WHERE h.team = ANY (ARRAY(SELECT m.team FROM talktime.my_teams AS m));
COMMENT ON VIEW talktime.my_tenures IS 'Which agent was when in a team of my_teams. One row.';
COMMENT ON COLUMN talktime.my_tenures.agents IS 'The agents who ever were.';
COMMENT ON COLUMN talktime.my_tenures.moments IS 'When they were: moment() of every instant.';

-- Policies ask both with the rights of whoever reads the table. They tell of
-- nobody but the one who asks.
GRANT SELECT ON talktime.my_teams, talktime.my_tenures TO PUBLIC;

-- COPY, by which samples are stored, takes no table with policies but from its
-- owner. So the view reads them through another one that is a barrier. The form of
-- the first question here and in the policies makes the planner expect that nearly all
-- rows are seen, and so plan as if there were no such condition.
CREATE VIEW talktime.my_samples WITH (security_barrier) AS
SELECT s.polled_at, s.agent_id, s.period_ms, s.agent_state, s.is_working, s.outcome, s.retcode
FROM talktime.samples AS s
WHERE (SELECT true FROM talktime.my_teams AS m WHERE m.team IS NULL LIMIT 1) IS NOT NULL
   OR (SELECT t.moments FROM talktime.my_tenures AS t) @> talktime.moment(s.agent_id, s.polled_at);
COMMENT ON VIEW talktime.my_samples IS 'The samples that current_user sees in bi_v1.';
-- +goose StatementBegin
DO $$
DECLARE
    col record;
BEGIN
    FOR col IN SELECT attname, col_description(attrelid, attnum) AS words FROM pg_attribute WHERE attrelid = 'talktime.samples'::regclass AND attnum > 0 LOOP
        EXECUTE format('COMMENT ON COLUMN talktime.my_samples.%I IS %L', col.attname, col.words);
    END LOOP;
END $$;
-- +goose StatementEnd

CREATE OR REPLACE VIEW bi_v1.fct_samples AS
SELECT
    s.agent_id, coalesce(h.names[width_bucket(s.polled_at, h.starts)], '')::text AS agent_name, coalesce(h.teams[width_bucket(s.polled_at, h.starts)], '')::text AS team,
    l.local_date, date_bin('15 minutes', s.polled_at, 'epoch')::timestamptz AS bin_start_at, s.polled_at,
    s.outcome::text AS outcome, o.is_observation, s.agent_state, s.is_working,
    (CASE WHEN o.is_observation THEN coalesce(m.measure::text, CASE WHEN s.is_working THEN 'talk' ELSE 'other' END) END)::text AS measure,
    (CASE WHEN s.outcome = 'observed' THEN coalesce(m.is_conflict, s.is_working) END)::boolean AS is_conflict,
    s.retcode, (s.period_ms / 1000::float8)::float8 AS period_seconds, s.period_ms::bigint AS period_ms
FROM talktime.my_samples AS s
JOIN talktime.outcomes AS o ON o.outcome = s.outcome
LEFT JOIN talktime.state_measures AS m ON m.agent_state = CASE WHEN s.outcome = 'not_signed_in' THEN 2 ELSE s.agent_state END
                                      AND m.is_working = CASE WHEN s.outcome = 'not_signed_in' THEN false ELSE s.is_working END
LEFT JOIN (SELECT agent_id, array_agg(valid_from) AS starts, array_agg(name) AS names, array_agg(team) AS teams
           FROM (SELECT * FROM talktime.agent_history ORDER BY agent_id, valid_from) AS a GROUP BY agent_id) AS h ON h.agent_id = s.agent_id
LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = date_bin('15 minutes', s.polled_at, 'epoch');

CREATE POLICY own_teams ON talktime.agent_history USING (
    (SELECT true FROM talktime.my_teams AS m WHERE m.team IS NULL LIMIT 1) IS NOT NULL
    OR team = ANY (ARRAY(SELECT m.team FROM talktime.my_teams AS m))) WITH CHECK (true);
CREATE POLICY own_teams ON talktime.known_agents USING (
    (SELECT true FROM talktime.my_teams AS m WHERE m.team IS NULL LIMIT 1) IS NOT NULL
    OR (SELECT t.agents FROM talktime.my_tenures AS t) @> agent_id) WITH CHECK (true);
CREATE POLICY own_teams ON talktime.quarter_hours USING (
    (SELECT true FROM talktime.my_teams AS m WHERE m.team IS NULL LIMIT 1) IS NOT NULL
    OR (SELECT t.moments FROM talktime.my_tenures AS t) @> talktime.moment(agent_id, bin_start_at)) WITH CHECK (true);
CREATE POLICY own_teams ON talktime.segments USING (
    (SELECT true FROM talktime.my_teams AS m WHERE m.team IS NULL LIMIT 1) IS NOT NULL
    OR (SELECT t.moments FROM talktime.my_tenures AS t) @> talktime.moment(agent_id, bin_start_at)) WITH CHECK (true);
CREATE POLICY own_teams ON talktime.gone_quarter_hours USING (
    (SELECT true FROM talktime.my_teams AS m WHERE m.team IS NULL LIMIT 1) IS NOT NULL
    OR (SELECT t.moments FROM talktime.my_tenures AS t) @> talktime.moment(agent_id, bin_start_at)) WITH CHECK (true);
-- A kept day only if all of it is theirs; parts of others are summed from quarter-hours.
CREATE POLICY own_teams ON talktime.days USING (
    (SELECT true FROM talktime.my_teams AS m WHERE m.team IS NULL LIMIT 1) IS NOT NULL
    OR (SELECT t.moments FROM talktime.my_tenures AS t) @> int8range(talktime.moment(agent_id, from_at), talktime.moment(agent_id, to_at))) WITH CHECK (true);
-- The counts of a schedule with few agents tell of each of them.
CREATE POLICY everything_only ON talktime.ticks USING (
    (SELECT true FROM talktime.my_teams AS m WHERE m.team IS NULL LIMIT 1) IS NOT NULL) WITH CHECK (true);

ALTER TABLE talktime.agent_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.known_agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.quarter_hours ENABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.segments ENABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.gone_quarter_hours ENABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.days ENABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.ticks ENABLE ROW LEVEL SECURITY;

-- The roles are the cluster's, shared with its other databases: made where they are
-- missing, never dropped. After a restore without roles and rights this brings both
-- back; it says which granted roles are not here.
-- +goose StatementBegin
CREATE FUNCTION talktime.settle_roles() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    needed  text;
    granted record;
    absent  text[] := '{}';
BEGIN
    FOREACH needed IN ARRAY ARRAY['talktime_bi', 'talktime_reader', 'talktime_writer'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = needed);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', needed);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL; -- made meanwhile
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'role % may not make roles; let one that may run: %; GRANT talktime_bi TO %; then run talktime migrate again', quote_ident(current_user),
                    (SELECT string_agg(format('CREATE ROLE %I NOLOGIN', r), '; ' ORDER BY r) FROM unnest(ARRAY['talktime_bi', 'talktime_reader', 'talktime_writer']) AS r
                     WHERE r NOT IN (SELECT rolname FROM pg_roles)), quote_ident(current_user);
        END;
    END LOOP;
    IF NOT pg_has_role('talktime_bi', 'USAGE') THEN
        BEGIN
            EXECUTE format('GRANT talktime_bi TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE EXCEPTION 'role % is no member of talktime_bi and may not become one; let one that may run: GRANT talktime_bi TO %; then run talktime migrate again',
                quote_ident(current_user), quote_ident(current_user);
        END;
    END IF;
    GRANT SELECT ON talktime.my_teams, talktime.my_tenures TO PUBLIC;
    PERFORM talktime.own_bi_views();
    -- A table that views no longer read.
    REVOKE ALL ON talktime.samples FROM talktime_bi;

    FOR granted IN
        SELECT DISTINCT g.role_name, r.oid FROM talktime.bi_grants AS g LEFT JOIN pg_roles AS r ON r.rolname = g.role_name ORDER BY 1
    LOOP
        IF granted.oid IS NULL THEN
            absent := absent || granted.role_name;
            CONTINUE;
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA bi_v1 TO %I', granted.role_name);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA bi_v1 TO %I', granted.role_name);
    END LOOP;
    RETURN absent;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION talktime.settle_roles() IS 'Makes the roles talktime_bi, talktime_reader and talktime_writer where they are missing, gives the views of bi_v1 to the first, and to every role of bi_grants the right to read them. Returns granted roles that do not exist.';

-- +goose Down
DROP FUNCTION talktime.settle_roles();
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'talktime_writer') THEN
        REVOKE ALL ON ALL TABLES IN SCHEMA talktime FROM talktime_writer;
        REVOKE ALL ON public.talktime_migrations FROM talktime_writer;
        REVOKE ALL ON SCHEMA talktime FROM talktime_writer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'talktime_bi') THEN
        GRANT SELECT ON talktime.samples TO talktime_bi;
    END IF;
END $$;
-- +goose StatementEnd
CREATE OR REPLACE VIEW bi_v1.fct_samples AS
SELECT
    s.agent_id, coalesce(h.names[width_bucket(s.polled_at, h.starts)], '')::text AS agent_name, coalesce(h.teams[width_bucket(s.polled_at, h.starts)], '')::text AS team,
    l.local_date, date_bin('15 minutes', s.polled_at, 'epoch')::timestamptz AS bin_start_at, s.polled_at,
    s.outcome::text AS outcome, o.is_observation, s.agent_state, s.is_working,
    (CASE WHEN o.is_observation THEN coalesce(m.measure::text, CASE WHEN s.is_working THEN 'talk' ELSE 'other' END) END)::text AS measure,
    (CASE WHEN s.outcome = 'observed' THEN coalesce(m.is_conflict, s.is_working) END)::boolean AS is_conflict,
    s.retcode, (s.period_ms / 1000::float8)::float8 AS period_seconds, s.period_ms::bigint AS period_ms
FROM talktime.samples AS s
JOIN talktime.outcomes AS o ON o.outcome = s.outcome
LEFT JOIN talktime.state_measures AS m ON m.agent_state = CASE WHEN s.outcome = 'not_signed_in' THEN 2 ELSE s.agent_state END
                                      AND m.is_working = CASE WHEN s.outcome = 'not_signed_in' THEN false ELSE s.is_working END
LEFT JOIN (SELECT agent_id, array_agg(valid_from) AS starts, array_agg(name) AS names, array_agg(team) AS teams
           FROM (SELECT * FROM talktime.agent_history ORDER BY agent_id, valid_from) AS a GROUP BY agent_id) AS h ON h.agent_id = s.agent_id
LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = date_bin('15 minutes', s.polled_at, 'epoch');
DROP VIEW talktime.my_samples;
ALTER TABLE talktime.agent_history DISABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.known_agents DISABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.quarter_hours DISABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.segments DISABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.gone_quarter_hours DISABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.days DISABLE ROW LEVEL SECURITY;
ALTER TABLE talktime.ticks DISABLE ROW LEVEL SECURITY;
DROP POLICY own_teams ON talktime.agent_history;
DROP POLICY own_teams ON talktime.known_agents;
DROP POLICY own_teams ON talktime.quarter_hours;
DROP POLICY own_teams ON talktime.segments;
DROP POLICY own_teams ON talktime.gone_quarter_hours;
DROP POLICY own_teams ON talktime.days;
DROP POLICY everything_only ON talktime.ticks;
DROP VIEW talktime.my_tenures, talktime.my_teams;
DROP FUNCTION talktime.moment(integer, timestamptz);
DROP TABLE talktime.bi_grants;
