package gatewaysim_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// The zones whose days are hardest: midnight skipped (Havana, Beirut) or
// repeated, a day left out (Apia, end of 2011), half an hour of summer time.
var zones = []string{"UTC", "Europe/Berlin", "America/Havana", "Asia/Beirut", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu"}

func TestSpansTileAnyWindowAndAgreeWithAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		play := gatewaysim.Play{
			Seed:  rapid.Uint64().Draw(t, "seed"),
			Zone:  z,
			Shift: rapid.SampledFrom([]gatewaysim.Shift{gatewaysim.ShiftDay, gatewaysim.ShiftAlways}).Draw(t, "shift"),
		}
		agent := ingest.AgentID(rapid.Int32Range(101, 124).Draw(t, "agent"))
		script := play.Script(agent)
		from := time.UnixMilli(rapid.Int64Range(1.30e12, 1.35e12).Draw(t, "from")).UTC()
		to := from.Add(time.Duration(rapid.Int64Range(1, 4*86400e3).Draw(t, "length")) * time.Millisecond)

		end := from
		var last gatewaysim.Span
		sums := gatewaysim.Totals{}
		for span := range script.Spans(from, to) {
			if !span.From.Equal(end) || !span.To.After(span.From) {
				t.Fatalf("span %v does not begin at %s", span, end)
			}
			if !last.From.IsZero() && span.Status == last.Status {
				t.Fatalf("spans %v and %v are one", last, span)
			}
			middle := span.From.Add(span.To.Sub(span.From) / 2)
			for _, at := range []time.Time{span.From, middle, span.To.Add(-time.Millisecond), span.To.Add(-time.Nanosecond)} {
				status, signedIn := script.At(at)
				if status != span.Status || signedIn != (status.AgentState != 2) {
					t.Fatalf("At(%s) is %v, signed in %t; the span is %v", at, status, signedIn, span)
				}
			}
			sums[measureOf(span.Status)] += span.To.Sub(span.From)
			end, last = span.To, span
		}
		// A script that was never asked before must say the same.
		if status, _ := play.Script(agent).At(last.From); status != last.Status {
			t.Fatalf("asked first, At(%s) is %v; the span is %v", last.From, status, last)
		}
		if !end.Equal(to) {
			t.Fatalf("spans end at %s, not at %s", end, to)
		}
		if diff := cmp.Diff(sums, script.Totals(from, to)); diff != "" {
			t.Fatalf("totals differ from the spans (-spans +totals):\n%s", diff)
		}
	})
}

// measureOf is the table of gateway.md.
func measureOf(s ingest.Status) string {
	words := map[int32]string{2: "signed_out", 3: "busy", 4: "available", 5: "acw", 7: "reserved", 8: "rest", 9: "pre_rest", 42: "other"}
	if s.IsWorking {
		return "talk"
	}
	return words[s.AgentState]
}

func TestSpansOfNothing(t *testing.T) {
	script := gatewaysim.Play{Seed: 1, Zone: time.UTC}.Script(101)
	at := instant(t, "2026-11-20T09:00:00Z")
	for range script.Spans(at, at) {
		t.Error("an empty window has a span")
	}
	for range script.Spans(at, at.Add(-time.Hour)) {
		t.Error("a window that runs backwards has a span")
	}
	for range script.Spans(at, at.Add(time.Hour)) {
		break // leaving early is allowed
	}
}

// codes is how the tests name a pair: the state, and + while working.
func code(s ingest.Status) string {
	if s.IsWorking {
		return fmt.Sprintf("%d+", s.AgentState)
	}
	return strconv.Itoa(int(s.AgentState))
}

func TestAgentsMoveLegally(t *testing.T) {
	// The moves of gateway.md, with signing in (always to busy), ringing before
	// talk, and the oddities: code 42 from and to idle, talk while busy.
	legal := map[string][]string{
		"2":  {"3"},
		"3":  {"4", "2"},
		"4":  {"3", "7", "9", "42", "2"},
		"5":  {"4", "2"},
		"7":  {"7+", "4", "2"},
		"7+": {"5", "4", "3+", "2"},
		"3+": {"3", "2"},
		"8":  {"4", "2"},
		"9":  {"8", "2"},
		"42": {"4", "2"},
	}
	for _, shift := range []gatewaysim.Shift{gatewaysim.ShiftDay, gatewaysim.ShiftAlways} {
		t.Run(shift.String(), func(t *testing.T) {
			seen := map[string]bool{}
			play := gatewaysim.Play{Seed: 7, Zone: berlin(t), Shift: shift}
			for agent := ingest.AgentID(101); agent < 125; agent++ {
				before := ""
				for span := range play.Script(agent).Spans(instant(t, "2026-10-20T00:00:00Z"), instant(t, "2026-10-30T00:00:00Z")) {
					now := code(span.Status)
					if before != "" && !slices.Contains(legal[before], now) {
						t.Errorf("agent %d goes from %s to %s at %s", agent, before, now, span.From)
					}
					before, seen[now] = now, true
				}
			}
			for pair := range legal {
				if !seen[pair] {
					t.Errorf("nobody was ever in %s", pair)
				}
			}
		})
	}
}

