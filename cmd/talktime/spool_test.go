package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/spool"
)

// openSpool opens the spool of the centre's data_dir as a recorder does.
func (c *centre) openSpool() *spool.Spool {
	c.t.Helper()
	s, err := spool.Open(spool.Options{
		Dir: filepath.Join(c.dir, "data", "spool"), MaxBytes: 1 << 30, MaxAge: 7 * day, Clock: c.clock, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// recordUntil runs talktime record on a played clock until an instant.
func (c *centre) recordUntil(clock *ingest.SimClock, end time.Time) (log string) {
	c.t.Helper()
	ctx, stop := context.WithCancel(c.t.Context())
	defer stop()
	c.clock = &stopAt{clock, end, stop}
	_, log = c.run(ctx, exitOK, "record")
	c.clock = clock
	return log
}

// A recorder stores what a killed one has left in the spool before its own
// rounds and before it declares its schedules: the hole between the two belongs
// to the agents that were declared last.
func TestRecorderReplaysWhatAKilledOneSpooled(t *testing.T) {
	t.Parallel()
	nine := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	at := func(minute, second int) time.Time {
		return nine.Add(time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
	}
	played := ingest.NewSimClock(at(0, 3))
	c := newCentre(t, played, ingest.NewAgentSet(101, 102), "*/10 * * * * *")
	c.recordUntil(played, at(1, 55))

	// Postgres goes away at 9:02; agent 102 is replaced by 103 at 9:02:30; the
	// recorder is killed after 9:03:20.
	two, other := ingest.NewAgentSet(101, 102), ingest.NewAgentSet(101, 103)
	schedule, err := ingest.NewSchedule("steady", "*/10 * * * * *", "UTC", other, false)
	if err != nil {
		t.Fatal(err)
	}
	s := c.openSpool()
	for due := at(2, 0); due.Before(at(3, 21)); due = due.Add(10 * time.Second) {
		agents := two
		if !due.Before(at(2, 30)) {
			agents = other
		}
		if due.Equal(at(2, 30)) {
			if err := s.Append(ingest.Entry{Declaration: &ingest.Declaration{At: due, Schedules: []ingest.Schedule{schedule}}}); err != nil {
				t.Fatal(err)
			}
		}
		e := ingest.Entry{Tick: ingest.Tick{
			Schedule: "steady", DueAt: due, Period: 10 * time.Second, Agents: agents, StartedAt: due, FinishedAt: due.Add(time.Second),
		}}
		for agent := range agents.All() {
			e.Samples = append(e.Samples, ingest.Sample{AgentID: agent, Period: 10 * time.Second, Poll: ingest.Poll{PolledAt: due, Status: ingest.Status{AgentState: 4}}})
			e.Tick.Polls[ingest.Observed]++
		}
		if err := s.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	played = ingest.NewSimClock(at(5, 3))
	log := c.recordUntil(played, at(6, 55))
	for _, want := range []string{
		`msg="the spool holds what an earlier recorder could not store; it is stored first" rounds=9 polls=18 from=2026-11-20T09:02:00.000Z`,
		`msg="the spool is empty again: rounds go to the database"`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in the log:\n%s", want, log)
		}
	}

	got := fmt.Sprint(c.query(`SELECT status, agents, count(*), to_char(min(due_at) AT TIME ZONE 'UTC', 'MI:SS'), to_char(max(due_at) AT TIME ZONE 'UTC', 'MI:SS')
		FROM talktime.ticks JOIN talktime.agent_sets USING (agent_set_id)
		WHERE due_at >= '2026-11-20 09:01:50Z' AND due_at < '2026-11-20 09:06Z' GROUP BY 1, 2 ORDER BY 4`))
	const want = "[[taken {[101,103)} 10 01:50 05:50] [taken {[101,102),[103,104)} 6 02:30 03:20] [missed {[101,102),[103,104)} 9 03:30 04:50]]"
	if got != want {
		t.Errorf("ticks are %s\nwant %s", got, want)
	}
	if left := c.openSpool(); left.Size().Entries != 0 {
		t.Errorf("the spool still holds %+v", left.Size())
	} else if err := left.Close(); err != nil {
		t.Error(err)
	}
}

// The spool is the first to need data_dir, and must leave it so that the private
// Postgres, which as root runs as another user, can enter.
func TestSpoolLeavesAWayToThePrivatePostgres(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	a := &app{clock: newWallClock(), log: slog.New(slog.DiscardHandler)}
	kept, err := a.openSpool(&config{dataDir: dir, spool: spoolConfig{maxBytes: 1 << 20, maxAge: day}})
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	want := map[bool]os.FileMode{true: 0o711, false: 0o700}[os.Geteuid() == 0]
	for _, path := range []string{dir, filepath.Dir(dir)} {
		stat, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if stat.Mode().Perm() != want {
			t.Errorf("%s has the mode %s, want %s", path, stat.Mode().Perm(), want)
		}
	}
}
