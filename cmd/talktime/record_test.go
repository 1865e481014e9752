package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
	"talktime/sql/localpg"
)

// centre is a contact centre to record: a simulated gateway of three agents, a
// configuration that polls it every second, and a private Postgres that is kept
// running between commands.
type centre struct {
	t       *testing.T
	gateway *gatewaysim.Gateway
	config  string
	clock   ingest.Clock
}

func newCentre(t *testing.T) *centre {
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
	clock := newWallClock()
	g, err := gatewaysim.Start(gatewaysim.Options{
		Play:   gatewaysim.Play{Seed: 1, Zone: time.UTC, Shift: gatewaysim.ShiftAlways},
		Agents: ingest.NewAgentSet(101, 102, 103), Clock: clock, MachineTime: clock.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := g.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`data_dir: data
gateway: {url: %q, ca_file: ca.pem, auth_mode: 1}
guids: {file: guids.csv}
schedules:
  - {name: every-second, cron: "* * * * * *", agents: 101-103}
`, g.URL())
	c := &centre{t: t, gateway: g, config: filepath.Join(dir, configFileName), clock: clock}
	if err := os.WriteFile(c.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := localpg.Start(t.Context(), localpg.Options{Dir: filepath.Join(dir, "data", "postgres")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}

// run runs a command and returns what it printed.
func (c *centre) run(ctx context.Context, wantCode int, args ...string) (stdout, stderr string) {
	c.t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, clock: c.clock}
	if code := a.run(ctx, append(args, "--config", c.config)); code != wantCode {
		c.t.Fatalf("talktime %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, wantCode, &out, &errs)
	}
	return out.String(), errs.String()
}

func TestCommandsWithoutASchema(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	ctx := t.Context()
	const older = "talktime: the database's schema is older than this program: run `talktime migrate`"
	for _, args := range [][]string{{"sample"}, {"derive"}, {"report", "states"}} {
		if stdout, stderr := c.run(ctx, exitSchema, args...); stdout != "" || !strings.HasPrefix(stderr, older) {
			t.Errorf("talktime %s printed %q, %q", args[0], stdout, stderr)
		}
	}
	if asked := c.gateway.Requests(); asked != 0 {
		t.Errorf("%d agents were polled for nothing", asked)
	}
	if stdout, _ := c.run(ctx, exitOK, "migrate"); strings.HasSuffix(stdout, "(migrations run: 0)\n") {
		t.Errorf("the first migrate printed %q", stdout)
	}
	if stdout, _ := c.run(ctx, exitOK, "migrate"); !strings.HasSuffix(stdout, "(migrations run: 0)\n") {
		t.Errorf("the second migrate printed %q", stdout)
	}
	if stdout, _ := c.run(ctx, exitOK, "derive"); !strings.HasPrefix(stdout, "looked at 0 quarter-hours up to ") || !strings.HasSuffix(stdout, ": nothing changed\n") {
		t.Errorf("derive of nothing printed %q", stdout)
	}
}

// stopAfter is the machine's clock; it stops the program at the first wait
// after so many polls.
type stopAfter struct {
	wallClock
	gateway *gatewaysim.Gateway
	polls   uint64
	stop    func()
}

func (c *stopAfter) SleepUntil(ctx context.Context, t time.Time) error {
	if c.gateway.Requests() >= c.polls {
		c.stop()
	}
	return c.wallClock.SleepUntil(ctx, t)
}

func TestRecordUntilStoppedAndReport(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	c.clock = &stopAfter{newWallClock(), c.gateway, 5, stop}
	_, stderr := c.run(ctx, exitOK, "record")
	if !strings.Contains(stderr, `msg=recording schedules="[every-second: * * * * * * UTC, agents 101-103]" agents=3 gateway=https://127.0.0.1:`) {
		t.Errorf("the log is\n%s", stderr)
	}

	c.clock = newWallClock()
	stdout, _ := c.run(t.Context(), exitOK, "sample")
	if !strings.HasPrefix(stdout, "agents 3, ") {
		t.Errorf("sample printed %q", stdout)
	}
	stdout, _ = c.run(t.Context(), exitOK, "derive")
	// The recorder may have derived rows itself, at a full minute.
	if !strings.HasPrefix(stdout, "looked at 1 quarter-hours up to ") && !strings.HasPrefix(stdout, "looked at 2 quarter-hours up to ") {
		t.Errorf("derive printed %q", stdout)
	}

	// These days hold it whatever midnight does meanwhile.
	yesterday := time.Now().UTC().AddDate(0, 0, -1)
	stdout, _ = c.run(t.Context(), exitOK, "report", "states", "--format", "csv",
		"--from", yesterday.Format(time.DateOnly), "--to", yesterday.AddDate(0, 0, 3).Format(time.DateOnly))
	if lines := strings.Count(stdout, "\n"); lines != 4 {
		t.Errorf("the report has %d lines:\n%s", lines, stdout)
	}

	if err := c.gateway.Close(); err != nil {
		t.Fatal(err)
	}
	stdout, stderr = c.run(t.Context(), exitPartial, "sample")
	if stdout != "agents 3, unreachable 3\n" || !strings.HasSuffix(stderr, "talktime: 3 of 3 agents could not be observed\n") {
		t.Errorf("without a gateway sample printed %q, %q", stdout, stderr)
	}
}
