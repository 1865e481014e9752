package main

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
	"talktime/reports/render"
)

// oneAgent is a source of agent 101, who talked through the first quarter-hour
// of the window; one minute of it failed to be seen.
type oneAgent struct{ broken error }

func (oneAgent) Facts(_ context.Context, _, to time.Time) (reports.Facts, error) {
	return reports.Facts{Horizon: to, Agents: ingest.NewAgentSet(101)}, nil
}

func (o oneAgent) Cells(_ context.Context, q reports.Query) iter.Seq2[reports.Cell, error] {
	return func(yield func(reports.Cell, error) bool) {
		cell := reports.Cell{Bins: 1, FinalBins: 1, LastBin: q.Spans[0].From, Revision: 1}
		cell.Sums.MS[reports.Talk], cell.Sums.MS[reports.Failed] = 840_000, 60_000
		if yield(cell, nil) && o.broken != nil {
			yield(reports.Cell{}, o.broken)
		}
	}
}

func reportOfADay(t *testing.T) reports.Request {
	t.Helper()
	w, err := reports.ParseWindow("2026-11-16", "", time.UTC, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return reports.Request{Report: "states", Window: w, Grouping: reports.Grouping{ByAgent: true}}
}

func TestReportsAreWrittenWhole(t *testing.T) {
	for format, starts := range map[string]string{
		"table": "States by agent", "csv": "agent_id,agent_name,team,talk_seconds,", "json": `{"meta": {`,
	} {
		t.Run(format, func(t *testing.T) {
			var stdout bytes.Buffer
			a := &app{stdout: &stdout}
			out := filepath.Join(t.TempDir(), "report")
			for _, to := range []string{toStdout, out} {
				if _, _, err := a.writeReport(t.Context(), oneAgent{}, reportOfADay(t), reportFlags{format: format, out: to}, render.Form{Profile: render.Profiles()[0]}); err != nil {
					t.Fatal(err)
				}
			}
			file, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(file, stdout.Bytes()) || !strings.HasPrefix(stdout.String(), starts) {
				t.Errorf("standard output has\n%s\nthe file\n%s", &stdout, file)
			}
			meta, err := os.ReadFile(out + ".meta.json")
			if (err == nil) != (format == "csv") {
				t.Errorf("meta beside the file: %v", err)
			}
			if err == nil && !strings.Contains(string(meta), `"report": "states"`) {
				t.Errorf("the meta is %s", meta)
			}
		})
	}
}

func TestABrokenReportLeavesTheFileAsItWas(t *testing.T) {
	lost := errors.New("connection lost")
	dir := t.TempDir()
	out := filepath.Join(dir, "report.csv")
	if err := os.WriteFile(out, []byte("yesterday's"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := (&app{}).writeReport(t.Context(), oneAgent{broken: lost}, reportOfADay(t), reportFlags{format: "csv", out: out}, render.Form{Profile: render.Profiles()[0]})
	if !errors.Is(err, lost) {
		t.Errorf("got %v", err)
	}
	if content, err := os.ReadFile(out); err != nil || string(content) != "yesterday's" {
		t.Errorf("the file holds %q, %v", content, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestAReportReplacesALinksTarget(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if _, _, err := (&app{}).writeReport(t.Context(), oneAgent{}, reportOfADay(t), reportFlags{format: "json", out: link}, render.Form{}); err != nil {
		t.Fatal(err)
	}
	stat, err := os.Lstat(link)
	if err != nil || stat.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became %v, %v", stat, err)
	}
	stat, err = os.Stat(target)
	if err != nil || stat.Size() == 0 || stat.Mode().Perm() != 0o640 {
		t.Errorf("the target is %v, %v", stat, err)
	}
}

func TestRequireCoverage(t *testing.T) {
	total, _, err := (&app{stdout: new(bytes.Buffer)}).writeReport(t.Context(), oneAgent{}, reportOfADay(t), reportFlags{format: "json", out: toStdout}, render.Form{})
	if err != nil {
		t.Fatal(err)
	}
	if err := checkCoverage(&total, 93.3); err != nil {
		t.Errorf("14 of 15 minutes are not 93.3 %%: %v", err)
	}
	err = checkCoverage(&total, 93.4)
	if codeOf(err) != exitPartial || !strings.Contains(err.Error(), "coverage is 93.333 %, below --require-coverage 93.4") {
		t.Errorf("exit code %d, %v", codeOf(err), err)
	}
}

func TestReportRequest(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	a := &app{clock: wallClock{now: func() time.Time { return now }}}
	kathmandu, err := reports.ParseZone("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	cfg := &config{timeZone: kathmandu, maxAgentID: ingest.DefaultMaxAgentID}
	got, err := a.reportRequest("states", reportFlags{
		by: "day,agent", teams: []string{"Sales", " Support"}, teamAsOf: "now", agents: "101,103-104", format: "csv", out: toStdout, evidence: true,
	}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got.Window.From.Format(time.RFC3339) != "2026-11-20T18:15:00Z" || got.Window.Zone != kathmandu {
		t.Errorf("the window is %v", got.Window)
	}
	if got.Grouping.String() != "day,agent" || got.Agents.String() != "101,103-104" || got.Program == "" || !got.Evidence {
		t.Errorf("the request is %+v", got)
	}
	if !slices.Equal(got.Teams, []string{"Sales", "Support"}) || !got.TeamAsOf.Equal(now) {
		t.Errorf("the teams are %q as of %v", got.Teams, got.TeamAsOf)
	}
	got, err = a.reportRequest("states", reportFlags{zone: "UTC", teamAsOf: "time", by: "agent", format: "csv", out: toStdout}, cfg)
	if err != nil || got.Window.From.Format(time.RFC3339) != "2026-11-21T00:00:00Z" || !got.TeamAsOf.IsZero() {
		t.Errorf("with --tz UTC yesterday begins %v, %v", got.Window.From, err)
	}
}
