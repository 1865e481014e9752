package reports_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/reports"
)

// A business day has the quarter-hours between its start and the next day's, so
// the change of clocks lies in the day before where it comes before the start.
func TestBusinessDaysHaveTheirQuarterHours(t *testing.T) {
	for _, c := range []struct {
		zone, start, date string
		want              int
	}{
		{"Europe/Berlin", "04:00", "2026-03-28", 92},
		{"Europe/Berlin", "04:00", "2026-03-29", 96},
		{"Europe/Berlin", "04:00", "2026-10-24", 100},
		{"Europe/Berlin", "02:30", "2026-03-28", 94}, // 02:30 is left out: the next day begins at 03:00, as 02:00 would have been
		{"Europe/Berlin", "02:30", "2026-10-25", 100},
		{"America/New_York", "06:00", "2026-03-07", 92},
		{"America/New_York", "06:00", "2026-10-31", 100},
		{"America/New_York", "01:30", "2026-11-01", 100},
		{"Australia/Lord_Howe", "05:15", "2026-04-04", 98},
		{"Australia/Lord_Howe", "05:15", "2026-10-03", 94},
		{"Pacific/Chatham", "04:00", "2026-04-04", 100},
		{"Pacific/Chatham", "04:00", "2026-09-26", 92},
		{"America/Santiago", "04:00", "2026-04-04", 100},
		{"America/Santiago", "04:00", "2026-09-05", 92},
		{"America/Santiago", "23:30", "2026-04-04", 100}, // 23:30 comes twice
		{"Asia/Kathmandu", "04:00", "2026-11-16", 96},
	} {
		t.Run(c.zone+" "+c.start+" "+c.date, func(t *testing.T) {
			start, err := reports.ParseDayStart(c.start)
			if err != nil {
				t.Fatal(err)
			}
			calendar := reports.Calendar{Zone: zone(t, c.zone), DayStart: start}
			w, err := calendar.ParseWindow(c.date, "", time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if got := int(w.Milliseconds() / reports.QuarterHour.Milliseconds()); got != c.want {
				t.Errorf("%d quarter-hours, want %d", got, c.want)
			}
			if days := w.Spans(reports.Day); len(days) != 1 || days[0] != w.Span {
				t.Errorf("the day is cut into %v", days)
			}
			wider := reports.Span{From: w.From.Add(-36 * time.Hour), To: w.To.Add(36 * time.Hour)}
			if days := calendar.Days(wider); len(days) != 3 || days[1] != (reports.LocalDay{Date: c.date, Span: w.Span}) {
				t.Errorf("among the days around it are %v", days)
			}
		})
	}
}

// Dates only move forward, every day begins at its start, and Days are the days
// that Spans cuts, without those a window cuts.
func TestDaysFollowTheCalendar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWindow(t, 5*96)
		calendar := reports.Calendar{Zone: w.Zone, DayStart: w.DayStart}
		cut := w.Spans(reports.Day)
		var whole []reports.Span
		for i, span := range cut {
			first, last := calendar.Date(span.From), calendar.Date(span.To.Add(-reports.QuarterHour))
			if !first.Equal(last) {
				t.Fatalf("span %v is of two dates, %v and %v", span, first, last)
			}
			if i > 0 && !first.After(calendar.Date(cut[i-1].From)) {
				t.Fatalf("date %v follows on %v", first, calendar.Date(cut[i-1].From))
			}
			before, after := calendar.Date(span.From.Add(-reports.QuarterHour)), calendar.Date(span.To)
			if before.Before(first) && after.After(first) {
				whole = append(whole, span)
			}
		}
		days := calendar.Days(w.Span)
		if len(days) != len(whole) {
			t.Fatalf("Days gives %v, Spans %v", days, whole)
		}
		for i, day := range days {
			if day.Span != whole[i] || day.Date != calendar.Date(day.From).Format(time.DateOnly) {
				t.Fatalf("Days gives %v, Spans %v", days, whole)
			}
		}
	})
}

func TestParseDayStart(t *testing.T) {
	for text, want := range map[string]time.Duration{"00:00": 0, "04:30": 4*time.Hour + 30*time.Minute, "23:45": 24*time.Hour - 15*time.Minute} {
		got, err := reports.ParseDayStart(text)
		if err != nil || got != want || reports.FormatDayStart(got) != text {
			t.Errorf("%s is read as %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "4:30", "04:30:00", "24:00", "04:10", "-1:00", "04.30", "04:60"} {
		if got, err := reports.ParseDayStart(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
