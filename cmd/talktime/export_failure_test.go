package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
)

// A destination that fails is told everywhere: by the exit code, in the log, in
// the list with what to do, and to on_failure. Later periods wait for it; when it
// works again all are delivered, in order.
func TestAFailedExport(t *testing.T) {
	t.Parallel()
	s := newShipper(t, november(16, 3, 0), `  - name: daily
    cron: "0 15 2 * * *"
    report: states
    by: agent
    window: yesterday
    to: gone
    on_failure: [sh, -c, 'echo "$EXPORT_NAME $EXPORT_PERIOD r$EXPORT_REVISION $EXPORT_STATUS after $EXPORT_ATTEMPTS: $EXPORT_ERROR" >> "$0"', TOLD]
`)
	told := filepath.Join(s.dir, "told")
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.config, []byte(strings.ReplaceAll(string(text), "TOLD", told)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.hour(november(15, 8, 0), isTalking)
	stdout, stderr := s.run(exitFailed, "export", "run", "daily")
	gone := filepath.Join(s.dir, "gone")
	for what, want := range map[string]string{stdout: "failed", stderr: "deliver to " + gone + ": the folder does not exist"} {
		if !strings.Contains(what, want) {
			t.Errorf("%q is not in %s", want, what)
		}
	}
	s.now = november(17, 3, 0)
	s.run(exitFailed, "export", "run", "daily")
	list, _ := s.run(exitOK, "export", "list")
	for _, want := range []string{"failed", "a recorder tries again in 2m0s; or put it right and run talktime export run daily", "waiting"} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is not in the list:\n%s", want, list)
		}
	}
	announced, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(announced)), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[1], "daily 2026-11-15 r1 failed after 2: deliver to "+gone) {
		t.Errorf("on_failure was told %q", lines)
	}

	if err := os.Mkdir(gone, 0o755); err != nil {
		t.Fatal(err)
	}
	stdout, _ = s.run(exitOK, "export", "run", "daily")
	if first, then, _ := strings.Cut(stdout, "\n"); !strings.HasPrefix(first, "daily 2026-11-15") || !strings.HasPrefix(then, "daily 2026-11-16") {
		t.Errorf("it was delivered as\n%s", stdout)
	}
	s.expect("ledger", s.editions("daily"), []string{
		"2026-11-15 r1 delivered first final=true rows=2 attempts=3",
		"2026-11-16 r1 delivered first final=true rows=0 attempts=1",
	})
	s.run(exitOK, "export", "run", "daily")
	s.run(exitOK, "export", "rerun", "daily", "2026-11-16")
	audited := s.query(`SELECT concat_ws(' ', subject, 'r' || (parameters->>'revision'), parameters->>'asked_by' || ':', parameters->>'outcome' || ',',
		row_count, 'rows, exit code', exit_code, nullif(left(error, 10), '')) FROM audit_log ORDER BY audit_id`)
	s.expect("audit log", audited, []string{
		"daily r1 run: failed, 2 rows, exit code 1 deliver to",
		"daily r1 run: failed, 2 rows, exit code 1 deliver to",
		"daily r1 run: delivered, 2 rows, exit code 0",
		"daily r1 run: delivered, 0 rows, exit code 0",
		"daily run: nothing is owed, 0 rows, exit code 0",
		"daily r1 rerun: unchanged, all files there, 0 rows, exit code 0",
	})
}

