-- Who ran which report is entered into the audit log, too. A role that may only
-- read must be able to, and must not be able to enter for another: so the log is
-- appended to by a function with its owner's rights, which anyone may call who may
-- use the schema, and the role is the session's, whatever the caller says.

-- +goose Up
ALTER TABLE talktime.audit_log ADD COLUMN exit_code smallint NOT NULL DEFAULT 0;
UPDATE talktime.audit_log SET exit_code = 1 WHERE error <> '';
COMMENT ON COLUMN talktime.audit_log.exit_code IS 'What it ended with: 0 done, 1 failed, 2 wrong arguments, 3 done in part.';
COMMENT ON COLUMN talktime.audit_log.role_name IS 'The role that was connected to the database, as the database knows it. What else is entered is what the program said.';

-- +goose StatementBegin
CREATE FUNCTION talktime.enter_audit(at timestamptz, action text, subject text, os_user text, host text, parameters jsonb,
                                     row_count bigint, exit_code integer, error text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Who reads the log must be able to rely on its form, whoever has written it.
    IF NOT isfinite(at) OR jsonb_typeof(parameters) <> 'object' OR jsonb_typeof(parameters -> 'teams') <> 'array'
       OR parameters ->> 'agents' !~ '^([0-9]{1,9}(-[0-9]{1,9})?(,[0-9]{1,9}(-[0-9]{1,9})?)*)?$' THEN
        RAISE EXCEPTION 'an audit entry is not as talktime writes them';
    END IF;
    PERFORM (parameters ->> 'from')::timestamptz, (parameters ->> 'to')::timestamptz, (parameters ->> 'at')::timestamptz; -- or fail
    INSERT INTO talktime.audit_log (at, action, subject, os_user, host, parameters, row_count, exit_code, error)
    VALUES (at, action, subject, os_user, host, parameters, row_count, exit_code::smallint, error);
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION talktime.enter_audit(timestamptz, text, text, text, text, jsonb, bigint, integer, text) IS
    'Appends an entry of the session''s role to audit_log, with the rights of its owner. Whoever may use the schema may call it.';

-- Definitions of exports and parameters of the log say in the same words whom they
-- are about: agents as numbers and ranges, teams, both where both are there.
CREATE FUNCTION talktime.is_asked_for(asked jsonb, agent integer, since timestamptz, until timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (coalesce(asked ->> 'agents', '') = '' OR EXISTS (
               SELECT FROM unnest(string_to_array(asked ->> 'agents', ',')) AS r
               WHERE agent BETWEEN split_part(r, '-', 1)::integer AND coalesce(nullif(split_part(r, '-', 2), ''), r)::integer))
       AND (coalesce(asked -> 'teams', '[]') IN ('[]', 'null') OR EXISTS (
               SELECT FROM talktime.agent_history AS h
               WHERE h.agent_id = agent AND h.valid_from < until AND coalesce(h.valid_to, 'infinity') > since
                 AND asked -> 'teams' ? coalesce(nullif(h.team, ''), '(none)')))
$$;
COMMENT ON FUNCTION talktime.is_asked_for(jsonb, integer, timestamptz, timestamptz) IS
    'Whether an export or report that was so asked for takes in an agent''s time in [since, until): by number, and by a team of that time. (none) is no team.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'talktime_writer') THEN
        REVOKE INSERT ON talktime.audit_log FROM talktime_writer;
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION talktime.is_asked_for(jsonb, integer, timestamptz, timestamptz);
DROP FUNCTION talktime.enter_audit(timestamptz, text, text, text, text, jsonb, bigint, integer, text);
COMMENT ON COLUMN talktime.audit_log.role_name IS 'The role it was connected to the database as.';
ALTER TABLE talktime.audit_log DROP COLUMN exit_code;
