package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
	"talktime/reports"
)

// playSmallDemo runs a demo of two agents as a process of its own, sends it a
// signal while it plays (nil: none), and returns its exit code and what it printed.
func playSmallDemo(t *testing.T, dir string, signal os.Signal) (code int, stdout, stderr string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "demo", "--dir", dir, "--agents", "101-102", "--period", "60s")
	cmd.Args[0] = "talktime" // which this test binary is by that name
	out, errs := &strings.Builder{}, &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its exit code says it all
	}()
	if signal != nil {
		awaitFile(filepath.Join(dir, configFileName), ended) // written just before the first round
		if err := cmd.Process.Signal(signal); err != nil {
			t.Error(err)
		}
	}
	<-ended
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// awaitFile waits until a file is there or something has ended.
func awaitFile(path string, ended <-chan struct{}) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-ended:
			return
		case <-look.C:
		}
	}
}

func TestDemoStoppedHalfwayBeginsAfresh(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		signal   os.Signal
		wantCode int
		isTidy   bool // nothing of it runs on
	}{
		"interrupted": {os.Interrupt, exitFailed, true},
		"killed":      {os.Kill, -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent, err := dataDir()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.RemoveAll(parent); err != nil {
					t.Error(err)
				}
			})
			dir := filepath.Join(parent, "demo")
			code, stdout, stderr := playSmallDemo(t, dir, test.signal)
			if code != test.wantCode || stdout != "" {
				t.Errorf("exit code %d, want %d\n%s%s", code, test.wantCode, stdout, stderr)
			}
			if test.isTidy && (runs(dir) || !strings.Contains(stderr, "talktime: interrupted")) {
				t.Errorf("Postgres runs on: %v; it said\n%s", runs(dir), stderr)
			}
			code, stdout, stderr = playSmallDemo(t, dir, nil)
			if code != exitOK || runs(dir) || !strings.Contains(stdout, " 600 rounds, 1,200 polls,") || !strings.Contains(stdout, "residual 0 ms\n") {
				t.Errorf("the next demo ends with %d, Postgres runs on: %v\n%s%s", code, runs(dir), stdout, stderr)
			}
		})
	}
}

// runs reports whether the demo's Postgres was not shut down.
func runs(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "postgres", "cluster", "postmaster.pid"))
	return err == nil
}

