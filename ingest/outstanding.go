package ingest

import (
	"cmp"
	"slices"
	"time"
)

// InForce is a schedule as it was declared for a span of time.
type InForce struct {
	Schedule
	From time.Time
	To   time.Time // not included; zero where it is still in force
}

// Outstanding returns the due instants in [since, until) for which nothing is
// stored, as missed ticks, ascending by due instant and name. isStored tells
// whether a schedule's tick is stored, taken or missed. Periods are those of
// the schedule's own due instants, whatever the spans cut off. The cost is
// about 1 µs for each due instant and a call of isStored.
func Outstanding(inForce []InForce, isStored func(schedule string, due time.Time) bool, since, until time.Time) []Tick {
	var ticks []Tick
	for _, f := range inForce {
		from, to := since, until
		if f.From.After(from) {
			from = f.From
		}
		if !f.To.IsZero() && f.To.Before(to) {
			to = f.To
		}
		for due := range f.Due(from, to) {
			if !isStored(f.Name(), due) {
				ticks = append(ticks, missedTick(f.Schedule, due))
			}
		}
	}
	slices.SortStableFunc(ticks, func(a, b Tick) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.Schedule, b.Schedule))
	})
	return ticks
}

// Horizon returns the instant before which every due tick is stored
// (metrics.md §1): the first of the outstanding ticks, at most now.
func Horizon(outstanding []Tick, now time.Time) time.Time {
	horizon := now
	for _, t := range outstanding {
		if t.DueAt.Before(horizon) {
			horizon = t.DueAt
		}
	}
	return horizon
}

// Lapsed returns those of the outstanding ticks that are due more than two
// periods before now. While no recorder holds the lease nobody will take them
// any more, so they are to be stored as missed. A recorder that starts stores
// all that are outstanding up to its own start.
func Lapsed(outstanding []Tick, now time.Time) []Tick {
	var lapsed []Tick
	for _, t := range outstanding {
		if now.Sub(t.DueAt) > 2*t.Period {
			lapsed = append(lapsed, t)
		}
	}
	return lapsed
}
