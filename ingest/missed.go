package ingest

import (
	"context"
	"errors"
	"time"
)

// missedAtOnce is how many missed ticks are stored in one call.
const missedAtOnce = 1000

// missedSpan is the due instants of a schedule from first to last.
type missedSpan struct {
	schedule    Schedule
	first, last time.Time
}

// missedSpans are those to be stored yet. They are kept in memory only: the next
// recorder finds what is outstanding by itself.
type missedSpans struct {
	spans  []missedSpan
	areNew bool // not tried since they last grew
}

// areDue reports whether there are spans to be tried.
func (m *missedSpans) areDue() bool { return m.areNew && len(m.spans) > 0 }

// add notes a span. Those of one schedule are joined even over ticks that were
// stored: those stand.
func (m *missedSpans) add(span missedSpan) {
	m.areNew = true
	for i := range m.spans {
		if known := &m.spans[i]; known.schedule.Equal(span.schedule) {
			if span.first.Before(known.first) {
				known.first = span.first
			}
			if span.last.After(known.last) {
				known.last = span.last
			}
			return
		}
	}
	m.spans = append(m.spans, span)
}

// take takes the oldest span.
func (m *missedSpans) take() (missedSpan, bool) {
	if len(m.spans) == 0 {
		return missedSpan{}, false
	}
	span := m.spans[0]
	m.spans = m.spans[1:]
	m.areNew = len(m.spans) > 0
	return span, true
}

// storeMissed stores some of the missed ticks, few enough not to keep rounds
// waiting. What fails is tried again after the next round that is stored, so it
// cannot stand in the way of rounds.
func (s *storing) storeMissed(ctx context.Context) {
	s.mu.Lock()
	span, found := s.missed.take()
	s.mu.Unlock()
	if !found {
		return
	}
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
	case errors.Is(err, ErrSuperseded):
		s.log.Warn("missed ticks not stored: "+causeSuperseded, "schedule", span.schedule.Name(), "from", span.first, "last", span.last, "error", err)
	case err != nil:
		s.log.Warn("missed ticks not stored yet", "schedule", span.schedule.Name(), "from", span.first, "last", span.last, "error", err)
		s.missed.add(span)
		s.missed.areNew = false
	case !due.IsZero() && !due.After(span.last):
		s.missed.add(missedSpan{span.schedule, due, span.last})
	}
}

func missedTick(s Schedule, due time.Time) Tick {
	return Tick{Schedule: s.Name(), DueAt: due, Period: s.Period(due), Agents: s.Agents(), Status: Missed}
}
