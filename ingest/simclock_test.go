package ingest_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"talktime/ingest"
)

func TestSimClockJumpsWhenAllSleep(t *testing.T) {
	start := instant(t, "2026-11-16T08:00:00Z")
	synctest.Test(t, func(t *testing.T) {
		clock := ingest.NewSimClock(start)
		var mu sync.Mutex
		var woken []time.Duration
		var sleepers sync.WaitGroup
		steps := []time.Duration{3 * time.Second, 5 * time.Second}
		leave := make([]func(), len(steps))
		for i := range steps { // all before the first sleeps: else time goes on without the others
			leave[i] = clock.Join()
		}
		for i, every := range steps {
			sleepers.Go(func() {
				defer leave[i]()
				for at := start.Add(every); !at.After(start.Add(15 * time.Second)); at = at.Add(every) {
					if err := clock.SleepUntil(t.Context(), at); err != nil {
						t.Error(err)
					}
					mu.Lock()
					if !clock.Now().Equal(at) {
						t.Errorf("woken at %v, want %v", clock.Now(), at)
					}
					if at.Before(start.Add(15 * time.Second)) {
						woken = append(woken, at.Sub(start)/time.Second)
					}
					mu.Unlock()
				}
			})
		}
		sleepers.Wait()
		want := []time.Duration{3, 5, 6, 9, 10, 12}
		for i, w := range want {
			if i >= len(woken) || woken[i] != w {
				t.Fatalf("woken at %v, want %v", woken, want)
			}
		}
	})
}

func TestSimClockStandsStillWhileSomeoneWorks(t *testing.T) {
	start := instant(t, "2026-11-16T08:00:00Z")
	synctest.Test(t, func(t *testing.T) {
		clock := ingest.NewSimClock(start)
		work := clock.Join()
		leave := clock.Join()
		awake := make(chan error, 1)
		go func() {
			defer leave()
			awake <- clock.SleepUntil(t.Context(), start.Add(time.Hour))
		}()
		synctest.Wait()
		if !clock.Now().Equal(start) {
			t.Fatalf("time moved to %v beside work in flight", clock.Now())
		}
		work()
		if err := <-awake; err != nil || !clock.Now().Equal(start.Add(time.Hour)) {
			t.Fatalf("%v at %v", err, clock.Now())
		}
		if err := clock.SleepUntil(t.Context(), start); err != nil || !clock.Now().Equal(start.Add(time.Hour)) {
			t.Errorf("an instant that is past: %v at %v", err, clock.Now())
		}
	})
}

func TestSimClockSleepEndsWithItsContext(t *testing.T) {
	start := instant(t, "2026-11-16T08:00:00Z")
	synctest.Test(t, func(t *testing.T) {
		clock := ingest.NewSimClock(start)
		defer clock.Join()()
		leave := clock.Join()
		ctx, cancel := context.WithCancel(t.Context())
		awake := make(chan error, 1)
		go func() { awake <- clock.SleepUntil(ctx, start.Add(time.Hour)) }()
		synctest.Wait()
		cancel()
		if err := <-awake; !errors.Is(err, context.Canceled) {
			t.Errorf("SleepUntil returned %v", err)
		}
		leave()
		if !clock.Now().Equal(start) {
			t.Errorf("time went to %v without the sleeper", clock.Now())
		}
	})
}

// backingOff is a Poller that waits on the clock inside a poll, as a client
// does between attempts.
type backingOff struct {
	*gateway
	clock ingest.Clock
}

func (b backingOff) Poll(ctx context.Context, agent ingest.AgentID) ingest.Poll {
	if agent%5 == 0 {
		if err := b.clock.SleepUntil(ctx, b.clock.Now().Add(700*time.Millisecond)); err != nil {
			return ingest.Poll{PolledAt: b.clock.Now(), Outcome: ingest.Skipped}
		}
	}
	return b.gateway.Poll(ctx, agent)
}

// A played day goes through the recorder's loop as a real one would, with
// nothing missed or lost, and jobs beside it.
func TestRunPlaysADay(t *testing.T) {
	start := instant(t, "2026-11-16T08:00:00Z")
	end := start.Add(10 * time.Hour)
	agents := ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 124})
	schedules := []ingest.Schedule{
		schedule(t, "office", "*/10 * 8-17 * * *", agents.String()),
		schedule(t, "hourly", "@hourly", "101-130"),
	}
	synctest.Test(t, func(t *testing.T) {
		clock := ingest.NewSimClock(start)
		gateway, memory := newGateway(clock, agents), newMemory()
		recording := ingest.Recording{
			Schedules: schedules, Clock: clock, Poller: backingOff{gateway, clock}, Recorder: memory,
			Log: quiet, Concurrency: 3, Until: end,
			Backlog: 30 * agents.Len(), // storing is slow, so the clock must wait for it
		}
		memory.broken = func() error { pass(time.Millisecond); return nil }
		derived := 0
		derive := ingest.Job{
			Name: "derive", Times: mustTimes(t, "0 * * * * *", "UTC"),
			Run: func(context.Context, time.Time) error { derived++; return nil },
		}

		begin := clock.Join() // time stands still until both loops are there
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var jobs sync.WaitGroup
		jobs.Go(func() { ingest.RunJobs(ctx, clock, []ingest.Job{derive}, newLedger(), quiet) })
		ended := make(chan error)
		go func() {
			err := recording.Run(ctx)
			cancel()
			ended <- err
		}()
		synctest.Wait()
		begin()

		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		jobs.Wait()
		if err := memory.check(schedules, start, end); err != nil {
			t.Error(err)
		}
		if taken, missed := memory.count(ingest.Taken), memory.count(ingest.Missed); taken != 3600+10 || missed != 0 {
			t.Errorf("%d ticks taken and %d missed", taken, missed)
		}
		if gateway.overlap != nil {
			t.Error(gateway.overlap)
		}
		if derived < 599 {
			t.Errorf("derived %d times, want every minute", derived)
		}
	})
}

// Ten hours of 24 agents every 10 s: what the loop itself costs.
func BenchmarkRunPlaysADay(b *testing.B) {
	start := instant(b, "2026-11-16T08:00:00Z")
	agents := ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 124})
	for b.Loop() {
		clock := ingest.NewSimClock(start)
		recording := ingest.Recording{
			Schedules: []ingest.Schedule{schedule(b, "office", "*/10 * * * * *", agents.String())},
			Clock:     clock, Poller: newGateway(clock, agents), Recorder: newMemory(), Log: quiet, Until: start.Add(10 * time.Hour),
		}
		if err := recording.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
