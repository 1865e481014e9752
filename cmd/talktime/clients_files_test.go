//go:build clients

package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Programs that open our files find types and figures by themselves.
func TestFileClients(t *testing.T) {
	c, _ := newClientsCentre(t)
	t.Run("DuckDB", func(t *testing.T) { testDuckDB(t, c) })
	t.Run("LibreOffice", func(t *testing.T) { testLibreOffice(t, c) })
}

// write writes a report of the recorded day to a file.
func (c *centre) write(name string, args ...string) (path string) {
	c.t.Helper()
	path = filepath.Join(c.dir, name)
	c.run(c.t.Context(), exitOK, append([]string{"report", "states", "--from", "2026-10-25", "--to", "2026-10-26", "--out", path}, args...)...)
	return path
}

func testDuckDB(t *testing.T, c *centre) {
	duckdb := func(args ...string) []string {
		t.Helper()
		return lines(runClient(t, ".ci/run clients", append([]string{"node", "duckdb.cjs"}, args...)...))
	}
	t.Log(duckdb("version"))
	file := c.write("quarter-hours.csv", "--by", "agent,15m", "--format", "csv")

	named := map[string]string{
		"text": "VARCHAR", "boolean": "BOOLEAN", "integer": "BIGINT", "bigint": "BIGINT", "double precision": "DOUBLE", "date": "DATE",
		"timestamp with time zone": "TIMESTAMP WITH TIME ZONE",
	}
	types := map[string]string{}
	for _, line := range promisedColumns(t) {
		fields := strings.SplitN(line, " ", 3)
		if fields[0] == "fct_agent_quarter_hours" {
			types[fields[1]] = named[fields[2]]
		}
	}
	types["local_time"] = "TIME" // nothing but times of day stand there
	var want []string
	for _, name := range c.reported("--by", "agent,15m").header {
		want = append(want, name+"\t"+types[name])
	}
	expectText(t, "types", want, duckdb("columns", file))

	days := c.reported("--by", "agent,day").only("agent_name", "local_date", "talk_seconds", "acw_seconds", "unobserved_seconds", "window_seconds")
	var sums []string
	for _, row := range days.rows {
		sums = append(sums, strings.Join(row, "\t"))
	}
	slices.Sort(sums)
	expectText(t, "sums", sums, duckdb("rows", file, `SELECT coalesce(agent_name, ''), local_date, printf('%.3f', sum(talk_seconds)), printf('%.3f', sum(acw_seconds)),
		printf('%.3f', sum(unobserved_seconds)), printf('%.3f', sum(window_seconds)) FROM report GROUP BY ALL ORDER BY 1`))
}

// What LibreOffice shows of what Excel is meant to open: names as they are, no
// formula at work, numbers that are numbers, days that are longer than 24 hours.
func testLibreOffice(t *testing.T, c *centre) {
	t.Logf("%s", runClient(t, "apt-get install libreoffice-calc-nogui", "soffice", "--version"))
	shown := func(file string) reportedRows {
		t.Helper()
		folder := filepath.Join(c.dir, "shown")
		runClient(t, "apt-get install libreoffice-calc-nogui", "sh", "calc.sh", file, folder)
		text, err := os.ReadFile(filepath.Join(folder, strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%.12q", rows)
		return reportedRows{rows[0], rows[1:]}
	}
	names := []string{"agent_id", "agent_name", "team"}
	reported := c.reported("--by", "agent")

	csvShown := shown(c.write("excel.csv", "--by", "agent", "--format", "csv", "--profile", "excel", "--locale", "de-DE"))
	want := reported.only(names...)
	want.rows[2][1] = "'" + want.rows[2][1] // what begins like a formula
	expectText(t, "names in the CSV for Excel", want.text(), csvShown.only(names...).text())
	durations := []string{"talk_seconds", "acw_seconds", "failed_seconds", "staffed_seconds", "window_seconds"}
	want = reported.only(durations...)
	want.rewrite(func(field string) string { return strings.TrimSuffix(field, ".000") })
	expectText(t, "seconds in the CSV for Excel", want.text(), csvShown.only(durations...).text())
	for _, row := range csvShown.only("talk_seconds", "talk_hours").rows {
		seconds, err := strconv.ParseFloat(row[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := strconv.ParseFloat(row[1], 64); err != nil || math.Abs(got-seconds/3600) > 0.0001 {
			t.Errorf("%s s are shown as %s h", row[0], row[1])
		}
	}

	book := shown(c.write("book.xlsx", "--by", "agent", "--format", "xlsx"))
	expectText(t, "names in the workbook", reported.only(names...).text(), book.only(names...).text())
	want = reported.only(durations...)
	want.rewrite(func(field string) string {
		seconds, err := strconv.Atoi(strings.TrimSuffix(field, ".000"))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	})
	expectText(t, "lengths of time in the workbook", want.text(), book.only(durations...).text())
}

// runClient runs a program in testdata/clients and returns what it prints. A
// failure says how the program is installed.
func runClient(t *testing.T, install string, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = filepath.Join("testdata", "clients")
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.Output()
	if err != nil {
		var errs []byte
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			errs = exit.Stderr
		}
		t.Fatalf("%s: %v; is it installed? %s\n%s%s", command[0], err, install, errs, out)
	}
	return string(out)
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }
