//go:build clients

package main

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
)

// clientsRoster has what names may hold. Agent 104 is not in it.
const clientsRoster = `agent_id,name,team,valid_from
101,Zoë Ångström-Łęcka,Vertrieb Süd,2026-01-01
102,李小龍 🎧👩‍💻,0042,2026-01-01
103,=cmd|' /C calc'!A0,"O'Brien; ""Support""",2026-01-01
`

const readerPassword = "correct horse battery staple"

// newClientsCentre records the 25 hours of a day whose night has the hour from two
// to three twice, with two hours in which agent 104 is not seen, in a Postgres that
// clients reach.
func newClientsCentre(t *testing.T) (*centre, servedOverTLS) {
	t.Helper()
	fault, err := gatewaysim.ParseFault("http500@12:10-14:10#104")
	if err != nil {
		t.Fatal(err)
	}
	midnight := time.Date(2026, 10, 24, 22, 0, 0, 0, time.UTC)
	recording, stop := context.WithCancel(t.Context())
	defer stop()
	played := ingest.NewSimClock(midnight.Add(-30 * time.Minute))
	c := newCentre(t, &stopAt{played, midnight.Add(25*time.Hour + 30*time.Minute), stop}, ingest.NewAgentSet(101, 102, 103, 104), "0 * * * * *", playing(fault))
	c.append("time_zone: Europe/Berlin\nextra_zones: [America/New_York]\nderive: {cron: \"0 0 * * * *\"}\n")
	served := serveOverTLS(t, filepath.Join(c.dir, "served"))
	c = c.configuredFor("served")
	c.run(recording, exitOK, "record")
	c.clock = played
	roster := filepath.Join(c.dir, "roster.csv")
	if err := os.WriteFile(roster, []byte(clientsRoster), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(t.Context(), exitOK, "agents", "import", roster)
	c.query("CREATE ROLE analyst LOGIN PASSWORD '" + readerPassword + "'")
	c.run(c.t.Context(), exitOK, "bi", "grant", "analyst")
	return c, served
}

// reportedRows are the rows of a report in CSV of the machine profile.
type reportedRows struct {
	header []string
	rows   [][]string
}

// reported reports the states of the recorded day.
func (c *centre) reported(args ...string) reportedRows {
	c.t.Helper()
	window := []string{"report", "states", "--format", "csv", "--from", "2026-10-25", "--to", "2026-10-26"}
	stdout, _ := c.run(c.t.Context(), exitOK, append(window, args...)...)
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil {
		c.t.Fatal(err)
	}
	return reportedRows{rows[0], rows[1:]}
}

// columns lists them for a query.
func (r reportedRows) columns() string { return strings.Join(r.header, ", ") }

// only leaves out all other columns.
func (r reportedRows) only(names ...string) reportedRows {
	part := reportedRows{header: names}
	for _, row := range r.rows {
		var fields []string
		for _, name := range names {
			fields = append(fields, row[slices.Index(r.header, name)])
		}
		part.rows = append(part.rows, fields)
	}
	return part
}

// rewrite replaces every field.
func (r reportedRows) rewrite(by func(field string) string) {
	for _, row := range r.rows {
		for i, field := range row {
			row[i] = by(field)
		}
	}
}

// text writes a line a row.
func (r reportedRows) text() []string {
	var lines []string
	for _, row := range r.rows {
		var fields []string
		for i, field := range row {
			fields = append(fields, r.header[i]+"="+field)
		}
		lines = append(lines, strings.Join(fields, " "))
	}
	return lines
}

// promisedColumns are those of the contract: view, name and type.
func promisedColumns(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../sql/store/testdata/bi_v1.txt")
	if err != nil {
		t.Fatal(err)
	}
	columns := slices.DeleteFunc(lines(string(text)), func(line string) bool { return strings.HasPrefix(line, "#") })
	sortByView(columns)
	return columns
}
