package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/sql/localpg"
	"talktime/sql/store"
)

// shipper is a database with rounds in it, and a configuration of exports of
// them, on a clock that is set.
type shipper struct {
	t           *testing.T
	now         time.Time
	dir, config string
	out         string // the folder exports go to
	store       *store.Store
	url         string
}

// sparse is the period of its rounds.
const sparse = 5 * time.Minute

func newShipper(t *testing.T, now time.Time, exports string) *shipper {
	t.Helper()
	dir, err := dataDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	server, err := localpg.Start(t.Context(), localpg.Options{Dir: filepath.Join(dir, "data", "postgres")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	opened, err := store.Open(t.Context(), ingest.NewSecret(server.URL()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	if _, err := opened.Migrate(t.Context(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	s := &shipper{t: t, now: now, dir: dir, config: filepath.Join(dir, configFileName), out: filepath.Join(dir, "out"), store: opened, url: server.URL()}
	if err := os.Mkdir(s.out, 0o755); err != nil {
		t.Fatal(err)
	}
	s.configure(exports)
	return s
}

// configure writes the configuration anew.
func (s *shipper) configure(exports string) {
	s.t.Helper()
	if err := os.WriteFile(s.config, []byte("data_dir: data\nexports:\n"+exports), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shipper) clock() wallClock { return wallClock{now: func() time.Time { return s.now }} }

// run runs a command at the instant the clock is set to.
func (s *shipper) run(wantCode int, args ...string) (stdout, stderr string) {
	s.t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, environ: os.Environ(), clock: s.clock()}
	if code := a.run(s.t.Context(), append([]string{"--config", s.config}, args...)); code != wantCode {
		s.t.Fatalf("talktime %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, wantCode, &out, &errs)
	}
	return out.String(), errs.String()
}

// round stores one of two agents, in the given state.
func (s *shipper) round(due time.Time, status ingest.Status) {
	s.t.Helper()
	agents := ingest.NewAgentSet(101, 102)
	tick := ingest.Tick{
		Schedule: "office", DueAt: due, Period: sparse, Agents: agents, Status: ingest.Taken, StartedAt: due, FinishedAt: due.Add(time.Second),
	}
	var samples []ingest.Sample
	for agent := range agents.All() {
		samples = append(samples, ingest.Sample{AgentID: agent, Period: sparse, Poll: ingest.Poll{PolledAt: due, Outcome: ingest.Observed, Status: status}})
	}
	tick.Polls[ingest.Observed] = len(samples)
	if err := s.store.Record(s.t.Context(), tick, samples); err != nil {
		s.t.Fatal(err)
	}
}

var (
	isTalking = ingest.Status{AgentState: 7, IsWorking: true}
	isIdle    = ingest.Status{AgentState: 4}
)

// hour stores the rounds of an hour.
func (s *shipper) hour(from time.Time, status ingest.Status) {
	s.t.Helper()
	for due := from; due.Before(from.Add(time.Hour)); due = due.Add(sparse) {
		s.round(due, status)
	}
}

// delivered returns the names of the files in the folder, and their contents.
func (s *shipper) delivered() (names []string, contents map[string]string) {
	s.t.Helper()
	entries, err := os.ReadDir(s.out)
	if err != nil {
		s.t.Fatal(err)
	}
	contents = map[string]string{}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(s.out, entry.Name()))
		if err != nil {
			s.t.Fatal(err)
		}
		names, contents[entry.Name()] = append(names, entry.Name()), string(content)
	}
	return names, contents
}

// data returns the names of the data files in the folder.
func (s *shipper) data() []string {
	names, _ := s.delivered()
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.HasSuffix(name, ".sha256") || strings.HasSuffix(name, ".manifest.json") || strings.HasSuffix(name, "_diff.csv")
	})
}

// editions returns what the ledger says, a line each.
func (s *shipper) editions(name string) []string {
	s.t.Helper()
	editions, err := s.store.Exports(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, e := range editions {
		lines = append(lines, fmt.Sprintf("%s r%d %s %s final=%t rows=%d attempts=%d",
			e.From.Format(time.DateOnly), e.Revision, e.Status, e.Reason, e.IsFinal, e.Rows, e.Attempts))
	}
	return lines
}

func (s *shipper) expect(what string, got, want any) {
	s.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// november returns an instant of that month.
func november(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC)
}

const daily = `  - {name: daily, cron: "0 15 2 * * *", report: states, by: [agent, 15m], window: yesterday, to: out, file: "d{from:YYYYMMDD}_r{revision}.{ext}"}
`

// Runs that were missed are caught up in order, each period once; a period in
// which nothing happened has its file too.
func TestExportsAreCaughtUp(t *testing.T) {
	t.Parallel()
	s := newShipper(t, november(16, 3, 0), daily)
	for _, day := range []int{15, 16, 18} {
		s.hour(november(day, 8, 0), isTalking)
	}
	stdout, _ := s.run(exitOK, "export", "run", "daily")
	s.expect("a new export", stdout, "daily 2026-11-15 revision 1: delivered 192 rows to "+s.out+": d20261115_r1.csv\n")

	s.now = november(19, 12, 0)
	stdout, _ = s.run(exitOK, "export", "run", "daily")
	s.expect("three days later", stdout, strings.ReplaceAll(`daily 2026-11-16 revision 1: delivered 192 rows to OUT: d20261116_r1.csv
daily 2026-11-17 revision 1: delivered 0 rows to OUT: d20261117_r1.csv
daily 2026-11-18 revision 1: delivered 192 rows to OUT: d20261118_r1.csv
`, "OUT", s.out))
	stdout, _ = s.run(exitOK, "export", "run", "daily")
	s.expect("once more", stdout, "export daily: nothing is owed\n")
	s.expect("ledger", s.editions("daily"), []string{
		"2026-11-15 r1 delivered first final=true rows=192 attempts=1",
		"2026-11-16 r1 delivered first final=true rows=192 attempts=1",
		"2026-11-17 r1 delivered first final=true rows=0 attempts=1",
		"2026-11-18 r1 delivered first final=true rows=192 attempts=1",
	})
	_, files := s.delivered()
	if empty := files["d20261117_r1.csv"]; !strings.HasPrefix(empty, "agent_id,") || strings.Count(empty, "\r\n") != 1 {
		t.Errorf("the file of a day without anything is %q", empty)
	}
	stdout, _ = s.run(exitOK, "export", "show", "daily", "2026-11-16", "--format", "json")
	s.expect("the manifest that is shown", stdout, files["d20261116_r1.csv.manifest.json"])

	// Made again it is the same, to the byte; what is gone comes back.
	for _, name := range []string{"d20261116_r1.csv", "d20261116_r1.csv.manifest.json"} {
		if err := os.Remove(filepath.Join(s.out, name)); err != nil {
			t.Fatal(err)
		}
	}
	s.now = november(21, 9, 0)
	s.run(exitOK, "export", "rerun", "daily", "2026-11-16")
	_, again := s.delivered()
	s.expect("files made again", again, files)
}

// A period waits for its figures; at its deadline it is delivered as it is, and
// again when it is final.
func TestExportsWaitForTheirFigures(t *testing.T) {
	t.Parallel()
	const early = `  - {name: early, cron: "0 5 0 * * *", report: states, by: agent, window: yesterday, deadline: 5m, to: out, format: json, file: "e{from:YYYYMMDD}_r{revision}.{ext}"}
`
	s := newShipper(t, november(17, 0, 5), early)
	s.hour(november(16, 23, 0), isTalking)
	stdout, stderr := s.run(exitPartial, "export", "run", "early")
	s.expect("before it is final", stdout, "early 2026-11-16 revision 1: waits for its figures to be final, 100 % derived\n")
	if !strings.Contains(stderr, "figures are still awaited") {
		t.Errorf("standard error has %s", stderr)
	}
	s.expect("files", s.data(), []string(nil))

	s.now = november(17, 0, 9)
	s.run(exitPartial, "export", "run", "early")
	s.now = november(17, 0, 10)
	stdout, _ = s.run(exitOK, "export", "run", "early")
	s.expect("at the deadline", stdout, "early 2026-11-16 revision 1: delivered 2 rows to "+s.out+": e20261116_r1.json (provisional)\n")
	s.run(exitPartial, "export", "run", "early") // waits to be final

	s.now = november(17, 0, 40)
	s.run(exitOK, "export", "run", "early")
	s.expect("audit log", s.query("SELECT (parameters->>'outcome') || ' ' || exit_code FROM audit_log ORDER BY audit_id"), []string{
		"waits 3", "waits 3", "delivered 0", "waits 3", "delivered 0",
	})
	s.expect("ledger", s.editions("early"), []string{
		"2026-11-16 r1 delivered first final=false rows=2 attempts=1",
		"2026-11-16 r2 delivered final final=true rows=2 attempts=1",
	})
	_, files := s.delivered()
	var manifest struct {
		Supersedes, Reason string
		IsFinal            bool `json:"is_final"`
	}
	if err := json.Unmarshal([]byte(files["e20261116_r2.json.manifest.json"]), &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Supersedes != "e20261116_r1.json" || manifest.Reason != "final" || !manifest.IsFinal {
		t.Errorf("the manifest of the final one says %+v", manifest)
	}
	stdout, _ = s.run(exitOK, "export", "run", "early")
	s.expect("when all is final", stdout, "export early: nothing is owed\n")
}

// Late rounds that change a delivered period make a revision whose diff lists the
// cells that two independent reports differ in, and no other.
func TestLateRoundsMakeARevision(t *testing.T) {
	t.Parallel()
	const days = 6
	s := newShipper(t, november(16, 3, 0), daily)
	random := rand.New(rand.NewPCG(1, 2))
	statuses := []ingest.Status{isTalking, isIdle, {AgentState: 5}, {AgentState: 3}}
	late := map[int][]time.Time{}
	for day := 10; day < 10+days; day++ {
		for due := november(day, 8, 0); due.Before(november(day, 10, 0)); due = due.Add(sparse) {
			if random.IntN(5) == 0 {
				late[day] = append(late[day], due)
			} else {
				s.round(due, statuses[random.IntN(len(statuses))])
			}
		}
	}
	late[12] = nil
	s.now = november(10, 12, 0)
	s.run(exitOK, "derive")
	for day := 10; day < 10+days; day++ {
		s.now = november(day+1, 12, 0)
		s.run(exitOK, "export", "run", "daily")
	}
	report := func(day int) map[string]string {
		stdout, _ := s.run(exitOK, "report", "states", "--by", "agent,15m", "--format", "csv", "--out", "-", "--from", november(day, 0, 0).Format(time.DateOnly))
		return cellsOf(t, stdout)
	}
	before := map[int]map[string]string{}
	for day := range late {
		before[day] = report(day)
		for _, due := range late[day] {
			s.round(due, statuses[random.IntN(len(statuses))])
		}
	}
	s.run(exitOK, "export", "run", "daily")
	_, files := s.delivered()
	for day := range late {
		now, want := report(day), map[string]string{}
		for key, cell := range now {
			if was := before[day][key]; was != cell {
				want[key] = was + " > " + cell
			}
		}
		got := map[string]string{}
		diff := files[fmt.Sprintf("d202611%d_r2_diff.csv", day)]
		for i, line := range recordsOf(t, diff) {
			if i > 0 {
				got[line[0]+" "+line[2]+" "+line[3]] = line[4] + " > " + line[5]
				s.expect("cause", line[6], "late_observation")
			}
		}
		s.expect(fmt.Sprintf("diff of day %d", day), got, want)
		if (len(late[day]) == 0) != (diff == "") {
			t.Errorf("day %d had %d late rounds and the diff %q", day, len(late[day]), diff)
		}
		if diff != "" {
			s.expect("rows of the new revision", cellsOf(t, files[fmt.Sprintf("d202611%d_r2.csv", day)]), now)
		}
	}
	stdout, _ := s.run(exitOK, "export", "run", "daily")
	s.expect("once more", stdout, "export daily: nothing is owed\n")

	// The second revision, too, can be delivered again.
	for name := range files {
		if strings.HasPrefix(name, "d20261110_r2") {
			if err := os.Remove(filepath.Join(s.out, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.run(exitOK, "export", "rerun", "daily", "2026-11-10")
	_, again := s.delivered()
	s.expect("files made again", again, files)
}

// cellsOf returns the cells of a report by agent, start of the quarter-hour and
// column.
func cellsOf(t *testing.T, text string) map[string]string {
	t.Helper()
	records := recordsOf(t, text)
	cells := map[string]string{}
	for _, record := range records[1:] {
		for i, column := range records[0] {
			cells[record[0]+" "+record[slices.Index(records[0], "bin_start_at")]+" "+column] = record[i]
		}
	}
	return cells
}

func recordsOf(t *testing.T, text string) [][]string {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// query runs a statement through talktime psql and returns its lines.
func (s *shipper) query(statement string) []string {
	s.t.Helper()
	stdout, _ := s.run(exitOK, "psql", "--", "-XAt", "-c", statement)
	return strings.Split(strings.TrimSpace(stdout), "\n")
}
