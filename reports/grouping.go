package reports

import (
	"fmt"
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
	ByAgent   bool
	Unit      Unit
	UnitFirst bool // rows ascend by unit, then agent; else by agent, then unit
}

// ParseGrouping reads a --by: agent and at most one unit of 15m, 30m, 60m,
// day, week and month, comma separated. Rows are sorted by the first word, then the second.
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
		case word == "agent" && g.ByAgent:
			return Grouping{}, fmt.Errorf("--by %q names agent twice", text)
		case word == "agent":
			g.ByAgent = true
		case word == "team":
			return Grouping{}, fmt.Errorf("--by %q: teams are not built yet; use agent, or --agent with the team's members", text)
		default:
			return Grouping{}, fmt.Errorf("--by %q: %q is not one of agent, 15m, 30m, 60m, day, week, month or none", text, word)
		}
	}
	return g, nil
}

// agentFirst reports whether rows are made agent by agent, so that only one
// agent's figures are kept at a time.
func (g Grouping) agentFirst() bool { return g.Unit == NoUnit || (g.ByAgent && !g.UnitFirst) }

// String writes the grouping as ParseGrouping reads it.
func (g Grouping) String() string {
	switch unit := g.Unit.String(); {
	case g.ByAgent && unit == "":
		return "agent"
	case g.ByAgent && g.UnitFirst:
		return unit + ",agent"
	case g.ByAgent:
		return "agent," + unit
	case unit == "":
		return "none"
	default:
		return unit
	}
}
