-- Roles: who may record, and who may read how much of bi_v1. What Postgres takes no
-- parameters for (GRANT, ALTER ROLE) is written beside the store's code.

-- Whether this role is one that may settle the others: who owns the schema.
-- name: OwnsSchema :one
SELECT pg_has_role(n.nspowner, 'USAGE')::boolean AS owns FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'talktime';

-- Before the first migration that gives views to talktime_bi: from Postgres 16 on, who
-- makes a role may pass it on, but is no member that can give it anything. Where this
-- role may not help it, that migration says who must do what.
-- name: JoinViewsOwner :exec
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'talktime_bi') THEN
        CREATE ROLE talktime_bi NOLOGIN;
    END IF;
    IF NOT pg_has_role('talktime_bi', 'USAGE') THEN
        GRANT talktime_bi TO CURRENT_USER;
    END IF;
EXCEPTION
    WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN NULL;
END $$;

-- name: SettleRoles :one
SELECT talktime.settle_roles()::text[] AS absent_roles;

-- name: RoleNames :many
SELECT rolname::text AS role_name FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY rolname;

-- Whether a role sees everything whatever it is granted: by rights on our tables, or
-- by way of another role that does.
-- name: SeesEverythingAnyway :one
SELECT (has_table_privilege(@role_name::text, 'talktime.quarter_hours'::regclass, 'SELECT')
        OR EXISTS (SELECT FROM talktime.bi_grants AS g JOIN pg_catalog.pg_roles AS r ON r.rolname = g.role_name
                   WHERE g.team IS NULL AND g.role_name <> (@role_name::text)::text AND pg_has_role(@role_name::text, r.oid, 'USAGE')))::boolean AS sees_everything;

-- name: DropBIGrants :execrows
DELETE FROM talktime.bi_grants WHERE role_name = @role_name;

-- name: PutBIGrants :exec
INSERT INTO talktime.bi_grants (role_name, team) SELECT @role_name::text, nullif(t, '') FROM unnest(@teams::text[]) AS t;

-- Everyone with a grant, and everyone who may read a view without having one.
-- name: BIGrants :many
WITH readers (role_name) AS (
    SELECT role_name FROM talktime.bi_grants
    UNION
    SELECT r.rolname::text FROM pg_catalog.pg_class AS c, aclexplode(c.relacl) AS a JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
    WHERE c.relnamespace = 'bi_v1'::regnamespace AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
)
SELECT n.role_name::text AS role_name, (r.oid IS NOT NULL)::boolean AS is_there, coalesce(r.rolcanlogin, false)::boolean AS can_login,
       coalesce((SELECT bool_or(g.team IS NULL) FROM talktime.bi_grants AS g WHERE g.role_name = n.role_name), false)::boolean AS sees_everything,
       coalesce(has_table_privilege(r.oid, 'talktime.quarter_hours'::regclass, 'SELECT'), false)::boolean AS may_read_tables,
       coalesce((SELECT array_agg(g.team ORDER BY g.team) FROM talktime.bi_grants AS g WHERE g.role_name = n.role_name AND g.team IS NOT NULL), '{}')::text[] AS teams,
       coalesce((SELECT array_agg(m.rolname::text ORDER BY m.rolname) FROM pg_catalog.pg_auth_members AS a JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
                 WHERE a.roleid = r.oid), '{}')::text[] AS members
FROM readers AS n LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = n.role_name
ORDER BY n.role_name;
