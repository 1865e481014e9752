package reports_test

import (
	"strings"
	"testing"
	"time"

	"talktime/reports"
)

func TestParseAt(t *testing.T) {
	now := instant(t, "2026-11-22T12:00:00Z").Add(1234 * time.Microsecond)
	for text, want := range map[string]string{
		"now":                       "2026-11-22T12:00:00.001Z",
		"2026-11-20T14:52":          "2026-11-20T13:52:00Z",
		"2026-11-20T14:52:30":       "2026-11-20T13:52:30Z",
		"2026-11-20T14:52:30.250":   "2026-11-20T13:52:30.25Z",
		"2026-11-20T14:52:00Z":      "2026-11-20T14:52:00Z",
		"2026-11-20T14:52:00-05:00": "2026-11-20T19:52:00Z",
		"2026-10-25T01:59:59":       "2026-10-24T23:59:59Z",
		"2026-10-25T03:00":          "2026-10-25T02:00:00Z",
		"2026-10-25T02:30:00+02:00": "2026-10-25T00:30:00Z",
		"2026-03-29T03:00":          "2026-03-29T01:00:00Z",
	} {
		got, err := reports.ParseAt(text, zone(t, "Europe/Berlin"), now)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %s, %v, want %s", text, got.Format(time.RFC3339Nano), err, want)
		}
	}
}

func TestParseAtRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                     `at "" is neither now nor a local time like`,
		"14:52":                "is neither now nor",
		"2026-11-20":           "is neither now nor",
		"2026-11-22T13:00:01":  "lies in the future: it is 2026-11-22T13:00:00+01:00",
		"2026-11-23T00:00:00Z": "lies in the future",
		"2026-10-25T02:30":     "shows this time twice in Europe/Berlin; say 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00",
		"2026-03-29T02:30":     "a clock change leaves this time out in Europe/Berlin",
		"1926-03-29T02:30":     "outside the years 2000 to 2199",
	} {
		_, err := reports.ParseAt(text, zone(t, "Europe/Berlin"), instant(t, "2026-11-22T12:00:00Z"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func FuzzParseAt(f *testing.F) {
	f.Add("now")
	f.Add("2026-11-20T14:52")
	f.Add("2026-04-04T23:30:00")
	santiago := zone(f, "America/Santiago")
	now := time.Unix(1_800_000_000, 0)
	f.Fuzz(func(t *testing.T, text string) {
		at, err := reports.ParseAt(text, santiago, now)
		if err == nil && (at.After(now) || at.Location() != time.UTC || !at.Equal(at.Truncate(time.Millisecond))) {
			t.Errorf("%q gave %v", text, at)
		}
	})
}
