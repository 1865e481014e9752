-- Who ran which report or export.

-- name: EnterAudit :exec
SELECT talktime.enter_audit(@at, @action, @subject, @os_user, @host, @parameters, @row_count, @exit_code, @error);

-- Entries of [from_at, to_at) in order. An empty word asks for all; a user is one of
-- the operating system or a role.
-- name: AuditLog :many
SELECT l.at, l.action, l.subject, l.os_user, l.host, l.role_name, l.parameters, l.row_count, l.exit_code, l.error
FROM talktime.audit_log AS l
WHERE l.at >= @from_at AND l.at < @to_at
  AND (@user_name::text = '' OR @user_name IN (l.os_user, l.role_name))
  AND (@action::text = '' OR l.action = @action)
  AND (@subject::text = '' OR l.subject = @subject)
ORDER BY l.at, l.audit_id;
