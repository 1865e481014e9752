package ingest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
)

func nothingStored(string, time.Time) bool { return false }

func TestOutstanding(t *testing.T) {
	at := func(clock string) time.Time { return instant(t, "2026-11-16T"+clock+"Z") }
	office := schedule(t, "office", "*/10 * 8-19 * * *", "101-103")
	more := office.WithAgents(ingest.NewAgentSet(101, 102, 103, 104))
	late := schedule(t, "late", "*/20 * * * * *", "200")
	for _, c := range []struct {
		name         string
		inForce      []ingest.InForce
		stored       []key
		since, until string
		want         []string
	}{
		{"nothing was in force", nil, nil, "08:00:00", "09:00:00", nil},
		{
			"from included, to not",
			[]ingest.InForce{{Schedule: office, From: at("08:00:10"), To: at("08:00:30")}},
			nil, "08:00:00", "09:00:00",
			[]string{"08:00:10 office 10s 3", "08:00:20 office 10s 3"},
		},
		{
			"since included, until not",
			[]ingest.InForce{{Schedule: office, From: at("00:00:00")}},
			nil, "08:00:10", "08:00:30",
			[]string{"08:00:10 office 10s 3", "08:00:20 office 10s 3"},
		},
		{
			"the stored are not",
			[]ingest.InForce{{Schedule: office, From: at("00:00:00")}},
			[]key{{"office", at("08:00:10")}, {"late", at("08:00:20")}},
			"08:00:10", "08:00:30",
			[]string{"08:00:20 office 10s 3"},
		},
		{
			"the agents in force",
			[]ingest.InForce{{Schedule: office, From: at("00:00:00"), To: at("08:00:20")}, {Schedule: more, From: at("08:00:20")}},
			nil, "08:00:10", "08:00:40",
			[]string{"08:00:10 office 10s 3", "08:00:20 office 10s 4", "08:00:30 office 10s 4"},
		},
		{
			"the span does not cut the period",
			[]ingest.InForce{{Schedule: office, From: at("19:59:50"), To: at("19:59:51")}},
			nil, "00:00:00", "23:00:00",
			[]string{"19:59:50 office 10s 3"},
		},
		{
			"by instant, then name",
			[]ingest.InForce{{Schedule: office, From: at("08:00:00")}, {Schedule: late, From: at("08:00:00")}},
			nil, "08:00:00", "08:00:30",
			[]string{"08:00:00 late 20s 1", "08:00:00 office 10s 3", "08:00:10 office 10s 3", "08:00:20 late 20s 1", "08:00:20 office 10s 3"},
		},
		{"a span that is over", []ingest.InForce{{Schedule: office, From: at("08:00:00"), To: at("08:00:00")}}, nil, "07:00:00", "09:00:00", nil},
	} {
		isStored := func(name string, due time.Time) bool { return slices.Contains(c.stored, key{name, due}) }
		var got []string
		for _, tick := range ingest.Outstanding(c.inForce, isStored, at(c.since), at(c.until)) {
			if tick.Status != ingest.Missed {
				t.Errorf("%s: tick at %v is %v", c.name, tick.DueAt, tick.Status)
			}
			got = append(got, fmt.Sprint(tick.DueAt.Format("15:04:05 "), tick.Schedule, " ", tick.Period, " ", tick.Agents.Len()))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestHorizonAndLapsed(t *testing.T) {
	now := instant(t, "2026-11-16T08:01:00Z")
	office := schedule(t, "office", "*/10 * * * * *", "101")
	hourly := schedule(t, "hourly", "@hourly", "101")
	inForce := []ingest.InForce{{Schedule: office, From: now.Add(-time.Minute)}, {Schedule: hourly, From: now.Add(-time.Minute)}}
	outstanding := ingest.Outstanding(inForce, nothingStored, now.Add(-time.Minute), now)
	if got := ingest.Horizon(outstanding, now); !got.Equal(now.Add(-time.Minute)) {
		t.Errorf("horizon %v", got)
	}
	if got := ingest.Horizon(nil, now); !got.Equal(now) {
		t.Errorf("horizon %v without outstanding ticks, want now", got)
	}
	if got := ingest.Horizon(ingest.Outstanding(inForce, nothingStored, now, now.Add(time.Hour)), now.Add(-time.Hour)); !got.Equal(now.Add(-time.Hour)) {
		t.Errorf("horizon %v is after now", got)
	}
	// Older than 20 s: due at 8:00:00 to :30; :40 is just 20 s old. The hourly
	// tick may still come.
	lapsed := ingest.Lapsed(outstanding, now)
	if len(lapsed) != 4 || lapsed[3].Schedule != "office" || !lapsed[3].DueAt.Equal(now.Add(-30*time.Second)) {
		t.Errorf("lapsed %v", lapsed)
	}
}

// Cutting the time anywhere, and the spans in force anywhere, changes nothing.
func TestOutstandingAdds(t *testing.T) {
	from := instant(t, "2026-10-24T22:00:00Z")
	rapid.Check(t, func(t *rapid.T) {
		s, err := ingest.NewSchedule("a", rapid.SampledFrom([]string{"*/10 * * * * *", "0 */7 2-3 * * *", "30 1,59 * * * *"}).Draw(t, "spec"), "Europe/Berlin", someAgents, false)
		if err != nil {
			t.Fatal(err)
		}
		at := func(name string) time.Time {
			return from.Add(time.Duration(rapid.IntRange(0, 6*3600*1000).Draw(t, name)) * time.Millisecond)
		}
		to, cut, border := from.Add(6*time.Hour), at("cut"), at("border")
		whole := ingest.Outstanding([]ingest.InForce{{Schedule: s, From: from}}, nothingStored, from, to)
		spans := []ingest.InForce{{Schedule: s, From: border}, {Schedule: s, From: from, To: border}}
		parts := append(ingest.Outstanding(spans, nothingStored, from, cut), ingest.Outstanding(spans, nothingStored, cut, to)...)
		if !slices.EqualFunc(whole, parts, func(a, b ingest.Tick) bool { return a.DueAt.Equal(b.DueAt) && a.Period == b.Period }) {
			t.Fatalf("%d ticks, in parts %d", len(whole), len(parts))
		}
	})
}

func BenchmarkOutstandingWeekendEverySecond(b *testing.B) {
	from := instant(b, "2026-11-21T00:00:00Z")
	inForce := []ingest.InForce{{Schedule: schedule(b, "a", "* * * * * *", "101-160"), From: from}}
	for b.Loop() {
		if n := len(ingest.Outstanding(inForce, nothingStored, from, from.Add(48*time.Hour))); n != 172800 {
			b.Fatal(n)
		}
	}
}
