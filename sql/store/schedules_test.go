package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/sql/store"
)

func newSchedule(t testing.TB, name, cron, zone string, agents ingest.AgentSet) ingest.Schedule {
	t.Helper()
	s, err := ingest.NewSchedule(name, cron, zone, agents, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// office is a schedule every 10 s of the whole day.
func office(t testing.TB, agents ingest.AgentSet) ingest.Schedule {
	t.Helper()
	return newSchedule(t, "office", "*/10 * * * * *", "UTC", agents)
}

func (d database) declare(t testing.TB, at time.Time, schedules ...ingest.Schedule) {
	t.Helper()
	if err := d.Declare(t.Context(), ingest.Declaration{At: at, Schedules: schedules}); err != nil {
		t.Fatal(err)
	}
}

// declared lists the schedules in force since an instant, in words.
func declared(t *testing.T, s *store.Store, since time.Time) []string {
	t.Helper()
	inForce, err := s.InForce(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range inForce {
		to := "now"
		if !f.To.IsZero() {
			to = f.To.Format(time.TimeOnly)
		}
		agents := f.Agents().String()
		if f.All() {
			agents = "all: " + agents
		}
		lines = append(lines, fmt.Sprintf("%s %q %s %s [%s, %s)", f.Name(), f.Cron(), f.Zone(), agents, f.From.Format(time.TimeOnly), to))
	}
	return lines
}

func TestDeclare(t *testing.T) {
	team, others := agentRange(101, 110), ingest.NewAgentSet(102, 200)
	every10s := newSchedule(t, "office", "*/10 * * * * *", "UTC", team)
	night := newSchedule(t, "night", "0 * 20-23 * * *", "Europe/Berlin", others)
	everybody := func(agents ingest.AgentSet) ingest.Schedule {
		s, err := ingest.NewSchedule("everybody", "*/30 * * * * *", "UTC", agents, true)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const (
		officeOpen = `office "*/10 * * * * *" UTC 101-110 [08:00:00, now)`
		officeShut = `office "*/10 * * * * *" UTC 101-110 [08:00:00, 09:00:00)`
		nightOpen  = `night "0 * 20-23 * * *" Europe/Berlin 102,200 [08:00:00, now)`
	)
	tests := map[string]struct {
		first, second []ingest.Schedule // declared at 08:00 and at 09:00
		want          []string
	}{
		"the first":      {nil, []ingest.Schedule{every10s}, []string{`office "*/10 * * * * *" UTC 101-110 [09:00:00, now)`}},
		"equal":          {[]ingest.Schedule{every10s, night}, []ingest.Schedule{night, every10s}, []string{nightOpen, officeOpen}},
		"none":           {nil, nil, nil},
		"gone":           {[]ingest.Schedule{every10s, night}, []ingest.Schedule{night}, []string{nightOpen, officeShut}},
		"all gone":       {[]ingest.Schedule{every10s}, nil, []string{officeShut}},
		"another cron":   {[]ingest.Schedule{every10s}, []ingest.Schedule{newSchedule(t, "office", "*/5 * * * * *", "UTC", team)}, []string{officeShut, `office "*/5 * * * * *" UTC 101-110 [09:00:00, now)`}},
		"another zone":   {[]ingest.Schedule{every10s}, []ingest.Schedule{newSchedule(t, "office", "*/10 * * * * *", "Asia/Kathmandu", team)}, []string{officeShut, `office "*/10 * * * * *" Asia/Kathmandu 101-110 [09:00:00, now)`}},
		"other agents":   {[]ingest.Schedule{every10s, night}, []ingest.Schedule{every10s.WithAgents(others), night}, []string{nightOpen, officeShut, `office "*/10 * * * * *" UTC 102,200 [09:00:00, now)`}},
		"all, nobody":    {nil, []ingest.Schedule{everybody(ingest.AgentSet{})}, []string{`everybody "*/30 * * * * *" UTC all:  [09:00:00, now)`}},
		"all, the same":  {[]ingest.Schedule{everybody(team)}, []ingest.Schedule{everybody(team)}, []string{`everybody "*/30 * * * * *" UTC all: 101-110 [08:00:00, now)`}},
		"all, then some": {[]ingest.Schedule{everybody(team)}, []ingest.Schedule{newSchedule(t, "everybody", "*/30 * * * * *", "UTC", team)}, []string{`everybody "*/30 * * * * *" UTC all: 101-110 [08:00:00, 09:00:00)`, `everybody "*/30 * * * * *" UTC 101-110 [09:00:00, now)`}},
		"all, one more":  {[]ingest.Schedule{everybody(team)}, []ingest.Schedule{everybody(agentRange(101, 111))}, []string{`everybody "*/30 * * * * *" UTC all: 101-110 [08:00:00, 09:00:00)`, `everybody "*/30 * * * * *" UTC all: 101-111 [09:00:00, now)`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			d.declare(t, at(8, 0, 0), test.first...)
			d.declare(t, at(9, 0, 0), test.second...)
			if diff := cmp.Diff(test.want, declared(t, d.Store, monday)); diff != "" {
				t.Errorf("schedules (-want +got):\n%s", diff)
			}
		})
	}
}

// InForce leaves out what was closed at or before the given instant.
func TestInForceSince(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 110)
	d.declare(t, at(8, 0, 0), office(t, team))
	d.declare(t, at(9, 0, 0))
	for since, want := range map[time.Time]int{at(7, 0, 0): 1, at(9, 0, 0).Add(-time.Millisecond): 1, at(9, 0, 0): 0, {}: 1} {
		if got := declared(t, d.Store, since); len(got) != want {
			t.Errorf("in force since %s: %q, want %d", since, got, want)
		}
	}
}

// A clock that was set back closes what it finds open where that began, and the
// new declaration counts from the earlier instant on.
func TestDeclareInThePast(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 110)
	d.declare(t, at(8, 0, 0), office(t, team))
	d.declare(t, at(7, 30, 0), newSchedule(t, "office", "*/5 * * * * *", "UTC", team))
	want := []string{
		`office "*/5 * * * * *" UTC 101-110 [07:30:00, now)`,
		`office "*/10 * * * * *" UTC 101-110 [08:00:00, 08:00:00)`,
	}
	if diff := cmp.Diff(want, declared(t, d.Store, monday)); diff != "" {
		t.Errorf("schedules (-want +got):\n%s", diff)
	}
	settled, err := d.Settle(t.Context(), at(8, 0, 10))
	if err != nil {
		t.Fatal(err)
	}
	// 30 min at 5 s, nothing of the declaration that never ran; 08:00:00 and :05 are not two periods old yet.
	if want := 30 * 12; settled.Missed != want {
		t.Errorf("%d ticks are missed, want %d", settled.Missed, want)
	}
}

// Recorders that declare at once take turns: one declaration of each name is in
// force then, and it is whole.
func TestDeclareAtOnce(t *testing.T) {
	d := newDatabase(t)
	const programs = 6
	var running sync.WaitGroup
	errs := make([]error, programs)
	for i := range programs {
		s := openStore(t, d.url)
		agents := agentRange(101, ingest.AgentID(101+i))
		schedules := []ingest.Schedule{office(t, agents), newSchedule(t, "night", "0 * 20-23 * * *", "UTC", agents)}
		running.Go(func() { errs[i] = s.Declare(t.Context(), ingest.Declaration{At: at(8, 0, i), Schedules: schedules}) })
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	sets := all[string](t, d, `SELECT agents::text FROM talktime.schedules JOIN talktime.agent_sets USING (agent_set_id) WHERE valid_to IS NULL`)
	if len(sets) != 2 || sets[0] != sets[1] {
		t.Errorf("in force are schedules for %q, want two for the same agents", sets)
	}
}

func TestDeclareTwoOfOneName(t *testing.T) {
	d := newDatabase(t)
	twice := []ingest.Schedule{office(t, agentRange(101, 102)), office(t, agentRange(103, 104))}
	if err := d.Declare(t.Context(), ingest.Declaration{At: at(8, 0, 0), Schedules: twice}); err == nil {
		t.Error("two schedules of one name were declared")
	}
	if got := declared(t, d.Store, monday); len(got) > 0 {
		t.Errorf("the failed declaration left %q", got)
	}
}

// Sets with as many holes as there are agents go in and come back whole.
func TestAgentSetsWithHoles(t *testing.T) {
	var odd []ingest.AgentID
	for a := ingest.MinAgentID; a < ingest.MinAgentID+120_000; a += 2 {
		odd = append(odd, a)
	}
	for name, agents := range map[string]ingest.AgentSet{
		"60,000 single agents": ingest.NewAgentSet(odd...),
		"one":                  ingest.NewAgentSet(ingest.LimitMaxAgentID),
		"everybody":            agentRange(ingest.MinAgentID, ingest.LimitMaxAgentID),
		"three":                ingest.NewAgentSet(101, 103, 104, 200),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			schedule := office(t, agents)
			d.declare(t, at(8, 0, 0), schedule)
			d.declare(t, at(9, 0, 0), schedule)
			d.record(t, ingest.Tick{Schedule: "office", DueAt: at(8, 0, 0), Period: 10 * time.Second, Agents: agents}, nil)
			inForce, err := d.InForce(t.Context(), monday)
			if err != nil {
				t.Fatal(err)
			}
			if len(inForce) != 1 || !inForce[0].Equal(schedule) {
				t.Errorf("declared twice, %d schedules are in force, want the one", len(inForce))
			}
			if n := d.count(t, "SELECT count(*) FROM talktime.agent_sets"); n != 1 {
				t.Errorf("%d sets are stored, want 1", n)
			}
		})
	}
}
