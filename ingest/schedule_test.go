package ingest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/ingest"
)

var someAgents = ingest.NewAgentSet(101, 102, 103)

func mustSchedule(t testing.TB, name, spec, zone string) ingest.Schedule {
	t.Helper()
	s, err := ingest.NewSchedule(name, spec, zone, someAgents, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// stamps writes instants in a zone, for failures a person can read.
func stamps(zone *time.Location, instants []time.Time) []string {
	var out []string
	for _, at := range instants {
		out = append(out, at.In(zone).Format("2006-01-02T15:04:05Z07:00"))
	}
	return out
}

func TestNewScheduleRefuses(t *testing.T) {
	for _, c := range []struct {
		name, spec, zone string
		agents           ingest.AgentSet
		want             string
	}{
		{"", "* * * * * *", "UTC", someAgents, "the name must be"},
		{"Office", "* * * * * *", "UTC", someAgents, "the name must be"},
		{"-office", "* * * * * *", "UTC", someAgents, "the name must be"},
		{strings.Repeat("a", 64), "* * * * * *", "UTC", someAgents, "the name must be"},
		{"a", "", "UTC", someAgents, "empty"},
		{"a", "* * * *", "UTC", someAgents, "expected 5 to 6 fields"},
		{"a", "* * * * * * *", "UTC", someAgents, "expected 5 to 6 fields"},
		{"a", "60 * * * * *", "UTC", someAgents, "above maximum"},
		{"a", "*/0 * * * * *", "UTC", someAgents, "step"},
		{"a", "5-1 * * * * *", "UTC", someAgents, "beyond end"},
		{"a", "* * * * * 8", "UTC", someAgents, "above maximum"},
		{"a", "* * * * * 5-8", "UTC", someAgents, "above maximum"},
		{"a", "* * * * * x-7", "UTC", someAgents, "no weekday"},
		{"a", "* * * * * 1-7/0", "UTC", someAgents, "positive"},
		{"a", "* * * * * 7/2", "UTC", someAgents, "beyond end"},
		{"a", ", * * * * *", "UTC", someAgents, "never runs"},
		{"a", "0 , * * * *", "UTC", someAgents, "never runs"},
		{"a", "0 0 0 * * ,", "UTC", someAgents, "never runs"},
		{"a", "0 0 0 30 2 *", "UTC", someAgents, "never runs"},
		{"a", "0 0 0 31 4,6,9,11 *", "UTC", someAgents, "never runs"},
		{"a", "0 0 8 1 * MON", "UTC", someAgents, "both restricted"},
		{"a", "0 0 8 */2 * MON-FRI", "UTC", someAgents, "both restricted"},
		{"a", "@every 10s", "UTC", someAgents, "@every"},
		{"a", "@noon", "UTC", someAgents, "unrecognized"},
		{"a", "TZ=UTC", "UTC", someAgents, "beside the spec"},
		{"a", "CRON_TZ=UTC", "UTC", someAgents, "beside the spec"},
		{"a", " CRON_TZ=UTC * * * * * *", "UTC", someAgents, "beside the spec"},
		{"a", "* * * * * *", "", someAgents, "IANA"},
		{"a", "* * * * * *", "Local", someAgents, "IANA"},
		{"a", "* * * * * *", "Europe/Atlantis", someAgents, "Europe/Atlantis"},
		{"a", "* * * * * *", "UTC", ingest.AgentSet{}, "no agent"},
	} {
		_, err := ingest.NewSchedule(c.name, c.spec, c.zone, c.agents, false)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NewSchedule(%q, %q, %q) = %v, want an error with %q", c.name, c.spec, c.zone, err, c.want)
		}
	}
}

func TestNewScheduleReportsAllFaults(t *testing.T) {
	_, err := ingest.NewSchedule("A b", "x", "Mars", ingest.AgentSet{}, false)
	if n := len(strings.Split(fmt.Sprint(err), "\n")); n != 4 {
		t.Errorf("%d faults reported, want 4:\n%v", n, err)
	}
}

func TestScheduleWords(t *testing.T) {
	s, err := ingest.NewSchedule("office", " */10  * 8-19 * * MON-SAT ", "Europe/Berlin", ingest.AgentSet{}, true)
	if err != nil {
		t.Fatal(err)
	}
	if s.Name() != "office" || s.Cron() != "*/10 * 8-19 * * MON-SAT" || s.Zone() != "Europe/Berlin" || !s.All() || !s.Agents().IsEmpty() {
		t.Errorf("got %q %q %q all=%v agents=%v", s.Name(), s.Cron(), s.Zone(), s.All(), s.Agents())
	}
	if w := s.WithAgents(someAgents); !w.Agents().Equal(someAgents) || w.Equal(s) || !w.Equal(s.WithAgents(someAgents)) {
		t.Error("WithAgents does not change the agents alone")
	}
	if zero := (ingest.Schedule{}); !zero.Next(time.Unix(0, 0)).IsZero() || !zero.Prev(time.Unix(0, 0)).IsZero() {
		t.Error("the zero schedule runs")
	}
}

// Weekday 7 is Sunday wherever it stands; a range may end in SUN.
func TestWeekdaySeven(t *testing.T) {
	week := instant(t, "2026-11-16T00:00:00Z") // a Monday
	for spec, want := range map[string]string{
		"7": "Sun", "0": "Sun", "5-7": "FriSatSun", "FRI-SUN": "FriSatSun", "fri-7": "FriSatSun",
		"1-7/2": "MonWedFriSun", "0-7": "MonTueWedThuFriSatSun", "MON-SUN": "MonTueWedThuFriSatSun",
		"2,7": "TueSun", "7-7": "Sun", "SUN-SUN": "Sun", "SUN-TUE": "MonTueSun", "0-7/2": "TueThuSatSun", "6-7/99": "Sat",
	} {
		s := mustSchedule(t, "a", "0 0 12 * * "+spec, "UTC")
		var got strings.Builder
		for due := range s.Due(week, week.AddDate(0, 0, 7)) {
			got.WriteString(due.Weekday().String()[:3])
		}
		if got.String() != want {
			t.Errorf("weekday %s: %s, want %s", spec, &got, want)
		}
	}
}

func TestDescriptorsAndFiveFields(t *testing.T) {
	from := instant(t, "2026-11-16T10:20:30Z")
	for spec, want := range map[string]string{
		"@hourly": "2026-11-16T11:00:00Z", "@daily": "2026-11-17T00:00:00Z", "@midnight": "2026-11-17T00:00:00Z",
		"@weekly": "2026-11-22T00:00:00Z", "@monthly": "2026-12-01T00:00:00Z", "@yearly": "2027-01-01T00:00:00Z",
		"30 10 * * *": "2026-11-16T10:30:00Z", "0 0 29 2 *": "2028-02-29T00:00:00Z",
	} {
		if got := mustSchedule(t, "a", spec, "UTC").Next(from).Format(time.RFC3339); got != want {
			t.Errorf("%s: next is %s, want %s", spec, got, want)
		}
	}
	// The widest gap: 2100 is no leap year.
	leap := mustSchedule(t, "a", "0 0 29 2 *", "UTC")
	if got := leap.Next(instant(t, "2096-03-01T00:00:00Z")); got.Year() != 2104 {
		t.Errorf("leap day after 2096 is %v", got)
	}
	if got := leap.Prev(instant(t, "2104-02-29T00:00:00Z")); got.Year() != 2096 {
		t.Errorf("leap day before 2104 is %v", got)
	}
}

func TestPeriod(t *testing.T) {
	office := mustSchedule(t, "office", "*/10 * 8-17 * * *", "Europe/Berlin")
	for _, c := range []struct {
		name string
		s    ingest.Schedule
		due  string
		want time.Duration
	}{
		{"in the day", office, "2026-11-16T10:00:00Z", 10 * time.Second},
		{"first of the day", office, "2026-11-16T07:00:00Z", 10 * time.Second},
		{"last before the night", office, "2026-11-16T16:59:50Z", 10 * time.Second},
		{"uneven: the smaller side", mustSchedule(t, "a", "0,50 * * * * *", "UTC"), "2026-11-16T10:00:00Z", 10 * time.Second},
		{"every 7 s: short at the minute", mustSchedule(t, "a", "*/7 * * * * *", "UTC"), "2026-11-16T10:00:56Z", 4 * time.Second},
		{"daily: at most an hour", mustSchedule(t, "a", "0 0 8 * * *", "UTC"), "2026-11-16T08:00:00Z", time.Hour},
		{"the hour that comes twice", mustSchedule(t, "a", "0 30 2 * * *", "Europe/Berlin"), "2026-10-25T00:30:00Z", time.Hour},
	} {
		if got := c.s.Period(instant(t, c.due)); got != c.want {
			t.Errorf("%s: period at %s is %v, want %v", c.name, c.due, got, c.want)
		}
	}
}

// clockChanges are spans of real time in which the wall clock jumps.
var clockChanges = []struct{ zone, from, to string }{
	{"Europe/Berlin", "2026-03-28T22:00:00Z", "2026-03-29T04:00:00Z"},
	{"Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T04:00:00Z"},
	{"America/New_York", "2026-03-08T04:00:00Z", "2026-03-08T10:00:00Z"},
	{"America/New_York", "2026-11-01T03:00:00Z", "2026-11-01T09:00:00Z"},
	{"Australia/Lord_Howe", "2026-04-04T12:00:00Z", "2026-04-04T18:00:00Z"}, // half an hour
	{"Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-03T18:00:00Z"},
	{"America/Santiago", "2026-04-05T00:00:00Z", "2026-04-05T06:00:00Z"}, // at midnight
	{"America/Santiago", "2026-09-06T01:00:00Z", "2026-09-06T07:00:00Z"},
	{"Pacific/Chatham", "2026-04-04T11:00:00Z", "2026-04-04T17:00:00Z"}, // offset +12:45
	{"Pacific/Chatham", "2026-09-26T11:00:00Z", "2026-09-26T17:00:00Z"},
	{"Pacific/Apia", "2011-12-30T07:00:00Z", "2011-12-30T13:00:00Z"},   // a day that never was
	{"Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01T06:00:00Z"}, // no change
}

// fields is a spec as sets, written as lists so that no parsing is shared with
// the product.
type fields struct {
	second, minute, hour []int
	weekday              []int
}

func drawFields(t *rapid.T) fields {
	some := func(name string, limit, most int) []int {
		set := rapid.SliceOfNDistinct(rapid.IntRange(0, limit-1), 1, most, rapid.ID[int]).Draw(t, name)
		slices.Sort(set)
		return set
	}
	f := fields{some("second", 60, 3), some("minute", 60, 20), some("hour", 24, 24), nil}
	if rapid.Bool().Draw(t, "restrict weekday") {
		f.weekday = some("weekday", 7, 6)
	}
	return f
}

func (f fields) spec() string {
	list := func(set []int) string {
		if set == nil {
			return "*"
		}
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(set), " ", ","), "[]")
	}
	return fmt.Sprintf("%s %s %s * * %s", list(f.second), list(f.minute), list(f.hour), list(f.weekday))
}

