package operations

import (
	"context"
	"sync"
	"time"

	"talktime/ingest"
)

// loopGrace is how long the recording loop may be at work, or late in waking,
// before it counts as standing still. Its steps take milliseconds.
const loopGrace = 30 * time.Second

// pulse knows where the recording loop stands: it is asleep until an instant, or
// at work since one.
type pulse struct {
	mu    sync.Mutex
	owing time.Time // when it is to be heard of: woken, or asleep again
}

func (p *pulse) sleep(until time.Time) { p.set(until) }
func (p *pulse) wake(now time.Time)    { p.set(now) }

func (p *pulse) set(owing time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owing = owing
}

// overdue returns since when the loop should have been heard of, zero where all
// is well.
func (p *pulse) overdue(now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.owing) <= loopGrace {
		return time.Time{}
	}
	return p.owing
}

// Clock returns a clock that does as c does and tells the board when its sleeper
// sleeps and wakes: give it to the recording loop alone.
func (b *Board) Clock(c ingest.Clock) ingest.Clock {
	p := pulseClock{c, &b.pulse}
	if steady, ok := c.(ingest.SteadyClock); ok {
		return steadyPulse{p, steady}
	}
	return p
}

type pulseClock struct {
	ingest.Clock
	pulse *pulse
}

func (c pulseClock) SleepUntil(ctx context.Context, t time.Time) error {
	c.pulse.sleep(t)
	err := c.Clock.SleepUntil(ctx, t)
	c.pulse.wake(c.Now())
	return err
}

// steadyPulse lets steps of a steady clock be seen.
type steadyPulse struct {
	pulseClock
	steady ingest.SteadyClock
}

func (c steadyPulse) Reading() (shown time.Time, elapsed time.Duration) { return c.steady.Reading() }

// Join joins a clock that is played; see ingest.SimClock.
func (c pulseClock) Join() (leave func()) {
	if played, ok := c.Clock.(interface{ Join() (leave func()) }); ok {
		return played.Join()
	}
	return func() {}
}

// Moved says that the recorder moves where no loop sleeps by the board's clock: a
// standby looks at the lease.
func (b *Board) Moved() { b.pulse.wake(b.clock.Now()) }

// Moves reports whether the recording loop is where it should be; before it
// begins and after it has ended it always is. since tells when it was to be
// heard of.
func (b *Board) Moves() (moves bool, since time.Time) {
	b.mu.Lock()
	phase := b.phase
	b.mu.Unlock()
	if phase == Starting || phase == Leaving {
		return true, time.Time{}
	}
	since = b.pulse.overdue(b.clock.Now())
	return since.IsZero(), since
}
