package export_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/reports"
	"talktime/reports/export"
)

var update = flag.Bool("update", false, "rewrite the golden files")

type noSink struct{}

func (noSink) Begin(reports.Meta) error { return nil }
func (noSink) Row(*reports.Row) error   { return nil }
func (noSink) End(*reports.Row) error   { return nil }

// tally is that of a report of rows.
func tally(t *testing.T, e export.Edition, rows ...reports.Row) *export.Tally {
	t.Helper()
	grouping, err := reports.ParseGrouping("agent,15m")
	if err != nil {
		t.Fatal(err)
	}
	tally := export.NewTally(noSink{})
	meta := reports.Meta{
		Request: reports.Request{Report: e.Report, Program: "talktime 1.0", Window: e.Window, Grouping: grouping},
		Facts:   reports.Facts{Periods: []time.Duration{10 * time.Second, time.Minute}},
	}
	total := reports.Row{IsFinal: true}
	if err := tally.Begin(meta); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		total.Sums.Add(&row.Sums)
		total.Time += row.Time
		if err := tally.Row(&row); err != nil {
			t.Fatal(err)
		}
	}
	if err := tally.End(&total); err != nil {
		t.Fatal(err)
	}
	return tally
}

func row(agent ingest.AgentID, talk, failed int64) reports.Row {
	r := reports.Row{Agent: agent, Time: 900_000}
	r.MS[reports.Talk], r.MS[reports.Failed], r.MS[reports.Unscheduled] = talk, failed, 900_000-talk-failed
	return r
}

// A delivery of a corrected day, byte for byte, drafted on the disk.
func TestManifest(t *testing.T) {
	e := edition(t)
	report := tally(t, e, row(101, 600_000, 300_000), row(101, 900_000, 0), row(102, 0, 0), row(103, 899_999, 1), row(104, 899_999, 1))
	draft, err := export.NewDraft(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = draft.Close() }()
	for _, line := range []string{"agent_id,bin_start_at,local_time,talk_seconds,occupancy_pct,is_final\r\n", "101,…\r\n"} {
		if _, err := io.WriteString(draft, line); err != nil {
			t.Fatal(err)
		}
	}
	const name = "daily-states_20261115T2300Z_20261116T2300Z_r2.csv"
	data, err := draft.File(name)
	if err != nil {
		t.Fatal(err)
	}
	diff := export.NewFile(export.DiffName(name), []byte("agent_id,column,old,new,cause\r\n"))

	m := report.Manifest(e, name, export.Form{Format: "csv", Profile: "machine", Version: 1, OnMissing: "empty"})
	m.Supersedes, m.Reason = "daily-states_20261115T2300Z_20261116T2300Z_r1.csv", "late samples"
	dialect := &export.Dialect{Delimiter: ",", Header: true}
	m.Resources = []export.Resource{
		export.NewResource("data", data, "csv", dialect, m.Rows, []export.Column{
			export.NewColumn("agent_id", reports.Integer),
			export.NewColumn("bin_start_at", reports.Instant),
			export.NewColumn("local_time", reports.Time),
			export.NewColumn("talk_seconds", reports.Seconds),
			export.NewColumn("occupancy_pct", reports.Decimal),
			export.NewColumn("is_final", reports.Boolean),
		}),
		export.NewResource("diff", diff, "csv", dialect, 0, []export.Column{export.NewColumn("agent_id", reports.Integer)}),
	}
	files, err := m.Sealed(data, diff)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, file := range files {
		got.WriteString("== " + file.Name + "\n")
		if _, err := io.Copy(&got, file.Reader()); err != nil {
			t.Fatal(err)
		}
	}
	golden := filepath.Join("testdata", "delivery.golden")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
}

// Where no poll was due there is no coverage, and a delivery without rows is one
// too.
func TestManifestOfNothing(t *testing.T) {
	e := edition(t)
	for name, rows := range map[string][]reports.Row{"no rows": nil, "no polls": {row(101, 0, 0)}} {
		m := tally(t, e, rows...).Manifest(e, "x.csv", export.Form{Format: "csv"})
		if m.CoveragePct != nil || m.WorstAgent != nil || m.Rows != len(rows) || m.Totals["unscheduled_seconds"] != float64(900*len(rows)) {
			t.Errorf("%s: %+v", name, m)
		}
	}
	if _, err := (export.Manifest{Export: "daily"}).Sealed(); err == nil {
		t.Error("a manifest of no file was written")
	}
}
