package main

import (
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
)

// What a day comes to: who is due in two schedules at one instant is polled once, and
// a quarter-hour counts for those who are due in it.
func TestLoad(t *testing.T) {
	agents := func(first, last ingest.AgentID) ingest.AgentSet {
		return ingest.NewAgentSetOfRanges(ingest.AgentRange{First: first, Last: last})
	}
	schedule := func(cron string, of ingest.AgentSet, all bool) ingest.Schedule {
		s, err := ingest.NewSchedule("s", cron, "UTC", of, all)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	now := time.Date(2026, 11, 18, 11, 7, 3, 0, time.UTC)
	for _, c := range []struct {
		name      string
		schedules []ingest.Schedule
		want      load
	}{
		{"around the clock", []ingest.Schedule{schedule("*/10 * * * * *", agents(101, 200), false)}, load{100, 864_000, 8640, 9600}},
		{"all with a GUID", []ingest.Schedule{schedule("0 * * * * *", ingest.AgentSet{}, true)}, load{50, 72_000, 1440, 4800}},
		{"on sundays", []ingest.Schedule{schedule("0 0 * * * SUN", agents(101, 107), false)}, load{7, 24, 24. / 7, 24}},
		{
			"the same instants",
			[]ingest.Schedule{schedule("0 * * * * *", agents(101, 110), false), schedule("0 */15 * * * *", agents(106, 120), false)},
			load{20, 14_400 + 96*10, 1440 + 96, 96 * 20},
		},
		{"nothing", []ingest.Schedule{schedule("0 0 0 1 1 *", agents(101, 110), false)}, load{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := loadOf(c.schedules, agents(151, 200), now); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// Samples become runs and go, what is derived goes later, days stay.
func TestStocks(t *testing.T) {
	l := load{agents: 10, polls: 1000, ticks: 100, quarterHours: 960}
	c := &config{maintain: maintainConfig{
		retention:    store.Retention{Samples: store.Age{Days: 30}, Segments: store.Age{Days: 60}, QuarterHours: store.Age{Days: 60}, Ticks: store.Age{Days: 60}},
		compactAfter: store.Age{Days: 7},
	}}
	c.derive.calendars = make([]reports.Calendar, 2)
	const derived, days = 960*(store.BytesOfSegments+store.BytesOfQuarterHour) + 100*store.BytesOfTick, 2 * 10 * store.BytesOfDay
	check := func(name string, after float64, want float64) {
		t.Helper()
		if got := heldAfter(stocksOf(l, c), after); got != want {
			t.Errorf("%s: after %g days %g bytes are held, want %g", name, after, got, want)
		}
	}
	check("young", 5, 5*(1000*store.BytesOfSample+derived+days))
	check("compacted", 20, 8*1000*store.BytesOfSample+13*1000*store.BytesOfRunPoll+20*(derived+days))
	check("steady", 1000, 8*1000*store.BytesOfSample+24*1000*store.BytesOfRunPoll+91*derived+1000*days)
	if got := reached(stocksOf(l, c)); got != 91 {
		t.Errorf("retention is reached after %g days", got)
	}
	c.maintain.compactAfter = store.Age{}
	check("not compacted", 1000, 31*1000*store.BytesOfSample+91*derived+1000*days)
	c.maintain.retention.Samples = store.Age{}
	check("for ever", 1000, 1000*1000*store.BytesOfSample+91*derived+1000*days)
	if after, ever := daysToHold(stocksOf(l, c), 10*(1000*store.BytesOfSample+derived+days)); after != 10 || !ever {
		t.Errorf("what ten days bring is held after %d", after)
	}
}
