package store_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"talktime/reports"
	"talktime/sql/store"
)

// What a role may reach is asked of the catalog, so that nothing new slips through.
func TestReadersReachTheViewsAndNothingElse(t *testing.T) {
	t.Parallel()
	d, _ := teamsAtWork(t)
	member, _ := d.login(t)
	d.exec(t, "GRANT talktime_reader TO "+member)
	team, _ := d.login(t)
	if _, err := d.GrantBI(t.Context(), team, []string{"Sales"}, store.Rails{StatementSeconds: 60, Connections: 5}); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{member, team} {
		conn := d.connectAs(t, role)
		if _, err := conn.Exec(t.Context(), "SET default_transaction_read_only = off"); err != nil {
			t.Fatal(err)
		}
		checkReach(t, d, conn, role)
	}
}

func checkReach(t *testing.T, d database, conn *pgx.Conn, role string) {
	t.Helper()
	refused := func(statement string, otherwise ...string) {
		t.Helper()
		_, err := conn.Exec(t.Context(), statement)
		if said, ok := errors.AsType[*pgconn.PgError](err); !ok || said.Code != "42501" && !slices.Contains(otherwise, said.Code) {
			t.Errorf("%s, as %s: %v", statement, role, err)
		}
	}
	type relation struct {
		Name, Schema string
		Rights       []string
	}
	rows, err := d.pool.Query(t.Context(), `SELECT c.oid::regclass::text, n.nspname::text,
			ARRAY(SELECT p FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p WHERE has_table_privilege($1, c.oid, p))
		FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp' AND c.relkind NOT IN ('i', 'I', 'c', 'S')`, role)
	if err != nil {
		t.Fatal(err)
	}
	relations, err := pgx.CollectRows(rows, pgx.RowToStructByPos[relation])
	if err != nil || len(relations) < 40 {
		t.Fatalf("%d relations: %v", len(relations), err)
	}
	for _, r := range relations {
		name := r.Name
		if !strings.Contains(name, ".") {
			name = r.Schema + "." + name
		}
		switch {
		case r.Schema == "bi_v1":
			expect(t, "rights on "+name, []string{"SELECT"}, r.Rights)
			if _, err := conn.Exec(t.Context(), "SELECT * FROM "+name+" LIMIT 1"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case name == "talktime.my_teams" || name == "talktime.my_tenures":
			refused("SELECT * FROM " + name) // for the schema's sake
		default:
			if len(r.Rights) > 0 {
				t.Errorf("%s has %v on %s", role, r.Rights, name)
			}
			refused("SELECT * FROM " + name)
		}
		const noTable, notUpdatable = "42809", "55000"
		refused("DELETE FROM "+name, notUpdatable)
		refused("DROP TABLE "+name, noTable)
		refused("DROP VIEW "+name, noTable)
	}
	expect(t, "schemas to make things in", []string{}, all[string](t, d, "SELECT nspname::text FROM pg_namespace WHERE has_schema_privilege($1, oid, 'CREATE')", role))
	expect(t, "schemas to use", []string{"bi_v1", "information_schema", "pg_catalog", "public"},
		all[string](t, d, "SELECT nspname::text FROM pg_namespace WHERE has_schema_privilege($1, oid, 'USAGE') AND nspname !~ '^pg_t' ORDER BY 1", role))
	expect(t, "functions of ours that work with another's rights", []string{
		"enter_audit(timestamp with time zone,text,text,text,text,jsonb,bigint,integer,text)", // out of reach with the schema
	},
		all[string](t, d, "SELECT oid::regprocedure::text FROM pg_proc WHERE prosecdef AND pronamespace::regnamespace::text IN ('talktime', 'bi_v1', 'public')"))
	for _, function := range all[string](t, d, "SELECT 'talktime.' || proname FROM pg_proc WHERE pronamespace = 'talktime'::regnamespace") {
		refused("SELECT " + function + "()")
	}
	for _, statement := range []string{
		"CREATE TABLE public.t (x int)", "CREATE TABLE bi_v1.t (x int)", "CREATE VIEW bi_v1.v AS SELECT 1", "CREATE SCHEMA mine", "CREATE ROLE other", "CREATE EXTENSION pg_trgm",
		"SET ROLE talktime", "SET ROLE talktime_bi", "SET ROLE talktime_writer", "SET SESSION AUTHORIZATION talktime", "ALTER ROLE CURRENT_USER SUPERUSER", "GRANT talktime_bi TO CURRENT_USER",
		"SELECT pg_read_file('PG_VERSION')", "SELECT pg_read_binary_file('PG_VERSION')", "SELECT pg_ls_dir('.')", "SELECT pg_stat_file('PG_VERSION')", "SELECT lo_import('/etc/hostname')",
		"COPY (SELECT 1) TO PROGRAM 'true'", "COPY (SELECT 1) TO '/dev/null'", "COPY bi_v1.dim_states FROM PROGRAM 'true'", "SELECT pg_reload_conf()",
		"SELECT * FROM pg_authid", "SELECT * FROM pg_statistic", "SELECT * FROM pg_user_mapping", "SELECT * FROM pg_hba_file_rules", "SELECT pg_current_logfile()",
		"SELECT setval('talktime.dirty_dirty_id_seq', 1)", "LOAD 'auto_explain'", "ALTER SYSTEM SET work_mem = '1MB'", "CHECKPOINT",
		"SELECT pg_logical_emit_message(false, 'a', 'b')::text, pg_create_physical_replication_slot('s')", "DO $$ BEGIN LOCK TABLE talktime.samples; END $$",
	} {
		refused(statement)
	}
	var others, stats int
	scan(t, conn, `SELECT (SELECT count(*) FROM pg_stat_activity WHERE usename <> current_user AND query NOT IN ('', '<insufficient privilege>')),
		(SELECT count(*) FROM pg_stats WHERE schemaname NOT IN ('pg_catalog', 'information_schema'))`, &others, &stats)
	expect(t, "other sessions' queries and statistics of tables to be read", []int{0, 0}, []int{others, stats})
}

// What talktime_writer has is enough to record, derive and verify where partitions
// are there, and no more: it makes and drops nothing, and neither reads nor gives
// access.
func TestWritersRecordAndMakeNothing(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	role, address := d.login(t)
	d.exec(t, "GRANT talktime_writer TO "+role)
	s := openStore(t, address)
	for _, right := range missingRights(t, s) {
		if !right.ForPartitions {
			t.Errorf("missing: %s", right.Name)
		}
	}
	writer := database{s, address, d.pool}
	agents := agentRange(101, 103)
	tick, samples := roundAt(at(8, 0, 0), agents, talking)
	if err := s.Record(t.Context(), tick, samples); err == nil || !strings.Contains(err.Error(), "permission denied for schema talktime") {
		t.Errorf("without partitions: %v", err)
	}
	d.exec(t, "SELECT talktime.make_partitions($1, $2)", monday, monday.AddDate(0, 0, 2))
	if ran, err := s.Migrate(t.Context(), quiet()); err != nil || ran > 0 {
		t.Errorf("migrating what is migrated: %d, %v", ran, err)
	}
	if made, err := s.MakePartitions(t.Context(), monday, monday.AddDate(0, 0, 1)); err != nil || made > 0 {
		t.Errorf("partitions that are there: %d, %v", made, err)
	}
	writer.declare(t, at(8, 0, 0), office(t, agents))
	writer.layOut(t, monday, calendar(t, "UTC", "00:00"))
	writer.recordRounds(t, at(8, 0, 0), at(8, 30, 0), agents, talking)
	writer.deriveDirty(t, at(8, 30, 0))
	writer.keepDays(t, monday.Add(25*time.Hour), reports.Calendar{Zone: time.UTC})
	expect(t, "stored and derived", []int{540, 9}, []int{d.count(t, "SELECT count(*) FROM talktime.samples"), d.count(t, "SELECT count(*) FROM talktime.quarter_hours")})
	verified, err := s.VerifyRange(t.Context(), at(8, 0, 0), at(8, 30, 0), store.Verifying{Differ: func(d store.Difference) error { return fmt.Errorf("%+v", d) }})
	if err != nil || verified.Rows == 0 {
		t.Errorf("verified %+v, %v", verified, err)
	}
	conn := d.connectAs(t, role)
	for _, statement := range []string{
		"CREATE TABLE talktime.t (x int)", "DROP TABLE talktime.samples", "TRUNCATE talktime.samples", "UPDATE talktime.samples SET agent_id = 1", "DELETE FROM talktime.samples", "DELETE FROM talktime.ticks",
		"ALTER TABLE talktime.days DISABLE ROW LEVEL SECURITY", "SELECT * FROM bi_v1.fct_ticks", "SELECT * FROM talktime.bi_grants", "UPDATE talktime.agent_history SET team = ''", "SET ROLE talktime_bi",
		"INSERT INTO talktime_migrations (version_id, is_applied) VALUES (99, true)", "CREATE ROLE other", "CREATE SCHEMA mine",
	} {
		if _, err := conn.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "(SQLSTATE 42501)") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if more := one[bool](t, d, "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication OR rolcanlogin FROM pg_roles WHERE rolname = 'talktime_writer'"); more {
		t.Error("talktime_writer is more than an ordinary role")
	}
}

func TestGrantsAreListedReplacedAndTakenBack(t *testing.T) {
	t.Parallel()
	d, _ := teamsAtWork(t)
	role, _ := d.login(t)
	rails := store.Rails{StatementSeconds: 60, Connections: 5}
	grant := func(teams ...string) store.BIGrant {
		t.Helper()
		if missed, err := d.GrantBI(t.Context(), role, teams, rails); err != nil || missed != nil {
			t.Fatal(missed, err)
		}
		return d.grantOf(t, role)
	}
	expect(t, "teams", store.BIGrant{Role: role, IsThere: true, CanLogin: true, Teams: []string{"Sales", "Support"}, Members: []string{}}, grant("Support", "Sales"))
	expect(t, "another team instead", []string{"Billing"}, grant("Billing").Teams)
	expect(t, "everything", true, grant().SeesEverything)
	expect(t, "what talktime_reader sees", true, d.grantOf(t, store.ReaderRole).SeesEverything)
	conn := d.connectAs(t, role)
	if had, err := d.RevokeBI(t.Context(), role); !had || err != nil {
		t.Errorf("revoke: %v, %v", had, err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT count(*) FROM bi_v1.dim_states"); err == nil || !strings.Contains(err.Error(), "permission denied for schema bi_v1") {
		t.Errorf("after a revoke: %v", err)
	}
	expect(t, "after a revoke", store.BIGrant{}, d.grantOf(t, role))
	if had, err := d.RevokeBI(t.Context(), role); had || err != nil {
		t.Errorf("revoke once more: %v, %v", had, err)
	}

	_, err := d.GrantBI(t.Context(), "no such role", nil, rails)
	if unknown, ok := errors.AsType[*store.UnknownRoleError](err); !ok || unknown.Role != "no such role" || len(unknown.Known) == 0 {
		t.Errorf("an unknown role: %v", err)
	}
	for _, name := range []string{"talktime", store.WriterRole, store.ViewOwnerRole, store.ReaderRole} {
		if _, err := d.GrantBI(t.Context(), name, []string{"Sales"}, rails); !errors.Is(err, store.ErrNotGrantable) {
			t.Errorf("%s for one team: %v", name, err)
		}
	}
	d.exec(t, "GRANT talktime_reader TO "+role)
	if _, err := d.GrantBI(t.Context(), role, []string{"Sales"}, rails); !errors.Is(err, store.ErrNotGrantable) {
		t.Errorf("a member of talktime_reader for one team: %v", err)
	}
}

func (d database) grantOf(t *testing.T, role string) store.BIGrant {
	t.Helper()
	grants, err := d.BIGrants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, grant := range grants {
		if grant.Role == role {
			return grant
		}
	}
	return store.BIGrant{}
}

// A dump restored without owners and rights is put right by migrating, which says
// what is not there.
func TestMigratingSettlesTheRolesAnew(t *testing.T) {
	t.Parallel()
	d, _ := teamsAtWork(t)
	reader := d.reader(t, "Sales")
	for _, view := range all[string](t, d, "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'bi_v1'::regnamespace") {
		d.exec(t, "ALTER VIEW "+view+" OWNER TO CURRENT_USER")
		d.exec(t, "REVOKE ALL ON "+view+" FROM PUBLIC, talktime_reader, "+reader.Config().User)
	}
	d.exec(t, "REVOKE ALL ON ALL TABLES IN SCHEMA talktime FROM PUBLIC, talktime_bi, talktime_writer")
	d.exec(t, "INSERT INTO talktime.bi_grants (role_name, team) VALUES ('gone', 'Sales')")
	var log strings.Builder
	if _, err := d.Migrate(t.Context(), slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	var agents int
	scan(t, reader, "SELECT count(DISTINCT agent_id) FROM bi_v1.fct_samples", &agents)
	expect(t, "agents of Sales", 4, agents)
	if !strings.Contains(log.String(), "does not exist here") || !strings.Contains(log.String(), "gone") {
		t.Errorf("the log says %q", log.String())
	}
	expect(t, "agents of everybody, for talktime_reader", "talktime_bi", one[string](t, d, "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'bi_v1.fct_samples'::regclass"))
}

// A database's owner that may make no roles records; BI tools wait, and it is said
// what for.
func TestAnOwnerWithoutRolesRecords(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	role, address := d.login(t)
	defer func() {
		d.exec(t, "REASSIGN OWNED BY "+role+" TO CURRENT_USER")
	}()
	d.exec(t, `DO $$ DECLARE r record; BEGIN
		EXECUTE 'ALTER SCHEMA talktime OWNER TO `+role+`'; EXECUTE 'ALTER SCHEMA bi_v1 OWNER TO `+role+`'; EXECUTE 'ALTER TABLE talktime_migrations OWNER TO `+role+`';
		FOR r IN SELECT oid::regclass AS name, relkind FROM pg_class WHERE relnamespace IN ('talktime'::regnamespace, 'bi_v1'::regnamespace) AND relkind IN ('r', 'p', 'v') LOOP
			EXECUTE format('ALTER TABLE %s OWNER TO `+role+`', r.name);
		END LOOP; END $$`)
	var log strings.Builder
	if _, err := openStore(t, address).Migrate(t.Context(), slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Error(err)
	}
	if want := "let one that may run: GRANT talktime_bi TO " + role + "; then run talktime migrate again"; !strings.Contains(log.String(), want) {
		t.Errorf("the log says %q, not %q", log.String(), want)
	}
	d.exec(t, "GRANT talktime_bi TO "+role)
	log.Reset()
	if _, err := openStore(t, address).Migrate(t.Context(), slog.New(slog.NewTextHandler(&log, nil))); err != nil || log.Len() > 0 {
		t.Errorf("with its roles: %v, %q", err, log.String())
	}
	expect(t, "owner of a view", "talktime_bi", one[string](t, d, "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'bi_v1.fct_samples'::regclass"))
}
