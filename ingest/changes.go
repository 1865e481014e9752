package ingest

import (
	"slices"
	"time"
)

// Change is what a Recording that runs is told to do from now on.
type Change struct {
	Schedules   []Schedule // all that are to be in force, those that stay included
	Concurrency int        // see Recording; 0 means DefaultConcurrency
}

// change puts a change into force from the next millisecond on: everything due
// before was begun under what was in force then. Schedules that stay keep their
// place and their round in flight; the rounds of those that go or differ end as
// they would have.
func (l *loop) change(now time.Time, c Change) {
	if err := checkSchedules(c.Schedules); err != nil {
		l.log.Error("change not taken over", "error", err)
		return
	}
	if c.Concurrency <= 0 {
		c.Concurrency = DefaultConcurrency
	}
	l.rounds.pool.resize(c.Concurrency)

	at := wholeMilliseconds(now).Add(time.Millisecond)
	lines := l.lineUp(c.Schedules, at)
	var opened, closed []string
	for i, line := range lines {
		if j := slices.IndexFunc(l.lines, line.saysTheSame); j >= 0 {
			lines[i] = l.lines[j]
			continue
		}
		opened = append(opened, line.schedule.Name())
	}
	for _, line := range l.lines {
		if !slices.Contains(lines, line) {
			closed = append(closed, line.schedule.Name())
		}
	}
	l.lines = lines
	if len(opened)+len(closed) > 0 {
		l.log.Info("schedules changed", "in_force_from", at, "closed", closed, "opened", opened, "in_force", len(lines))
		l.storing.declare(at, l.schedules())
	}
}

// saysTheSame reports whether two lines are of the same schedule, whoever has a
// GUID just now.
func (l *line) saysTheSame(other *line) bool {
	s := l.schedule
	if s.All() {
		s = s.WithAgents(other.schedule.Agents())
	}
	return s.Equal(other.schedule)
}
