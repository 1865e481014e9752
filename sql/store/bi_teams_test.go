package store_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"talktime/reports"
	"talktime/sql/store"
)

// teamsAtWork is a database with agents of all kinds: some stay in a team, one moves
// within a day, one leaves, one goes and comes back, one is nowhere in the roster. It
// holds rows behind every view.
func teamsAtWork(t *testing.T) (database, []reports.Tenure) {
	t.Helper()
	d := newDatabase(t)
	utc := calendar(t, "UTC", "00:00")
	d.layOut(t, monday, utc)
	agents := agentRange(101, 106)
	d.recordRounds(t, at(8, 0, 0), at(8, 20, 0), agents, talking)
	d.recordRounds(t, at(8, 20, 0), at(9, 0, 0), agents, idle)
	d.deriveDirty(t, at(9, 0, 0))
	tomorrow := monday.AddDate(0, 0, 1)
	d.recordRounds(t, tomorrow.Add(8*time.Hour), tomorrow.Add(8*time.Hour+10*time.Minute), agents, talking)
	d.deriveDirty(t, tomorrow.Add(9*time.Hour))
	d.exec(t, "INSERT INTO talktime.gone_quarter_hours SELECT a, $1, 1, $1 FROM generate_series(101, 106) AS a", at(8, 15, 0))
	roster := []reports.Tenure{
		line(101, "Ann", "Sales", monday),
		line(102, "Bob", "Support", monday),
		line(103, "Cid", "Sales", monday), line(103, "Cid", "Support", at(8, 30, 0)),
		line(104, "Dan", "Sales", monday), line(104, "", "", at(8, 45, 0)),
		line(105, "Eve", "Sales", monday), line(105, "Eve", "Billing", at(8, 15, 0)), line(105, "Eve", "Sales", at(8, 45, 0)),
	}
	d.importRoster(t, roster, false)
	d.keepDays(t, tomorrow.AddDate(0, 0, 1), utc)
	d.exec(t, "ANALYZE")
	return d, roster
}

// reader logs in as a new role, which is granted the teams.
func (d database) reader(t *testing.T, teams ...string) *pgx.Conn {
	t.Helper()
	role, _ := d.login(t)
	if _, err := d.GrantBI(t.Context(), role, teams, store.Rails{StatementSeconds: 60, Connections: 5}); err != nil {
		t.Fatal(err)
	}
	return d.connectAs(t, role)
}

// login makes a role that may log in, and says how to connect as it.
func (d database) login(t *testing.T) (role, address string) {
	t.Helper()
	address = d.newRole(t)
	config, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	return config.User, address
}

// connectAs logs in; hear is called with what the server notifies of.
func (d database) connectAs(t *testing.T, role string, hear ...func(notice string)) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(d.url)
	if err != nil {
		t.Fatal(err)
	}
	config.User = role
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // no statements that a session may discard
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		for _, do := range hear {
			do(n.Message)
		}
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// viewRow is a row of a view, whole, and what it is about.
type viewRow struct {
	Agent int
	At    time.Time
	Text  string
}

// instantOf is, for each view whose rows are of one agent and one tenure, the column
// that says of which.
var instantOf = map[string]string{
	"fct_agent_quarter_hours": "bin_start_at", "fct_agent_state_quarter_hours": "bin_start_at", "fct_samples": "polled_at",
	"meta_deletions": "bin_start_at", "dim_agent_history": "valid_from_at",
}

// ofNobody are the views that are the same for everyone.
var ofNobody = []string{"dim_states", "dim_dates", "dim_quarter_hours", "meta_metrics", "meta_retention"}

// cutByTeam are the views whose rows span time and end where a team does, those that
// list what the others are about, and those of all agents together; each has a check.
var cutByTeam = []string{"fct_agent_days", "fct_agent_episodes", "fct_agent_sessions", "dim_agents", "dim_teams", "fct_ticks", "meta_freshness"}

