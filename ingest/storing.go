package ingest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// How storing deals with trouble.
const (
	attemptTimeout = 30 * time.Second // one call of the Recorder
	firstPause     = 100 * time.Millisecond
	lastPause      = 5 * time.Second
	// A clock that is played waits while more rounds than this are not stored;
	// the machine's never does.
	playedBacklog = 4
	// missedAtOnce is how many missed ticks are stored in one call.
	missedAtOnce = 1000
	// More declarations than this are not kept: each is out of force when the
	// next one is in.
	maxDeclarations = 100
)

// A storing hands rounds to the Recorder one after the other, so that storing a
// round overlaps the next one's polls and ticks arrive in order. It retries for
// as long as there is room; then the oldest round gives way, and its tick is
// recorded as missed.
type storing struct {
	recorder Recorder
	clock    Clock
	log      *slog.Logger
	onRound  func(Tick)
	epoch    int64
	backlog  int // samples kept at most; a single round always is

	mu           sync.Mutex
	changed      sync.Cond
	declarations []declaration
	queue        []storable
	kept         int // samples in queue and in hand
	missed       []missedSpan
	missedIsNew  bool // missed has not been tried since it last grew
	closing      bool
	lost         int // rounds given up because time ran out
}

type declaration struct {
	at        time.Time
	schedules []Schedule
}

// storable is a finished round.
type storable struct {
	schedule Schedule
	tick     Tick
	samples  []Sample
	leave    func() // the clock, where it waits for this round
}

// missedSpan is the due instants of a schedule from first to last.
type missedSpan struct {
	schedule    Schedule
	first, last time.Time
}

func newStoring(r Recording) *storing {
	s := &storing{recorder: r.Recorder, clock: r.Clock, log: r.Log, onRound: r.OnRound, epoch: r.Epoch, backlog: r.Backlog}
	s.changed.L = &s.mu
	return s
}

// declare says what is in force from at on, before any round added later.
func (s *storing) declare(at time.Time, schedules []Schedule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.declarations = append(s.declarations, declaration{at, schedules})
	s.declarations = s.declarations[max(0, len(s.declarations)-maxDeclarations):]
	s.changed.Signal()
}

// add queues a finished round.
func (s *storing) add(r *round) {
	s.mu.Lock()
	defer s.mu.Unlock()
	leave := func() {}
	if len(s.queue) >= playedBacklog {
		leave = join(s.clock)
	}
	s.queue = append(s.queue, storable{r.schedule, r.tick, r.samples, leave})
	s.kept += len(r.samples)
	for s.kept > s.backlog && len(s.queue) > 1 {
		oldest := s.queue[0]
		s.queue = s.queue[1:]
		s.drop(oldest, "no room left")
	}
	s.changed.Signal()
}

// miss notes the due instants from first to last as missed. Spans of one
// schedule are joined even over ticks that were stored: those stand.
func (s *storing) miss(schedule Schedule, first, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteMissed(missedSpan{schedule, first, last})
	s.missedIsNew = true
	s.changed.Signal()
}

func (s *storing) noteMissed(span missedSpan) {
	for i := range s.missed {
		if m := &s.missed[i]; m.schedule.Equal(span.schedule) {
			if span.first.Before(m.first) {
				m.first = span.first
			}
			if span.last.After(m.last) {
				m.last = span.last
			}
			return
		}
	}
	s.missed = append(s.missed, span)
}

// drop gives a round up. s.mu is held.
func (s *storing) drop(r storable, why string) {
	s.kept -= len(r.samples)
	s.noteMissed(missedSpan{r.schedule, r.tick.DueAt, r.tick.DueAt})
	r.leave()
	s.log.Error("round lost: "+why, "method", pollMethod, "schedule", r.tick.Schedule,
		"due_at", r.tick.DueAt, "samples", len(r.samples))
}

// close lets run return once everything is stored or its context has ended.
func (s *storing) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing, s.missedIsNew = true, true
	s.changed.Signal()
}

// run stores until closed. When ctx ends it stops trying.
func (s *storing) run(ctx context.Context) {
	for s.wait() {
		s.storeDeclarations(ctx)
		if s.storeRound(ctx) {
			s.storeMissed(ctx)
		}
	}
}

