package ingest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/ingest"
)

func mustTimes(t testing.TB, spec, zone string) ingest.JobTimes {
	t.Helper()
	times, err := ingest.NewJobTimes(spec, zone)
	if err != nil {
		t.Fatal(err)
	}
	return times
}

func TestNewJobTimesReportsAllFaults(t *testing.T) {
	_, err := ingest.NewJobTimes("0 0 0 30 2 *", "Mars")
	if err == nil || !strings.Contains(err.Error(), "never runs") || !strings.Contains(err.Error(), "Mars") {
		t.Errorf("got %v, want both faults", err)
	}
	if !(ingest.JobTimes{}).Next(time.Unix(0, 0)).IsZero() {
		t.Error("the zero JobTimes run")
	}
}

// A job is due once for every matching label the wall shows in the span, and
// once at the end of a skipped span that holds matching labels.
func TestJobTimesTakeEveryLabelOnce(t *testing.T) {
	for _, change := range clockChanges {
		t.Run(change.zone+" "+change.from[:10], func(t *testing.T) {
			zone, err := time.LoadLocation(change.zone)
			if err != nil {
				t.Fatal(err)
			}
			from, to := instant(t, change.from), instant(t, change.to)
			rapid.Check(t, func(t *rapid.T) {
				f := drawFields(t)
				s, err := ingest.NewJobTimes(f.spec(), change.zone)
				if err != nil {
					t.Fatal(err)
				}
				var want, got []time.Time
				wall := func(at time.Time) time.Time { // the label, as if it were UTC
					_, offset := at.In(zone).Zone()
					return at.Add(time.Duration(offset) * time.Second)
				}
				seen := wall(from.Add(-time.Second)) // the latest label so far
				for at := from; at.Before(to); at = at.Add(time.Second) {
					due := false
					for label := seen.Add(time.Second); !label.After(wall(at)); label = label.Add(time.Second) {
						due = due || f.match(label)
						seen = label
					}
					if due {
						want = append(want, at)
					}
				}
				for due := s.Next(from.Add(-1)); due.Before(to); due = s.Next(due) {
					got = append(got, due)
				}
				if diff := cmp.Diff(stamps(zone, want), stamps(zone, got)); diff != "" {
					t.Fatalf("%s (-want +got):\n%s", f.spec(), diff)
				}
			})
		})
	}
}

func TestJobTimesNamedCases(t *testing.T) {
	for _, c := range []struct{ name, spec, zone, after, want string }{
		{"skipped hour", "0 30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"and the day after", "0 30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		{"repeated hour, first time", "0 30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"repeated hour, not again", "0 30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"midnight that does not exist", "0 0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-06T04:00:00Z"},
		{"a whole day skipped", "0 0 9 * * *", "Pacific/Apia", "2011-12-29T20:00:00Z", "2011-12-30T10:00:00Z"},
	} {
		if got := mustTimes(t, c.spec, c.zone).Next(instant(t, c.after)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
