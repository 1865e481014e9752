//go:build clients

package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// The programs people query bi_v1 with see the columns that are promised, with
// their types, and the figures of talktime report: over TLS that proves the
// server, with a password. Each has a script in testdata/clients; `.ci/run
// clients` installs them.

// client is a program that queries bi_v1.
type client struct {
	name    string
	command []string          // under testdata/clients
	version []string          // prints what it is
	apt     string            // what to install where it is missing
	types   map[string]string // what it calls the contract's types
	null    string            // how its script writes NULL
	instant string            // how it writes instants, time.RFC3339 where empty
}

// typesNamed tells a client's names of the contract's types from each other.
func typesNamed(text, boolean, integer, bigint, double, date, instant string) map[string]string {
	return map[string]string{
		text: "text", boolean: "boolean", integer: "integer", bigint: "bigint", double: "double precision", date: "date",
		instant: "timestamp with time zone",
	}
}

var clients = []client{
	{
		name: "psql", command: []string{"sh", "psql.sh"}, version: []string{"psql", "--version"}, apt: "postgresql-client", null: `\N`,
		types:   typesNamed("text", "boolean", "integer", "bigint", "double precision", "date", "timestamp with time zone"),
		instant: "2006-01-02 15:04:05.999-07",
	},
	{
		name: "ODBC", command: []string{"sh", "odbc.sh"}, version: []string{"dpkg-query", "-W", "unixodbc", "odbc-postgresql"}, apt: "unixodbc odbc-postgresql",
		types:   typesNamed("text", "bool", "int4", "int8", "float8", "date", "timestamptz"),
		instant: "2006-01-02 15:04:05.999",
	},
	{
		name: "JDBC", command: []string{"java", "-cp", "/usr/share/java/postgresql.jar", "Jdbc.java"}, version: []string{"dpkg-query", "-W", "libpostgresql-jdbc-java"},
		apt: "default-jdk-headless libpostgresql-jdbc-java", null: `\N`,
		types: typesNamed("text", "bool", "int4", "int8", "float8", "date", "timestamptz"),
	},
	{
		name: "SQLAlchemy", command: []string{"/usr/bin/python3", "with_sqlalchemy.py"}, apt: "python3-sqlalchemy python3-psycopg2", null: `\N`,
		version: []string{"/usr/bin/python3", "-c", "import sqlalchemy, psycopg2; print('SQLAlchemy', sqlalchemy.__version__, 'psycopg2', psycopg2.__version__)"},
		types:   typesNamed("TEXT", "BOOLEAN", "INTEGER", "BIGINT", "DOUBLE_PRECISION", "DATE", "TIMESTAMP with time zone"),
	},
	{
		name: "R", command: []string{"Rscript", "rpostgresql.R"}, apt: "r-base-core r-cran-rpostgresql", null: `\N`,
		version: []string{"Rscript", "-e", "cat(R.version.string, 'RPostgreSQL', as.character(packageVersion('RPostgreSQL')))"},
		types:   typesNamed("TEXT", "BOOL", "INTEGER", "BIGINT", "FLOAT8", "DATE", "TIMESTAMPTZOID"),
	},
}

// sums are made by the client's own query, of quarter-hours.
const sums = `SELECT agent_id, local_date, sum(talk_seconds) AS talk_seconds, sum(acw_seconds) AS acw_seconds, sum(available_seconds) AS available_seconds,
	sum(unobserved_seconds) AS unobserved_seconds, sum(window_seconds) AS window_seconds
	FROM bi_v1.fct_agent_quarter_hours WHERE local_date = '2026-10-25' GROUP BY agent_id, local_date ORDER BY agent_id`

func TestClients(t *testing.T) {
	c, served := newClientsCentre(t)
	days := c.reported("--by", "agent,day")
	quarterHours := c.reported("--by", "agent,15m")
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			t.Logf("%s", runClient(t, "apt-get install "+client.apt, client.version...))
			r := reader{t, client, served}
			expectText(t, "columns of bi_v1", promisedColumns(t), r.columns())
			expectText(t, "days", days.text(), r.figures(days.columns(), "SELECT "+days.columns()+
				" FROM bi_v1.fct_agent_days WHERE is_main_zone AND local_date = '2026-10-25' ORDER BY agent_id"))
			expectText(t, "quarter-hours", quarterHours.text(), r.figures(quarterHours.columns(), "SELECT "+quarterHours.columns()+
				" FROM bi_v1.fct_agent_quarter_hours WHERE local_date = '2026-10-25' ORDER BY agent_id, bin_start_at"))
			summed := days.only("agent_id", "local_date", "talk_seconds", "acw_seconds", "available_seconds", "unobserved_seconds", "window_seconds")
			expectText(t, "sums", summed.text(), r.figures(summed.columns(), sums))
		})
	}
}