func (f fields) match(local time.Time) bool {
	return slices.Contains(f.second, local.Second()) && slices.Contains(f.minute, local.Minute()) &&
		slices.Contains(f.hour, local.Hour()) && (f.weekday == nil || slices.Contains(f.weekday, int(local.Weekday())))
}

// Every second of real time whose local fields match is due, and no other: both
// passes of a repeated hour, nothing for a skipped one.
func TestDueMatchesEverySecondOverClockChanges(t *testing.T) {
	for _, change := range clockChanges {
		t.Run(change.zone+" "+change.from[:10], func(t *testing.T) {
			zone, err := time.LoadLocation(change.zone)
			if err != nil {
				t.Fatal(err)
			}
			from, to := instant(t, change.from), instant(t, change.to)
			rapid.Check(t, func(t *rapid.T) {
				f := drawFields(t)
				s, err := ingest.NewSchedule("a", f.spec(), change.zone, someAgents, false)
				if err != nil {
					t.Fatal(err)
				}
				var want []time.Time
				for at := from; at.Before(to); at = at.Add(time.Second) {
					if f.match(at.In(zone)) {
						want = append(want, at)
					}
				}
				got := slices.Collect(s.Due(from, to))
				if diff := cmp.Diff(stamps(zone, want), stamps(zone, got)); diff != "" {
					t.Fatalf("%s (-want +got):\n%s", s.Cron(), diff)
				}
				var back []time.Time
				for due := s.Prev(to); !due.Before(from) && !due.IsZero(); due = s.Prev(due) {
					back = append(back, due)
				}
				slices.Reverse(back)
				if diff := cmp.Diff(stamps(zone, want), stamps(zone, back)); diff != "" {
					t.Fatalf("%s backwards (-want +got):\n%s", s.Cron(), diff)
				}
			})
		})
	}
}

