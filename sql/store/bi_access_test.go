package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"talktime/reports"
)

// Readers of bi_v1 need no right on our tables: the views belong to a role that
// has no more than reading them needs.
func TestViewsBelongToAnUnprivilegedRole(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	checkOwner(t, d)

	// A dump that was restored without owners and rights is put right by migrating.
	for _, view := range all[string](t, d, "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'bi_v1'::regnamespace") {
		d.exec(t, "ALTER VIEW "+view+" OWNER TO CURRENT_USER")
	}
	d.exec(t, "REVOKE ALL ON ALL TABLES IN SCHEMA talktime FROM talktime_bi; REVOKE ALL ON SCHEMA talktime FROM talktime_bi; REVOKE ALL ON talktime_migrations FROM talktime_bi")
	if _, err := d.Migrate(t.Context(), quiet()); err != nil {
		t.Fatal(err)
	}
	checkOwner(t, d)
}

func checkOwner(t *testing.T, d database) {
	t.Helper()
	expect(t, "owners", []string{"talktime_bi"}, all[string](t, d,
		"SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'bi_v1'::regnamespace"))
	expect(t, "what the owner is", "nothing", one[string](t, d, `SELECT coalesce(nullif(concat_ws(' ', CASE WHEN rolsuper THEN 'superuser' END,
		CASE WHEN rolbypassrls THEN 'bypassrls' END, CASE WHEN rolcreaterole THEN 'createrole' END, CASE WHEN rolcreatedb THEN 'createdb' END,
		CASE WHEN rolreplication THEN 'replication' END, CASE WHEN rolcanlogin THEN 'login' END), ''), 'nothing')
		FROM pg_roles WHERE rolname = 'talktime_bi'`))
	// Of tables it may read what the views do, and nothing else; it makes nothing.
	read := all[string](t, d, `SELECT DISTINCT refobjid::regclass::text FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
		JOIN pg_depend AS p ON p.classid = 'pg_rewrite'::regclass AND p.objid = r.oid AND p.refclassid = 'pg_class'::regclass
		WHERE c.relnamespace = 'bi_v1'::regnamespace AND p.refobjid <> c.oid ORDER BY 1`)
	may := all[string](t, d, `SELECT c.oid::regclass::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'bi_v1')
		  AND has_table_privilege('talktime_bi', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') ORDER BY 1`)
	expect(t, "tables its owner has a right on", read, may)
	expect(t, "tables it may do more to than read", 0, d.count(t, `SELECT count(*) FROM pg_class AS c
		WHERE c.relnamespace = 'talktime'::regnamespace AND c.relkind IN ('r', 'p')
		  AND has_table_privilege('talktime_bi', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')`))
	expect(t, "schemas it may make things in", 0, d.count(t,
		"SELECT count(*) FROM pg_namespace WHERE has_schema_privilege('talktime_bi', oid, 'CREATE') AND nspname !~ '^pg_temp'"))
}

// A policy on our tables that asks for current_user holds through the views for
// whoever reads them, as it would for a view's reader, not its owner.
func TestPoliciesHoldThroughTheViews(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.layOut(t, monday, calendar(t, "UTC", "00:00"))
	d.recordRounds(t, at(8, 0, 0), at(9, 0, 0), agentRange(101, 103), talking)
	d.deriveDirty(t, at(9, 0, 0))
	d.importRoster(t, []reports.Tenure{line(101, "Ann", "Sales", monday), line(102, "Bob", "Support", monday)}, false)
	role := "bi_reader_of_" + one[string](t, d, "SELECT current_database()")
	d.exec(t, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() {
		if _, err := d.pool.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	d.exec(t, "GRANT USAGE ON SCHEMA bi_v1 TO "+role)
	d.exec(t, "GRANT SELECT ON ALL TABLES IN SCHEMA bi_v1 TO "+role)
	d.exec(t, "CREATE TABLE public.user_agents AS SELECT '"+role+"'::name AS user_name, 101 AS agent_id")
	d.exec(t, "GRANT SELECT ON public.user_agents TO PUBLIC")
	perAgent := all[string](t, d, `SELECT c.relname::text FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'agent_id'
		WHERE c.relnamespace = 'talktime'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`)
	views := byView(linesOf(readContract(t)))
	const query = "SELECT count(*) FILTER (WHERE agent_id = 101), count(*) FILTER (WHERE agent_id <> 101) FROM bi_v1."
	for view, columns := range views {
		if !strings.Contains(strings.Join(columns, "\n"), "agent_id ") || view == "meta_deletions" {
			continue
		}
		if n := d.count(t, "SELECT count(*) FROM bi_v1."+view+" WHERE agent_id <> 101"); n == 0 {
			t.Errorf("%s has no rows of others to be kept from anyone", view)
		}
	}
	for _, table := range perAgent {
		d.exec(t, "ALTER TABLE talktime."+table+" ENABLE ROW LEVEL SECURITY")
		d.exec(t, "CREATE POLICY own ON talktime."+table+" USING (agent_id IN (SELECT agent_id FROM public.user_agents WHERE user_name = current_user))")
	}

	config, err := pgx.ParseConfig(d.url)
	if err != nil {
		t.Fatal(err)
	}
	config.User = role
	reader, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close(context.WithoutCancel(t.Context())) })
	filtered := 0
	for view, columns := range views {
		if !strings.Contains(strings.Join(columns, "\n"), "agent_id ") {
			continue
		}
		var own, others int
		if err := reader.QueryRow(t.Context(), query+view).Scan(&own, &others); err != nil {
			t.Fatalf("%s: %v", view, err)
		}
		if view != "meta_deletions" && own == 0 || others > 0 {
			t.Errorf("%s shows the reader %d rows of the own agent and %d of others", view, own, others)
		}
		filtered++
	}
	if filtered < 9 {
		t.Errorf("%d views are of agents", filtered)
	}
	if _, err := reader.Exec(t.Context(), "SELECT count(*) FROM talktime.quarter_hours"); err == nil || !strings.Contains(err.Error(), "permission denied for schema talktime") {
		t.Errorf("reading a table returned %v", err)
	}
}
