package main

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"talktime/ingest"
)

// week is how far ahead schedules are looked at: nearly all repeat after one.
const week = 7 * day

// dueTogether yields the instants of [from, to) at which something is due, ascending,
// and of each schedule whether it is due then, 1 or 0. The slice is used again.
func dueTogether(schedules []ingest.Schedule, from, to time.Time) iter.Seq2[time.Time, []byte] {
	return func(yield func(time.Time, []byte) bool) {
		next, due := make([]time.Time, len(schedules)), make([]byte, len(schedules))
		for i, s := range schedules {
			next[i] = s.Next(from.Add(-1))
		}
		for {
			var at time.Time
			for _, t := range next {
				if !t.IsZero() && (at.IsZero() || t.Before(at)) {
					at = t
				}
			}
			if at.IsZero() || !at.Before(to) {
				return
			}
			for i, t := range next {
				due[i] = 0
				if t.Equal(at) {
					due[i], next[i] = 1, schedules[i].Next(at)
				}
			}
			if !yield(at, due) {
				return
			}
		}
	}
}

// checkTogether finds schedules that share instants and cannot have their rounds made
// side by side, though each alone can. Rounds that overlap without beginning together
// are not looked at.
func (r reach) checkTogether(schedules []ingest.Schedule, held ingest.AgentSet, now time.Time) error {
	if len(schedules) < 2 {
		return nil
	}
	var faults []error
	seen := map[string]bool{}
	for at, due := range dueTogether(schedules, now, now.Add(week)) {
		if seen[string(due)] {
			continue
		}
		seen[string(due)] = true
		var together []ingest.Schedule
		for i, isDue := range due {
			if isDue == 1 {
				together = append(together, schedules[i])
			}
		}
		if len(together) < 2 {
			continue
		}
		polls, shortest := pollsTogether(together, held, at)
		if err := r.check(polls, shortest); err != nil {
			faults = append(faults, fmt.Errorf("schedules %s, due at the same instants, within the shortest of their periods: %w", scheduleNames(together), err))
		}
	}
	return errors.Join(faults...)
}

// pollsTogether returns how many polls of rounds that begin together are to be made
// within the shortest of their periods: all of its own, and of the others, whose polls
// are spread over longer, those that come up meanwhile. A shared one is made once.
func pollsTogether(together []ingest.Schedule, held ingest.AgentSet, at time.Time) (polls int, shortest time.Duration) {
	slices.SortStableFunc(together, func(a, b ingest.Schedule) int { return int(a.Period(at) - b.Period(at)) })
	shortest = together[0].Period(at)
	var before []ingest.AgentSet
	for _, s := range together {
		agents := s.Agents()
		if s.All() {
			agents = held
		}
		own := 0
		for agent := range agents.All() {
			if held.Contains(agent) && !slices.ContainsFunc(before, func(set ingest.AgentSet) bool { return set.Contains(agent) }) {
				own++
			}
		}
		polls += int(float64(own) * min(1, ingest.Spread(shortest).Seconds()/ingest.Spread(s.Period(at)).Seconds()))
		before = append(before, agents)
	}
	return polls, shortest
}

func scheduleNames(schedules []ingest.Schedule) string {
	names := make([]string, len(schedules))
	for i, s := range schedules {
		names[i] = fmt.Sprintf("%q", s.Name())
	}
	return strings.Join(names, ", ")
}