func TestDemoDirIsADemosOwn(t *testing.T) {
	dir, err := dataDir() // one that another user can pass through
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for name, mode := range map[string]os.FileMode{"empty": 0o755, "foreign": 0o755, "shut": 0o700} {
		if err := os.Mkdir(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"file", "foreign/kept"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("file", filepath.Join(dir, "empty", demoMarker)); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{
		"file":      "is not a directory",
		"file/demo": "is not a directory",
		"foreign":   "holds files and is no demo's directory",
		"empty":     "too many levels of symbolic links", // its marker points elsewhere
	} {
		if _, err := claimDemoDir(filepath.Join(dir, name)); codeOf(err) != exitUsage || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", name, err, says)
		}
	}
	if os.Geteuid() == 0 {
		if _, err := claimDemoDir(filepath.Join(dir, "shut", "demo")); codeOf(err) != exitUsage || !strings.Contains(err.Error(), "chmod a+x "+dir+"/shut") {
			t.Errorf("a directory that root's Postgres cannot reach: %v", err)
		}
		if err := os.Chown(filepath.Join(dir, "foreign"), 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if _, err := claimDemoDir(filepath.Join(dir, "foreign")); codeOf(err) != exitUsage || !strings.Contains(err.Error(), "belongs to another user") {
			t.Errorf("a directory of another user's: %v", err)
		}
	}

	fresh := filepath.Join(dir, "not", "there yet")
	for range 2 { // the second time it is an earlier demo's
		first, err := claimDemoDir(fresh)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := claimDemoDir(fresh); codeOf(err) != exitFailed || !strings.Contains(err.Error(), "another demo is running in") {
			t.Errorf("while a demo is running: %v", err)
		}
		first.release()
	}
}

func TestCompareTalk(t *testing.T) {
	const talk = reports.Talk
	row := func(agent ingest.AgentID, ms, low, reach int64, stderr float64) reports.Row {
		r := reports.Row{Agent: agent, Agents: 1, Time: time.Hour.Milliseconds()}
		r.MS[talk], r.Low[talk], r.Reach[talk], r.Variance[talk] = ms, low, reach, stderr*stderr
		r.MS[reports.Available] = time.Hour.Milliseconds() - ms
		return r
	}
	rows := []reports.Row{
		row(101, 100_000, 90_000, 20_000, 1_000), // 1.9 s too much: inside both
		row(102, 200_000, 197_500, 5_000, 1_000), // 2.0 s too little: just outside ± 1.96 s
		row(103, 300_000, 299_000, 2_000, 5_000), // 5 s too little: inside ± 9.8 s, outside the bounds
		row(104, 0, 0, 0, 0),                     // never talked, and no interval
	}
	truth := map[ingest.AgentID]gatewaysim.Totals{
		101: {"talk": 98100 * time.Millisecond}, 102: {"talk": 202 * time.Second}, 103: {"talk": 305 * time.Second}, 104: {},
	}
	rows[0].MS[reports.Available] -= 20_000
	rows[0].MS[reports.Failed] += 20_000
	total := reports.Row{Agents: 4, Time: 4 * time.Hour.Milliseconds()}
	for i := range rows {
		total.Add(&rows[i].Sums)
	}
	got := compareTalk(rows, &total, truth)
	want := talkComparison{
		agents: 4, reported: 600_000, truth: 605_100, sumOff: 8_900, worst: agentTalk{103, 300_000, 305_000},
		withInterval: 3, inInterval: 2, inBounds: 3, unobserved: 20_000, window: 4 * time.Hour.Milliseconds(),
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(talkComparison{}, agentTalk{})); diff != "" {
		t.Error(diff)
	}
	var text strings.Builder
	if err := got.tell(&text); err != nil {
		t.Fatal(err)
	}
	const wantText = `
How true is that? The simulator knows, and the recorder saw only its polls:

  talk of all agents      10m 00s reported, 10m 05s true: off by -5s (-0.843 %)
  talk of one agent       off by 2s on average, by 5s at most (agent 103: 5m 00s reported, 5m 05s true)
  truth within ± 95 %     for 2 of 3 agents, 66.7 %
  truth within the bounds for 3 of 4 agents, 75.0 % (from "at least" to "at most")
  time not observed       20s, where two polls in a row failed; no figure guesses what was in it
  time not accounted for  0 ms of 4h 00m 00s
`
	if diff := cmp.Diff(wantText, text.String()); diff != "" {
		t.Error(diff)
	}
	if err := compareTalk(nil, &reports.Row{}, truth).tell(io.Discard); err == nil {
		t.Error("a report without rows is praised")
	}
}

func TestCommandName(t *testing.T) {
	for _, test := range []struct {
		name, executable string
		atRoot           bool
		want             string
	}{
		{"talktime", "/usr/bin/talktime", false, "talktime"},
		{"./talktime", "/srv/talktime", true, "./talktime"},
		{"/opt/my tools/talktime", "/opt/my tools/talktime", false, "'/opt/my tools/talktime'"},
		{"/tmp/go-build42/b001/exe/talktime", "/tmp/go-build42/b001/exe/talktime", true, "go run ./cmd/talktime"},
		{"/tmp/go-build42/b001/exe/talktime", "/tmp/go-build42/b001/exe/talktime", false, "go run talktime/cmd/talktime"},
		{"talktime", "/tmp/go-build42/b001/talktime.test", true, "talktime"},
	} {
		if got := commandName(test.name, test.executable, test.atRoot); got != test.want {
			t.Errorf("%s from %s is called %q, want %q", test.name, test.executable, got, test.want)
		}
	}
}

func TestSameFlags(t *testing.T) {
	flags := pflag.NewFlagSet("demo", pflag.ContinueOnError)
	for _, name := range []string{"agents", "day", "dir", "period", "tz"} {
		flags.String(name, "", "")
	}
	if err := flags.Parse([]string{"--day=2026-11-20", "--agents=101,103", "--period=5m", "--dir=my demo"}); err != nil {
		t.Fatal(err)
	}
	var typed []*pflag.Flag
	flags.Visit(func(flag *pflag.Flag) { typed = append(typed, flag) })
	if got, want := sameFlags(typed), " --agents 101,103 --dir 'my demo'"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDemoWritesNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 86400: "86,400", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
	for ms, want := range map[int64]string{0: "0s", 499: "0s", 500: "1s", 59_499: "59s", 59_500: "1m 00s", 3_600_000: "1h 00m 00s", 363_723_000: "101h 02m 03s"} {
		if got := hms(ms); got != want {
			t.Errorf("%d ms is written %s, want %s", ms, got, want)
		}
	}
	if got := share(1, 0); got != "of nothing" {
		t.Errorf("a share of nothing is %q", got)
	}
}
