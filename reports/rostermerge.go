package reports

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// RosterChange is one line of a roster file that is not in the roster yet.
type RosterChange struct {
	// Before is the tenure that began at the same instant and is corrected; zero
	// where none did.
	Before Tenure
	After  Tenure
	// Held is the person's name who held the agent id until then, where it is
	// another person's.
	Held string
}

// IsNew reports whether the change adds a tenure.
func (c *RosterChange) IsNew() bool { return c.Before.Agent == 0 }

// Merge puts the lines of a roster file (ParseRoster) into the roster and returns
// the new one, with what changed, in order of agent and From. A line replaces
// the tenure that begins at the same instant; every tenure ends where its
// agent's next begins. Merging the same lines again changes nothing.
//
// A line's person is told by its key. Without one, the line is of the person it
// is in the roster for already, or who held the id just before, if the name is
// the same; else the agent id and the name together are the person. So the same
// name is the same person, and another name from a later instant is a new one.
func (r Roster) Merge(lines []Tenure) (Roster, []RosterChange) {
	old := make(map[rosterKey]Tenure, len(r))
	for _, t := range r {
		old[rosterKey{t.Agent, t.From}] = t
	}
	given := make(map[rosterKey]bool, len(lines))
	merged := slices.Clone(Roster(lines))
	for _, t := range lines {
		given[rosterKey{t.Agent, t.From}] = true
	}
	for _, t := range r {
		if !given[rosterKey{t.Agent, t.From}] {
			merged = append(merged, t)
		}
	}
	slices.SortFunc(merged, func(a, b Tenure) int { return cmp.Or(cmp.Compare(a.Agent, b.Agent), a.From.Compare(b.From)) })

	var changes []RosterChange
	for i := range merged {
		t := &merged[i]
		var previous Tenure
		if i > 0 && merged[i-1].Agent == t.Agent {
			previous = merged[i-1]
		}
		t.To = time.Time{}
		if i+1 < len(merged) && merged[i+1].Agent == t.Agent {
			t.To = merged[i+1].From
		}
		key := rosterKey{t.Agent, t.From}
		if !given[key] {
			continue
		}
		before := old[key]
		t.Person = t.personAfter(before, previous)
		if before.Agent == t.Agent && before.Person == t.Person && before.Name == t.Name && before.Team == t.Team {
			continue
		}
		change := RosterChange{Before: before, After: *t}
		if previous.Person != t.Person && t.Person != "" {
			change.Held = previous.Name
		}
		changes = append(changes, change)
	}
	return merged, changes
}

// personAfter tells whose a given line is: before is what the roster has from
// its instant on, previous the tenure that ends there.
func (t *Tenure) personAfter(before, previous Tenure) string {
	switch {
	case t.Person != "" || t.Name == "":
		return t.Person
	case before.Name == t.Name:
		return before.Person
	case previous.Name == t.Name:
		return previous.Person
	default:
		return fmt.Sprintf("agent %d: %s", t.Agent, t.Name)
	}
}
