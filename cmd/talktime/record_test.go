package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
)

// stopAt is a played clock that stops the program when it waits past the end,
// and itself.
type stopAt struct {
	*ingest.SimClock
	end  time.Time
	stop func()
}

func (c *stopAt) SleepUntil(ctx context.Context, t time.Time) error {
	if c.Now().Before(c.end) {
		return c.SimClock.SleepUntil(ctx, t)
	}
	c.stop()
	<-ctx.Done()
	return ctx.Err()
}

// An hour and more of eight agents at 10 s, through HTTPS, cron, COPY, derive
// and report, against the truth the gateway played.
func TestRecordedHourIsTheTruth(t *testing.T) {
	t.Parallel()
	at := func(clock string) time.Time {
		instant, err := time.Parse(time.RFC3339, "2026-11-20T"+clock+"Z")
		if err != nil {
			t.Fatal(err)
		}
		return instant
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	played := ingest.NewSimClock(at("08:55:03"))
	agents := ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 108})
	c := newCentre(t, &stopAt{played, at("10:10:00"), stop}, agents, "*/10 * * * * *")
	_, log := c.run(ctx, exitOK, "record")
	for _, want := range []string{
		`msg=recording schedules="[steady: */10 * * * * * UTC, agents 101-108]" agents=8 gateway=https://127.0.0.1:`,
		`msg=recorded rounds=6 storing_lag=`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in the log:\n%s", want, log)
		}
	}

	c.clock = played
	stdout, _ := c.run(t.Context(), exitOK, "derive")
	if !strings.Contains(stdout, " up to 2026-11-20T10:") {
		t.Errorf("derive printed %q", stdout)
	}
	if stdout, _ = c.run(t.Context(), exitOK, "derive"); !strings.HasSuffix(stdout, ": nothing changed\n") {
		t.Errorf("the second derive printed %q", stdout)
	}
	stdout, _ = c.run(t.Context(), exitOK, "derive", "--from", "2026-11-20T08:45:00Z", "--to", "2026-11-20T10:00:00Z")
	// The five of the window and the open one.
	if !strings.HasPrefix(stdout, "looked at 6 quarter-hours up to ") || !strings.HasSuffix(stdout, ": nothing changed\n") {
		t.Errorf("derive of a window printed %q", stdout)
	}

	c.statesOf(at("08:45:00"), at("10:30:00")) // what was never due and what is to come sum as well
	truth := c.gateway.Truth(at("09:00:00"), at("10:00:00"))
	rows := c.statesOf(at("09:00:00"), at("10:00:00"))
	if len(rows) != agents.Len() {
		t.Fatalf("%d agents are in the report, want %d", len(rows), agents.Len())
	}
	for agent, row := range rows {
		talked := truth[agent]["talk"].Milliseconds()
		if row["talk_low"] > talked || row["talk_high"] < talked {
			t.Errorf("agent %d talked %d ms, the report says %d to %d", agent, talked, row["talk_low"], row["talk_high"])
		}
		if talked == 0 || row["observed"] != time.Hour.Milliseconds() {
			t.Errorf("agent %d talked %d ms and was observed for %d ms", agent, talked, row["observed"])
		}
	}
}

func TestRecordingWithoutAGateway(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	nine := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	played := ingest.NewSimClock(nine.Add(3 * time.Second))
	c := newCentre(t, &stopAt{played, nine.Add(31 * time.Minute), stop}, ingest.NewAgentSet(101, 102), "*/10 * * * * *")
	if err := c.gateway.Close(); err != nil {
		t.Fatal(err)
	}
	_, log := c.run(ctx, exitOK, "record")
	if n := strings.Count(log, "the gateway cannot be reached; recording goes on and counts its agents as failed"); n != 1 {
		t.Errorf("the log says %d times that the gateway cannot be reached:\n%s", n, log)
	}
	c.clock = played
	rows := c.statesOf(nine.Add(15*time.Minute), nine.Add(30*time.Minute))
	for agent, row := range rows {
		if row["failed"] != row["window"] {
			t.Errorf("agent %d failed for %d ms of %d", agent, row["failed"], row["window"])
		}
	}
	if len(rows) != 2 {
		t.Errorf("%d agents are in the report, want 2", len(rows))
	}
}

func TestCommandsWithoutASchema(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102, 103), "* * * * * *")
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
}

func TestMigrateUpAndDown(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102, 103), "* * * * * *")
	last := strings.TrimSpace(versionText()[strings.LastIndex(versionText(), " "):])
	steps := []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"migrate", exitOK, "the schema went from version 0 to " + last, ""},
		{"migrate", exitOK, "the schema is at version " + last + ", as it was", ""},
		{"migrate --down", exitUsage, "", "talktime: migrate --down destroys every sample, tick and quarter-hour in the database talktime at "},
		{"sample", exitOK, "outcome        agents\n", ""},
		{"migrate --down --yes", exitOK, "the schema went from version " + last + " to 0", ""},
		{"migrate --down --yes", exitOK, "the schema is at version 0, as it was", ""},
		{"migrate", exitOK, "the schema went from version 0 to " + last, ""},
	}
	for _, step := range steps {
		stdout, stderr := c.run(t.Context(), step.code, strings.Fields(step.args)...)
		if !strings.HasPrefix(stdout, step.stdout) || !strings.HasPrefix(stderr, step.stderr) || (step.stderr == "" && stderr != "") {
			t.Errorf("talktime %s printed %q, %q, want %q, %q", step.args, stdout, stderr, step.stdout, step.stderr)
		}
	}
}

func TestSampleByHand(t *testing.T) {
	t.Parallel()
	clock := ingest.NewSimClock(time.Date(2026, 11, 20, 9, 0, 3, 0, time.UTC))
	c := newCentre(t, clock, ingest.NewAgentSet(101, 102, 103), "*/10 * * * * *")
	c.run(t.Context(), exitOK, "migrate")
	stdout, _ := c.run(t.Context(), exitOK, "sample")
	const want = "outcome        agents\nobserved            3\n\nmeasure        agents  state\n"
	if !strings.HasPrefix(stdout, want) {
		t.Errorf("sample printed\n%s", stdout)
	}
	if rows := fmt.Sprint(c.query("SELECT (SELECT count(*) FROM talktime.samples), (SELECT count(*) FROM talktime.ticks)")); rows != "[[3 0]]" {
		t.Errorf("stored are samples and ticks %s, want 3 and none", rows)
	}

	if err := c.gateway.Close(); err != nil {
		t.Fatal(err)
	}
	stdout, stderr := c.run(t.Context(), exitPartial, "sample")
	if stdout != "outcome        agents\nunreachable         3\n" || !strings.HasSuffix(stderr, "talktime: 3 of 3 agents could not be observed\n") {
		t.Errorf("without a gateway sample printed %q, %q", stdout, stderr)
	}
}
