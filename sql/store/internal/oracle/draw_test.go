package oracle_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"talktime/sql/store/internal/oracle"
)

const hour = int64(3600 * 1000)

// TestDrawKeepsTheStoresPromises: what cannot be in a store is not drawn.
func TestDrawKeepsTheStoresPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := oracle.Draw(t)
		for _, s := range c.Schedules {
			if len(s.Agents) == 0 {
				t.Errorf("schedule %s has no agents", s.Name)
			}
			for i, tick := range s.Ticks {
				if i > 0 && tick.Due <= s.Ticks[i-1].Due {
					t.Errorf("schedule %s: due %d after %d", s.Name, tick.Due, s.Ticks[i-1].Due)
				}
				if tick.Period < 1 || tick.Period > hour {
					t.Errorf("schedule %s: p is %d", s.Name, tick.Period)
				}
			}
		}
		for _, s := range c.Samples {
			if s.Period < 1 || s.Period > hour {
				t.Errorf("a sample's p is %d", s.Period)
			}
			if seen := s.Outcome == oracle.Observed; (s.State != nil) != seen || (s.Working != nil) != seen {
				t.Errorf("a sample that is %s has state %v, working %v", s.Outcome, s.State, s.Working)
			}
		}
	})
}

// TestDrawReachesEverything: among a few hundred cases there is each of the
// situations metrics.md §1-§5 has a rule for.
func TestDrawReachesEverything(t *testing.T) {
	seen := map[string]int{}
	for seed := range 400 {
		c := oracle.Random(seed)
		for what := range situations(c) {
			seen[what]++
		}
	}
	for _, what := range []string{
		"four agents", "three schedules", "no tick", "tick missed", "tick past the horizon", "not linked",
		"period changes", "agent not in every schedule", "ticks due at once",
		"skipped", "unreachable", "not_signed_in", "working with an idle code", "unknown code", "stored twice",
		"two pairs in one millisecond", "rows out of order", "agent never due", "sample past the horizon",
		"talk", "rest", "other", "failed", "recorder_down", "unscheduled", "pending", "entirely recorder_down",
		"conflict", "reach of a group", "no row", "row without a tick", "tick without time", "many rows",
	} {
		if seen[what] == 0 {
			t.Errorf("%s: never", what)
		}
	}
	t.Log(seen)
}

func situations(c oracle.Case) map[string]bool {
	is := map[string]bool{}
	agents, due := map[int32]int{}, map[int64]bool{}
	dueBins := map[int32]map[int64]bool{}
	for _, s := range c.Schedules {
		for _, agent := range s.Agents {
			agents[agent]++
			if dueBins[agent] == nil {
				dueBins[agent] = map[int64]bool{}
			}
			for _, tick := range s.Ticks {
				dueBins[agent][tick.Due-tick.Due%oracle.QuarterHour] = true
			}
		}
		is["no tick"] = is["no tick"] || len(s.Ticks) == 0
		for i, tick := range s.Ticks {
			is["tick missed"] = is["tick missed"] || tick.Status == oracle.Missed
			is["tick past the horizon"] = is["tick past the horizon"] || tick.Due >= c.Horizon
			is["ticks due at once"] = is["ticks due at once"] || due[tick.Due]
			if i > 0 {
				before := s.Ticks[i-1]
				is["not linked"] = is["not linked"] || 2*(tick.Due-before.Due) > 5*max(tick.Period, before.Period)
				is["period changes"] = is["period changes"] || tick.Period != before.Period
			}
		}
		for _, tick := range s.Ticks {
			due[tick.Due] = true
		}
	}
	is["four agents"] = len(agents) == 4
	is["three schedules"] = len(c.Schedules) == 3
	for _, n := range agents {
		is["agent not in every schedule"] = is["agent not in every schedule"] || n < len(c.Schedules)
	}

	type moment struct {
		agent int32
		at    int64
	}
	first := map[moment]oracle.Sample{}
	for i, s := range c.Samples {
		is[s.Outcome] = true
		is["agent never due"] = is["agent never due"] || agents[s.AgentID] == 0
		is["sample past the horizon"] = is["sample past the horizon"] || s.PolledAt >= c.Horizon
		is["rows out of order"] = is["rows out of order"] || i > 0 && s.PolledAt < c.Samples[i-1].PolledAt
		if s.Outcome != oracle.Observed {
			continue
		}
		is["working with an idle code"] = is["working with an idle code"] || *s.Working && *s.State == 4
		is["unknown code"] = is["unknown code"] || *s.State < 0 || *s.State > 9
		m := moment{s.AgentID, s.PolledAt}
		if other, found := first[m]; found {
			same := *other.State == *s.State && *other.Working == *s.Working
			is["stored twice"] = is["stored twice"] || same
			is["two pairs in one millisecond"] = is["two pairs in one millisecond"] || !same
		}
		first[m] = s
	}

	rows := oracle.Derive(c)
	is["no row"] = len(rows) == 0
	is["many rows"] = len(rows) > 20
	for _, row := range rows {
		for i, name := range oracle.MeasureNames {
			is[name] = is[name] || row.MS[i] > 0
		}
		is["entirely recorder_down"] = is["entirely recorder_down"] || row.MS[oracle.RecorderDown] == oracle.QuarterHour
		is["conflict"] = is["conflict"] || row.Conflicts > 0
		is["reach of a group"] = is["reach of a group"] || row.Reach[oracle.NotReady] > 0
		hasTime := slices.Max(row.MS[:oracle.Unscheduled]) > 0
		is["row without a tick"] = is["row without a tick"] || !dueBins[row.AgentID][row.Bin]
		is["tick without time"] = is["tick without time"] || !hasTime
	}
	for what, yes := range is {
		if !yes {
			delete(is, what)
		}
	}
	return is
}
