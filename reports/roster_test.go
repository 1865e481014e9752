package reports_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
)

// hours is a window of 2026-11-16 UTC, and one agent talking through it.
func hours(t *testing.T, from, to string) (reports.Window, *bins) {
	t.Helper()
	w := reports.Window{Span: reports.Span{From: clock(t, from), To: clock(t, to)}, Zone: time.UTC}
	source := &bins{horizon: w.To}
	for at := w.From; at.Before(w.To); at = at.Add(reports.QuarterHour) {
		source.rows = append(source.rows, talking(101, at.Format(time.RFC3339)))
	}
	return w, source
}

// Who and which team each row shows, from when, and how many quarter-hours.
func TestRowsOfPersons(t *testing.T) {
	tenure := func(name, team, from, to string) reports.Tenure {
		held := reports.Tenure{Agent: 101, Person: name, Name: name, Team: team, From: clock(t, from)}
		if to != "" {
			held.To = clock(t, to)
		}
		return held
	}
	given := reports.Roster{tenure("Ann", "Sales", "07:00", "08:30"), tenure("Bob", "Support", "08:30", "")}
	moved := reports.Roster{tenure("Ann", "Sales", "07:00", "08:15"), tenure("Ann", "Support", "08:15", "08:45"), tenure("Ann", "Sales", "08:45", "")}
	for name, c := range map[string]struct {
		roster reports.Roster
		by     string
		asOf   string
		teams  string
		want   string
	}{
		"nobody is known":                         {nil, "agent", "", "", "/=4"},
		"known before the window":                 {reports.Roster{tenure("Ann", "Sales", "07:00", "")}, "agent", "", "", "Ann/Sales=4"},
		"known from within the window":            {reports.Roster{tenure("Ann", "Sales", "08:15", "")}, "agent", "", "", "/=1 Ann/Sales=3"},
		"known after the window":                  {reports.Roster{tenure("Ann", "Sales", "09:00", "")}, "agent", "", "", "/=4"},
		"given to another":                        {given, "agent", "", "", "Ann/Sales=2 Bob/Support=2"},
		"given to another, by time":               {given, "30m,agent", "", "", "Ann/Sales=2 Bob/Support=2"},
		"given to another within a row's hour":    {given, "60m,agent", "", "", "Ann/Sales=2 Bob/Support=2"},
		"given to another, now":                   {given, "agent", "12:00", "", "Ann/Sales=2 Bob/Support=2"},
		"given to another, before that":           {given, "agent", "08:00", "", "Ann/Sales=2 Bob/Support=2"},
		"given away and back":                     {reports.Roster{tenure("Ann", "Sales", "07:00", "08:15"), tenure("Bob", "Sales", "08:15", "08:30"), tenure("Ann", "Sales", "08:30", "")}, "agent", "", "", "Ann/Sales=3 Bob/Sales=1"},
		"nobody's for a while":                    {reports.Roster{tenure("Ann", "Sales", "07:00", "08:15"), tenure("", "", "08:15", "08:30"), tenure("Ann", "Sales", "08:30", "")}, "agent", "", "", "Ann/Sales=3 /=1"},
		"one who moved is one row":                {moved, "agent", "", "", "Ann/Sales; Support=4"},
		"one who moved, by team":                  {moved, "agent,team", "", "", "Ann/Sales=2 Ann/Support=2"},
		"the team at the time":                    {moved, "team", "", "", "/Sales=2 /Support=2"},
		"the team now":                            {moved, "team", "12:00", "", "/Sales=4"},
		"the team then":                           {moved, "team", "08:30", "", "/Support=4"},
		"one team alone":                          {moved, "agent", "", "Support", "Ann/Support=2"},
		"one team alone, as it is now":            {moved, "agent", "12:00", "Support", ""},
		"time in no team":                         {reports.Roster{tenure("Ann", "", "08:15", "")}, "team", "", "(none)", "/=4"},
		"no team comes last":                      {reports.Roster{tenure("Ann", "Sales", "08:15", "")}, "team", "", "", "/Sales=3 /=1"},
		"without agents and teams nothing is cut": {given, "60m", "", "", "/=4"},
		"renamed, the same person": {reports.Roster{
			{Agent: 101, Person: "7", Name: "Ann Mayr", Team: "Sales", From: clock(t, "07:00"), To: clock(t, "08:30")},
			{Agent: 101, Person: "7", Name: "Ann Huber", Team: "Sales", From: clock(t, "08:30")},
		}, "agent", "", "", "Ann Huber/Sales=4"},
	} {
		t.Run(name, func(t *testing.T) {
			w, source := hours(t, "08:00", "09:00")
			source.roster = c.roster
			r := request(t, w, c.by)
			if c.asOf != "" {
				r.TeamAsOf = clock(t, c.asOf)
			}
			if c.teams != "" {
				r.Teams = []string{c.teams}
			}
			var got []string
			for _, row := range summarize(t, source, r).rows {
				if row.MS[reports.Talk] != row.Time {
					t.Errorf("%s talked %d ms of %d", row.Name, row.MS[reports.Talk], row.Time)
				}
				got = append(got, fmt.Sprintf("%s/%s=%d", row.Name, row.Team, row.Time/reports.QuarterHour.Milliseconds()))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %s, want %s", strings.Join(got, " "), c.want)
			}
		})
	}
}

