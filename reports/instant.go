package reports

import (
	"context"
	"iter"
	"time"

	"talktime/ingest"
)

// Observation is one sample that says where its agent was.
type Observation struct {
	At      time.Time // zero: there is none
	Period  time.Duration
	Status  ingest.Status
	Measure Measure
}

// Around is what was seen of one agent nearest an instant: at it or before, and
// after.
type Around struct {
	Agent         ingest.AgentID
	Before, After Observation
}

// Near is what was due near an instant.
type Near struct {
	// Facts are those of the quarter-hour that holds the instant; its Agents are
	// those of the schedules in force at the instant.
	Facts
	Longest time.Duration // the largest period that matters there; 0 where nothing was polled
	// Ticks are the stored ones, by schedule and due instant, eight of the
	// longest periods around the instant.
	Ticks []ingest.Tick
	// Awaited are ticks of that time, up to a hold after the instant, that are
	// not stored: nobody has taken them yet.
	Awaited []ingest.Tick
}

// Polls is one agent's polls near an instant, ascending.
type Polls struct {
	Agent ingest.AgentID
	Polls []ingest.Poll // PolledAt and Outcome only
}

// SampleSource reads samples. Like a Source it shows one state of the database.
type SampleSource interface {
	// Near tells what was due near an instant.
	Near(ctx context.Context, at time.Time) (Near, error)
	// Around yields, by agent, what was observed of each in a reach around an
	// instant, both ends included. Agents may be empty for all.
	Around(ctx context.Context, at time.Time, reach time.Duration, agents ingest.AgentSet) iter.Seq2[Around, error]
	// Polls yields, by agent, the polls of the named agents in [from, to). Each
	// is valid until the next.
	Polls(ctx context.Context, from, to time.Time, agents ingest.AgentSet) iter.Seq2[Polls, error]
}

// StateAt is what an agent was doing at an instant, by the rules of metrics.md
// §1: the state of the observation whose half of the gap holds the instant, the
// cause where the gap is too long.
type StateAt struct {
	Around
	Measure Measure
	Status  ingest.Status // meaningful only where Measure is a state
	// IsProvisional is set where the state is the last one seen, no longer ago
	// than hold, and the next sample is still to come.
	IsProvisional bool
	// LastPoll is the last poll at the instant or before it of an agent who was
	// not observed, zero where none is near.
	LastPoll ingest.Poll
}

// IsObserved reports whether the agent is known to have been in a state.
func (s *StateAt) IsObserved() bool { return s.Measure < States }

// isJoined reports whether the observations are no further apart than the hold.
func (a *Around) isJoined() bool {
	return !a.Before.At.IsZero() && !a.After.At.IsZero() && 2*a.After.At.Sub(a.Before.At) <= 5*max(a.Before.Period, a.After.Period)
}

// observed returns the observation whose time an instant falls in, nil where it
// falls in none's.
func (a *Around) observed(at time.Time) *Observation {
	switch {
	case a.isJoined():
		if at.Before(a.Before.At.Add(half(a.After.At.Sub(a.Before.At)))) {
			return &a.Before
		}
		return &a.After
	case !a.Before.At.IsZero() && at.Before(a.Before.At.Add(half(a.Before.Period))):
		return &a.Before
	case !a.After.At.IsZero() && !at.Before(a.After.At.Add(-half(a.After.Period))):
		return &a.After
	default:
		return nil
	}
}

// half of a length in whole milliseconds, rounded down.
func half(d time.Duration) time.Duration { return (d / 2).Truncate(time.Millisecond) }
