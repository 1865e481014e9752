package reports

import (
	"cmp"
	"slices"
	"time"

	"talktime/ingest"
)

// causes tells why agents were not observed at an instant (metrics.md §1).
type causes struct {
	at        time.Time
	schedules [][]ingest.Tick // the ticks of each schedule, ascending
	awaited   []ingest.Tick
}

func newCauses(at time.Time, near Near) causes {
	c := causes{at: at, awaited: near.Awaited}
	ticks := slices.Clone(near.Ticks)
	slices.SortStableFunc(ticks, func(a, b ingest.Tick) int {
		return cmp.Or(cmp.Compare(a.Schedule, b.Schedule), a.DueAt.Compare(b.DueAt))
	})
	for len(ticks) > 0 {
		n := 1
		for n < len(ticks) && ticks[n].Schedule == ticks[0].Schedule {
			n++
		}
		c.schedules = append(c.schedules, ticks[:n])
		ticks = ticks[n:]
	}
	return c
}

// of returns the cause for one agent who was not observed at the instant.
func (c *causes) of(agent ingest.AgentID, polls []ingest.Poll) Measure {
	cause := Unscheduled
	for _, ticks := range c.schedules {
		claimed := c.claim(around(ticks, agent, c.at), polls)
		if claimed == Failed {
			return Failed
		}
		if claimed == RecorderDown {
			cause = RecorderDown
		}
	}
	if cause == Unscheduled && c.isAwaited(agent) {
		return Pending
	}
	return cause
}

// isAwaited reports whether a tick still to be stored may settle the instant. Its
// polls end within a period, what it tells reaches half a period further; back it
// may reach to the tick before.
func (c *causes) isAwaited(agent ingest.AgentID) bool {
	return slices.ContainsFunc(c.awaited, func(t ingest.Tick) bool {
		return t.DueAt.Sub(c.at) <= t.Period && 2*c.at.Sub(t.DueAt) <= 3*t.Period && t.Agents.Contains(agent)
	})
}

// mayBridge reports whether a tick still to be stored may bring an observation
// that joins the last one, where none has come after it.
func (c *causes) mayBridge(a *Around) bool {
	return !a.Before.At.IsZero() && a.After.At.IsZero() && slices.ContainsFunc(c.awaited, func(t ingest.Tick) bool {
		return 2*t.DueAt.Sub(a.Before.At) <= 5*max(t.Period, a.Before.Period) && t.Agents.Contains(a.Agent)
	})
}

// Only the last tick due at an instant or before it, the one before and the one
// after can claim it. What they claim depends on two more on either side.
const neighbours = 3

// around returns the agent's ticks nearest an instant, ascending: up to
// neighbours due at it or before it, and as many after.
func around(ticks []ingest.Tick, agent ingest.AgentID, at time.Time) []ingest.Tick {
	next, _ := slices.BinarySearchFunc(ticks, at, func(t ingest.Tick, at time.Time) int {
		if t.DueAt.After(at) {
			return 1
		}
		return -1
	})
	var nearest []ingest.Tick
	for i := next - 1; i >= 0 && len(nearest) < neighbours; i-- {
		if ticks[i].Agents.Contains(agent) {
			nearest = append(nearest, ticks[i])
		}
	}
	slices.Reverse(nearest)
	for i, n := next, len(nearest)+neighbours; i < len(ticks) && len(nearest) < n; i++ {
		if ticks[i].Agents.Contains(agent) {
			nearest = append(nearest, ticks[i])
		}
	}
	return nearest
}

// stand is what a tick knows of an agent.
type stand struct {
	first, last time.Time // its observations, zero where it has none
	x           time.Time // where it stands without one
	cause       Measure
}

// claim returns the cause that one schedule's ticks claim the instant for,
// Unscheduled where they do not.
func (c *causes) claim(ticks []ingest.Tick, polls []ingest.Poll) Measure {
	stands := make([]stand, len(ticks))
	for i, t := range ticks {
		end := t.DueAt.Add(t.Period)
		if i+1 < len(ticks) && isLinked(t, ticks[i+1]) {
			end = ticks[i+1].DueAt
		}
		stands[i] = standOf(t.DueAt, end, polls)
	}
	cause := Unscheduled
	for i, s := range stands {
		if !s.first.IsZero() {
			continue
		}
		from, to := s.x.Add(-half(ticks[i].Period)), s.x.Add(ticks[i].Period-half(ticks[i].Period))
		if i > 0 && isLinked(ticks[i-1], ticks[i]) {
			from = stands[i-1].last
			if from.IsZero() {
				from = halfway(stands[i-1].x, s.x)
			}
		}
		if i+1 < len(stands) && isLinked(ticks[i], ticks[i+1]) {
			to = stands[i+1].first
			if to.IsZero() {
				to = halfway(s.x, stands[i+1].x)
			}
		}
		if c.at.Before(from) || !c.at.Before(to) {
			continue
		}
		if s.cause == Failed {
			return Failed
		}
		cause = RecorderDown
	}
	return cause
}

// standOf looks at the polls a tick has: those from its due instant to end.
func standOf(due, end time.Time, polls []ingest.Poll) stand {
	s := stand{x: due, cause: RecorderDown}
	for _, p := range polls {
		switch {
		case p.PolledAt.Before(due) || !p.PolledAt.Before(end):
		case p.Outcome.IsObservation():
			if s.first.IsZero() {
				s.first = p.PolledAt
			}
			s.last = p.PolledAt
		default:
			s.x, s.cause = p.PolledAt, Failed
		}
	}
	return s
}

// isLinked reports whether two successive ticks are at most 2.5 of the larger
// period apart.
func isLinked(a, b ingest.Tick) bool { return 2*b.DueAt.Sub(a.DueAt) <= 5*max(a.Period, b.Period) }

// halfway between two instants, in whole milliseconds, rounded down as epoch
// milliseconds are.
func halfway(a, b time.Time) time.Time { return a.Add(half(b.Sub(a))) }