func TestNextIsStrictlyLaterAndPrevItsInverse(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "Africa/Casablanca"}
	rapid.Check(t, func(t *rapid.T) {
		s, err := ingest.NewSchedule("a", drawFields(t).spec(), rapid.SampledFrom(zones).Draw(t, "zone"), someAgents, false)
		if err != nil {
			t.Fatal(err)
		}
		at := time.UnixMilli(rapid.Int64Range(-1e12, 4e12).Draw(t, "at"))
		next, prev := s.Next(at), s.Prev(at)
		if !next.After(at) || !prev.Before(at) {
			t.Fatalf("%v is not between %v and %v", at, prev, next)
		}
		if back := s.Prev(next.Add(1)); !back.Equal(next) {
			t.Fatalf("before just past %v comes %v", next, back)
		}
		if back := s.Prev(next); back.After(at) || !s.Next(back).After(at) && !s.Next(back).Equal(at) {
			t.Fatalf("%v, %v and %v are not neighbours", back, at, next)
		}
		if p := s.Period(next); p <= 0 || p > ingest.MaxPeriod || p%time.Millisecond != 0 {
			t.Fatalf("period %v", p)
		}
	})
}

func FuzzNewSchedule(f *testing.F) {
	for _, spec := range []string{
		"* * * * * *", "*/10 * 8-19 * * MON-SAT", "0 0 29 2 *", "CRON_TZ=UTC", "TZ=", "TZ= * * * * *", "@every 1s", "@hourly",
		"0 0 0 30 2 *", "* * * * * 5-7/2", "9999999999999999999 * * * *", "?,?/9223372036854775807 * * * *", "*//1 - / , *",
	} {
		f.Add("a", spec, "Europe/Berlin")
	}
	f.Add("A", "", "Local")
	at := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, name, spec, zone string) {
		s, err := ingest.NewSchedule(name, spec, zone, someAgents, false)
		if err != nil {
			return
		}
		next := s.Next(at)
		if !next.After(at) || !s.Prev(next.Add(1)).Equal(next) || s.Period(next) < time.Second {
			t.Errorf("%q in %q: next %v, prev %v, period %v", spec, zone, next, s.Prev(next.Add(1)), s.Period(next))
		}
		again, err := ingest.NewSchedule(s.Name(), s.Cron(), s.Zone(), s.Agents(), s.All())
		if err != nil || !again.Equal(s) {
			t.Errorf("%q is not read back as itself: %v", s.Cron(), err)
		}
	})
}

func BenchmarkDueWeekendEverySecond(b *testing.B) {
	s := mustSchedule(b, "a", "* * * * * *", "Europe/Berlin")
	from := instant(b, "2026-11-21T00:00:00Z")
	for b.Loop() {
		n := 0
		for range s.Due(from, from.Add(48*time.Hour)) {
			n++
		}
		if n != 172800 {
			b.Fatal(n)
		}
	}
}