// A person who holds another id now takes the time of the old one along.
func TestTheTeamNowIsThePersons(t *testing.T) {
	w, source := hours(t, "08:00", "09:00")
	source.roster = reports.Roster{
		{Agent: 101, Person: "7", Name: "Ann", Team: "Sales", From: clock(t, "07:00"), To: clock(t, "09:00")},
		{Agent: 101, Person: "8", Name: "Bob", Team: "Sales", From: clock(t, "09:00")},
		{Agent: 205, Person: "7", Name: "Ann", Team: "Support", From: clock(t, "09:00")},
	}
	r := request(t, w, "team")
	r.TeamAsOf = clock(t, "12:00")
	if got := summarize(t, source, r).rows; len(got) != 1 || got[0].Team != "Support" {
		t.Errorf("got %+v", got)
	}
}

func TestUnknownTeamsAreRefused(t *testing.T) {
	w, source := hours(t, "08:00", "09:00")
	var many reports.Roster
	for i := range 12 {
		many = append(many, reports.Tenure{Agent: ingest.AgentID(101 + i), Person: "p", Name: "n", Team: fmt.Sprintf("T%02d", i), From: w.From})
	}
	for name, c := range map[string]struct {
		roster reports.Roster
		teams  []string
		want   string
	}{
		"no roster":     {nil, []string{"Sales"}, `report states: team "Sales" is not in the roster: it has none; see talktime agents import --help`},
		"one of two":    {many[:2], []string{"T01", "t01", "x"}, `report states: team "t01, x" is not in the roster: it has T00, T01`},
		"of many":       {many, []string{"T1"}, `report states: team "T1" is not in the roster: it has T00, T01, T02, T03, T04, T05, T06, T07, T08, T09 and 2 more`},
		"the empty one": {many[:1], []string{""}, `report states: team "" is not in the roster: it has T00`},
	} {
		t.Run(name, func(t *testing.T) {
			source.roster = c.roster
			r := request(t, w, "team")
			r.Teams = c.teams
			sink := &rows{}
			_, err := reports.Summarize(t.Context(), source, r, sink)
			if _, ok := errors.AsType[*reports.UnknownTeamsError](err); !ok || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if sink.meta.Report != "" {
				t.Error("the report was begun all the same")
			}
		})
	}
}

func TestRosterAt(t *testing.T) {
	roster := reports.Roster{
		{Agent: 101, Name: "Ann", From: clock(t, "08:00"), To: clock(t, "09:00")},
		{Agent: 101, Name: "Bob", From: clock(t, "09:00"), To: clock(t, "10:00")},
		{Agent: 101, From: clock(t, "10:00")},
		{Agent: 102, Name: "Cid", From: clock(t, "08:30")},
	}
	for at, want := range map[string]string{"07:59": "", "08:00": "Ann", "08:59": "Ann Cid", "09:00": "Bob Cid", "10:00": "Cid"} {
		var names []string
		for _, held := range roster.At(clock(t, at)) {
			names = append(names, held.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("at %s: %s, want %s", at, got, want)
		}
	}
}
