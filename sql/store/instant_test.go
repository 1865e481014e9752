package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store/internal/oracle"
)

// What everyone is told to have been doing at an instant is what the oracle
// counts the instant as, whichever days are compacted.
func TestAtAgreesWithTheOracle(t *testing.T) {
	bench := newRunsBench(t)
	rapid.Check(t, func(r *rapid.T) {
		c := oracle.Draw(r)
		bench.load(r, c)
		for _, day := range daysOf(c) {
			if rapid.Bool().Draw(r, "compact") {
				bench.compact(r, day)
			}
		}
		snapshot, err := bench.store.Snapshot(bench.ctx)
		if err != nil {
			r.Fatalf("%v", err)
		}
		defer snapshot.Close(bench.ctx)
		for range 5 {
			at := drawInstant(r, c)
			asked := ingest.NewAgentSet(agentsOf(c)...)
			if rapid.Bool().Draw(r, "all") {
				asked = ingest.AgentSet{}
			}
			states, err := statesAt(bench.ctx, snapshot, time.UnixMilli(at), asked)
			if err != nil {
				r.Fatalf("%v", err)
			}
			if !asked.IsEmpty() && len(states) != asked.Len() {
				r.Fatalf("%d states of %d agents", len(states), asked.Len())
			}
			for _, s := range states {
				if want := reports.Measure(oracle.MeasureAt(c, int32(s.Agent), at)); s.Measure != want {
					r.Fatalf("agent %d at %d is told %s, the oracle says %s: %+v", s.Agent, at, s.Measure, want, s.Around)
				}
			}
		}
	})
}

// statesAt reports everyone's state.
func statesAt(ctx context.Context, source reports.SampleSource, at time.Time, agents ingest.AgentSet) ([]reports.StateAt, error) {
	var sink kept[reports.StateAt]
	err := reports.At(ctx, source, reports.Request{Report: "at", At: at.UTC(), Agents: agents}, &sink)
	return sink.rows, err
}

// drawInstant draws an instant of a case, often one where something begins, ends
// or is due, or a millisecond beside it.
func drawInstant(r *rapid.T, c oracle.Case) int64 {
	from, to := reachOf(c)
	instants := []int64{rapid.Int64Range(from.UnixMilli(), to.UnixMilli()).Draw(r, "instant")}
	for _, s := range oracle.Segments(c) {
		instants = append(instants, s.From, s.To)
	}
	for _, s := range c.Samples {
		instants = append(instants, s.PolledAt, s.PolledAt+s.Period/2, s.PolledAt-s.Period/2)
	}
	return rapid.SampledFrom(instants).Draw(r, "at") + rapid.Int64Range(-1, 1).Draw(r, "beside")
}

func agentsOf(c oracle.Case) []ingest.AgentID {
	var agents []ingest.AgentID
	for _, s := range c.Samples {
		agents = append(agents, ingest.AgentID(s.AgentID))
	}
	for _, s := range c.Schedules {
		for _, agent := range s.Agents {
			agents = append(agents, ingest.AgentID(agent))
		}
	}
	slices.Sort(agents)
	return slices.Compact(agents)
}

// What nobody has taken yet is pending, and a state last seen within hold is
// told as provisional; where nothing is due any more, nothing is.
func TestAtNow(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 103)
	d.declare(t, at(7, 0, 0), newSchedule(t, "office", "*/10 * 8-9 * * *", "UTC", team))
	d.recordRounds(t, at(8, 0, 0), at(8, 1, 0), agentRange(101, 102), talking)
	for name, c := range map[string]struct {
		at            time.Time
		measure       reports.Measure
		isProvisional bool
	}{
		"between two samples":          {at(8, 0, 25), reports.Talk, false},
		"before anything was due":      {at(7, 59, 45), reports.Unscheduled, false},
		"the credit before the first":  {at(7, 59, 55), reports.Talk, false},
		"at the last sample":           {at(8, 0, 50), reports.Talk, true},
		"no later sample yet":          {at(8, 1, 7), reports.Talk, true},
		"at the hold":                  {at(8, 1, 15), reports.Talk, true},
		"a millisecond after the hold": {at(8, 1, 15).Add(time.Millisecond), reports.Pending, false},
		"long after":                   {at(8, 30, 0), reports.Pending, false},
		"after the schedule's end":     {at(10, 0, 30), reports.Unscheduled, false},
	} {
		t.Run(name, func(t *testing.T) {
			snapshot := d.snapshot(t)
			defer snapshot.Close(t.Context())
			states, err := statesAt(t.Context(), snapshot, c.at, ingest.AgentSet{})
			if err != nil {
				t.Fatal(err)
			}
			if len(states) != 3 {
				t.Fatalf("%d states, want 3 agents'", len(states))
			}
			if s := states[0]; s.Agent != 101 || s.Measure != c.measure || s.IsProvisional != c.isProvisional {
				t.Errorf("agent %d is %s, provisional %v, want %s, %v", s.Agent, s.Measure, s.IsProvisional, c.measure, c.isProvisional)
			}
		})
	}
}

// The samples around an instant and the last poll of who was not observed.
func TestAtTellsTheSamplesAround(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 102)
	d.declare(t, at(7, 0, 0), office(t, ingest.NewAgentSet(101)))
	for due := at(8, 0, 0); due.Before(at(8, 2, 0)); due = due.Add(10 * time.Second) {
		tick, samples := roundAt(due, team, idle)
		samples[1].Outcome, samples[1].Status = ingest.Unauthorized, ingest.Status{}
		tick.Polls[ingest.Observed], tick.Polls[ingest.Unauthorized] = 1, 1
		d.record(t, tick, samples)
	}
	snapshot := d.snapshot(t)
	defer snapshot.Close(t.Context())
	states, err := statesAt(t.Context(), snapshot, at(8, 1, 4), ingest.AgentSet{})
	if err != nil {
		t.Fatal(err)
	}
	if len(states) != 1 {
		t.Fatalf("%d states, want the one of agent 101: no schedule names 102", len(states))
	}
	if s := states[0]; !s.Before.At.Equal(at(8, 1, 0)) || !s.After.At.Equal(at(8, 1, 10)) || s.Status != idle || s.Measure != reports.Available {
		t.Errorf("agent 101 is told %+v", s)
	}
	if states, err = statesAt(t.Context(), snapshot, at(8, 1, 4), team); err != nil {
		t.Fatal(err)
	}
	if s := states[1]; s.Measure != reports.Failed || s.LastPoll.Outcome != ingest.Unauthorized || !s.LastPoll.PolledAt.Equal(at(8, 1, 0)) {
		t.Errorf("agent 102 is told %+v", s)
	}
}
