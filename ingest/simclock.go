package ingest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// SimClock is a Clock for playing: its time stands still while anyone works
// and jumps to the earliest sleeper's instant once everyone sleeps. "Everyone"
// is who joined; the recorder's loop, its polls and the jobs join by
// themselves. Its methods may be called from any goroutine.
type SimClock struct {
	mu       sync.Mutex
	now      time.Time
	joined   int
	sleepers []sleeper
}

type sleeper struct {
	until time.Time
	woken chan struct{}
}

// NewSimClock returns a clock that stands at start.
func NewSimClock(start time.Time) *SimClock { return &SimClock{now: start.UTC()} }

// Now returns the instant the clock stands at.
func (c *SimClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Join counts one more goroutine, or piece of work in flight, without which
// time does not move unless it sleeps on this clock itself; leave, called once,
// counts it off. Who waits for another joined one by other means than
// SleepUntil must leave meanwhile, or time stands still for good.
func (c *SimClock) Join() (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.joined++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.joined--
		c.jump()
	}
}

// SleepUntil implements Clock. Call it joined: a sleeper who did not join
// stands for one who did and is still at work.
func (c *SimClock) SleepUntil(ctx context.Context, t time.Time) error {
	c.mu.Lock()
	if err := ctx.Err(); err != nil || !t.After(c.now) {
		c.mu.Unlock()
		return err
	}
	s := sleeper{t, make(chan struct{})}
	c.sleepers = append(c.sleepers, s)
	c.jump()
	c.mu.Unlock()

	select {
	case <-s.woken:
		return nil
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sleepers = slices.DeleteFunc(c.sleepers, func(other sleeper) bool { return other == s })
	return ctx.Err()
}

// jump moves time on if everyone sleeps. The woken count as awake from here on,
// whether they run yet or not.
func (c *SimClock) jump() {
	if len(c.sleepers) == 0 || len(c.sleepers) < c.joined {
		return
	}
	earliest := slices.MinFunc(c.sleepers, func(a, b sleeper) int { return a.until.Compare(b.until) })
	c.now = earliest.until.UTC()
	c.sleepers = slices.DeleteFunc(c.sleepers, func(s sleeper) bool {
		if s.until.After(c.now) {
			return false
		}
		close(s.woken)
		return true
	})
}

// join joins a clock that wants to know who is at work; others take no notice.
func join(clock Clock) (leave func()) {
	if c, ok := clock.(interface{ Join() (leave func()) }); ok {
		return c.Join()
	}
	return func() {}
}
