package reports_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
)

// partsText writes parts as agent[from,to) in hours of 2026-11-16, nothing for an
// open end.
func partsText(parts []reports.Part) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		edge := func(at time.Time) string {
			if at.IsZero() {
				return ""
			}
			return at.Format("15:04")
		}
		texts[i] = fmt.Sprintf("%d[%s,%s)", p.Agent, edge(p.From), edge(p.To))
	}
	return strings.Join(texts, " ")
}

func TestSubjectOfAnAgent(t *testing.T) {
	tenure := func(agent ingest.AgentID, person, team, from, to string) reports.Tenure {
		held := reports.Tenure{Agent: agent, Person: person, Name: person, Team: team, From: clock(t, from)}
		if to != "" {
			held.To = clock(t, to)
		}
		return held
	}
	roster := reports.Roster{
		tenure(101, "Ann", "Sales", "07:00", "08:00"), tenure(101, "Ann", "Support", "08:00", "09:00"), tenure(101, "", "", "09:00", ""),
		tenure(102, "Bob", "", "07:00", "10:00"), tenure(102, "Ann", "", "10:00", ""),
		tenure(103, "", "", "07:00", ""),
	}
	for name, c := range map[string]struct {
		agent      ingest.AgentID
		person     string
		unassigned bool
		want       string
	}{
		"one person, on any id, whatever the team": {101, "", false, `"Ann" 101[07:00,09:00) 102[10:00,)`},
		"and time of nobody":                       {101, "", true, `"Ann" 101[,) 102[10:00,)`},
		"an id of several":                         {102, "", false, `agent 102 was held by several persons, and what is held about one is not for another: "Bob" from 2026-11-16, "Ann" from 2026-11-16`},
		"one of several":                           {102, "Bob", false, `"Bob" 102[07:00,10:00)`},
		"another of several":                       {102, "Ann", false, `"Ann" 101[07:00,09:00) 102[10:00,)`},
		"time of nobody alone":                     {102, "Bob", true, `"Bob" 102[,10:00)`},
		"an id the roster does not know":           {104, "", false, `"" 104[,)`},
		"an id that was always nobody's":           {103, "", false, `"" 103[,)`},
		"who never held it":                        {101, "Bob", false, `agent 101 was never held by "Bob": the roster has "Ann"`},
		"whom nobody knows":                        {104, "Bob", false, `agent 104 was never held by "Bob": the roster has nobody`},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := roster.Subject(c.agent, c.person, c.unassigned)
			got := fmt.Sprintf("%q %s", s.Person, partsText(s.Parts))
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Whatever the roster: all of an id's time is told of whoever held it then, and of
// nobody else.
func TestSubjectsShareNoTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var roster reports.Roster
		roster, _ = roster.Merge(drawLines(t))
		agent := ingest.AgentID(rapid.IntRange(101, 103).Draw(t, "agent"))
		person := rapid.SampledFrom(append([]string{""}, persons(roster, agent)...)).Draw(t, "person")
		unassigned := rapid.Bool().Draw(t, "unassigned")
		s, err := roster.Subject(agent, person, unassigned)
		if _, isMany := errors.AsType[*reports.ManyPersonsError](err); isMany {
			if person != "" || len(persons(roster, agent)) < 2 {
				t.Fatal(err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for id := ingest.AgentID(101); id < 104; id++ {
			for at := time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC); at.Day() < 25; at = at.AddDate(0, 0, 1) {
				isTold := slices.ContainsFunc(s.Parts, func(p reports.Part) bool {
					return p.Agent == id && !at.Before(p.From) && (p.To.IsZero() || at.Before(p.To))
				})
				holder := ""
				for _, tenure := range roster {
					if tenure.Agent == id && !at.Before(tenure.From) && (tenure.To.IsZero() || at.Before(tenure.To)) {
						holder = tenure.Person
					}
				}
				want := holder != "" && holder == s.Person || holder == "" && id == agent && (unassigned || s.Person == "")
				if isTold != want {
					t.Fatalf("agent %d at %s, held by %q, is told of %q: %t", id, at, holder, s.Person, isTold)
				}
			}
		}
	})
}

func persons(roster reports.Roster, agent ingest.AgentID) []string {
	var persons []string
	for _, t := range roster {
		if t.Agent == agent && t.Person != "" && !slices.Contains(persons, t.Person) {
			persons = append(persons, t.Person)
		}
	}
	return persons
}
