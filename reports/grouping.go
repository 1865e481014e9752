package reports

import (
	"fmt"
	"slices"
	"strings"
)

// Unit is a length of local time that rows are kept apart by.
type Unit int

// The units. With NoUnit a row covers the whole window.
const (
	NoUnit Unit = iota
	QuarterHours
	HalfHours
	Hours
	Day
	Week  // from Monday, as in ISO 8601
	Month // of the calendar
)

var unitWords = map[string]Unit{
	"15m": QuarterHours, "30m": HalfHours, "60m": Hours, "day": Day, "week": Week, "month": Month,
}

// String returns the word --by takes, empty for NoUnit.
func (u Unit) String() string { return [...]string{"", "15m", "30m", "60m", "day", "week", "month"}[u] }

// minutes returns the length of a unit below a day, else 0.
func (u Unit) minutes() int { return [...]int{0, 15, 30, 60, 0, 0, 0}[u] }

// Grouping says what a report's rows are kept apart by, and their order. The
// zero value is one row for everything.
type Grouping struct {
	ByAgent   bool // rows of an agent id are also kept apart by person
	ByTeam    bool
	Unit      Unit
	UnitFirst bool // rows ascend by unit, then agent; else by agent, then unit
	TeamAfter int  // how many of agent and unit the rows are sorted by before team
}

// key is something rows are kept apart and sorted by.
type key int

const (
	keyAgent   key = iota // agent id and person
	keyAgentID            // agent id alone
	keyTeam
	keyUnit
)

// keys lists what rows are kept apart by, in the order they are sorted by.
func (g Grouping) keys() []key {
	var keys []key
	if g.ByAgent {
		keys = append(keys, keyAgent)
	}
	if g.Unit != NoUnit {
		keys = append(keys, keyUnit)
	}
	if g.UnitFirst {
		slices.Reverse(keys)
	}
	if g.ByTeam {
		keys = slices.Insert(keys, min(g.TeamAfter, len(keys)), keyTeam)
	}
	return keys
}

// ParseGrouping reads a --by: agent, team and at most one unit of 15m, 30m, 60m,
// day, week and month, comma separated. Rows are sorted by the first word, then the next.
// "none" and the empty text sum everything in one row.
func ParseGrouping(text string) (Grouping, error) {
	var g Grouping
	if text == "" || text == "none" {
		return g, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		unit, isUnit := unitWords[word]
		switch {
		case isUnit && g.Unit != NoUnit:
			return Grouping{}, fmt.Errorf("--by %q has two units of time, %s and %s; at most one fits", text, g.Unit, unit)
		case isUnit:
			g.Unit, g.UnitFirst = unit, !g.ByAgent
		case word == "agent" && g.ByAgent, word == "team" && g.ByTeam:
			return Grouping{}, fmt.Errorf("--by %q names %s twice", text, word)
		case word == "agent":
			g.ByAgent = true
		case word == "team":
			g.ByTeam, g.TeamAfter = true, len(g.keys())
		default:
			return Grouping{}, fmt.Errorf("--by %q: %q is not one of agent, team, 15m, 30m, 60m, day, week, month or none", text, word)
		}
	}
	return g, nil
}

// String writes the grouping as ParseGrouping reads it.
func (g Grouping) String() string {
	var words []string
	for _, k := range g.keys() {
		words = append(words, map[key]string{keyAgent: "agent", keyTeam: "team", keyUnit: g.Unit.String()}[k])
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ",")
}
