package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/reports"
)

// starter is a database with something to see in everything that sql/bi asks, and
// a connection that may read bi_v1 only.
func starter(t *testing.T) (database, *pgx.Conn) {
	t.Helper()
	d := newDatabase(t)
	berlin := calendar(t, "Europe/Berlin", "00:00")
	d.layOut(t, monday, berlin)
	d.recordRounds(t, at(8, 0, 0), at(9, 0, 0), agentRange(101, 103), talking)
	for due := at(9, 0, 0); due.Before(at(9, 30, 0)); due = due.Add(10 * time.Second) {
		tick, samples := roundAt(due, agentRange(101, 103), idle)
		if agent := &samples[2]; due.Before(at(9, 15, 0)) {
			agent.Outcome, agent.Status = ingest.Unreachable, ingest.Status{}
		}
		d.record(t, tick, samples)
	}
	d.deriveDirty(t, at(30, 0, 0))
	d.importRoster(t, []reports.Tenure{line(101, "Ann", "Sales", monday), line(102, "Bob", "Support", monday)}, false)

	role := "bi_starter_of_" + one[string](t, d, "SELECT current_database()")
	d.exec(t, "CREATE ROLE "+role+"; GRANT talktime_reader TO "+role)
	t.Cleanup(func() {
		if _, err := d.pool.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	conn, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	if _, err := conn.Exec(t.Context(), "SET ROLE "+role); err != nil {
		t.Fatal(err)
	}
	return d, conn
}

// answer runs a statement as BI tools send it, without parameters, and returns its
// rows by column name.
func answer(t *testing.T, conn *pgx.Conn, statement string) []map[string]any {
	t.Helper()
	rows, err := conn.Query(t.Context(), statement, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%v in\n%s", err, statement)
	}
	answered, err := pgx.CollectRows(rows, pgx.RowToMap)
	if err != nil {
		t.Fatalf("%v in\n%s", err, statement)
	}
	return answered
}

// sumOf adds up a column in which NULL is nothing.
func sumOf(rows []map[string]any, column string) (sum float64) {
	for _, row := range rows {
		value, _ := row[column].(float64)
		sum += value
	}
	return sum
}

// Every question is answered, as anyone who may read bi_v1.
func TestQuestions(t *testing.T) {
	t.Parallel()
	d, conn := starter(t)
	talk := one[float64](t, d, "SELECT sum(talk_ms)::float8 FROM talktime.quarter_hours") / 3600e3
	files, err := filepath.Glob("../bi/questions/*.sql")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d questions, error %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rows := answer(t, conn, string(text))
		if len(rows) == 0 {
			t.Errorf("%s finds nothing", file)
			continue
		}
		if !strings.HasPrefix(string(text), "-- ") {
			t.Errorf("%s does not say what it asks", file)
		}
		if _, ok := rows[0]["talk_hours"]; ok {
			expect(t, file+": talk", fmt.Sprintf("%.9f", talk), fmt.Sprintf("%.9f", sumOf(rows, "talk_hours")))
		}
	}
	unseen := answer(t, conn, question(t, "what-was-not-seen"))
	expect(t, "the one least seen", any(int32(103)), unseen[0]["agent_id"])
	var busy []any
	for _, row := range answer(t, conn, question(t, "occupancy-by-half-hour")) {
		if row["local_time"] == "09:00" {
			busy = append(busy, row["occupancy_pct"], row["agents_staffed"], row["coverage_pct"])
		}
	}
	expect(t, "occupancy, staffed agents and coverage of half an hour's talk, for each of three teams", "[100 1 100 100 1 100 100 1 100]", fmt.Sprint(busy))
}

func question(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../bi/questions/" + name + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// dashboard is what the test reads of Grafana's.
type dashboard struct {
	Templating struct {
		List []struct{ Name, Type, Query string }
	}
	Panels []struct {
		Title, Type string
		Targets     []struct{ RawSQL string }
	}
}

// grafana stands for the server, which writes values into a statement where its
// macros and variables stand.
var grafana = []struct {
	macro *regexp.Regexp
	value string
}{
	{regexp.MustCompile(`\$__timeFilter\(([^)]*)\)`), "$1 BETWEEN '2026-11-16T00:00:00Z' AND '2026-11-17T00:00:00Z'"},
	{regexp.MustCompile(`\$__timeFrom\(\)`), "'2026-11-16T00:00:00Z'"},
	{regexp.MustCompile(`\$__timeTo\(\)`), "'2026-11-17T00:00:00Z'"},
	{regexp.MustCompile(`\$\{zone:sqlstring\}`), "'Europe/Berlin'"},
	{regexp.MustCompile(`\$\{team:sqlstring\}`), "'','Sales','Support'"},
	{regexp.MustCompile(`\$\{agent:csv\}`), "101,102,103"},
}

// Every statement of the dashboard answers, and its timeline shows the states as
// they were and holes as NULL.
func TestGrafanaDashboard(t *testing.T) {
	t.Parallel()
	_, conn := starter(t)
	text, err := os.ReadFile("../bi/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board dashboard
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	statements := map[string]string{}
	for _, variable := range board.Templating.List {
		if variable.Type == "query" {
			statements["$"+variable.Name] = variable.Query
		}
	}
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			statements[panel.Title] = target.RawSQL
		}
	}
	expect(t, "statements", 8, len(statements))
	answers := map[string][]map[string]any{}
	for name, statement := range statements {
		for _, g := range grafana {
			statement = g.macro.ReplaceAllString(statement, g.value)
		}
		if strings.Contains(statement, "$") {
			t.Errorf("%s has a variable nobody fills in:\n%s", name, statement)
		}
		if answers[name] = answer(t, conn, statement); len(answers[name]) == 0 {
			t.Errorf("%s finds nothing:\n%s", name, statement)
		}
	}

	var shown []string
	for _, row := range answers["States"] {
		if row["agent"] == "103" {
			shown = append(shown, fmt.Sprint(row["state"]))
		}
	}
	expect(t, "states of the agent whose polls failed", "talk <nil> available <nil>", strings.Join(shown, " "))
	coverage := map[string]any{}
	for _, row := range answers["Coverage"] {
		if when, ok := row["time"].(time.Time); ok && when.Equal(at(9, 0, 0)) {
			coverage[fmt.Sprint(row["metric"])] = row["coverage"]
		}
	}
	// Five of its 900 s are the poll's before.
	expect(t, "coverage of that quarter-hour", "map[:0.5555555555555556 Sales:100 Support:100]", fmt.Sprint(coverage))
	expect(t, "zones to choose from", "[map[time_zone:Europe/Berlin]]", fmt.Sprint(answers["$zone"]))
}
