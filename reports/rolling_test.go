package reports_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/reports"
)

func TestRolling(t *testing.T) {
	const berlin, lordHowe = "Europe/Berlin", "Australia/Lord_Howe"
	tests := map[string]struct {
		rolling  reports.Rolling
		zone     string
		dayStart string
		at       string
		from, to string // local
		hours    float64
	}{
		"yesterday":                              {reports.Yesterday, berlin, "00:00", "2026-11-17T02:15:00+01:00", "2026-11-16 00:00", "2026-11-17 00:00", 24},
		"yesterday, the clock went forward":      {reports.Yesterday, berlin, "00:00", "2026-03-30T02:15:00+02:00", "2026-03-29 00:00", "2026-03-30 00:00", 23},
		"yesterday, the clock went back":         {reports.Yesterday, berlin, "00:00", "2026-10-26T02:15:00+01:00", "2026-10-25 00:00", "2026-10-26 00:00", 25},
		"yesterday, by half an hour":             {reports.Yesterday, lordHowe, "00:00", "2026-04-06T12:00:00+10:30", "2026-04-05 00:00", "2026-04-06 00:00", 24.5},
		"a day that begins at four":              {reports.Yesterday, berlin, "04:00", "2026-11-17T05:00:00+01:00", "2026-11-16 04:00", "2026-11-17 04:00", 24},
		"before the day has begun":               {reports.Yesterday, berlin, "04:00", "2026-11-17T03:59:00+01:00", "2026-11-15 04:00", "2026-11-16 04:00", 24},
		"a day that begins in the skipped hour":  {reports.Yesterday, berlin, "02:30", "2026-03-29T12:00:00+02:00", "2026-03-28 02:30", "2026-03-29 03:00", 23.5},
		"last week, on its Monday":               {reports.LastWeek, berlin, "00:00", "2026-11-16T00:00:00+01:00", "2026-11-09 00:00", "2026-11-16 00:00", 168},
		"last week, on a Sunday":                 {reports.LastWeek, berlin, "00:00", "2026-11-22T23:59:00+01:00", "2026-11-09 00:00", "2026-11-16 00:00", 168},
		"last week, with a clock change":         {reports.LastWeek, berlin, "00:00", "2026-10-26T06:00:00+01:00", "2026-10-19 00:00", "2026-10-26 00:00", 169},
		"last week, Monday has not begun":        {reports.LastWeek, berlin, "04:00", "2026-11-16T03:00:00+01:00", "2026-11-02 04:00", "2026-11-09 04:00", 168},
		"last week, over the new year":           {reports.LastWeek, "UTC", "00:00", "2027-01-04T01:00:00Z", "2026-12-28 00:00", "2027-01-04 00:00", 168},
		"month to date":                          {reports.MonthToDate, "UTC", "00:00", "2026-11-17T02:00:00Z", "2026-11-01 00:00", "2026-11-17 00:00", 16 * 24},
		"month to date, on the first":            {reports.MonthToDate, "UTC", "00:00", "2026-12-01T02:00:00Z", "2026-11-01 00:00", "2026-12-01 00:00", 30 * 24},
		"month to date, on the second":           {reports.MonthToDate, "UTC", "00:00", "2026-12-02T02:00:00Z", "2026-12-01 00:00", "2026-12-02 00:00", 24},
		"month to date, the first has not begun": {reports.MonthToDate, "UTC", "06:00", "2026-12-01T05:00:00Z", "2026-11-01 06:00", "2026-11-30 06:00", 29 * 24},
		"month to date, February of a leap year": {reports.MonthToDate, "UTC", "00:00", "2028-03-01T00:00:00Z", "2028-02-01 00:00", "2028-03-01 00:00", 29 * 24},
		"yesterday, east of the date line":       {reports.Yesterday, "Pacific/Auckland", "00:00", "2026-11-16T12:00:00Z", "2026-11-16 00:00", "2026-11-17 00:00", 24},
		"yesterday, west of Greenwich":           {reports.Yesterday, "America/New_York", "00:00", "2026-11-17T04:59:00Z", "2026-11-15 00:00", "2026-11-16 00:00", 24},
		"after a date that was left out":         {reports.Yesterday, "Pacific/Apia", "00:00", "2011-12-31T12:00:00+14:00", "2011-12-29 00:00", "2011-12-31 00:00", 24},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			zone, err := reports.ParseZone(test.zone)
			if err != nil {
				t.Fatal(err)
			}
			start, err := reports.ParseDayStart(test.dayStart)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, test.at)
			if err != nil {
				t.Fatal(err)
			}
			w := reports.Calendar{Zone: zone, DayStart: start}.Rolling(test.rolling, at)
			const layout = "2006-01-02 15:04"
			if from, to := w.From.In(zone).Format(layout), w.To.In(zone).Format(layout); from != test.from || to != test.to {
				t.Errorf("%s to %s, want %s to %s", from, to, test.from, test.to)
			}
			if hours := w.To.Sub(w.From).Hours(); hours != test.hours {
				t.Errorf("%g hours, want %g", hours, test.hours)
			}
			if w.Zone != zone || w.DayStart != start {
				t.Errorf("the window is read with %s from %s", w.Zone, w.DayStart)
			}
		})
	}
}

// A rolling window is over when it is asked for, is of whole days, and the one
// that holds its last day is itself.
func TestRollingWindowsAreOver(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "Asia/Kathmandu"}
	rapid.Check(t, func(r *rapid.T) {
		zone, err := reports.ParseZone(rapid.SampledFrom(zones).Draw(r, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		c := reports.Calendar{Zone: zone, DayStart: time.Duration(rapid.IntRange(0, 95).Draw(r, "start")) * 15 * time.Minute}
		at := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(r, "at"), 0)
		rolling := rapid.SampledFrom([]reports.Rolling{reports.Yesterday, reports.LastWeek, reports.MonthToDate}).Draw(r, "rolling")
		w := c.Rolling(rolling, at)
		if w.To.After(at) || !w.From.Before(w.To) {
			r.Fatalf("%s at %s is %s to %s", rolling, at, w.From, w.To)
		}
		days := c.Days(w.Span)
		if len(days) == 0 || !days[0].From.Equal(w.From) || !days[len(days)-1].To.Equal(w.To) {
			r.Fatalf("%s at %s is %s to %s, not of whole days", rolling, at, w.From, w.To)
		}
		date, err := time.Parse(time.DateOnly, days[len(days)-1].Date)
		if err != nil {
			r.Fatal(err)
		}
		if held := c.Holding(rolling, date); held.Span != w.Span {
			r.Fatalf("the %s that holds %s is %v, want %v", rolling, days[len(days)-1].Date, held.Span, w.Span)
		}
	})
}

func TestParseRolling(t *testing.T) {
	for _, word := range []string{"yesterday", "last_week", "month_to_date"} {
		if r, err := reports.ParseRolling(word); err != nil || r.String() != word {
			t.Errorf("%s is read as %s, %v", word, r, err)
		}
	}
	if _, err := reports.ParseRolling("last week"); err == nil {
		t.Error("last week is accepted")
	}
}