// A report that cannot be made does not keep later ones from being delivered, and
// is not tried again each minute.
func TestAReportThatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := newShipper(t, november(16, 3, 0), `  - {name: wfm, cron: "0 15 2 * * *", report: states, by: "15m,agent", window: yesterday, profile: wfm-15, to: out}
`)
	s.round(november(15, 8, 0), isTalking)
	tick := ingest.Tick{Schedule: "office", DueAt: november(15, 9, 0), Period: time.Hour, Agents: ingest.NewAgentSet(101, 102), Status: ingest.Missed}
	if err := s.store.RecordMissed(t.Context(), []ingest.Tick{tick}); err != nil {
		t.Fatal(err)
	}
	_, stderr := s.run(exitFailed, "export", "run", "wfm")
	if !strings.Contains(stderr, "profile wfm-15 takes no guess") {
		t.Errorf("standard error has %s", stderr)
	}
	s.hour(november(16, 8, 0), isTalking)
	s.now = november(17, 3, 0)
	_, _ = s.run(exitFailed, "export", "run", "wfm")
	want := []string{
		"2026-11-15 r1 failed first final=false rows=0 attempts=2",
		"2026-11-16 r1 delivered first final=true rows=192 attempts=1",
	}
	s.expect("ledger", s.editions("wfm"), want)

	// A recorder's job leaves it for two minutes, then four.
	x, c := s.job()
	for _, test := range []struct {
		after    time.Duration
		attempts string
	}{{time.Minute, "2"}, {2 * time.Minute, "3"}, {5 * time.Minute, "3"}, {6 * time.Minute, "4"}} {
		s.now = november(17, 3, 0).Add(test.after)
		err := x.turns(t.Context(), c.exports)
		want[0] = "2026-11-15 r1 failed first final=false rows=0 attempts=" + test.attempts
		s.expect("ledger after "+test.after.String(), s.editions("wfm"), want)
		if isTried := test.after == 2*time.Minute || test.after == 6*time.Minute; (err != nil) != isTried {
			t.Errorf("after %s the job ended with %v", test.after, err)
		}
	}
}

// Too little coverage is delivered and announced.
func TestAnExportRequiresCoverage(t *testing.T) {
	t.Parallel()
	s := newShipper(t, november(16, 3, 0), `  - {name: strict, cron: "0 15 2 * * *", report: states, by: agent, window: yesterday, require_coverage: 95, to: out}
`)
	s.hour(november(15, 8, 0), isTalking)
	tick := ingest.Tick{Schedule: "office", DueAt: november(15, 9, 30), Period: 10 * time.Minute, Agents: ingest.NewAgentSet(101, 102), Status: ingest.Missed}
	if err := s.store.RecordMissed(t.Context(), []ingest.Tick{tick}); err != nil {
		t.Fatal(err)
	}
	_, stderr := s.run(exitPartial, "export", "run", "strict")
	if !strings.Contains(stderr, "%, below require_coverage 95") {
		t.Errorf("standard error has %s", stderr)
	}
	if files := s.data(); len(files) != 1 {
		t.Errorf("the folder has %q", files)
	}
}

// The recorder delivers what its configuration owes, once.
func TestARecorderDeliversExports(t *testing.T) {
	t.Parallel()
	s := newShipper(t, november(16, 3, 0), daily)
	s.hour(november(15, 8, 0), isTalking)
	s.run(exitOK, "derive")
	x, c := s.job()
	jobs, err := recording{store: s.store, clock: s.clock(), orders: newOrders(c), exports: x}.jobs()
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range jobs {
		if job.Name != "exports" {
			continue
		}
		for range 2 {
			if err := job.Run(t.Context(), s.now); err != nil {
				t.Error(err)
			}
		}
	}
	s.expect("ledger", s.editions("daily"), []string{"2026-11-15 r1 delivered first final=true rows=192 attempts=1"})
	health, err := s.store.ExportHealth(t.Context())
	if err != nil || len(health) != 1 || !health[0].DeliveredAt.Equal(s.now) || health[0].Failed != 0 {
		t.Errorf("its health is %+v, %v", health, err)
	}
}

// job returns what a recorder delivers exports with, and its configuration.
func (s *shipper) job() (*exporting, *config) {
	s.t.Helper()
	a := &app{configFile: s.config, environ: os.Environ(), clock: s.clock(), log: slog.New(slog.DiscardHandler)}
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		s.t.Fatal(err)
	}
	return a.newExporting(s.store), c
}
