package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/sql/store"
)

// settled is a store.Settled in words.
type settled struct {
	Horizon  string
	Missed   int
	Upcoming []string
}

func inWords(s store.Settled) settled {
	words := settled{Horizon: s.Horizon.Format(time.TimeOnly), Missed: s.Missed}
	for _, u := range s.Upcoming {
		words.Upcoming = append(words.Upcoming, u.Agents.String()+" "+u.Period.String())
	}
	return words
}

func (d database) settle(t testing.TB, now time.Time) store.Settled {
	t.Helper()
	settled, err := d.Settle(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return settled
}

// The horizon is the first due instant that is not stored. While somebody holds
// the lease he may still bring it; else it is missed after two periods.
func TestSettle(t *testing.T) {
	team := agentRange(101, 110)
	tests := map[string]struct {
		declared time.Time
		taken    []time.Time
		now      time.Time
		held     bool // the recorder's lease
		want     settled
		missed   []string // due instants stored as missed then
	}{
		"nothing is due yet": {
			declared: at(8, 0, 0), now: at(8, 0, 0),
			want: settled{"08:00:00", 0, []string{"101-110 10s"}},
		},
		"nothing is due before the declaration": {
			declared: at(8, 0, 5), now: at(8, 0, 10),
			want: settled{"08:00:10", 0, []string{"101-110 10s"}},
		},
		"the recorder is slow": {
			declared: at(8, 0, 0), now: at(8, 5, 0), held: true,
			want: settled{"08:00:00", 0, []string{"101-110 10s"}},
		},
		"all is stored": {
			declared: at(8, 0, 0), taken: []time.Time{at(8, 0, 0), at(8, 0, 10)}, now: at(8, 0, 17), held: true,
			want: settled{"08:00:17", 0, []string{"101-110 10s"}},
		},
		"one is not stored": {
			declared: at(8, 0, 0), taken: []time.Time{at(8, 0, 0), at(8, 0, 20)}, now: at(8, 0, 30), held: true,
			want: settled{"08:00:10", 0, []string{"101-110 10s"}},
		},
		"nobody will bring what is two periods old": {
			declared: at(8, 0, 0), taken: []time.Time{at(8, 0, 0), at(8, 0, 20)}, now: at(8, 1, 0),
			want:   settled{"08:00:40", 2, []string{"101-110 10s"}},
			missed: []string{"08:00:10", "08:00:30"},
		},
		"two periods and no more are waited for": {
			declared: at(8, 0, 0), now: at(8, 0, 20),
			want: settled{"08:00:00", 0, []string{"101-110 10s"}},
		},
		"a millisecond more": {
			declared: at(8, 0, 0), now: at(8, 0, 20).Add(time.Millisecond),
			want:   settled{"08:00:10", 1, []string{"101-110 10s"}},
			missed: []string{"08:00:00"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			d.declare(t, test.declared, office(t, team))
			for _, due := range test.taken {
				tick, samples := roundAt(due, team, talking)
				d.record(t, tick, samples)
			}
			if test.held {
				lease := d.takeLease(t, monday)
				defer func() { release(t, lease, monday) }()
			}
			for range 2 { // settling again changes nothing
				if diff := cmp.Diff(test.want, inWords(d.settle(t, test.now))); diff != "" {
					t.Errorf("settled (-want +got):\n%s", diff)
				}
				got := all[string](t, d, "SELECT to_char(due_at, 'HH24:MI:SS') FROM talktime.ticks WHERE status = 'missed' ORDER BY due_at")
				if diff := cmp.Diff(test.missed, got); diff != "" && len(got)+len(test.missed) > 0 {
					t.Errorf("missed ticks (-want +got):\n%s", diff)
				}
				test.want.Missed = 0
			}
		})
	}
}

func TestSettleWithoutSchedules(t *testing.T) {
	want := settled{Horizon: "08:00:00"}
	if diff := cmp.Diff(want, inWords(newDatabase(t).settle(t, at(8, 0, 0)))); diff != "" {
		t.Errorf("settled (-want +got):\n%s", diff)
	}
}

// Each schedule counts while it was in force and by its own period; its ticks
// were due for the agents of that time.
func TestSettleFollowsDeclarations(t *testing.T) {
	d := newDatabase(t)
	first, second := agentRange(101, 110), agentRange(101, 120)
	hourly := newSchedule(t, "hourly", "0 0 * * * *", "UTC", agentRange(200, 201))
	d.declare(t, at(8, 0, 0), office(t, first), hourly)
	d.declare(t, at(8, 0, 25), office(t, second), hourly)
	d.declare(t, at(8, 0, 55), hourly)

	want := settled{"08:05:00", 6, []string{"200-201 1h0m0s"}}
	lease := d.takeLease(t, monday)
	if diff := cmp.Diff(settled{"08:00:00", 0, []string{"200-201 1h0m0s", "101-110 10s", "101-120 10s"}}, inWords(d.settle(t, at(8, 5, 0)))); diff != "" {
		t.Errorf("settled while the lease is held (-want +got):\n%s", diff)
	}
	if err := lease.Release(t.Context(), monday); err != nil {
		t.Fatal(err)
	}
	tick, samples := roundAt(at(8, 0, 0), agentRange(200, 201), idle)
	tick.Schedule, tick.Period = "hourly", time.Hour
	d.record(t, tick, samples)
	if diff := cmp.Diff(want, inWords(d.settle(t, at(8, 5, 0)))); diff != "" {
		t.Errorf("settled (-want +got):\n%s", diff)
	}
	wantTicks := []string{
		"hourly 08:00:00 taken p=3600000 agents={[200,202)} polls=2",
		"office 08:00:00 missed p=10000 agents={[101,111)} polls=0",
		"office 08:00:10 missed p=10000 agents={[101,111)} polls=0",
		"office 08:00:20 missed p=10000 agents={[101,111)} polls=0",
		"office 08:00:30 missed p=10000 agents={[101,121)} polls=0",
		"office 08:00:40 missed p=10000 agents={[101,121)} polls=0",
		"office 08:00:50 missed p=10000 agents={[101,121)} polls=0",
	}
	if diff := cmp.Diff(wantTicks, d.ticks(t)); diff != "" {
		t.Errorf("ticks (-want +got):\n%s", diff)
	}
}

// At night nothing is upcoming that could change the day.
func TestSettleBeforeANight(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 110)
	d.declare(t, at(17, 59, 40), newSchedule(t, "office", "*/10 * 8-17 * * *", "UTC", team))
	d.recordRounds(t, at(17, 59, 40), at(18, 0, 0), team, idle)
	if diff := cmp.Diff(settled{Horizon: "20:00:00"}, inWords(d.settle(t, at(20, 0, 0)))); diff != "" {
		t.Errorf("settled (-want +got):\n%s", diff)
	}
}

