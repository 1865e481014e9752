package reports_test

import (
	"strings"
	"testing"
	"time"

	"talktime/reports"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := reports.ParseZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func TestParseWindow(t *testing.T) {
	const now = "2026-11-22T00:30:00Z" // 01:30 in Berlin, still the 21st in New York
	for name, c := range map[string]struct{ from, to, zone, wantFrom, wantTo string }{
		"yesterday":                        {"", "", "Europe/Berlin", "2026-11-20T23:00:00Z", "2026-11-21T23:00:00Z"},
		"yesterday is the zone's":          {"", "", "America/New_York", "2026-11-20T05:00:00Z", "2026-11-21T05:00:00Z"},
		"one date is that day":             {"2026-11-16", "", "Europe/Berlin", "2026-11-15T23:00:00Z", "2026-11-16T23:00:00Z"},
		"an instant runs to its day's end": {"2026-11-16T08:00:00+01:00", "", "Europe/Berlin", "2026-11-16T07:00:00Z", "2026-11-16T23:00:00Z"},
		"to is excluded":                   {"2026-11-16", "2026-11-23", "UTC", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"},
		"date and instant":                 {"2026-11-16", "2026-11-16T12:15:00Z", "UTC", "2026-11-16T00:00:00Z", "2026-11-16T12:15:00Z"},
		"spring day":                       {"2026-03-29", "", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		"autumn day":                       {"2026-10-25", "", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		"a day without midnight":           {"2026-09-06", "", "America/Santiago", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"},
		"the day before it":                {"2026-09-05", "", "America/Santiago", "2026-09-05T04:00:00Z", "2026-09-06T04:00:00Z"},
		"a day with its last hour twice":   {"2026-04-04", "", "America/Santiago", "2026-04-04T03:00:00Z", "2026-04-05T04:00:00Z"},
		"quarter-hour offset":              {"2026-11-16", "", "Asia/Kathmandu", "2026-11-15T18:15:00Z", "2026-11-16T18:15:00Z"},
		"far east":                         {"2026-11-16", "", "Pacific/Kiritimati", "2026-11-15T10:00:00Z", "2026-11-16T10:00:00Z"},
		"far west":                         {"2026-11-16", "", "Etc/GMT+12", "2026-11-16T12:00:00Z", "2026-11-17T12:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := reports.ParseWindow(c.from, c.to, zone(t, c.zone), instant(t, now))
			if err != nil {
				t.Fatal(err)
			}
			if got := w.From.Format(time.RFC3339) + " " + w.To.Format(time.RFC3339); got != c.wantFrom+" "+c.wantTo {
				t.Errorf("got %s, want %s %s", got, c.wantFrom, c.wantTo)
			}
		})
	}
}

// A date means the day that begins then, not at midnight.
func TestParseWindowOfBusinessDays(t *testing.T) {
	const now = "2026-11-22T02:30:00Z" // 03:30 in Berlin, still the 21st before 04:00
	for name, c := range map[string]struct{ start, from, to, zone, wantFrom, wantTo string }{
		"yesterday":                   {"04:00", "", "", "Europe/Berlin", "2026-11-20T03:00:00Z", "2026-11-21T03:00:00Z"},
		"yesterday, the day begun":    {"03:30", "", "", "Europe/Berlin", "2026-11-21T02:30:00Z", "2026-11-22T02:30:00Z"},
		"one date":                    {"04:00", "2026-11-16", "", "Europe/Berlin", "2026-11-16T03:00:00Z", "2026-11-17T03:00:00Z"},
		"an instant before the start": {"04:00", "2026-11-16T01:00:00+01:00", "", "Europe/Berlin", "2026-11-16T00:00:00Z", "2026-11-16T03:00:00Z"},
		"dates":                       {"22:45", "2026-11-16", "2026-11-18", "Asia/Kathmandu", "2026-11-16T17:00:00Z", "2026-11-18T17:00:00Z"},
		"the change of clocks inside": {"04:00", "2026-03-28", "", "Europe/Berlin", "2026-03-28T03:00:00Z", "2026-03-29T02:00:00Z"},
		"the start is left out":       {"02:30", "2026-03-29", "", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		"the start comes twice":       {"02:30", "2026-10-25", "", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		"within the time lived twice": {"02:30", "2026-10-25T02:15:00+01:00", "", "Europe/Berlin", "2026-10-25T01:15:00Z", "2026-10-26T01:30:00Z"},
		"the day left out on Samoa":   {"04:00", "2011-12-29", "2011-12-31", "Pacific/Apia", "2011-12-29T14:00:00Z", "2011-12-30T14:00:00Z"},
		"the last hour comes twice":   {"23:15", "2026-04-04", "", "America/Santiago", "2026-04-05T02:15:00Z", "2026-04-06T03:15:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			start, err := reports.ParseDayStart(c.start)
			if err != nil {
				t.Fatal(err)
			}
			w, err := reports.Calendar{Zone: zone(t, c.zone), DayStart: start}.ParseWindow(c.from, c.to, instant(t, now))
			if err != nil {
				t.Fatal(err)
			}
			if got := w.From.Format(time.RFC3339) + " " + w.To.Format(time.RFC3339); got != c.wantFrom+" "+c.wantTo {
				t.Errorf("got %s, want %s %s", got, c.wantFrom, c.wantTo)
			}
		})
	}
}

func TestParseWindowRefuses(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"backwards":        {"2026-11-23", "2026-11-16", "--to 2026-11-16 is not after --from 2026-11-23"},
		"empty":            {"2026-11-16", "2026-11-16", "is not after"},
		"to alone":         {"", "2026-11-16", "--to needs a --from"},
		"not a date":       {"16.11.2026", "", `--from "16.11.2026" is neither a date like`},
		"no such date":     {"2026-02-30", "", "neither a date"},
		"off the grid":     {"2026-11-16T08:07:00+01:00", "", "the nearest are 2026-11-16T08:00:00+01:00 and 2026-11-16T08:15:00+01:00"},
		"by a millisecond": {"2026-11-16", "2026-11-17T08:15:00.001Z", "the nearest are 2026-11-17T08:15:00Z and 2026-11-17T08:30:00Z"},
		"mistyped year":    {"0206-11-16", "", "outside the years 2000 to 2199"},
		"both faults":      {"x", "y", "--from \"x\" is neither a date like 2026-11-16 nor an instant like 2026-11-16T08:00:00+01:00\n--to \"y\""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := reports.ParseWindow(c.from, c.to, time.UTC, time.Unix(0, 0))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestParseZoneRefuses(t *testing.T) {
	for _, name := range []string{"", "Local", "Europe/Berlln", "../etc/passwd"} {
		if _, err := reports.ParseZone(name); err == nil {
			t.Errorf("zone %q was accepted", name)
		}
	}
}

func FuzzParseWindow(f *testing.F) {
	f.Add("2026-11-16", "2026-11-17")
	f.Add("2026-11-16T08:00:00+01:00", "")
	f.Add("", "x")
	santiago := zone(f, "America/Santiago")
	f.Fuzz(func(t *testing.T, from, to string) {
		w, err := reports.ParseWindow(from, to, santiago, time.Unix(1_800_000_000, 0))
		if err != nil {
			return
		}
		if !w.From.Before(w.To) || !w.From.Truncate(reports.QuarterHour).Equal(w.From) || !w.To.Truncate(reports.QuarterHour).Equal(w.To) {
			t.Errorf("%q %q gave %v to %v", from, to, w.From, w.To)
		}
	})
}
