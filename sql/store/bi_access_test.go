package store_test

import (
	"slices"
	"testing"
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
	read = append(read, "my_teams", "my_tenures") // as everybody: policies ask them
	slices.Sort(read)
	expect(t, "tables its owner has a right on", read, may)
	expect(t, "tables it may do more to than read", 0, d.count(t, `SELECT count(*) FROM pg_class AS c
		WHERE c.relnamespace = 'talktime'::regnamespace AND c.relkind IN ('r', 'p')
		  AND has_table_privilege('talktime_bi', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')`))
	expect(t, "schemas it may make things in", 0, d.count(t,
		"SELECT count(*) FROM pg_namespace WHERE has_schema_privilege('talktime_bi', oid, 'CREATE') AND nspname !~ '^pg_temp'"))
}