// wait blocks until there is something to store; false means it is all done.
func (s *storing) wait() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.declarations) == 0 && len(s.queue) == 0 && (!s.missedIsNew || len(s.missed) == 0) {
		if s.closing {
			return false
		}
		s.changed.Wait()
	}
	return true
}

// storeDeclarations hands over what is in force. A tick is never stored before
// the declaration it belongs to.
func (s *storing) storeDeclarations(ctx context.Context) {
	for {
		s.mu.Lock()
		if len(s.declarations) == 0 {
			s.mu.Unlock()
			return
		}
		d := s.declarations[0]
		s.declarations = s.declarations[1:]
		s.mu.Unlock()
		err := s.retry(ctx, "schedules", func(ctx context.Context) error {
			return s.recorder.Declare(ctx, Declaration{s.epoch, d.at, d.schedules})
		}, func() bool { return false })
		if err != nil {
			s.log.Error("schedules not stored", "in_force_from", d.at, "error", err)
		}
	}
}

// storeRound stores the oldest round, if there is one; false means that failed.
func (s *storing) storeRound(ctx context.Context) bool {
	s.mu.Lock()
	if len(s.queue) == 0 {
		s.mu.Unlock()
		return true
	}
	r := s.queue[0]
	s.queue = s.queue[1:]
	s.mu.Unlock()

	err := s.retry(ctx, "round", func(ctx context.Context) error {
		return s.recorder.Record(ctx, r.tick, r.samples)
	}, func() bool { // the next round does not fit in beside this one
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.queue) > 0 && s.kept+len(r.samples) > s.backlog
	})
	if err == nil && s.onRound != nil {
		s.onRound(r.tick)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.drop(r, err.Error())
		if ctx.Err() != nil {
			s.lost++
		}
		return false
	}
	s.kept -= len(r.samples)
	r.leave()
	s.log.Debug("round stored", "schedule", r.tick.Schedule, "due_at", r.tick.DueAt, "samples", len(r.samples))
	return true
}

// storeMissed stores some of the missed ticks, few enough not to keep rounds
// waiting. What fails is tried again after the next round that is stored, so it
// cannot stand in the way of rounds.
func (s *storing) storeMissed(ctx context.Context) {
	s.mu.Lock()
	if len(s.missed) == 0 {
		s.mu.Unlock()
		return
	}
	span := s.missed[0]
	s.missed = s.missed[1:]
	s.missedIsNew = len(s.missed) > 0
	s.mu.Unlock()

	var ticks []Tick
	due := span.first
	for ; len(ticks) < missedAtOnce && !due.IsZero() && !due.After(span.last); due = span.schedule.Next(due) {
		tick := missedTick(span.schedule, due)
		tick.Epoch = s.epoch
		ticks = append(ticks, tick)
	}
	attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	err := s.recorder.RecordMissed(attempt, ticks)

	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, ErrSuperseded): // whoever reigns now stores what is missed before
		s.log.Warn("missed ticks refused", "schedule", span.schedule.Name(), "from", span.first, "last", span.last, "error", err)
	case err != nil:
		s.log.Warn("missed ticks not stored yet", "schedule", span.schedule.Name(), "from", span.first, "last", span.last, "error", err)
		s.noteMissed(span)
		s.missedIsNew = false
	case !due.IsZero() && !due.After(span.last):
		s.noteMissed(missedSpan{span.schedule, due, span.last})
		s.missedIsNew = true
	}
}

func missedTick(s Schedule, due time.Time) Tick {
	return Tick{Schedule: s.Name(), DueAt: due, Period: s.Period(due), Agents: s.Agents(), Status: Missed}
}

// retry calls do until it works, ctx ends or giveUp says so after a failure.
func (s *storing) retry(ctx context.Context, what string, do func(context.Context) error, giveUp func() bool) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		err := do(attempt)
		cancel()
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrSuperseded) || giveUp() {
			return err
		}
		s.log.Warn("not stored yet, trying again", "what", what, "pause", pause, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}
