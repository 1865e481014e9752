package operations_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"talktime/cmd/talktime/internal/operations"
	"talktime/ingest"
)

// The recording loop is late when it wakes late or works for long; before it
// begins and after its end nobody waits for it.
func TestHealthzFollowsTheLoop(t *testing.T) {
	r := newRecorder(t)
	expect := func(what string, want int) {
		t.Helper()
		if status, body := r.get("/healthz"); status != want {
			t.Errorf("%s: answered %d %q, want %d", what, status, body, want)
		}
	}
	asleep, wake := context.WithCancel(t.Context())
	woken := make(chan error)
	loop := r.Clock(r.clock)
	sleeping := make(chan struct{})
	go func() {
		close(sleeping)
		woken <- loop.SleepUntil(asleep, at("09:10:00"))
	}()
	<-sleeping
	// It tells that it sleeps before it does.
	for r.clock.set(at("09:10:00")); ; {
		if status, _ := r.get("/healthz"); status == http.StatusOK {
			break
		}
	}
	expect("at the instant it sleeps until", http.StatusOK)
	r.clock.set(at("09:10:30"))
	expect("30 s past it", http.StatusOK)
	r.clock.set(at("09:10:31"))
	expect("31 s past it", http.StatusServiceUnavailable)
	wake()
	if err := <-woken; !errors.Is(err, context.Canceled) {
		t.Errorf("the sleep ended with %v", err)
	}
	expect("awake", http.StatusOK)
	r.clock.set(at("09:11:02"))
	expect("awake for 31 s", http.StatusServiceUnavailable)
	r.clock.set(at("08:00:00"))
	expect("the clock was set back", http.StatusOK)
	r.clock.set(at("10:00:00"))
	r.Enter(operations.Leaving, "told to stop")
	r.clock.set(at("11:00:00"))
	expect("it has ended", http.StatusOK)
}

// steady is a clock whose steps can be seen.
type steady struct{ *handClock }

func (c steady) Reading() (time.Time, time.Duration) { return c.Now(), 42 }

// The recording loop must see steps of the clock and join one that is played,
// through the board's clock as well.
func TestClockPassesOnWhatAClockCan(t *testing.T) {
	r := newRecorder(t)
	if c, ok := r.Clock(steady{r.clock}).(ingest.SteadyClock); !ok {
		t.Error("a steady clock is none any more")
	} else if _, elapsed := c.Reading(); elapsed != 42 {
		t.Errorf("it reads %d", elapsed)
	}
	if _, ok := r.Clock(r.clock).(ingest.SteadyClock); ok {
		t.Error("a clock that cannot be read became steady")
	}
	synctest.Test(t, func(t *testing.T) {
		played := r.Clock(ingest.NewSimClock(at("09:00:00")))
		joining := played.(interface{ Join() (leave func()) })
		defer joining.Join()()
		leave := joining.Join()
		isAwake := false
		go func() { isAwake = played.SleepUntil(t.Context(), at("09:00:01")) == nil }()
		if synctest.Wait(); isAwake {
			t.Error("time went on although one of two is at work")
		}
		leave()
		if synctest.Wait(); !isAwake {
			t.Error("time stands still although everyone sleeps")
		}
	})
}

// A loop that gets stuck is not reported alive.
func TestWatchdogIsFedWhileTheLoopMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(t)
		ctx, stop := context.WithCancel(t.Context())
		fed := 0
		go r.Watchdog(ctx, time.Second, func() { fed++ })
		expect := func(what string, want int) {
			t.Helper()
			<-time.After(10 * time.Second)
			synctest.Wait()
			if fed != want {
				t.Errorf("%s: fed %d times in ten seconds, want %d", what, fed, want)
			}
			fed = 0
		}
		<-time.After(time.Millisecond) // between two intervals
		expect("the loop moves", 10)
		r.clock.set(at("09:00:36"))
		expect("it stands still", 0)
		r.Enter(operations.Recording, "again")
		expect("it moves again", 10)
		stop()
	})
}
