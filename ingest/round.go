package ingest

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// How a round lies in its period p. It is spread over 80 % of p, at most a
// minute, in bursts: waking for every single request costs two to three times
// the CPU. A burst is at least 8 polls, and bursts are at least 100 ms apart. The
// deadline lies p/20, at most a second, before due + p, so that the round is
// over when the next one begins.
const (
	spreadPercent = 80
	maxSpread     = time.Minute
	minBurst      = 8
	minBurstGap   = 100 * time.Millisecond
	marginParts   = 20
	maxMargin     = time.Second
)

// A round is the polls of one tick. Agents are polled in ascending order, each
// at the same place in every round of its schedule: its rank in the tick's
// whole agent set decides, whether its neighbours' polls are shared or not.
type round struct {
	schedule Schedule
	tick     Tick
	bursts   []burst  // those still to come
	samples  []Sample // one for each agent of the round, ascending
	deadline time.Time
	ctx      context.Context // ends with the round's time; Deadline tells when
	end      context.CancelCauseFunc

	sent int // samples handed to the pool; the loop's own
	// behind is how far the clock was set back since the round began, in
	// nanoseconds: what is in flight ends on the clock it began with.
	behind atomic.Int64
	over   chan struct{} // closed when every sample has its poll

	// Guarded by the pool's mutex.
	open  int       // samples without a poll yet
	limit time.Time // no poll counts from here on: the deadline, or an earlier cut
}

// A burst is the samples up to an index, due to be polled at an instant.
type burst struct {
	at   time.Time
	upTo int
}

// hurry drops the spreading: everyone is polled at once.
func (r *round) hurry() {
	r.bursts = []burst{{r.tick.DueAt, len(r.samples)}}
}

// Spread returns over how long the polls of a round of that period are spread.
func Spread(period time.Duration) time.Duration { return min(period*spreadPercent/100, maxSpread) }

// newRound plans the round of a tick. Agents of the elsewhere sets are left
// out: another round of the same instant polls them.
func newRound(ctx context.Context, s Schedule, tick Tick, elsewhere []AgentSet) *round {
	r := &round{schedule: s, tick: tick, deadline: deadline(tick.DueAt, tick.Period), over: make(chan struct{})}
	n := tick.Agents.Len()
	r.samples = make([]Sample, 0, n)
	spread := Spread(tick.Period)
	bursts := max(1, min((n+minBurst-1)/minBurst, int(spread/minBurstGap)))
	rank := 0
	for agent := range tick.Agents.All() {
		at := tick.DueAt.Add((spread * time.Duration(rank*bursts/n) / time.Duration(bursts)).Truncate(time.Millisecond))
		rank++
		if slices.ContainsFunc(elsewhere, func(set AgentSet) bool { return set.Contains(agent) }) {
			continue
		}
		r.samples = append(r.samples, Sample{AgentID: agent, Period: tick.Period})
		if last := len(r.bursts) - 1; last < 0 || r.bursts[last].at.Before(at) {
			r.bursts = append(r.bursts, burst{at: at})
		}
		r.bursts[len(r.bursts)-1].upTo = len(r.samples)
	}
	r.open, r.limit = len(r.samples), r.deadline
	inner, end := context.WithCancelCause(context.WithoutCancel(ctx))
	r.ctx, r.end = datedContext{inner, r.deadline}, end
	return r
}

// deadline returns when a tick's polls are given up.
func deadline(due time.Time, period time.Duration) time.Time {
	return due.Add(period - min(period/marginParts, maxMargin).Truncate(time.Millisecond))
}

// own returns an instant of the clock on the round's own: as it would show had
// it not been set back.
func (r *round) own(now time.Time) time.Time { return now.Add(time.Duration(r.behind.Load())) }

// setBack says that the clock was set back.
func (r *round) setBack(by time.Duration) { r.behind.Add(int64(by)) }

// nextEvent returns when, by the clock, the round next needs the loop: for a
// burst, or at its deadline.
func (r *round) nextEvent() time.Time {
	next := r.deadline
	if len(r.bursts) > 0 {
		next = r.bursts[0].at
	}
	return next.Add(-time.Duration(r.behind.Load()))
}

// dueUpTo returns how many samples are to be handed out by now, on the round's
// own clock.
func (r *round) dueUpTo(now time.Time) int {
	due := r.sent
	for len(r.bursts) > 0 && !r.bursts[0].at.After(now) {
		due, r.bursts = r.bursts[0].upTo, r.bursts[1:]
	}
	return due
}

// isOver reports whether every sample has its poll.
func (r *round) isOver() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

// settled returns the poll as it is stored: inside [due instant, limit), given
// up where the Poller came back too late (metrics.md §1).
func (r *round) settled(p Poll) Poll {
	p.PolledAt = wholeMilliseconds(p.PolledAt)
	if p.PolledAt.Before(r.limit) {
		if p.PolledAt.Before(r.tick.DueAt) { // the clock was set back during the poll
			p.PolledAt = r.tick.DueAt
		}
		return p
	}
	return r.givenUp()
}

// givenUp is the poll the round's limit cut off: 1 ms before it.
func (r *round) givenUp() Poll {
	at := r.limit.Add(-1).Truncate(time.Millisecond)
	if at.Before(r.tick.DueAt) {
		at = r.tick.DueAt
	}
	return Poll{PolledAt: at, Outcome: Skipped}
}

// A datedContext tells a deadline that is an instant of the recorder's Clock;
// whoever keeps that clock ends it with the cause context.DeadlineExceeded.
type datedContext struct {
	context.Context
	deadline time.Time
}

func (c datedContext) Deadline() (time.Time, bool) { return c.deadline, true }

func (c datedContext) Err() error {
	if c.Context.Err() == nil {
		return nil
	}
	if context.Cause(c.Context) == context.DeadlineExceeded { //nolint:errorlint // set as it is
		return context.DeadlineExceeded
	}
	return context.Canceled
}
