package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"talktime/ingest"
)

// Subject is the person whom the report subject is about, as GDPR Art. 15 calls
// who asks what is held about them: one person's time, never another's.
type Subject struct {
	Agent  ingest.AgentID // who was asked about
	Person string         // as Tenure has it; empty where the roster knows nobody of that agent
	Name   string         // the latest
	// Parts are the agents' time that is the person's, ascending by agent and From.
	// A zero From is since ever, a zero To without end.
	Parts []Part
}

// ManyPersonsError says that an agent id was held by several persons.
type ManyPersonsError struct {
	Agent   ingest.AgentID
	Tenures Roster // all of the agent's
}

func (e *ManyPersonsError) Error() string {
	return fmt.Sprintf("agent %d was held by several persons, and what is held about one is not for another: %s",
		e.Agent, strings.Join(e.Tenures.personTexts(), ", "))
}

// UnknownPersonError says that an agent id was never held by a person.
type UnknownPersonError struct {
	Agent  ingest.AgentID
	Person string
	Known  []string // who has held it
}

func (e *UnknownPersonError) Error() string {
	known := "nobody"
	if len(e.Known) > 0 {
		known = strings.Join(quoted(e.Known), ", ")
	}
	return fmt.Sprintf("agent %d was never held by %q: the roster has %s", e.Agent, e.Person, known)
}

// Subject returns the person who has held an agent id, and all of that person's
// time on any id. The person may be left out where the roster knows one at most;
// where it knows none, all of the id's time is the subject's. With unassigned, time
// of the id that the roster gives to nobody is taken for the person's, too. The
// error is a ManyPersonsError or an UnknownPersonError.
func (r Roster) Subject(agent ingest.AgentID, person string, unassigned bool) (Subject, error) {
	s := Subject{Agent: agent, Person: person}
	held := r.of(agent)
	known := held.persons()
	switch {
	case person != "" && !slices.Contains(known, person):
		return Subject{}, &UnknownPersonError{agent, person, known}
	case person == "" && len(known) > 1:
		return Subject{}, &ManyPersonsError{agent, held}
	case len(known) == 0:
		s.Parts = []Part{{Agent: agent}}
		return s, nil
	case person == "":
		s.Person = known[0]
	}
	var latest time.Time
	for _, t := range r {
		if t.Person == s.Person {
			s.Parts = append(s.Parts, Part{Agent: t.Agent, Span: Span{From: t.From, To: t.To}})
			if !t.From.Before(latest) {
				latest, s.Name = t.From, t.Name
			}
		}
	}
	if unassigned {
		s.Parts = append(s.Parts, Part{Agent: agent, Span: Span{To: held[0].From}})
		for _, t := range held {
			if t.Person == "" {
				s.Parts = append(s.Parts, Part{Agent: agent, Span: Span{From: t.From, To: t.To}})
			}
		}
	}
	s.Parts = joinParts(s.Parts)
	return s, nil
}

// persons returns who has held an agent's tenures, as they came.
func (r Roster) persons() []string {
	var persons []string
	for _, t := range r {
		if t.Person != "" && !slices.Contains(persons, t.Person) {
			persons = append(persons, t.Person)
		}
	}
	return persons
}

// personTexts names the persons of tenures, each with the date of the first.
func (r Roster) personTexts() []string {
	var texts []string
	for _, person := range r.persons() {
		i := slices.IndexFunc(r, func(t Tenure) bool { return t.Person == person })
		texts = append(texts, fmt.Sprintf("%q from %s", person, r[i].From.Format(time.DateOnly)))
	}
	return texts
}

func quoted(words []string) []string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = fmt.Sprintf("%q", word)
	}
	return texts
}

// joinParts sorts parts that do not overlap and joins those of an agent that follow
// each other, as where the team changed: a day across is all the person's.
func joinParts(parts []Part) []Part {
	slices.SortFunc(parts, func(a, b Part) int { return cmp.Or(cmp.Compare(a.Agent, b.Agent), a.From.Compare(b.From)) })
	var joined []Part
	for _, p := range parts {
		if n := len(joined); n > 0 && joined[n-1].Agent == p.Agent && joined[n-1].To.Equal(p.From) && !p.From.IsZero() {
			joined[n-1].To = p.To
			continue
		}
		joined = append(joined, p)
	}
	return joined
}
