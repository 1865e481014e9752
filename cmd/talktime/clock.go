package main

import (
	"context"
	"time"
)

// longestNap is how long the machine's clock is trusted to run evenly: a wait
// looks at it again at least this often, so that a stepped clock or a suspended
// machine makes a wait at most this much too long.
const longestNap = time.Second

// wallClock is the machine's clock, the ingest.SteadyClock of everything but
// the demo and tests.
type wallClock struct {
	now   func() time.Time
	began time.Time // with Go's monotonic count
}

func newWallClock() wallClock { return wallClock{time.Now, time.Now()} }

// Now returns the current instant in UTC, in the machine's precision.
func (c wallClock) Now() time.Time { return c.now().UTC() }

// Reading implements ingest.SteadyClock. Linux does not count the time a machine
// sleeps, so that looks like a step.
func (c wallClock) Reading() (shown time.Time, elapsed time.Duration) {
	now := c.now()
	return now.UTC(), now.Sub(c.began)
}

// SleepUntil waits for the wall clock to show t. An instant made by adding to
// Now carries the monotonic clock with it and is waited for on that one, so a
// relative delay does not stretch when the wall clock is set back.
func (c wallClock) SleepUntil(ctx context.Context, t time.Time) error {
	for {
		left := t.Sub(c.now())
		if left <= 0 {
			return nil
		}
		nap := time.NewTimer(min(left, longestNap))
		select {
		case <-ctx.Done():
			nap.Stop()
			return ctx.Err()
		case <-nap.C:
		}
	}
}
