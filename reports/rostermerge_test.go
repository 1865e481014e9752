package reports_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
)

// clock is an hour of 2026-11-16 UTC.
func clock(t *testing.T, hour string) time.Time {
	t.Helper()
	return instant(t, "2026-11-16T"+hour+":00Z")
}

// lines reads "hour name/team [person]", of agent 101, from a text.
func lines(t *testing.T, text string) []reports.Tenure {
	t.Helper()
	var tenures []reports.Tenure
	for line := range strings.SplitSeq(text, ";") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		fields := append(strings.Fields(line), "")
		name, team, _ := strings.Cut(fields[1], "/")
		tenures = append(tenures, reports.Tenure{Agent: 101, Person: fields[2], Name: name, Team: team, From: clock(t, fields[0])})
	}
	return tenures
}

// told writes a roster: "08:00-09:00 Ann/Sales <agent 101: Ann>".
func told(roster reports.Roster) string {
	var all []string
	for _, t := range roster {
		to := ""
		if !t.To.IsZero() {
			to = t.To.Format("15:04")
		}
		all = append(all, fmt.Sprintf("%s-%s %s/%s <%s>", t.From.Format("15:04"), to, t.Name, t.Team, strings.TrimPrefix(t.Person, "agent 101: ")))
	}
	return strings.Join(all, "; ")
}

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct{ first, then, want, changes string }{
		"into nothing":            {"", "08:00 Ann/S; 09:00 Ann/T", "08:00-09:00 Ann/S <Ann>; 09:00- Ann/T <Ann>", "new Ann/S; new Ann/T"},
		"the same again":          {"08:00 Ann/S; 09:00 Bob/S", "08:00 Ann/S; 09:00 Bob/S", "08:00-09:00 Ann/S <Ann>; 09:00- Bob/S <Bob>", ""},
		"part of it again":        {"08:00 Ann/S; 09:00 Bob/S", "09:00 Bob/S", "08:00-09:00 Ann/S <Ann>; 09:00- Bob/S <Bob>", ""},
		"later":                   {"08:00 Ann/S", "10:00 Ann/T", "08:00-10:00 Ann/S <Ann>; 10:00- Ann/T <Ann>", "new Ann/T"},
		"between":                 {"08:00 Ann/S; 10:00 Ann/T", "09:00 Bob/S", "08:00-09:00 Ann/S <Ann>; 09:00-10:00 Bob/S <Bob>; 10:00- Ann/T <Ann>", "new Bob/S after Ann"},
		"before":                  {"08:00 Ann/S", "07:00 Bob/S", "07:00-08:00 Bob/S <Bob>; 08:00- Ann/S <Ann>", "new Bob/S"},
		"a corrected team":        {"08:00 Ann/S; 09:00 Ann/T", "08:00 Ann/U", "08:00-09:00 Ann/U <Ann>; 09:00- Ann/T <Ann>", "Ann/S to Ann/U"},
		"a corrected name":        {"08:00 Anm/S", "08:00 Ann/S", "08:00- Ann/S <Ann>", "Anm/S to Ann/S"},
		"a new person":            {"08:00 Ann/S", "09:00 Bob/S", "08:00-09:00 Ann/S <Ann>; 09:00- Bob/S <Bob>", "new Bob/S after Ann"},
		"nobody":                  {"08:00 Ann/S", "09:00 /", "08:00-09:00 Ann/S <Ann>; 09:00- / <>", "new /"},
		"back again":              {"08:00 Ann/S; 09:00 /", "10:00 Ann/S", "08:00-09:00 Ann/S <Ann>; 09:00-10:00 / <>; 10:00- Ann/S <Ann>", "new Ann/S"},
		"a key":                   {"08:00 Ann/S 7", "09:00 Eve/S 7", "08:00-09:00 Ann/S <7>; 09:00- Eve/S <7>", "new Eve/S"},
		"a key that is not told":  {"08:00 Ann/S 7", "08:00 Ann/T; 09:00 Ann/U", "08:00-09:00 Ann/T <7>; 09:00- Ann/U <7>", "Ann/S to Ann/T; new Ann/U"},
		"a key comes later":       {"08:00 Ann/S", "08:00 Ann/S 7", "08:00- Ann/S <7>", "Ann/S to Ann/S"},
		"two of one name by keys": {"08:00 Ann/S 7", "09:00 Ann/S 8", "08:00-09:00 Ann/S <7>; 09:00- Ann/S <8>", "new Ann/S after Ann"},
	} {
		t.Run(name, func(t *testing.T) {
			roster, _ := reports.Roster{}.Merge(lines(t, c.first))
			merged, changes := roster.Merge(lines(t, c.then))
			if got := told(merged); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			var all []string
			for _, change := range changes {
				text := fmt.Sprintf("%s/%s to %s/%s", change.Before.Name, change.Before.Team, change.After.Name, change.After.Team)
				if change.IsNew() {
					text = fmt.Sprintf("new %s/%s", change.After.Name, change.After.Team)
				}
				if change.Held != "" {
					text += " after " + change.Held
				}
				all = append(all, text)
			}
			if got := strings.Join(all, "; "); got != c.changes {
				t.Errorf("changes %q, want %q", got, c.changes)
			}
		})
	}
}

