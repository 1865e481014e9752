package export_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/reports"
	"talktime/reports/export"
)

func TestOwed(t *testing.T) {
	berlin, err := reports.ParseZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	calendar := reports.Calendar{Zone: berlin}
	rolling := func(r reports.Rolling) func(time.Time) reports.Window {
		return func(at time.Time) reports.Window { return calendar.Rolling(r, at) }
	}
	november, err := calendar.ParseWindow("2026-11-01", "2026-12-01", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	fixed := func(time.Time) reports.Window { return november }
	tests := map[string]struct {
		cron       string
		window     func(time.Time) reports.Window
		after, now string // local; empty for nothing
		want       []string
	}{
		"a new export": {
			"0 15 2 * * *", rolling(reports.Yesterday), "", "2026-11-20 14:00",
			[]string{"2026-11-20 02:15: 2026-11-19 to 2026-11-20"},
		},
		"a new export whose last run is long past": {
			"0 0 3 29 2 *", rolling(reports.Yesterday), "", "2026-11-20 14:00",
			[]string{"2024-02-29 03:00: 2024-02-28 to 2024-02-29"},
		},
		"nothing yet": {"0 15 2 * * *", rolling(reports.Yesterday), "2026-11-20 02:15", "2026-11-21 02:14", nil},
		"down for three days": {
			"0 15 2 * * *", rolling(reports.Yesterday), "2026-11-17 02:15", "2026-11-20 14:00",
			[]string{
				"2026-11-18 02:15: 2026-11-17 to 2026-11-18", "2026-11-19 02:15: 2026-11-18 to 2026-11-19",
				"2026-11-20 02:15: 2026-11-19 to 2026-11-20",
			},
		},
		"due in the hour that is skipped": {
			"0 15 2 * * *", rolling(reports.Yesterday), "2026-03-28 02:15", "2026-03-30 12:00",
			[]string{"2026-03-29 03:00: 2026-03-28 to 2026-03-29", "2026-03-30 02:15: 2026-03-29 to 2026-03-30"},
		},
		"due in the hour that comes twice": {
			"0 15 2 * * *", rolling(reports.Yesterday), "2026-10-24 02:15", "2026-10-25 23:00",
			[]string{"2026-10-25 02:15: 2026-10-24 to 2026-10-25"},
		},
		"tried each hour": {
			"0 0 * * * *", rolling(reports.Yesterday), "2026-11-19 22:00", "2026-11-20 05:00",
			[]string{"2026-11-19 23:00: 2026-11-18 to 2026-11-19", "2026-11-20 00:00: 2026-11-19 to 2026-11-20"},
		},
		"a week each day": {
			"0 15 2 * * *", rolling(reports.LastWeek), "2026-11-14 12:00", "2026-11-18 12:00",
			[]string{"2026-11-15 02:15: 2026-11-02 to 2026-11-09", "2026-11-16 02:15: 2026-11-09 to 2026-11-16"},
		},
		"the month so far": {
			"0 15 2 * * *", rolling(reports.MonthToDate), "2026-11-30 02:15", "2026-12-02 12:00",
			[]string{"2026-12-01 02:15: 2026-11-01 to 2026-12-01", "2026-12-02 02:15: 2026-12-01 to 2026-12-02"},
		},
		"a fixed window that is not over": {"0 15 2 * * *", fixed, "", "2026-11-30 12:00", nil},
		"a fixed window": {
			"0 15 2 * * *", fixed, "2026-11-29 02:15", "2026-12-10 12:00",
			[]string{"2026-12-01 02:15: 2026-11-01 to 2026-12-01"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			times, err := ingest.NewJobTimes(test.cron, "Europe/Berlin")
			if err != nil {
				t.Fatal(err)
			}
			instant := func(text string) time.Time {
				if text == "" {
					return time.Time{}
				}
				at, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
				if err != nil {
					t.Fatal(err)
				}
				return at
			}
			var got []string
			for _, due := range export.Owed(times, test.window, instant(test.after), instant(test.now)) {
				got = append(got, due.At.In(berlin).Format("2006-01-02 15:04: ")+
					due.Window.From.In(berlin).Format(time.DateOnly)+" to "+due.Window.To.In(berlin).Format(time.DateOnly))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("owed (-want +got):\n%s", diff)
			}
		})
	}
}

// Every day that exists is owed, and no other: Samoa had no 30 December 2011.
func TestOwedAroundADateThatWasLeftOut(t *testing.T) {
	apia, err := reports.ParseZone("Pacific/Apia")
	if err != nil {
		t.Fatal(err)
	}
	times, err := ingest.NewJobTimes("0 15 2 * * *", "Pacific/Apia")
	if err != nil {
		t.Fatal(err)
	}
	yesterday := func(at time.Time) reports.Window { return reports.Calendar{Zone: apia}.Rolling(reports.Yesterday, at) }
	from := time.Date(2011, 12, 28, 12, 0, 0, 0, apia)
	var got []string
	for _, due := range export.Owed(times, yesterday, from, time.Date(2012, 1, 2, 12, 0, 0, 0, apia)) {
		got = append(got, due.Window.From.In(apia).Format(time.DateOnly))
	}
	if diff := cmp.Diff([]string{"2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"}, got); diff != "" {
		t.Errorf("owed (-want +got):\n%s", diff)
	}
}
