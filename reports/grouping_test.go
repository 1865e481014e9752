package reports_test

import (
	"strings"
	"testing"

	"talktime/reports"
)

func TestParseGrouping(t *testing.T) {
	for text, want := range map[string]reports.Grouping{
		"":            {},
		"none":        {},
		"agent":       {ByAgent: true},
		"day":         {Unit: reports.Day, UnitFirst: true},
		"agent,15m":   {ByAgent: true, Unit: reports.QuarterHours},
		"30m,agent":   {ByAgent: true, Unit: reports.HalfHours, UnitFirst: true},
		"60m":         {Unit: reports.Hours, UnitFirst: true},
		"week":        {Unit: reports.Week, UnitFirst: true},
		"agent,month": {ByAgent: true, Unit: reports.Month},

		"team":           {ByTeam: true},
		"team,day":       {ByTeam: true, Unit: reports.Day, UnitFirst: true},
		"day,team":       {ByTeam: true, Unit: reports.Day, UnitFirst: true, TeamAfter: 1},
		"team,agent":     {ByTeam: true, ByAgent: true},
		"agent,team":     {ByTeam: true, ByAgent: true, TeamAfter: 1},
		"agent,15m,team": {ByTeam: true, ByAgent: true, Unit: reports.QuarterHours, TeamAfter: 2},
		"15m,team,agent": {ByTeam: true, ByAgent: true, Unit: reports.QuarterHours, UnitFirst: true, TeamAfter: 1},
	} {
		got, err := reports.ParseGrouping(text)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
		if again, err := reports.ParseGrouping(got.String()); err != nil || again != got {
			t.Errorf("%q is written as %q, which reads as %+v, %v", text, got, again, err)
		}
	}
	if _, err := reports.ParseGrouping(" agent , day "); err != nil {
		t.Errorf("spaces: %v", err)
	}
}

func TestParseGroupingRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"agent,15m,day": "two units of time, 15m and day",
		"day,day":       "two units",
		"agent,agent":   "names agent twice",
		"hour":          `"hour" is not one of agent, team, 15m, 30m, 60m, day, week, month or none`,
		"agent,":        `"" is not one of`,
		"none,agent":    `"none" is not one of`,
		"week,month":    "two units of time, week and month",
		"team,day,team": "names team twice",
	} {
		if _, err := reports.ParseGrouping(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func FuzzParseGrouping(f *testing.F) {
	f.Add("agent,15m")
	f.Add("60m,agent")
	f.Add("day,team,agent")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := reports.ParseGrouping(text)
		if err != nil {
			return
		}
		if again, err := reports.ParseGrouping(g.String()); err != nil || again != g {
			t.Errorf("%q gave %+v, written as %q", text, g, g)
		}
	})
}
