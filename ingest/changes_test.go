package ingest_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talktime/ingest"
)

// A change comes while rounds are in flight: what stays misses nothing, what
// goes ends its round, what comes begins at the declared instant.
func TestRunTakesUpAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stays := schedule(t, "stays", "* * * * * *", "101-120")
		goes := schedule(t, "goes", "*/10 * * * * *", "201-240")
		differs, differently := schedule(t, "differs", "*/2 * * * * *", "301-310"), schedule(t, "differs", "*/3 * * * * *", "301-305")
		comes := schedule(t, "comes", "*/5 * * * * *", "101-110,401")
		changes := make(chan ingest.Change, 1)
		b := newBench(stays, goes, differs)
		b.Changes = changes
		b.gateway.reply = func(ingest.AgentID) (time.Duration, ingest.Outcome) { return 150 * time.Millisecond, ingest.Observed }
		b.run()
		pass(31500 * time.Millisecond) // the round of `goes` polls until 38 s
		changes <- ingest.Change{Schedules: []ingest.Schedule{comes, differently, stays}}
		pass(28 * time.Second)
		b.leave(t)

		end := b.clock.Now()
		if len(b.memory.declared) != 2 {
			t.Fatalf("%d declarations, want that of the start and one more", len(b.memory.declared))
		}
		change := b.memory.declared[1]
		if since := change.at.Sub(b.start); since < 31500*time.Millisecond || since > 32501*time.Millisecond {
			t.Errorf("the change is in force after %v", since)
		}
		if !slices.EqualFunc(change.schedules, []ingest.Schedule{comes, differently, stays}, ingest.Schedule.Equal) {
			t.Errorf("declared %v", change.schedules)
		}
		ticks := 0
		for _, span := range []struct {
			ingest.Schedule
			from, to time.Time
		}{{stays, b.start, end}, {goes, b.start, change.at}, {differs, b.start, change.at}, {differently, change.at, end}, {comes, change.at, end}} {
			for due := range span.Due(span.from, span.to) {
				ticks++
				tick := b.memory.ticks[key{span.Name(), due}]
				if tick.Status != ingest.Taken || tick.DueAt.IsZero() || !tick.Agents.Equal(span.Agents()) || tick.Polls[ingest.Skipped] > 0 {
					t.Errorf("tick of %s at %v: %+v", span.Name(), due, tick)
				}
			}
		}
		if ticks != len(b.memory.ticks) {
			t.Errorf("%d ticks are stored, %d were due", len(b.memory.ticks), ticks)
		}
		for _, fault := range b.memory.faults {
			t.Error(fault)
		}
	})
}

// A change without a difference declares nothing, even while every agent with a
// GUID is due.
func TestRunTakesUpAChangeOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, err := ingest.NewSchedule("all", "*/10 * * * * *", "UTC", ingest.AgentSet{}, true)
		if err != nil {
			t.Fatal(err)
		}
		some := schedule(t, "some", "*/5 * * * * *", "500")
		changes := make(chan ingest.Change, 1)
		b := newBench(all, some)
		b.Changes = changes
		b.run()
		pass(12 * time.Second)
		changes <- ingest.Change{Schedules: []ingest.Schedule{some, all}}
		pass(20 * time.Second)
		b.leave(t)
		b.mustHold(t, b.start.Add(32*time.Second))
		if n := len(b.memory.declared); n != 1 {
			t.Errorf("%d declarations, want the one of the start", n)
		}
	})
}

// Polls in flight follow a change of the concurrency, up and down.
func TestRunTakesUpAConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schedule(t, "a", "*/10 * * * * *", "101-180")
		changes := make(chan ingest.Change, 1)
		b := newBench(s)
		b.Changes, b.Concurrency = changes, 2
		b.gateway.reply = func(ingest.AgentID) (time.Duration, ingest.Outcome) { return 900 * time.Millisecond, ingest.Observed }
		b.run()
		for i, size := range []int{2, 40, 3, 5} {
			if i > 0 {
				changes <- ingest.Change{Schedules: []ingest.Schedule{s}, Concurrency: size}
				pass(10 * time.Second) // the round in flight was begun before
			}
			b.gateway.mu.Lock()
			b.gateway.most = 0
			b.gateway.mu.Unlock()
			pass(10 * time.Second)
			b.gateway.mu.Lock()
			if most := b.gateway.most; most > size || most < min(size, 8) {
				t.Errorf("%d polls in flight at most, want %d", most, size)
			}
			b.gateway.mu.Unlock()
		}
		pass(time.Second)
		b.leave(t)
		b.mustHold(t, b.start.Add(71*time.Second))
	})
}

func TestRunRefusesAFaultyChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := schedule(t, "a", "*/10 * * * * *", "101-105")
		changes := make(chan ingest.Change, 2)
		b := newBench(s)
		b.Changes, b.Log = changes, slog.New(slog.NewTextHandler(&out, nil))
		changes <- ingest.Change{}
		changes <- ingest.Change{Schedules: []ingest.Schedule{s, s}}
		b.runFor(t, 25*time.Second)
		b.mustHold(t, b.start.Add(25*time.Second))
		for _, want := range []string{"there is no schedule", `two schedules are named \"a\"`} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in the log:\n%s", want, &out)
			}
		}
	})
}
