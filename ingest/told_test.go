package ingest_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"talktime/ingest"
)

// heard counts what a Recording tells.
type heard struct {
	mu               sync.Mutex
	finished, missed int
	polls            int
	last             time.Time // the last missed due instant
}

// hear has a Recording tell what becomes of its ticks.
func hear(r *ingest.Recording) *heard {
	h := &heard{}
	r.OnFinished = func(tick ingest.Tick) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.finished++
		for _, o := range ingest.Outcomes() {
			h.polls += tick.Polls[o]
		}
	}
	r.OnMissed = func(_ string, ticks int, last time.Time) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.missed += ticks
		h.last = last
	}
	return h
}

// Ticks that nobody takes are told with their number: those the clock jumped
// over, and one whose round before still goes.
func TestRunTellsOfMissedTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "*/10 * * * * *", "101-110"))
		heard := hear(&b.Recording)
		b.run()
		pass(15 * time.Second)
		b.clock.step(time.Hour)
		pass(10 * time.Second)
		b.leave(t)
		if missed := b.memory.count(ingest.Missed); heard.missed != missed || missed < 359 || heard.polls != 10*heard.finished {
			t.Errorf("told of %d missed ticks, %d are stored; of %d polls in %d rounds", heard.missed, missed, heard.polls, heard.finished)
		}
		if want := b.start.Add(time.Hour + 10*time.Second); heard.last.Sub(want).Abs() > 10*time.Second {
			t.Errorf("the last was due at %v, want about %v", heard.last, want)
		}
	})
}

// A jump over years is told in no time, counted up to a bound.
func TestRunCountsALongJumpOnlySoFar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "* * * * * *", "101"))
		counted := make(chan int, 100)
		b.OnMissed = func(_ string, ticks int, _ time.Time) { counted <- ticks }
		b.memory.broken = func() error {
			if time.Since(b.start) > 0 {
				return errors.New("connection refused") // keeps the millions of ticks unwritten
			}
			return nil
		}
		b.run()
		pass(1500 * time.Millisecond)
		b.clock.step(365 * 24 * time.Hour)
		if ticks := <-counted; ticks != 100_000 {
			t.Errorf("%d ticks were counted, want 100,000", ticks)
		}
		b.stop()
		if err := <-b.ended; err == nil {
			t.Error("everything was stored")
		}
	})
}