func TestDaysAreBelievable(t *testing.T) {
	from, to := instant(t, "2026-11-01T00:00:00Z"), instant(t, "2026-12-01T00:00:00Z")
	var calls int
	var talked, staffed time.Duration
	rests := map[time.Duration]int{} // by the hour
	for agent := ingest.AgentID(101); agent < 125; agent++ {
		var call time.Duration
		for span := range (gatewaysim.Play{Seed: 1, Zone: time.UTC}).Script(agent).Spans(from, to) {
			length := span.To.Sub(span.From)
			switch code(span.Status) {
			case "7+", "3+":
				call += length
				continue
			case "8":
				rests[length/(20*time.Minute)]++
			}
			if call > 0 {
				calls, talked, call = calls+1, talked+call, 0
			}
			if span.Status.AgentState != 2 && length < 4*time.Hour {
				staffed += length
			}
		}
	}
	staffed += talked
	if mean := talked / time.Duration(calls); mean < 175*time.Second || mean > 185*time.Second {
		t.Errorf("the mean of %d calls is %s, far from 3m0s", calls, mean)
	}
	if share := talked.Hours() / staffed.Hours(); share < 0.4 || share > 0.7 {
		t.Errorf("agents talk %.0f %% of their time", 100*share)
	}
	if perDay := staffed / (24 * 30); perDay < 8*time.Hour || perDay > 9*time.Hour {
		t.Errorf("agents work %s a day", perDay)
	}
	// Two breaks under 20 minutes and a lunch under an hour, a day and agent.
	if days := 24 * 30; rests[0] < 2*days-5 || rests[0] > 2*days || rests[1]+rests[2] < days-5 || rests[1]+rests[2] > days {
		t.Errorf("%d agent days have %v rests by 20 minutes", days, rests)
	}
}

func TestOddities(t *testing.T) {
	play := gatewaysim.Play{Seed: 1, Zone: time.UTC}
	from, to := instant(t, "2026-11-01T00:00:00Z"), instant(t, "2026-12-01T00:00:00Z")
	nights, unknown, talkBusy := map[ingest.AgentID]int{}, map[ingest.AgentID]int{}, map[ingest.AgentID]int{}
	for agent := ingest.AgentID(101); agent <= 112; agent++ {
		for span := range play.Script(agent).Spans(from, to) {
			switch length := span.To.Sub(span.From); {
			case code(span.Status) == "42" && length >= 5*time.Minute && length <= 15*time.Minute:
				unknown[agent]++
			case code(span.Status) == "3+":
				talkBusy[agent]++
			case code(span.Status) == "3" && length > 10*time.Hour:
				nights[agent]++
			}
		}
	}
	if n := nights[107]; len(nights) != 1 || n < 8 || n > 22 {
		t.Errorf("left signed in overnight: %v, want 107 about every other night", nights)
	}
	if len(unknown) != 1 || unknown[103] != 30 {
		t.Errorf("code 42 by agent: %v, want 103 once a day", unknown)
	}
	if len(talkBusy) != 1 || talkBusy[105] < 100 {
		t.Errorf("talk while busy by agent: %v, want 105 only", talkBusy)
	}
}

func TestSomebodyTalksAtAnyHourOfShiftAlways(t *testing.T) {
	play := gatewaysim.Play{Seed: 3, Zone: berlin(t), Shift: gatewaysim.ShiftAlways}
	var scripts []*gatewaysim.Script
	for agent := ingest.AgentID(101); agent <= 124; agent++ {
		scripts = append(scripts, play.Script(agent))
	}
	from := instant(t, "2026-10-24T00:00:00Z") // with the night the clocks change
	for at := from; at.Before(from.AddDate(0, 0, 3)); at = at.Add(time.Minute) {
		talking, in := 0, 0
		for _, script := range scripts {
			status, signedIn := script.At(at)
			if status.IsWorking {
				talking++
			}
			if signedIn {
				in++
			}
		}
		if talking < 3 || in < 18 {
			t.Fatalf("at %s %d agents of 24 are signed in and %d talk", at, in, talking)
		}
	}
}

func TestShiftWords(t *testing.T) {
	for _, shift := range []gatewaysim.Shift{gatewaysim.ShiftDay, gatewaysim.ShiftAlways} {
		if got, err := gatewaysim.ParseShift(shift.String()); err != nil || got != shift {
			t.Errorf("%s is read as %v, %v", shift, got, err)
		}
	}
	if _, err := gatewaysim.ParseShift("night"); err == nil {
		t.Error("an unknown shift is accepted")
	}
	if got := gatewaysim.Shift(9).String(); got != "shift(9)" {
		t.Errorf("a shift there is not prints as %q", got)
	}
}

func BenchmarkAt(b *testing.B) {
	script := gatewaysim.Play{Seed: 1, Zone: time.UTC, Shift: gatewaysim.ShiftAlways}.Script(101)
	at := instant(b, "2026-11-20T08:00:00Z")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		script.At(at.Add(time.Duration(i%3600) * 10 * time.Second))
	}
}

func BenchmarkDay(b *testing.B) {
	play := gatewaysim.Play{Seed: 1, Zone: time.UTC}
	at := instant(b, "2026-11-20T08:00:00Z")
	b.ReportAllocs()
	for b.Loop() {
		play.Script(101).At(at)
	}
}
