package reports_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/reports"
)

// The zones whose clocks are hardest: half-hour changes, quarter-hour offsets,
// changes at midnight, and the common ones.
var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham", "America/Santiago",
}

func TestDaysHaveTheirQuarterHours(t *testing.T) {
	for _, c := range []struct {
		zone, date string
		want       int
	}{
		{"Europe/Berlin", "2026-03-29", 92},
		{"Europe/Berlin", "2026-10-25", 100},
		{"Europe/Berlin", "2026-11-16", 96},
		{"America/New_York", "2026-03-08", 92},
		{"America/New_York", "2026-11-01", 100},
		{"Australia/Lord_Howe", "2026-04-05", 98},
		{"Australia/Lord_Howe", "2026-10-04", 94},
		{"Pacific/Chatham", "2026-04-05", 100},
		{"Pacific/Chatham", "2026-09-27", 92},
		{"America/Santiago", "2026-04-04", 100},
		{"America/Santiago", "2026-09-06", 92},
		{"Asia/Kathmandu", "2026-11-16", 96},
	} {
		t.Run(c.zone+" "+c.date, func(t *testing.T) {
			w, err := reports.ParseWindow(c.date, "", zone(t, c.zone), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(w.Spans(reports.QuarterHours)); got != c.want {
				t.Errorf("%d quarter-hours, want %d", got, c.want)
			}
			if days := w.Spans(reports.Day); len(days) != 1 || days[0] != w.Span {
				t.Errorf("the day is cut into %v", days)
			}
		})
	}
}

// By hand: 672 quarter-hours a week, 96 a day of the month, and what the change
// of clocks adds or takes.
func TestWeeksAndMonthsHaveTheirQuarterHours(t *testing.T) {
	for _, c := range []struct {
		zone, from, to string
		unit           reports.Unit
		want           int
	}{
		{"Europe/Berlin", "2026-03-23", "2026-03-30", reports.Week, 672 - 4},
		{"Europe/Berlin", "2026-10-19", "2026-10-26", reports.Week, 672 + 4},
		{"Europe/Berlin", "2026-12-28", "2027-01-04", reports.Week, 672}, // 2026-W53
		{"America/New_York", "2026-03-02", "2026-03-09", reports.Week, 672 - 4},
		{"America/New_York", "2026-10-26", "2026-11-02", reports.Week, 672 + 4},
		{"Australia/Lord_Howe", "2026-03-30", "2026-04-06", reports.Week, 672 + 2},
		{"Australia/Lord_Howe", "2026-09-28", "2026-10-05", reports.Week, 672 - 2},
		{"Asia/Kathmandu", "2026-11-16", "2026-11-23", reports.Week, 672},
		{"America/Santiago", "2026-03-30", "2026-04-06", reports.Week, 672 + 4},
		{"America/Santiago", "2026-08-31", "2026-09-07", reports.Week, 672 - 4}, // Sunday has no midnight
		{"America/Santiago", "2023-08-28", "2023-09-04", reports.Week, 672 - 4},
		{"Pacific/Chatham", "2026-03-30", "2026-04-06", reports.Week, 672 + 4},
		{"Pacific/Chatham", "2026-09-21", "2026-09-28", reports.Week, 672 - 4},
		{"Europe/Berlin", "2026-03-01", "2026-04-01", reports.Month, 31*96 - 4},
		{"Europe/Berlin", "2026-10-01", "2026-11-01", reports.Month, 31*96 + 4},
		{"America/New_York", "2026-03-01", "2026-04-01", reports.Month, 31*96 - 4},
		{"America/New_York", "2026-11-01", "2026-12-01", reports.Month, 30*96 + 4}, // the change is on the 1st
		{"Australia/Lord_Howe", "2026-04-01", "2026-05-01", reports.Month, 30*96 + 2},
		{"Australia/Lord_Howe", "2026-10-01", "2026-11-01", reports.Month, 31*96 - 2},
		{"Asia/Kathmandu", "2028-02-01", "2028-03-01", reports.Month, 29 * 96},
		{"America/Santiago", "2026-04-01", "2026-05-01", reports.Month, 30*96 + 4},
		{"America/Santiago", "2026-09-01", "2026-10-01", reports.Month, 30*96 - 4},
		{"Pacific/Chatham", "2026-04-01", "2026-05-01", reports.Month, 30*96 + 4},
		{"Pacific/Chatham", "2026-09-01", "2026-10-01", reports.Month, 30*96 - 4},
	} {
		t.Run(c.zone+" "+c.from+" "+c.unit.String(), func(t *testing.T) {
			w, err := reports.ParseWindow(c.from, c.to, zone(t, c.zone), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(w.Spans(reports.QuarterHours)); got != c.want {
				t.Errorf("%d quarter-hours, want %d", got, c.want)
			}
			wider := w
			wider.From, wider.To = w.From.AddDate(0, 0, -2), w.To.AddDate(0, 0, 2)
			if units := wider.Spans(c.unit); len(units) != 3 || units[1] != w.Span {
				t.Errorf("it and two days on either side are cut into %v", units)
			}
		})
	}
}

func TestSpansFollowLocalLabels(t *testing.T) {
	for name, c := range map[string]struct {
		zone, from, to string
		unit           reports.Unit
		want           string // local starts and lengths
	}{
		"hours in Kathmandu begin at 15 past UTC": {
			"Asia/Kathmandu", "2026-11-16T03:15:00Z", "2026-11-16T05:15:00Z", reports.Hours,
			"09:00+0545 1h0m0s, 10:00+0545 1h0m0s",
		},
		"a cut window has short ends": {
			"Europe/Berlin", "2026-11-16T07:30:00Z", "2026-11-16T09:15:00Z", reports.Hours,
			"08:30+0100 30m0s, 09:00+0100 1h0m0s, 10:00+0100 15m0s",
		},
		"the hour lived twice": {
			"Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", reports.Hours,
			"02:00+0200 1h0m0s, 02:00+0100 1h0m0s",
		},
		"the hour left out": {
			"Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z", reports.Hours,
			"01:00+0100 1h0m0s, 03:00+0200 1h0m0s",
		},
		"half an hour lived twice": {
			"Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z", reports.Hours,
			"01:00+1100 1h0m0s, 01:30+1030 30m0s",
		},
		"half hours on Chatham": {
			"Pacific/Chatham", "2026-11-16T10:15:00Z", "2026-11-16T11:15:00Z", reports.HalfHours,
			"00:00+1345 30m0s, 00:30+1345 30m0s",
		},
		"two days": {
			"Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-26T23:00:00Z", reports.Day,
			"00:00+0200 25h0m0s, 00:00+0100 24h0m0s",
		},
		"a clock set back over midnight: time goes on in the later day": {
			"America/St_Johns", "2010-11-06T02:30:00Z", "2010-11-08T03:30:00Z", reports.Day,
			"00:00-0230 24h0m0s, 00:00-0230 25h0m0s",
		},
		"no unit": {
			"Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-26T23:00:00Z", reports.NoUnit,
			"00:00+0200 49h0m0s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			z := zone(t, c.zone)
			w := reports.Window{Span: reports.Span{From: instant(t, c.from), To: instant(t, c.to)}, Zone: z}
			var got []string
			for _, s := range w.Spans(c.unit) {
				got = append(got, s.From.In(z).Format("15:04-0700")+" "+s.To.Sub(s.From).String())
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), c.want)
			}
		})
	}
}

func TestSpansTileAnyWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWindow(t, 40*96)
		unit := rapid.SampledFrom([]reports.Unit{
			reports.NoUnit, reports.QuarterHours, reports.HalfHours, reports.Hours, reports.Day, reports.Week, reports.Month,
		}).Draw(t, "unit")
		at := w.From
		calendar := reports.Calendar{Zone: w.Zone, DayStart: w.DayStart}
		dates := map[string]bool{}
		days := map[time.Time]bool{}
		for _, day := range w.Spans(reports.Day) {
			days[day.From] = true
		}
		for _, s := range w.Spans(unit) {
			if !s.From.Equal(at) || !s.From.Before(s.To) {
				t.Fatalf("span %v does not continue at %v", s, at)
			}
			at = s.To
			date := calendar.Date(s.From).Format(time.DateOnly)
			if unit == reports.Day && dates[date] {
				t.Fatalf("two spans for %s", date)
			}
			dates[date] = true
			last := s.To.Add(-reports.QuarterHour)
			local := calendar.Date(s.From)
			switch {
			case s.From.Equal(w.From):
			case unit >= reports.Day && !days[s.From]:
				t.Fatalf("span %v begins within a day", s)
			case unit == reports.Week && local.Weekday() != time.Monday, unit == reports.Month && local.Day() != 1:
				t.Fatalf("a %v begins on %v", unit, local)
			}
			if unit == reports.Week && s.To.Sub(s.From) > 7*24*time.Hour+time.Hour || unit == reports.Month && calendar.Date(last).Month() != local.Month() {
				t.Fatalf("span %v is longer than a %v", s, unit)
			}
			if unit != reports.NoUnit && unit <= reports.Day && calendar.Date(last).Format(time.DateOnly) != date {
				t.Fatalf("span %v reaches into the next day", s)
			}
		}
		if !at.Equal(w.To) {
			t.Fatalf("the spans end at %v, the window at %v", at, w.To)
		}
	})
}

// drawWindow draws a window of at most the given quarter-hours, often across a
// change of clocks and with days that do not begin at midnight.
func drawWindow(t *rapid.T, most int) reports.Window {
	z, err := reports.ParseZone(rapid.SampledFrom(zones).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	base := rapid.SampledFrom([]time.Time{
		time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 4, 20, 0, 0, 0, time.UTC),
		time.Date(2026, 9, 6, 2, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC),
	}).Draw(t, "base")
	from := base.Add(time.Duration(rapid.IntRange(-96, 96).Draw(t, "from")) * reports.QuarterHour)
	dayStart := time.Duration(rapid.SampledFrom([]int{0, 0, 0, 2, 9, 10, 16, 94}).Draw(t, "day start")) * reports.QuarterHour
	length := time.Duration(rapid.IntRange(1, most).Draw(t, "quarter-hours")) * reports.QuarterHour
	return reports.Window{Span: reports.Span{From: from, To: from.Add(length)}, Zone: z, DayStart: dayStart}
}
