package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestSleepUntilReachesTheInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newWallClock()
		began := clock.Now()
		if began.Location() != time.UTC {
			t.Errorf("Now is in %s", began.Location())
		}
		for _, wait := range []time.Duration{time.Millisecond, longestNap, 3*time.Second + 7*time.Millisecond} {
			due := clock.Now().Round(0).Add(wait)
			if err := clock.SleepUntil(t.Context(), due); err != nil {
				t.Fatal(err)
			}
			if late := clock.Now().Sub(due); late != 0 {
				t.Errorf("a wait of %s ended %s late", wait, late)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := clock.SleepUntil(ended, began); err != nil {
			t.Errorf("an instant in the past: %v", err)
		}
		if err := clock.SleepUntil(ended, clock.Now().Add(time.Second)); !errors.Is(err, context.Canceled) {
			t.Errorf("a wait whose context has ended: %v", err)
		}
	})
}

func TestSleepUntilEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Millisecond)
		defer cancel()
		clock := newWallClock()
		began := clock.Now()
		if err := clock.SleepUntil(ctx, began.Add(time.Hour)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if waited := clock.Now().Sub(began); waited != 90*time.Millisecond {
			t.Errorf("waited %s", waited)
		}
	})
}

// The wall clock is set forward by an hour while a wait goes on: as after a
// suspended machine, the wait must not last that hour.
func TestSleepUntilNoticesASteppedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		step := began.Add(10 * time.Second)
		clock := wallClock{now: func() time.Time {
			now := time.Now()
			if now.After(step) {
				now = now.Add(time.Hour)
			}
			return now.Round(0)
		}}
		if err := clock.SleepUntil(t.Context(), began.Round(0).Add(30*time.Minute)); err != nil {
			t.Fatal(err)
		}
		if late := time.Since(step); late > longestNap {
			t.Errorf("noticed %s after the step", late)
		}
	})
}
