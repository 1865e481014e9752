-- What talktime doctor looks at. All of it reads catalogs and ledgers and runs
-- in a transaction that cannot write.

-- name: ExamineServer :one
SELECT current_setting('server_version') AS version, pg_encoding_to_char(d.encoding)::text AS encoding,
       current_user::text AS role, pg_is_in_recovery() AS is_standby, pg_database_size(d.oid) AS bytes,
       clock_timestamp()::timestamptz AS clock
FROM pg_catalog.pg_database AS d WHERE d.datname = current_database();

-- The rights the statements beside this one need and a role lacks, found through the
-- catalog: a schema that may not be used cannot be asked by name. Where there is no
-- schema yet, the right to make it. talktime_writer is given what this names, but
-- for what only making partitions needs.
-- name: MissingRights :many
WITH one AS (
    SELECT coalesce(nullif(@role_name::text, ''), current_user)::name AS role
),
needed (relation, rights) AS (VALUES
    ('outcomes',       '{SELECT}'::text[]),
    ('state_measures', '{SELECT}'),
    ('agent_sets',     '{SELECT,INSERT}'),
    ('schedules',      '{SELECT,INSERT,UPDATE}'),
    ('ticks',          '{SELECT,INSERT,UPDATE}'),
    ('hand_rounds',    '{SELECT,INSERT}'),
    ('samples',        '{SELECT,INSERT}'),
    ('lost_samples',   '{SELECT,INSERT}'),
    ('drops',          '{SELECT}'),
    ('sample_runs',    '{SELECT,INSERT}'),
    ('run_samples',    '{SELECT}'),
    ('every_sample',   '{SELECT}'),
    ('compacting',     '{SELECT,DELETE}'),
    ('compactions',    '{SELECT}'),
    ('dirty',          '{SELECT,INSERT,DELETE}'),
    ('derivations',    '{SELECT,INSERT}'),
    ('quarter_hours',  '{SELECT,INSERT,UPDATE,DELETE}'),
    ('segments',       '{SELECT,INSERT,UPDATE,DELETE}'),
    ('days',           '{SELECT,INSERT,UPDATE,DELETE}'),
    ('kept_days',      '{SELECT,INSERT,UPDATE,DELETE}'),
    ('job_runs',       '{SELECT,INSERT}'),
    ('epochs',         '{SELECT,INSERT,UPDATE}'),
    ('agents',         '{SELECT}'),
    ('agent_history',  '{SELECT}'),
    ('known_agents',   '{SELECT,INSERT}'),
    ('gone_quarter_hours', '{SELECT,INSERT}'),
    ('calendars',      '{SELECT,INSERT,UPDATE,DELETE}'),
    ('local_days',     '{SELECT,INSERT,DELETE}'),
    ('local_quarter_hours', '{SELECT,INSERT,DELETE}'),
    ('metrics',        '{SELECT}'),
    ('exports',        '{SELECT,INSERT,UPDATE,DELETE}'),
    ('export_copies',  '{SELECT,INSERT,DELETE}')),
schema AS (
    SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'talktime'
),
missing (place, wanted, for_partitions) AS (
    SELECT 1, format('CREATE ON DATABASE %I', current_database()), false
    FROM one WHERE NOT EXISTS (SELECT FROM schema) AND NOT has_database_privilege(one.role, current_database(), 'CREATE')
    UNION ALL
    SELECT 2, r.wanted || ' ON SCHEMA talktime', r.wanted = 'CREATE'
    FROM one, schema, unnest('{USAGE,CREATE}'::text[]) AS r (wanted) WHERE NOT has_schema_privilege(one.role, schema.oid, r.wanted)
    UNION ALL
    SELECT 3, 'SELECT ON public.talktime_migrations', false
    FROM one, pg_catalog.pg_class AS c
    WHERE c.relname = 'talktime_migrations' AND c.relnamespace = 'public'::regnamespace AND NOT has_table_privilege(one.role, c.oid, 'SELECT')
    UNION ALL
    SELECT 4, string_agg(r.wanted, ', ' ORDER BY r.nth) || ' ON talktime.' || n.relation, false
    FROM one CROSS JOIN schema JOIN pg_catalog.pg_class AS c ON c.relnamespace = schema.oid
    JOIN needed AS n ON n.relation = c.relname, unnest(n.rights) WITH ORDINALITY AS r (wanted, nth)
    WHERE NOT has_table_privilege(one.role, c.oid, r.wanted)
    GROUP BY n.relation)
SELECT wanted::text AS name, format('GRANT %s TO %I', wanted, one.role)::text AS remedy, place, for_partitions::boolean AS for_partitions
FROM one, missing
UNION ALL
-- Whoever adds a partition must own the table.
SELECT 'ownership of talktime.' || c.relname || ', to make its partitions',
       format('record as role %I, which owns it, or GRANT %1$I TO %I', pg_get_userbyid(c.relowner), one.role), 0, true
FROM one CROSS JOIN schema JOIN pg_catalog.pg_class AS c ON c.relnamespace = schema.oid
WHERE c.relkind = 'p' AND NOT pg_has_role(one.role, c.relowner, 'USAGE')
ORDER BY place, name;

-- name: CountDirty :one
SELECT count(*) FROM talktime.dirty;

-- The last run of each job.
-- name: LastJobRuns :many
SELECT DISTINCT ON (job) job, due_at, started_at, finished_at, error FROM talktime.job_runs ORDER BY job, due_at DESC, job_run_id DESC;
