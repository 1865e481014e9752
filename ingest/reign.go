package ingest

import "time"

// A recorder takes over from another one, and leaves to the next: their due
// instants must meet without a hole and without an overlap.

// start returns the instant from which on due instants are taken: From where it
// is still to come, else now or, not before From, the earliest of the schedules'
// last ones that are not too late.
func (r Recording) start(now time.Time) time.Time {
	switch {
	case r.From.IsZero():
		return now
	case r.From.After(now):
		return r.From
	}
	start := now
	for _, s := range r.Schedules {
		last := s.Prev(now.Add(1))
		if !last.IsZero() && !last.Before(r.From) && now.Before(deadline(last, s.Period(last))) && last.Before(start) {
			start = last
		}
	}
	return start
}

// begunUntil returns the instant from which on no due instant was begun: just
// past now, or past all that was walked where the clock was set back since.
func (l *loop) begunUntil(now time.Time) time.Time {
	reached := l.walked.reached()
	for _, line := range l.lines {
		if next := line.next; next.After(reached) && !next.After(now) {
			now = next.Add(-time.Millisecond) // it is due and was not begun
		}
	}
	if reached.After(now) {
		now = reached
	}
	return wholeMilliseconds(now).Add(time.Millisecond)
}
