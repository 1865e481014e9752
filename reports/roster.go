package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"talktime/ingest"
)

// Tenure is a time in which an agent id was one person's, who had one name and
// was in one team. Where the id was nobody's, Person, Name and Team are empty.
type Tenure struct {
	Agent ingest.AgentID
	// Person tells persons apart: the roster's own key, or the agent id and the
	// name where it has none.
	Person     string
	Name, Team string
	From, To   time.Time // UTC, on quarter-hours; To is zero while it lasts
}

// covers reports whether the tenure holds the instant.
func (t *Tenure) covers(at time.Time) bool {
	return !at.Before(t.From) && (t.To.IsZero() || at.Before(t.To))
}

// Roster is who held which agent id when, ascending by agent and From. The
// tenures of an agent follow each other without a gap; before the first nothing
// is known.
type Roster []Tenure

// At returns the tenures that hold an instant, without those of nobody.
func (r Roster) At(at time.Time) Roster {
	var held Roster
	for _, t := range r {
		if t.covers(at) && t.Name != "" {
			held = append(held, t)
		}
	}
	return held
}

// of returns the tenures of one agent.
func (r Roster) of(agent ingest.AgentID) Roster {
	first, _ := slices.BinarySearchFunc(r, agent, func(t Tenure, a ingest.AgentID) int { return cmp.Compare(t.Agent, a) })
	end := first
	for end < len(r) && r[end].Agent == agent {
		end++
	}
	return r[first:end]
}

// teamsAt returns each person's team at an instant: that of the latest tenure
// begun by then, so who has left counts for the last team. One that has yet to
// begin counts for the first.
func (r Roster) teamsAt(at time.Time) map[string]string {
	telling := map[string]*Tenure{}
	for i := range r {
		t := &r[i]
		known := telling[t.Person]
		if known == nil || isLaterAt(at, t, known) {
			telling[t.Person] = t
		}
	}
	teams := make(map[string]string, len(telling))
	for person, t := range telling {
		teams[person] = t.Team
	}
	return teams
}

// isLaterAt reports whether t rather than u tells a person's team at an instant.
func isLaterAt(at time.Time, t, u *Tenure) bool {
	if begun := !t.From.After(at); begun == u.From.After(at) {
		return begun
	} else if !begun {
		return t.From.Before(u.From)
	}
	return t.From.After(u.From)
}

// NoTeam is how a team filter and a table name the time that is in no team:
// before an agent id's first tenure, while it is nobody's, or in a tenure
// without a team. Machine formats leave the team empty.
const NoTeam = "(none)"

// UnknownTeamsError is a team filter with names that no tenure has.
type UnknownTeamsError struct {
	Unknown, Known []string
}

// Error names the unknown teams and up to ten that there are.
func (e *UnknownTeamsError) Error() string {
	const most = 10
	known := strings.Join(e.Known[:min(len(e.Known), most)], ", ")
	switch {
	case len(e.Known) == 0:
		known = "it has none; see talktime agents import --help"
	case len(e.Known) > most:
		known = fmt.Sprintf("it has %s and %d more", known, len(e.Known)-most)
	default:
		known = "it has " + known
	}
	return fmt.Sprintf("team %q is not in the roster: %s", strings.Join(e.Unknown, ", "), known)
}

// CheckTeams returns an UnknownTeamsError where a name is neither a team's nor
// NoTeam.
func (r Roster) CheckTeams(names []string) error {
	known := map[string]bool{}
	for _, t := range r {
		if t.Team != "" {
			known[t.Team] = true
		}
	}
	fault := &UnknownTeamsError{}
	for _, name := range names {
		if !known[name] && name != NoTeam {
			fault.Unknown = append(fault.Unknown, name)
		}
	}
	if len(fault.Unknown) == 0 {
		return nil
	}
	for name := range known {
		fault.Known = append(fault.Known, name)
	}
	slices.Sort(fault.Known)
	return fault
}
