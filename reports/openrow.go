package reports

import (
	"slices"
	"strings"
)

// openRow is a row while slots are added to it. Those of one agent come one
// after the other.
type openRow struct {
	Row
	grouping Grouping
	last     *part
	teams    []string // its agent's, in order of time
	day      agentDay // whose sums are not in the variance yet
	daySums  Sums
}

func (r *openRow) add(slot *slot, day agentDay) {
	if r.last == nil || r.last.Agent != slot.part.Agent {
		r.Agents++
	}
	if slot.part != r.last && r.grouping.ByAgent {
		r.Name = slot.part.name
		if team := slot.part.team; team != "" && !slices.Contains(r.teams, team) {
			r.teams = append(r.teams, team)
		}
	}
	r.last = slot.part
	r.Time += slot.span.Milliseconds()
	r.Sums.Add(&slot.sums)
	r.IsFinal = r.IsFinal && slot.isFinal
	r.Revision = max(r.Revision, slot.revision)
	if day != r.day {
		r.closeDay()
		r.day = day
	}
	r.daySums.Add(&slot.sums)
}

// closeDay moves the open agent's day into the variance.
func (r *openRow) closeDay() {
	for e, variance := range r.daySums.variances() {
		r.Variance[e] += variance
	}
	r.daySums = Sums{}
}

// close returns the row once nothing more belongs to it.
func (r *openRow) close() *Row {
	r.closeDay()
	r.Team = strings.Join(r.teams, "; ")
	if r.grouping.ByTeam {
		r.Team = r.last.team
	}
	return &r.Row
}
