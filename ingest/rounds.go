package ingest

import (
	"context"
	"slices"
	"time"
)

// rounds are the rounds in flight, kept by one goroutine, the only one that
// waits for instants: it sleeps until nextEvent and calls step.
type rounds struct {
	clock Clock
	pool  *pool
	open  []*round // neither over nor cut
}

// start begins a round; one without agents is over at once.
func (rs *rounds) start(r *round, now time.Time) {
	r.tick.StartedAt = wholeMilliseconds(now)
	if len(r.samples) == 0 {
		rs.pool.complete(r)
		return
	}
	rs.open = append(rs.open, r)
	rs.pool.add(r, r.dueUpTo(now))
}

// nextEvent returns when step is wanted next; false means no round is open.
func (rs *rounds) nextEvent() (at time.Time, open bool) {
	rs.open = slices.DeleteFunc(rs.open, (*round).isOver)
	for i, r := range rs.open {
		if event := r.nextEvent(); i == 0 || event.Before(at) {
			at = event
		}
	}
	return at, len(rs.open) > 0
}

// step hands out the bursts due by now and cuts the rounds past their deadline.
func (rs *rounds) step(now time.Time) {
	rs.open = slices.DeleteFunc(rs.open, func(r *round) bool {
		if own := r.own(now); own.Before(r.deadline) {
			rs.pool.add(r, r.dueUpTo(own))
			return false
		}
		rs.pool.cut(r, r.deadline, context.DeadlineExceeded)
		return true
	})
}

// setBack says that the clock was set back. What is in flight goes on as if it
// had not been.
func (rs *rounds) setBack(by time.Duration) {
	for _, r := range rs.open {
		r.setBack(by)
	}
}

// finish goes on until no round is open. What is left when ctx ends is cut
// there.
func (rs *rounds) finish(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func(open []*round) {
		for _, r := range open {
			<-r.over
		}
		cancel() // no need to sleep until a deadline
	}(slices.Clone(rs.open))

	for ctx.Err() == nil {
		next, open := rs.nextEvent()
		if !open {
			return
		}
		if rs.clock.SleepUntil(ctx, next) == nil {
			rs.step(rs.clock.Now())
		}
	}
	now := rs.clock.Now()
	for _, r := range rs.open {
		rs.pool.cut(r, r.own(now), context.Canceled)
	}
}
