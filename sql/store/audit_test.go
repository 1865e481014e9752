package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"talktime/sql/store"
)

// entries are one of each kind, an hour apart from monday on.
func entries() []store.Audit {
	return []store.Audit{
		{
			At: monday, Action: "export", Subject: "daily", User: "kim", Host: "box", Parameters: map[string]any{"by": "agent"}, Rows: 5, ExitCode: 1,
			Err: errors.New("no room"),
		},
		{At: monday.Add(time.Hour), Action: "report", Subject: "states", User: "ann", Host: "desk", Parameters: map[string]any{}, Rows: 2},
		{At: monday.Add(2 * time.Hour), Action: "report", Subject: "subject", User: "kim", Host: "box", Parameters: map[string]any{"agents": "101"}},
	}
}

func logged(t *testing.T, s *store.Store, q store.AuditQuery) []store.Audit {
	t.Helper()
	var found []store.Audit
	for entry, err := range s.AuditLog(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		var parameters map[string]any
		if err := json.Unmarshal(entry.Parameters.(json.RawMessage), &parameters); err != nil {
			t.Fatal(err)
		}
		entry.Parameters = parameters
		found = append(found, entry)
	}
	return found
}

func TestAuditLog(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	all := entries()
	for _, entry := range all {
		if err := d.EnterAudit(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	role := one[string](t, d, "SELECT session_user::text")
	for i := range all {
		all[i].Role = role
	}
	forever := store.AuditQuery{From: monday, To: monday.AddDate(1, 0, 0)}
	for name, test := range map[string]struct {
		ask  func(*store.AuditQuery)
		want []store.Audit
	}{
		"everything":        {func(*store.AuditQuery) {}, all},
		"half-open windows": {func(q *store.AuditQuery) { q.From, q.To = monday.Add(time.Hour), monday.Add(2*time.Hour) }, all[1:2]},
		"a user":            {func(q *store.AuditQuery) { q.User = "ann" }, all[1:2]},
		"a role":            {func(q *store.AuditQuery) { q.User = role }, all},
		"nobody":            {func(q *store.AuditQuery) { q.User = "eve" }, nil},
		"an action":         {func(q *store.AuditQuery) { q.Action = "report" }, all[1:]},
		"a subject":         {func(q *store.AuditQuery) { q.Action, q.Subject = "report", "states" }, all[1:2]},
	} {
		t.Run(name, func(t *testing.T) {
			q := forever
			test.ask(&q)
			text := cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
			if diff := cmp.Diff(test.want, logged(t, d.Store, q), text, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if err := d.EnterAudit(t.Context(), store.Audit{Parameters: func() {}}); err == nil {
		t.Error("parameters that are no JSON are accepted")
	}
}

// What a reader may enter is of a form that others can read.
func TestAuditEntriesHaveAForm(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	good := []string{`{}`, `{"agents": ""}`, `{"agents": "101-160,200"}`, `{"teams": ["a", "b"]}`, `{"from": "2026-11-16T00:00:00.000Z", "x": {}}`}
	for _, parameters := range good {
		if err := d.EnterAudit(t.Context(), store.Audit{At: monday, Parameters: json.RawMessage(parameters)}); err != nil {
			t.Errorf("%s: %v", parameters, err)
		}
	}
	for _, parameters := range []string{
		`[]`, `null`, `"x"`, `{"agents": "a"}`, `{"agents": "101,"}`, `{"agents": "12345678901"}`, `{"agents": ["101"]}`, `{"teams": "a"}`,
		`{"from": "last week"}`, `{"to": "2026-13-01"}`, `{"at": 7}`,
	} {
		if err := d.EnterAudit(t.Context(), store.Audit{At: monday, Parameters: json.RawMessage(parameters)}); err == nil {
			t.Errorf("%s is accepted", parameters)
		}
	}
	if _, err := d.pool.Exec(t.Context(), "SELECT talktime.enter_audit('infinity', '', '', '', '', '{}', 0, 0, '')"); err == nil {
		t.Error("an entry of never is accepted")
	}
	expect(t, "entries", len(good), d.count(t, "SELECT count(*) FROM talktime.audit_log"))
}

// A role with the rights of README's analyst and no more, whose transactions begin
// read-only, enters itself, and can neither change the log nor enter another.
func TestReadersAreAudited(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	role, address := d.login(t)
	for _, right := range []string{"USAGE ON SCHEMA talktime", "SELECT ON ALL TABLES IN SCHEMA talktime"} {
		d.exec(t, "GRANT "+right+" TO "+role)
	}
	d.exec(t, "ALTER ROLE "+role+" SET default_transaction_read_only = on")
	s := openStore(t, address)
	entry := entries()[1]
	entry.Role = "somebody else"
	if err := s.EnterAudit(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	entry.Role = role
	got := logged(t, s, store.AuditQuery{From: monday, To: monday.AddDate(0, 0, 1)})
	if diff := cmp.Diff([]store.Audit{entry}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	conn := d.connectAs(t, role)
	for _, statement := range []string{
		"SET default_transaction_read_only = off",
		"INSERT INTO talktime.audit_log (at, action, subject, os_user, host, parameters, row_count, role_name) VALUES (now(), 'report', 'x', 'x', 'x', '{}', 0, 'eve')",
		"UPDATE talktime.audit_log SET role_name = 'eve'", "DELETE FROM talktime.audit_log", "TRUNCATE talktime.audit_log",
	} {
		_, err := conn.Exec(t.Context(), statement)
		if isSet := statement[:3] == "SET"; isSet != (err == nil) {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func TestTheAuditLogIsNotEveryonesToRead(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	role, address := d.login(t)
	d.exec(t, "GRANT talktime_writer TO "+role)
	s := openStore(t, address)
	if err := s.EnterAudit(t.Context(), entries()[0]); err != nil {
		t.Errorf("a recorder enters its exports: %v", err)
	}
	for entry, err := range s.AuditLog(t.Context(), store.AuditQuery{From: monday, To: monday.AddDate(0, 0, 1)}) {
		if err == nil || err.Error() != "read the audit log: permission denied for table audit_log" {
			t.Errorf("%v, %v", entry, err)
		}
	}
}