// drawLines draws the lines of a roster file, as ParseRoster gives them.
func drawLines(t *rapid.T) []reports.Tenure {
	var all []reports.Tenure
	start := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	for agent := ingest.AgentID(101); agent < 104; agent++ {
		for i := range 5 {
			if !rapid.Bool().Draw(t, "given") {
				continue
			}
			line := reports.Tenure{Agent: agent, From: start.AddDate(0, 0, i)}
			if line.Name = rapid.SampledFrom([]string{"Ann", "Bob", ""}).Draw(t, "name"); line.Name != "" {
				line.Team = rapid.SampledFrom([]string{"", "S", "T"}).Draw(t, "team")
				line.Person = rapid.SampledFrom([]string{"", "", "7", "8"}).Draw(t, "person")
			}
			all = append(all, line)
		}
	}
	return all
}

// Whatever is imported in whatever order: tenures follow each other, each line
// stands as it was given last, and importing again changes nothing.
func TestMergedRostersHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var roster reports.Roster
		type key struct {
			agent ingest.AgentID
			from  time.Time
		}
		given := map[key]reports.Tenure{}
		for range rapid.IntRange(1, 4).Draw(t, "files") {
			file := drawLines(t)
			before := len(roster)
			merged, changes := roster.Merge(file)
			added := 0
			for _, c := range changes {
				if c.IsNew() {
					added++
				}
			}
			if len(merged) != before+added {
				t.Fatalf("%d tenures and %d new ones are %d", before, added, len(merged))
			}
			roster = merged
			again, changes := roster.Merge(file)
			if len(changes) > 0 || !slices.Equal(again, roster) {
				t.Fatalf("the second time changed %+v", changes)
			}
			for _, line := range file {
				given[key{line.Agent, line.From}] = line
			}
		}
		if len(roster) != len(given) {
			t.Fatalf("%d tenures of %d lines", len(roster), len(given))
		}
		for i, h := range roster {
			line := given[key{h.Agent, h.From}]
			if h.Name != line.Name || h.Team != line.Team || line.Person != "" && h.Person != line.Person || (h.Person == "") != (h.Name == "") {
				t.Fatalf("the line %+v became %+v", line, h)
			}
			var end time.Time
			if i+1 < len(roster) && roster[i+1].Agent == h.Agent {
				end = roster[i+1].From
			}
			if h.To != end || !end.IsZero() && !h.From.Before(end) {
				t.Fatalf("%+v does not end at %v", h, end)
			}
		}
		// The whole is the same as everything at once, but for who is whom.
		var lines []reports.Tenure
		for _, h := range roster {
			h.To = time.Time{}
			lines = append(lines, h)
		}
		if once, _ := (reports.Roster{}).Merge(lines); !gocmp.Equal(once, roster) {
			t.Fatalf("at once %+v, file by file %+v", once, roster)
		}
	})
}