// reader is a client at work.
type reader struct {
	t *testing.T
	client
	served servedOverTLS
}

// run runs the client's script with the server in its environment, as libpq reads
// it, and returns the lines it prints.
func (r reader) run(args ...string) []string {
	r.t.Helper()
	r.t.Setenv("PGHOST", r.served.host)
	r.t.Setenv("PGPORT", "5432")
	r.t.Setenv("PGDATABASE", "talktime")
	r.t.Setenv("PGUSER", "analyst")
	r.t.Setenv("PGPASSWORD", readerPassword)
	r.t.Setenv("PGSSLMODE", "verify-full")
	r.t.Setenv("PGSSLROOTCERT", r.served.ca)
	printed := lines(runClient(r.t, "apt-get install "+r.apt, append(slices.Clone(r.command), args...)...))
	r.t.Logf("%s prints %d lines, the first:\n%.300s", args[len(args)-1], len(printed), printed[0])
	return printed
}

// columns lists every column of bi_v1 as the client finds it, in the contract's
// words.
func (r reader) columns() []string {
	r.t.Helper()
	listed := r.run("columns")
	for i, line := range listed {
		fields := strings.Split(line, "\t")
		if len(fields) != 3 {
			r.t.Fatalf("not a view, a column and a type: %q", line)
		}
		kind, ok := r.types[fields[2]]
		if !ok {
			r.t.Fatalf("%s has no type for %q", r.name, line)
		}
		listed[i] = fields[0] + " " + fields[1] + " " + kind
	}
	sortByView(listed)
	return listed
}

// sortByView leaves the columns of a view in their order.
func sortByView(columns []string) {
	slices.SortStableFunc(columns, func(a, b string) int {
		a, _, _ = strings.Cut(a, " ")
		b, _, _ = strings.Cut(b, " ")
		return strings.Compare(a, b)
	})
}

// figures runs a query for the named columns and returns its rows as the machine
// profile of a report writes them.
func (r reader) figures(columns, query string) []string {
	r.t.Helper()
	names := strings.Split(columns, ", ")
	rows := r.run("rows", strings.Join(strings.Fields(query), " ")) // isql takes a line as a statement
	for i, line := range rows {
		fields := strings.Split(line, "\t")
		if len(fields) != len(names) {
			r.t.Fatalf("%d fields, want %d: %q", len(fields), len(names), line)
		}
		for n, field := range fields {
			fields[n] = names[n] + "=" + r.canonical(names[n], field)
		}
		rows[i] = strings.Join(fields, " ")
	}
	return rows
}

// canonical writes a client's text of a value as a report's CSV does. Text is not
// touched, so NULL is told from a name that is not there.
func (r reader) canonical(name, field string) string {
	r.t.Helper()
	isText := slices.Contains([]string{"agent_name", "team", "utc_offset"}, name)
	if field == r.null && !isText {
		return ""
	}
	var err error
	switch {
	case isText || strings.HasSuffix(name, "_date"):
	case strings.HasSuffix(name, "_at"):
		var at time.Time
		at, err = time.Parse(cmp.Or(r.instant, time.RFC3339), field)
		field = at.UTC().Format(time.RFC3339)
	case strings.HasPrefix(name, "is_"):
		var is bool
		is, err = strconv.ParseBool(strings.ToLower(field))
		field = strconv.FormatBool(is)
	case strings.HasSuffix(name, "_seconds"), strings.HasSuffix(name, "_pct"):
		var number float64
		number, err = strconv.ParseFloat(field, 64)
		field = strconv.FormatFloat(number, 'f', 3, 64)
	}
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	return field
}

func expectText(t *testing.T, what string, want, got []string) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
