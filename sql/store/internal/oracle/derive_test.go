package oracle_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"talktime/sql/store/internal/oracle"
)

// check tries a property on random cases and their rows.
func check(t *testing.T, property func(t *rapid.T, c oracle.Case, rows []oracle.Row)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		c := oracle.Draw(t)
		property(t, c, oracle.Derive(c))
	})
}

// TestMeasuresSumToAQuarterHour is identity 1 of metrics.md §3.
func TestMeasuresSumToAQuarterHour(t *testing.T) {
	check(t, func(t *rapid.T, c oracle.Case, rows []oracle.Row) {
		for _, row := range rows {
			sum := int64(0)
			for i, ms := range row.MS {
				if ms < 0 {
					t.Errorf("agent %d, bin %d: %s is %d", row.AgentID, row.Bin, oracle.MeasureNames[i], ms)
				}
				sum += ms
			}
			if sum != oracle.QuarterHour {
				t.Errorf("agent %d, bin %d: the measures sum to %d", row.AgentID, row.Bin, sum)
			}
			if pending := max(0, row.Bin+oracle.QuarterHour-c.Horizon); row.MS[oracle.Pending] != pending {
				t.Errorf("agent %d, bin %d: pending is %d, want %d", row.AgentID, row.Bin, row.MS[oracle.Pending], pending)
			}
		}
	})
}

// TestBounds is identity 4 of metrics.md §3, before clipping: low ≤ ms ≤ low +
// reach. A group's time is that of its states, and its changes are among theirs.
func TestBounds(t *testing.T) {
	check(t, func(t *rapid.T, _ oracle.Case, rows []oracle.Row) {
		for _, row := range rows {
			ms := withGroups(row.MS[:oracle.Failed])
			edge := withGroups(row.Edge[:oracle.Failed])
			for i, name := range oracle.EvidenceNames {
				if row.Low[i] < 0 || row.Low[i] > ms[i] || ms[i] > row.Low[i]+row.Reach[i] {
					t.Errorf("agent %d, bin %d: %s is %d, low %d, reach %d",
						row.AgentID, row.Bin, name, ms[i], row.Low[i], row.Reach[i])
				}
				if row.Edge[i] > edge[i] || row.Edge[i] > row.ChangeMS {
					t.Errorf("agent %d, bin %d: edge of %s is %d, changes %d",
						row.AgentID, row.Bin, name, row.Edge[i], row.ChangeMS)
				}
				if row.Reach[i] > oracle.QuarterHour {
					t.Errorf("agent %d, bin %d: reach of %s is %d", row.AgentID, row.Bin, name, row.Reach[i])
				}
			}
		}
	})
}

// withGroups adds handle, not_ready and staffed to the figures of the states.
func withGroups(states []int64) []int64 {
	talk, acw := states[oracle.Talk], states[oracle.ACW]
	notReady := states[oracle.Busy] + states[oracle.Rest] + states[oracle.PreRest]
	staffed := talk + acw + notReady + states[oracle.Reserved] + states[oracle.Available] + states[oracle.Other]
	return append(slices.Clone(states), talk+acw, notReady, staffed)
}

// TestOrderAndDuplicatesChangeNothing is identity 5 of metrics.md §3.
func TestOrderAndDuplicatesChangeNothing(t *testing.T) {
	check(t, func(t *rapid.T, c oracle.Case, rows []oracle.Row) {
		again := oracle.Derive(shuffledTwice(c, rapid.Uint64().Draw(t, "seed")))
		if diff := oracle.Diff(again, rows); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRowsExist is the rule of metrics.md §4: a row wherever a tick was due
// before the horizon, none elsewhere unless something was seen, failed or
// missed, none from the horizon on, in order, on the grid.
func TestRowsExist(t *testing.T) {
	type key struct {
		agent int32
		bin   int64
	}
	check(t, func(t *rapid.T, c oracle.Case, rows []oracle.Row) {
		due := map[key]bool{}
		for _, s := range c.Schedules {
			for _, tick := range s.Ticks {
				if tick.Due >= c.Horizon {
					continue
				}
				for _, agent := range s.Agents {
					due[key{agent, tick.Due / oracle.QuarterHour * oracle.QuarterHour}] = true
				}
			}
		}
		exists := map[key]bool{}
		for i, row := range rows {
			k := key{row.AgentID, row.Bin}
			exists[k] = true
			if !due[k] && slices.Max(row.MS[:oracle.Unscheduled]) == 0 {
				t.Errorf("agent %d, bin %d: a row where nothing was due and nothing happened", k.agent, k.bin)
			}
			if k.bin >= c.Horizon || k.bin%oracle.QuarterHour != 0 {
				t.Errorf("agent %d, bin %d: horizon is %d", k.agent, k.bin, c.Horizon)
			}
			if i > 0 && (k.agent < rows[i-1].AgentID || k.agent == rows[i-1].AgentID && k.bin <= rows[i-1].Bin) {
				t.Errorf("agent %d, bin %d: out of order", k.agent, k.bin)
			}
		}
		for k := range due {
			if !exists[k] {
				t.Errorf("agent %d, bin %d: no row where a tick was due", k.agent, k.bin)
			}
		}
	})
}

// TestHorizonOnlyCuts: a row that ends before the horizon is the one that any
// later horizon gives (metrics.md §1).
func TestHorizonOnlyCuts(t *testing.T) {
	check(t, func(t *rapid.T, c oracle.Case, rows []oracle.Row) {
		open := func(row oracle.Row) bool { return row.Bin+oracle.QuarterHour > c.Horizon }
		early := slices.DeleteFunc(rows, open)
		later := c
		later.Horizon += rapid.Int64Range(0, 10*oracle.QuarterHour).Draw(t, "later")
		late := slices.DeleteFunc(oracle.Derive(later), open)
		if diff := oracle.Diff(late, early); diff != "" {
			t.Error(diff)
		}
	})
}

// TestAgentsAreIndependent: an agent's rows need no other agent's samples.
func TestAgentsAreIndependent(t *testing.T) {
	check(t, func(t *rapid.T, c oracle.Case, rows []oracle.Row) {
		var apart []oracle.Row
		for _, agent := range []int32{101, 205, 4711, 4712, 59999} {
			alone := oracle.Case{Horizon: c.Horizon}
			for _, s := range c.Schedules {
				if slices.Contains(s.Agents, agent) {
					s.Agents = []int32{agent}
					alone.Schedules = append(alone.Schedules, s)
				}
			}
			for _, s := range c.Samples {
				if s.AgentID == agent {
					alone.Samples = append(alone.Samples, s)
				}
			}
			apart = append(apart, oracle.Derive(alone)...)
		}
		if diff := oracle.Diff(apart, rows); diff != "" {
			t.Error(diff)
		}
	})
}