func rowsOf(t *testing.T, conn *pgx.Conn, view string) []viewRow {
	t.Helper()
	keys := "0, 'epoch'::timestamptz"
	if column, ok := instantOf[view]; ok {
		keys = "agent_id, " + column
	}
	rows, err := conn.Query(t.Context(), "SELECT "+keys+", to_jsonb(v)::text FROM bi_v1."+view+" AS v ORDER BY 3")
	if err != nil {
		t.Fatalf("%s: %v", view, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[viewRow])
	if err != nil {
		t.Fatalf("%s: %v", view, err)
	}
	return all
}

// inTeams says by the lines of the roster, not by the database, whether an agent was
// in one of the teams.
func inTeams(roster []reports.Tenure, teams []string, agent int, at time.Time) bool {
	team := ""
	for _, tenure := range roster {
		if int(tenure.Agent) == agent && !tenure.From.After(at) {
			team = tenure.Team
		}
	}
	return team != "" && slices.Contains(teams, team)
}

// scan reads the one row of a query.
func scan(t *testing.T, conn *pgx.Conn, query string, into ...any) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query).Scan(into...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// Logged in as a role of certain teams, every view there is shows exactly what is of
// agents while they were in them.
func TestTeamsSeeTheirOwnThroughEveryView(t *testing.T) {
	t.Parallel()
	d, roster := teamsAtWork(t)
	d.exec(t, "INSERT INTO talktime.drops (relation, from_at, to_at, noted_at) VALUES ('ticks', '2020-01-01Z', '2020-02-01Z', now())")
	whole := d.reader(t)
	for _, teams := range [][]string{{"Sales"}, {"Support"}, {"Support", "Sales"}, {"Billing"}} {
		t.Run(strings.Join(teams, "+"), func(t *testing.T) {
			own := d.reader(t, teams...)
			for _, view := range all[string](t, d, "SELECT relname::text FROM pg_class WHERE relnamespace = 'bi_v1'::regnamespace AND relkind <> 'i'") {
				before, got := rowsOf(t, whole, view), rowsOf(t, own, view)
				switch {
				case instantOf[view] != "":
					want := slices.DeleteFunc(before, func(r viewRow) bool { return !inTeams(roster, teams, r.Agent, r.At) })
					if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
						t.Errorf("%s, %d rows (-want +seen):\n%s", view, len(want), diff)
					}
				case slices.Contains(ofNobody, view):
					if diff := cmp.Diff(before, got); diff != "" || len(got) == 0 {
						t.Errorf("%s is not the same for all:\n%s", view, diff)
					}
				case !slices.Contains(cutByTeam, view):
					t.Errorf("nothing is said of view %s", view)
				}
			}
			checkTeamSums(t, own, whole, roster, teams)
			checkLists(t, own, roster, teams)
		})
	}
}

