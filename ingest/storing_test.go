package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talktime/ingest"
)

// While storing fails rounds are spooled as far as there is room; the others
// become missed ticks once it works again.
func TestRunOutlivesAnOutageOfTheRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "* * * * * *", "101-110"))
		b.Spool = ingest.NewMemorySpool(200) // 20 rounds
		var stored []time.Time
		b.OnRound = func(tick ingest.Tick) { stored = append(stored, tick.DueAt) }
		heard := hear(&b.Recording)
		b.memory.broken = func() error {
			if since := time.Since(b.start); since > 10*time.Second && since < 70*time.Second {
				return errors.New("connection refused")
			}
			return nil
		}
		b.runFor(t, 99500*time.Millisecond)
		b.mustHold(t, b.start.Add(99500*time.Millisecond))
		taken, missed := b.memory.count(ingest.Taken), b.memory.count(ingest.Missed)
		if missed < 35 || missed > 45 {
			t.Errorf("%d ticks missed of 60 with room for 20", missed)
		}
		if len(stored) != taken {
			t.Errorf("OnRound told of %d ticks, %d are stored", len(stored), taken)
		}
		if heard.finished != 100 || heard.missed != missed {
			t.Errorf("told of %d finished rounds and %d missed ticks, want 100 and %d", heard.finished, heard.missed, missed)
		}
	})
}

// An outage is told of when it begins and ends; refused rounds once a minute for
// each cause, however many they are.
func TestRunTellsOfTheSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		b := newBench(schedule(t, "a", "* * * * * *", "101-110"))
		b.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		b.Spool = ingest.NewMemorySpool(200) // 20 rounds
		b.memory.broken = func() error {
			if since := time.Since(b.start); since > 10*time.Second && since < 130*time.Second {
				return errors.New("connection refused")
			}
			return nil
		}
		b.runFor(t, 149500*time.Millisecond)
		b.mustHold(t, b.start.Add(149500*time.Millisecond))
		// Due at 11 to 30 s are spooled; what is due then until 130 s, or a back-off
		// later, is refused: at 31 s and a minute after it that is an error.
		for line, want := range map[string][2]int{
			`level=WARN msg="rounds go to the spool until the database takes them" due_at=`: {1, 1},
			`level=INFO msg="the spool is empty again: rounds go to the database"`:          {1, 1},
			`level=WARN msg="spooled rounds are not stored yet; trying again" rounds=`:      {2, 2},
			`level=DEBUG msg="round spooled" schedule=a due_at=`:                            {20, 22},
			`level=ERROR msg="round refused" schedule=a due_at=`:                            {2, 2},
			`level=DEBUG msg="round refused" schedule=a due_at=`:                            {95, 105},
			`level=DEBUG msg="round stored" schedule=a due_at=`:                             {40, 55},
			`samples=10 cause="the spool is full" error="the spool is full: there is room`:  {97, 107},
		} {
			if n := strings.Count(out.String(), line); n < want[0] || n > want[1] {
				t.Errorf("%d lines have %s, want %d to %d", n, line, want[0], want[1])
			}
		}
	})
}

func TestRunSaysWhatItCouldNotStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "* * * * * *", "101-110"))
		b.memory.broken = func() error {
			if time.Since(b.start) > 0 {
				return errors.New("connection refused")
			}
			return nil
		}
		b.run()
		pass(9500 * time.Millisecond)
		at := time.Now()
		b.stop()
		err := <-b.ended
		if err == nil || !strings.Contains(err.Error(), "10 rounds were not stored") {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(at); took > 9*time.Second {
			t.Errorf("leaving took %v", took)
		}
	})
}

// A Recorder that hangs does not keep rounds from the spool.
func TestRunSpoolsWhileTheRecorderHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "* * * * * *", "101-110"))
		b.Spool = ingest.NewMemorySpool(200) // 20 rounds
		b.Recorder = hanging{b.memory, b.start.Add(10 * time.Second), b.start.Add(30 * time.Second)}
		b.runFor(t, 99500*time.Millisecond)
		b.mustHold(t, b.start.Add(99500*time.Millisecond))
		// The call at 10 s hangs until 40 s.
		if missed := b.memory.count(ingest.Missed); missed < 8 || missed > 14 {
			t.Errorf("%d ticks missed of 30 with room for 20", missed)
		}
	})
}

// hanging is a Recorder whose Record does not answer for a while.
type hanging struct {
	*memory
	from, to time.Time
}

func (h hanging) Record(ctx context.Context, tick ingest.Tick, samples []ingest.Sample) error {
	if now := time.Now(); now.After(h.from) && now.Before(h.to) {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.memory.Record(ctx, tick, samples)
}

// A round the Recorder refuses for good does not hold up the others for ever.
func TestRunGivesUpARoundThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "* * * * * *", "101-110"))
		b.Recorder = refusing{b.memory, b.start.Add(5 * time.Second)}
		b.runFor(t, 59500*time.Millisecond)
		b.mustHold(t, b.start.Add(59500*time.Millisecond))
		for due := range b.Schedules[0].Due(b.start, b.start.Add(59500*time.Millisecond)) {
			got, want := b.memory.ticks[key{"a", due}].Status, ingest.Taken
			if due.Equal(b.start.Add(5 * time.Second)) {
				want = ingest.Missed
			}
			if got != want {
				t.Errorf("tick at %v is %v", due.Sub(b.start), got)
			}
		}
	})
}

// refusing is a Recorder that never takes one tick.
type refusing struct {
	*memory
	due time.Time
}

func (r refusing) Record(ctx context.Context, tick ingest.Tick, samples []ingest.Sample) error {
	if tick.DueAt.Equal(r.due) {
		return fmt.Errorf("violates a constraint: %w", ingest.ErrRefused)
	}
	return r.memory.Record(ctx, tick, samples)
}

// Missed ticks that could not be stored are tried once more before leaving.
func TestRunStoresMissedTicksBeforeLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "*/10 * * * * *", "101"))
		b.memory.broken = func() error {
			if since := time.Since(b.start); since > time.Second && since < 2100*time.Millisecond {
				return errors.New("connection refused")
			}
			return nil
		}
		b.run()
		pass(1200 * time.Millisecond)
		b.clock.step(27700 * time.Millisecond) // seen 2 s after the start, at 29.7 s: too late for the tick at 20 s
		pass(time.Second)                      // until 29.9 s
		b.leave(t)
		b.mustHold(t, b.start.Add(29900*time.Millisecond))
		if n := b.memory.count(ingest.Missed); n != 2 {
			t.Errorf("%d ticks missed, want 2", n)
		}
	})
}
