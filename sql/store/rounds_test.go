package store_test

import (
	"testing"
	"time"

	"talktime/ingest"
)

// monday is the first instant of an ordinary day.
var monday = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)

// at returns an instant of monday.
func at(hour, minute, second int) time.Time {
	return monday.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
}

// agentRange is the set of agents from first to last.
func agentRange(first, last ingest.AgentID) ingest.AgentSet {
	return ingest.NewAgentSetOfRanges(ingest.AgentRange{First: first, Last: last})
}

// roundAt is a round of schedule office, every 10 s: all agents are seen in the
// same state at the due instant.
func roundAt(due time.Time, agents ingest.AgentSet, status ingest.Status) (ingest.Tick, []ingest.Sample) {
	tick := missedAt(due, agents)
	tick.Status, tick.StartedAt, tick.FinishedAt = ingest.Taken, due, due.Add(time.Second)
	var samples []ingest.Sample
	for agent := range agents.All() {
		samples = append(samples, ingest.Sample{
			AgentID: agent, Period: tick.Period, Poll: ingest.Poll{PolledAt: due, Outcome: ingest.Observed, Status: status},
		})
	}
	tick.Polls[ingest.Observed] = len(samples)
	return tick, samples
}

// missedAt is a tick of schedule office that nobody took.
func missedAt(due time.Time, agents ingest.AgentSet) ingest.Tick {
	return ingest.Tick{Schedule: "office", DueAt: due, Period: 10 * time.Second, Agents: agents, Status: ingest.Missed}
}

// The pairs most tests need.
var (
	talking = ingest.Status{AgentState: 7, IsWorking: true}
	idle    = ingest.Status{AgentState: 4}
)

// record stores a round.
func (d database) record(t testing.TB, tick ingest.Tick, samples []ingest.Sample) {
	t.Helper()
	if err := d.Record(t.Context(), tick, samples); err != nil {
		t.Fatal(err)
	}
}

// recordRounds stores rounds each 10 s of [from, to), all agents in one state.
func (d database) recordRounds(t testing.TB, from, to time.Time, agents ingest.AgentSet, status ingest.Status) {
	t.Helper()
	for due := from; due.Before(to); due = due.Add(10 * time.Second) {
		tick, samples := roundAt(due, agents, status)
		d.record(t, tick, samples)
	}
}