// The holder of the lease writes as missed whatever was not stored before it.
func TestCatchUp(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 110)
	d.declare(t, at(8, 0, 0), office(t, team))
	lease := d.takeLease(t, monday)
	defer func() { release(t, lease, monday) }()
	tick, samples := roundAt(at(8, 0, 10), team, talking)
	d.record(t, tick, samples)
	caught, err := d.CatchUp(t.Context(), at(8, 0, 40))
	if err != nil {
		t.Fatal(err)
	}
	want := settled{"08:00:40", 3, []string{"101-110 10s"}}
	if diff := cmp.Diff(want, inWords(caught)); diff != "" {
		t.Errorf("caught up (-want +got):\n%s", diff)
	}
}

// After a derivation only what was due since its horizon is looked for.
func TestSettleSinceTheLastDerivation(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 110)
	d.declare(t, at(8, 0, 0), office(t, team))
	d.recordRounds(t, at(8, 0, 0), at(8, 1, 0), team, talking)
	d.deriveDirty(t, at(8, 1, 0))
	d.exec(t, "DELETE FROM talktime.ticks WHERE due_at < '2026-11-16 08:00:30Z'")
	if diff := cmp.Diff(settled{"08:01:00", 0, []string{"101-110 10s"}}, inWords(d.settle(t, at(8, 1, 5)))); diff != "" {
		t.Errorf("settled (-want +got):\n%s", diff)
	}
}

// A recorder that was down for a weekend at 1 s is accounted for in seconds.
func TestCatchUpAWeekend(t *testing.T) {
	d := newDatabase(t)
	const weekend = 48 * time.Hour
	every := newSchedule(t, "office", "* * * * * *", "UTC", ingest.NewAgentSet(101, 103, 105, 200))
	d.declare(t, monday.Add(-weekend), every)
	began := time.Now()
	caught, err := d.CatchUp(t.Context(), monday)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("%d ticks in %s", caught.Missed, took.Round(time.Millisecond))
	if took > time.Minute {
		t.Errorf("it took %s", took)
	}
	stored := d.count(t, "SELECT count(*) FROM talktime.ticks WHERE status = 'missed' AND period_ms = 1000")
	if want := int(weekend / time.Second); caught.Missed != want || stored != want || !caught.Horizon.Equal(monday) {
		t.Errorf("%d ticks are missed, %d stored, up to %s; want %d up to %s", caught.Missed, stored, caught.Horizon, want, monday)
	}
}
