package reports

import (
	"context"
	"errors"
	"fmt"
	"time"

	"talktime/ingest"
)

// At hands the sink what every agent was doing at the request's instant, ordered
// by agent: the agents asked for, else all of the schedules in force and all who
// were observed near it. It reads samples, not quarter-hours, so it is as fresh
// as they are. The instant is UTC, in whole milliseconds and not in the future.
// It keeps one row for each agent.
func At(ctx context.Context, source SampleSource, request Request, sink SinkOf[StateAt]) error {
	err := func() error {
		near, err := source.Near(ctx, request.At)
		if err != nil {
			return err
		}
		states, err := statesAt(ctx, source, request.At, near, request.Agents)
		if err != nil {
			return err
		}
		sink := &shapedOf[StateAt]{SinkOf: sink, columns: Meta.StateColumns, account: func(*LeftOut, *Meta, *StateAt) {}}
		if err := sink.Begin(Meta{Request: request, Facts: near.Facts}); err != nil {
			return err
		}
		for i := range states {
			if err := sink.Row(&states[i]); err != nil {
				return err
			}
		}
		return errors.Join(sink.End(), ctx.Err())
	}()
	if err != nil {
		return fmt.Errorf("report %s: %w", request.Report, err)
	}
	return nil
}

func statesAt(ctx context.Context, source SampleSource, at time.Time, near Near, asked ingest.AgentSet) ([]StateAt, error) {
	states, err := observedAt(ctx, source, at, near, asked)
	if err != nil {
		return nil, err
	}
	causes := newCauses(at, near)
	var unseen []ingest.AgentID
	place := map[ingest.AgentID]*StateAt{}
	for i := range states {
		s := &states[i]
		if s.settle(at, causes.mayBridge(&s.Around)) {
			continue
		}
		s.Measure = causes.of(s.Agent, nil)
		unseen = append(unseen, s.Agent)
		place[s.Agent] = s
	}
	if len(unseen) == 0 || near.Longest == 0 {
		return states, nil
	}
	const reach = 8 // periods; what a claim depends on lies no further off
	for polls, err := range source.Polls(ctx, at.Add(-reach*near.Longest), at.Add(reach*near.Longest), ingest.NewAgentSet(unseen...)) {
		if err != nil {
			return nil, err
		}
		s := place[polls.Agent]
		s.Measure = causes.of(polls.Agent, polls.Polls)
		for _, p := range polls.Polls {
			if !p.PolledAt.After(at) {
				s.LastPoll = p
			}
		}
	}
	return states, nil
}

// observedAt lists the agents with what was observed of them around the instant.
func observedAt(ctx context.Context, source SampleSource, at time.Time, near Near, asked ingest.AgentSet) ([]StateAt, error) {
	expected := asked
	if asked.IsEmpty() {
		expected = near.Agents
	}
	var states []StateAt
	var seen []ingest.AgentID
	found := map[ingest.AgentID]Around{}
	for around, err := range source.Around(ctx, at, Hold(near.Longest).Truncate(time.Millisecond), asked) {
		if err != nil {
			return nil, err
		}
		found[around.Agent] = around
		seen = append(seen, around.Agent)
	}
	everyone := ingest.NewAgentSetOfRanges(append(expected.Ranges(), ingest.NewAgentSet(seen...).Ranges()...)...)
	for agent := range everyone.All() {
		around := found[agent]
		around.Agent = agent
		states = append(states, StateAt{Around: around})
	}
	return states, nil
}

// settle gives the agent the state that was observed at the instant, or, where a
// sample may still bridge the time since, the last one seen within hold. It
// reports whether there is such a state.
func (s *StateAt) settle(at time.Time, mayBridge bool) bool {
	o := s.observed(at)
	if mayBridge && 2*at.Sub(s.Before.At) <= 5*s.Before.Period {
		o, s.IsProvisional = &s.Before, true
	}
	if o == nil {
		return false
	}
	s.Measure, s.Status = o.Measure, o.Status
	return true
}
