package store_test

import (
	"testing"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

// A quarter-hour is final when no tick that could change it is outstanding, 2.5
// of the largest period covering the agent past its end, and the settle delay
// has passed (metrics.md §1).
func TestFinal(t *testing.T) {
	const p, hold = 10 * time.Second, 25 * time.Second
	end := at(8, 15, 0)
	hourly := []store.Upcoming{{Agents: agentRange(101, 101), Period: time.Hour}}
	others := []store.Upcoming{{Agents: agentRange(102, 102), Period: time.Hour}}
	tests := map[string]struct {
		horizon  time.Time
		now      time.Time
		settle   time.Duration
		upcoming []store.Upcoming
		want     bool
	}{
		"at its end":                            {end, end, 0, nil, false},
		"before the hold is over":               {end.Add(hold - 1), end.Add(hold), 0, nil, false},
		"when the hold is over":                 {end.Add(hold), end.Add(hold), 0, nil, true},
		"before the settle delay is over":       {end.Add(hold), end.Add(15*time.Minute - time.Millisecond), 15 * time.Minute, nil, false},
		"when the settle delay is over":         {end.Add(hold), end.Add(15 * time.Minute), 15 * time.Minute, nil, true},
		"the horizon stands still":              {end, end.Add(time.Hour), 15 * time.Minute, nil, false},
		"a sparse tick of the agent's upcoming": {end.Add(hold), end.Add(time.Hour), 15 * time.Minute, hourly, false},
		"a sparse tick of another's upcoming":   {end.Add(hold), end.Add(time.Hour), 15 * time.Minute, others, true},
		"the sparse tick's hold is over":        {end.Add(150 * time.Minute), end.Add(150 * time.Minute), 15 * time.Minute, hourly, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			d.recordRounds(t, at(8, 0, 0), end.Add(time.Minute), ingest.NewAgentSet(101), idle)
			d.deriveWith(t, store.Deriving{Now: test.now, Settle: test.settle, Settled: store.Settled{Horizon: test.horizon, Upcoming: test.upcoming}})
			if got := one[bool](t, d, "SELECT is_final FROM talktime.quarter_hours WHERE bin_start_at = '2026-11-16 08:00Z'"); got != test.want {
				t.Errorf("final: %v, want %v", got, test.want)
			}
		})
	}
	if hold != 5*p/2 {
		t.Fatal("the hold of the rounds is another one")
	}
}

// Whatever happens between two derivations, a quarter-hour becomes final when
// it can, without a mark that says so.
func TestFinalInTheEnd(t *testing.T) {
	tests := map[string]struct {
		// between is what happens after the quarter-hours up to 08:15 were
		// derived at 08:15 and before they are looked at again.
		between func(t *testing.T, d database)
		at      time.Time // when they are looked at again: they must be final
	}{
		"the clock goes on": {
			func(*testing.T, database) {}, at(8, 30, 0),
		},
		"minute by minute": {
			func(t *testing.T, d database) {
				for minute := 16; minute < 30; minute++ {
					d.deriveDirty(t, at(8, minute, 0))
				}
			}, at(8, 30, 0),
		},
		"the horizon stood still for an hour": {
			func(t *testing.T, d database) {
				d.deriveWith(t, store.Deriving{Now: at(9, 15, 0), Settle: 15 * time.Minute, Settled: store.Settled{Horizon: at(8, 15, 0)}})
			}, at(9, 16, 0),
		},
		"another range was derived by hand": {
			func(t *testing.T, d database) {
				if _, err := d.DeriveRange(t.Context(), monday, at(1, 0, 0), deriving(at(8, 40, 0))); err != nil {
					t.Fatal(err)
				}
			}, at(8, 41, 0),
		},
		"the settle delay was longer": {
			func(t *testing.T, d database) {
				d.deriveWith(t, store.Deriving{Now: at(8, 59, 0), Settle: 24 * time.Hour, Settled: store.Settled{Horizon: at(8, 59, 0)}})
			}, at(10, 45, 0),
		},
		"a sparse schedule was announced and withdrawn": {
			func(t *testing.T, d database) {
				d.deriveWith(t, store.Deriving{Now: at(8, 59, 0), Settle: 15 * time.Minute, Settled: store.Settled{
					Horizon: at(8, 59, 0), Upcoming: []store.Upcoming{{Agents: ingest.NewAgentSet(101), Period: time.Hour}},
				}})
			}, at(10, 45, 0),
		},
		"a sparse round was taken by hand": {
			func(t *testing.T, d database) {
				_, samples := roundAt(at(8, 12, 0), ingest.NewAgentSet(101), idle)
				samples[0].Period = 20 * time.Minute
				if err := d.RecordByHand(t.Context(), samples); err != nil {
					t.Fatal(err)
				}
				d.deriveDirty(t, at(8, 59, 0))
			}, at(9, 5, 0),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			d.recordRounds(t, at(8, 0, 0), at(8, 15, 0), ingest.NewAgentSet(101), idle)
			d.deriveDirty(t, at(8, 14, 0))
			d.deriveDirty(t, at(8, 15, 0))
			expect(t, "open at 08:15", []string{"08:00"}, d.open(t))
			test.between(t, d)
			d.deriveDirty(t, test.at)
			if open := d.open(t); len(open) > 0 {
				t.Errorf("at %s the quarter-hours %s are not final", test.at.Format(time.TimeOnly), open)
			}
			if n := d.count(t, "SELECT count(*) FROM talktime.quarter_hours WHERE pending_ms > 0"); n > 0 {
				t.Errorf("%d rows have time pending", n)
			}
		})
	}
}
