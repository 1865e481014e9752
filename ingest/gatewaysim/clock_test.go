package gatewaysim_test

import (
	"context"
	"sync"
	"testing"
	"time"
)

// playClock is a clock that moves only when told to.
type playClock struct {
	mu      sync.Mutex
	now     time.Time
	changed chan struct{}
	waits   chan time.Time // what SleepUntil is asked for, when it has to wait
	looked  chan struct{}  // nil, or told when the clock is looked at
}

func newPlayClock(now time.Time) *playClock {
	return &playClock{now: now, changed: make(chan struct{}), waits: make(chan time.Time, 100)}
}

func (c *playClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looked != nil {
		close(c.looked)
		c.looked = nil
	}
	return c.now
}

// nextLook is closed when the clock is looked at for the next time.
func (c *playClock) nextLook() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = make(chan struct{})
	return c.looked
}

func (c *playClock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *playClock) SleepUntil(ctx context.Context, t time.Time) error {
	told := false
	for {
		c.mu.Lock()
		reached, changed := !c.now.Before(t), c.changed
		c.mu.Unlock()
		if reached {
			return nil
		}
		if !told {
			c.waits <- t
			told = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// awaitSleeper returns what the next sleeper waits for: what it did before is
// done.
func (c *playClock) awaitSleeper(t *testing.T) time.Time {
	t.Helper()
	select {
	case until := <-c.waits:
		return until
	case <-time.After(10 * time.Second):
		t.Fatal("nobody waits for the clock")
		return time.Time{}
	}
}