// checkTeamSums holds days, episodes and sessions against the quarter-hours of the
// teams, chosen from those of everybody.
func checkTeamSums(t *testing.T, own, whole *pgx.Conn, roster []reports.Tenure, teams []string) {
	t.Helper()
	const perDay = "SELECT agent_id, bin_start_at, talk_ms, observed_ms, staffed_ms FROM bi_v1.fct_agent_quarter_hours"
	want := map[string]int64{}
	rows, err := whole.Query(t.Context(), perDay)
	if err != nil {
		t.Fatal(err)
	}
	var agent int
	var bin time.Time
	var talk, observed, staffed *int64
	if _, err := pgx.ForEachRow(rows, []any{&agent, &bin, &talk, &observed, &staffed}, func() error {
		if inTeams(roster, teams, agent, bin) && talk != nil {
			want[fmt.Sprintf("%d %s day", agent, bin.UTC().Format(time.DateOnly))] += *talk
			want[fmt.Sprintf("%d episodes", agent)] += *observed
			want[fmt.Sprintf("%d sessions", agent)] += *staffed
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	rows, err = own.Query(t.Context(), `SELECT agent_id || ' ' || local_date || ' day', sum(talk_ms)::bigint FROM bi_v1.fct_agent_days WHERE talk_ms IS NOT NULL GROUP BY 1
		UNION ALL SELECT agent_id || ' episodes', sum(ms)::bigint FROM bi_v1.fct_agent_episodes WHERE measure IS NOT NULL GROUP BY 1
		UNION ALL SELECT agent_id || ' sessions', sum(staffed_ms)::bigint FROM bi_v1.fct_agent_sessions GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	var what string
	var ms int64
	if _, err := pgx.ForEachRow(rows, []any{&what, &ms}, func() error { got[what] = ms; return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sums of teams (-want +seen):\n%s", diff)
	}
}

// checkLists holds dim_agents, dim_teams and what is of all agents together against
// the roster.
func checkLists(t *testing.T, own *pgx.Conn, roster []reports.Tenure, teams []string) {
	t.Helper()
	want := map[string]bool{}
	for _, tenure := range roster {
		if slices.Contains(teams, tenure.Team) {
			now := tenure.Team
			for _, later := range roster {
				if later.Agent == tenure.Agent && later.From.After(tenure.From) {
					now = later.Team
				}
			}
			if !slices.Contains(teams, now) {
				now = ""
			}
			want[fmt.Sprintf("%d %s", tenure.Agent, now)] = true
		}
	}
	var agents, named []string
	scan(t, own, "SELECT array_agg(agent_id || ' ' || team ORDER BY agent_id) FROM bi_v1.dim_agents", &agents)
	expect(t, "dim_agents", slices.Sorted(maps.Keys(want)), agents)
	scan(t, own, "SELECT array_agg(team ORDER BY team) FROM bi_v1.dim_teams WHERE team <> ''", &named)
	slices.Sort(named)
	expect(t, "dim_teams", slices.Sorted(slices.Values(teams)), named)
	var ticks, fresh int
	scan(t, own, "SELECT (SELECT count(*) FROM bi_v1.fct_ticks), (SELECT count(*) FROM bi_v1.meta_freshness WHERE horizon_at IS NOT NULL AND last_round_at IS NULL)", &ticks, &fresh)
	expect(t, "ticks, of all agents together, and freshness without them", []int{0, 1}, []int{ticks, fresh})
}

// A right on the views without a grant shows no agent; neither does a grant of a team
// under a name it no longer has, while the new name does.
func TestWithoutAGrantNothingIsSeen(t *testing.T) {
	t.Parallel()
	d, roster := teamsAtWork(t)
	role, _ := d.login(t)
	d.exec(t, "GRANT USAGE ON SCHEMA bi_v1 TO "+role)
	d.exec(t, "GRANT SELECT ON ALL TABLES IN SCHEMA bi_v1 TO "+role)
	bare := d.connectAs(t, role)
	seen := func(conn *pgx.Conn) (views []string) {
		t.Helper()
		for _, view := range all[string](t, d, "SELECT DISTINCT attrelid::regclass::text FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = attrelid WHERE relnamespace = 'bi_v1'::regnamespace AND attname = 'agent_id' ORDER BY 1") {
			var n int
			if scan(t, conn, "SELECT count(*) FROM "+view, &n); n > 0 {
				views = append(views, view)
			}
		}
		return views
	}
	expect(t, "views that show agents", nil, seen(bare))

	sales := d.reader(t, "Sales")
	if len(seen(sales)) < 9 {
		t.Errorf("only %v show agents of Sales", seen(sales))
	}
	for i := range roster {
		if roster[i].Team == "Sales" {
			roster[i].Team = "Outbound"
		}
	}
	d.importRoster(t, roster, false)
	expect(t, "views that show agents of a team that is now called otherwise", nil, seen(sales))
	var own int
	scan(t, d.reader(t, "Outbound"), "SELECT count(DISTINCT agent_id) FROM bi_v1.fct_agent_quarter_hours", &own)
	expect(t, "agents under the new name", 4, own)
}

// Who drops what keeps a session from doing harm by mistake sees no more than before.
func TestDroppingTheRailsShowsNothingMore(t *testing.T) {
	t.Parallel()
	d, _ := teamsAtWork(t)
	conn := d.reader(t, "Sales")
	const query = "SELECT (SELECT count(*) FROM bi_v1.fct_agent_quarter_hours), (SELECT count(*) FROM bi_v1.fct_samples), (SELECT count(*) FROM bi_v1.fct_agent_days), (SELECT count(*) FROM bi_v1.fct_ticks)"
	count := func() (n [4]int) {
		scan(t, conn, query, &n[0], &n[1], &n[2], &n[3])
		return n
	}
	var rails string
	scan(t, conn, "SELECT concat_ws(' ', current_setting('default_transaction_read_only'), current_setting('statement_timeout'), current_setting('jit'), current_setting('work_mem'))", &rails)
	expect(t, "rails", "on 1min off 16MB", rails)
	before := count()
	for _, statement := range []string{
		"RESET ALL", "SET default_transaction_read_only = off", "SET statement_timeout = 0", "RESET ROLE", "SET search_path = talktime, bi_v1", "DISCARD ALL",
		"SET default_transaction_read_only = off", "SET session_replication_role = replica", "SET ROLE talktime_bi", "SET ROLE talktime_reader", "SET ROLE talktime", "SET SESSION AUTHORIZATION talktime",
		"ALTER ROLE CURRENT_USER BYPASSRLS", "GRANT talktime_reader TO CURRENT_USER", "INSERT INTO talktime.bi_grants VALUES (current_user, NULL)",
		"CREATE VIEW pg_temp.wide AS SELECT * FROM bi_v1.fct_agent_quarter_hours", "ALTER VIEW bi_v1.fct_samples SET (security_barrier = false)", "ALTER TABLE talktime.days DISABLE ROW LEVEL SECURITY",
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Log(statement, "→", err)
		}
		expect(t, "rows after "+statement, before, count())
	}
	if _, err := conn.Exec(t.Context(), "SET row_security = off"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), query); err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("with row security off: %v", err)
	}
}

// A condition that tells what it is asked about is asked only about what is seen
// anyway, however cheap it says it is.
func TestConditionsSeeOnlyWhatTheReaderSees(t *testing.T) {
	t.Parallel()
	d, _ := teamsAtWork(t)
	var heard []string
	conn := d.connectAs(t, d.reader(t, "Billing").Config().User, func(notice string) { heard = append(heard, notice) }) // one agent, for half an hour
	for _, statement := range []string{
		"SET default_transaction_read_only = off",
		`CREATE FUNCTION pg_temp.tell(row_text text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE '%', row_text; RETURN true; END $$`,
		"SET enable_hashjoin = off", "SET enable_nestloop = on",
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for _, view := range []string{"fct_agent_quarter_hours", "fct_agent_state_quarter_hours", "fct_agent_days", "fct_agent_episodes", "fct_agent_sessions", "fct_samples", "dim_agents", "dim_agent_history", "meta_deletions"} {
		if _, err := conn.Exec(t.Context(), "SELECT count(*) FROM bi_v1."+view+" AS v WHERE pg_temp.tell('agent ' || agent_id)"); err != nil {
			t.Fatalf("%s: %v", view, err)
		}
		// An error tells as well.
		if _, err := conn.Exec(t.Context(), "SELECT count(*) FROM bi_v1."+view+" AS v WHERE 1 / (agent_id - 101) > -1"); err != nil {
			t.Errorf("%s was asked about an agent of another team: %v", view, err)
		}
	}
	slices.Sort(heard)
	expect(t, "what conditions were asked about", []string{"agent 105"}, slices.Compact(heard))
}
