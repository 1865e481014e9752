package ingest

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// A line is one schedule's walk through its due instants, which only goes
// forward.
type line struct {
	schedule Schedule
	next     time.Time // the due instant to take next; zero means there is none
	round    *round    // the latest; may still be open
}

// A dueTick is a due instant of a line that is to be taken.
type dueTick struct {
	line   *line
	at     time.Time
	period time.Duration
}

// sortDue sorts ticks for plan.
func sortDue(due []dueTick) {
	slices.SortFunc(due, func(a, b dueTick) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.period, b.period),
			cmp.Compare(a.line.schedule.Name(), b.line.schedule.Name()))
	})
}

// plan makes the rounds of sorted ticks. Of those due at the same instant the
// first one that has an agent polls it, so a shared poll carries the smallest
// period (metrics.md §1).
func plan(ctx context.Context, due []dueTick) []*round {
	var planned []*round
	var elsewhere []AgentSet
	for i, d := range due {
		if i > 0 && !due[i-1].at.Equal(d.at) {
			elsewhere = nil
		}
		s := d.line.schedule
		tick := Tick{Schedule: s.Name(), DueAt: d.at, Period: d.period, Agents: s.Agents()}
		d.line.round = newRound(ctx, s, tick, elsewhere)
		planned = append(planned, d.line.round)
		elsewhere = append(elsewhere, s.Agents())
	}
	return planned
}
