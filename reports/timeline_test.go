package reports_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
)

func timeline(t testing.TB, source reports.SegmentSource, request reports.Request) []reports.Episode {
	t.Helper()
	var sink kept[reports.Episode]
	if err := reports.Timeline(t.Context(), source, request, &sink); err != nil {
		t.Fatal(err)
	}
	return sink.rows
}

// episodeWord is an episode in a word: measure@from-to, with ? where a gap cuts
// it and > where it goes on.
func episodeWord(e *reports.Episode) string {
	word := fmt.Sprintf("%d:%s@%s-%s", e.Agent, e.Measure, e.From.Format("02T15:04"), e.To.Format("02T15:04"))
	if e.IsCutByGap() {
		word += "?"
	}
	if e.IsOpen {
		word += ">"
	}
	return word
}

func TestTimeline(t *testing.T) {
	for name, c := range map[string]struct {
		lived    string
		horizon  string
		from, to string
		want     string
	}{
		"changes": {
			"16T08:00 signed_out 16T09:00 available 16T09:20 talk 16T09:31 acw 16T10:00", "16T12:00", "16T09:00", "16T10:00",
			"101:available@16T09:00-16T09:20 101:talk@16T09:20-16T09:31 101:acw@16T09:31-16T10:00?",
		},
		"not broken by midnight": {
			"16T22:00 signed_out 16T22:30 available 17T01:00 signed_out 17T02:00", "17T12:00", "16T22:30", "17T01:00",
			"101:available@16T22:30-17T01:00",
		},
		"three days unchanged, the middle one": {
			"15T08:00 signed_out 15T09:00 available 19T09:00 signed_out 19T10:00", "20T00:00", "17T00:00", "18T00:00",
			"101:available@15T09:00-19T09:00",
		},
		"broken by what failed": {
			"16T09:00 available 16T09:20 failed 16T09:40 available 16T10:00", "16T12:00", "16T09:00", "16T10:00",
			"101:available@16T09:00-16T09:20? 101:failed@16T09:20-16T09:40 101:available@16T09:40-16T10:00?",
		},
		"broken by what nothing was due in": {
			"16T09:00 available 16T09:20 -- 16T09:40 available 16T10:00", "16T12:00", "16T09:00", "16T10:00",
			"101:available@16T09:00-16T09:20? 101:unscheduled@16T09:20-16T09:40 101:available@16T09:40-16T10:00?",
		},
		"two pairs of one measure are two episodes": {
			"16T09:00 available 16T09:20 also_available 16T10:00", "16T12:00", "16T09:00", "16T10:00",
			"101:available@16T09:00-16T09:20? 101:available@16T09:20-16T10:00?",
		},
		"holes are cut at the window, causes kept apart": {
			"15T09:00 available 15T10:00 recorder_down 18T10:00 failed 18T11:00 -- 18T12:00", "18T12:00", "16T00:00", "18T12:00",
			"101:recorder_down@16T00:00-18T10:00 101:failed@18T10:00-18T11:00 101:unscheduled@18T11:00-18T12:00",
		},
		"open at the last closed quarter-hour": {
			"16T09:00 signed_out 16T09:10 available 16T11:00", "16T10:22", "16T09:15", "16T11:00",
			"101:available@16T09:10-16T10:15> 101:pending@16T10:15-16T11:00",
		},
		"a gap before the last closed quarter-hour is not open": {
			"16T09:00 available 16T10:10 -- 16T11:00", "16T10:22", "16T09:00", "16T11:00",
			"101:available@16T09:00-16T10:10? 101:unscheduled@16T10:10-16T10:15 101:pending@16T10:15-16T11:00",
		},
		"all ahead": {
			"16T09:00 available 16T10:00", "16T10:00", "16T12:00", "16T13:00",
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			source := &lives{horizon: november(t, c.horizon)}
			source.live(t, 101, c.lived)
			if got := words(timeline(t, source, novemberWindow(t, c.from, c.to)), episodeWord); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Agents asked for are told whole, with or without segments, in order.
func TestTimelineOfAskedAgents(t *testing.T) {
	source := &lives{horizon: november(t, "16T09:30")}
	source.live(t, 102, "16T09:00 talk 16T09:15")
	source.live(t, 104, "16T09:15 talk 16T09:30")
	const want = "101:unscheduled@16T09:00-16T09:30 101:pending@16T09:30-16T10:00 " +
		"102:talk@16T09:00-16T09:15? 102:unscheduled@16T09:15-16T09:30 102:pending@16T09:30-16T10:00 " +
		"103:unscheduled@16T09:00-16T09:30 103:pending@16T09:30-16T10:00 " +
		"104:unscheduled@16T09:00-16T09:15 104:talk@16T09:15-16T09:30? 104:pending@16T09:30-16T10:00 " +
		"105:unscheduled@16T09:00-16T09:30 105:pending@16T09:30-16T10:00"
	if got := words(timeline(t, source, novemberWindow(t, "16T09:00", "16T10:00", 101, 102, 103, 104, 105)), episodeWord); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	source.horizon = time.Time{}
	if got := words(timeline(t, source, novemberWindow(t, "16T09:00", "16T10:00", 102)), episodeWord); got != "102:pending@16T09:00-16T10:00" {
		t.Errorf("with nothing derived: %s", got)
	}
}

// The ends of an episode are those of its first and last segment, and inside the
// window is what is inside.
func TestEpisodeBounds(t *testing.T) {
	source := &lives{horizon: november(t, "18T00:00")}
	source.live(t, 101, "16T08:00 signed_out 16T08:50 available 16T10:40 talk 16T11:00")
	request := novemberWindow(t, "16T09:00", "16T10:00")
	e := timeline(t, source, request)[0]
	want := reports.Ends{
		StartedAfter: november(t, "16T08:49:55"), StartedBefore: november(t, "16T08:50:05"),
		EndedAfter: november(t, "16T10:39:55"), EndedBefore: november(t, "16T10:40:05"),
	}
	if e.Ends != want {
		t.Errorf("the samples around it are %v, want %v", e.Ends, want)
	}
	if ms := e.Within(request.Window.Span); ms != 3_600_000 {
		t.Errorf("%d ms are inside", ms)
	}
	if ms := e.Within(reports.Span{From: november(t, "17T09:00"), To: november(t, "17T10:00")}); ms != 0 {
		t.Errorf("%d ms are inside another day", ms)
	}
}

// Splitting a window anywhere and adding changes nothing.
func TestTimelineSplit(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		source := &lives{horizon: november(t, "16T00:00").Add(time.Duration(rapid.IntRange(0, 16).Draw(r, "horizon")) * 7 * time.Minute)}
		for agent := ingest.AgentID(101); agent < 104; agent++ {
			source.live(t, agent, drawLife(r))
		}
		from, to := november(t, "16T00:00"), november(t, "16T04:00")
		middle := from.Add(time.Duration(rapid.IntRange(1, 15).Draw(r, "split")) * reports.QuarterHour)
		sum := func(from, to time.Time) map[string]int64 {
			request := novemberWindow(t, "16T00:00", "16T04:00", 101, 102, 103)
			request.Window.Span = reports.Span{From: from, To: to}
			sums := map[string]int64{}
			for _, e := range timeline(t, source, request) {
				sums[fmt.Sprint(e.Agent, e.Measure)] += e.Within(request.Window.Span)
				sums[fmt.Sprint(e.Agent)] += e.Within(request.Window.Span)
			}
			return sums
		}
		whole, left, right := sum(from, to), sum(from, middle), sum(middle, to)
		for key, ms := range whole {
			if left[key]+right[key] != ms {
				r.Fatalf("%s: %d + %d ms of the parts, %d of the whole", key, left[key], right[key], ms)
			}
		}
		if whole["101"] != to.Sub(from).Milliseconds() {
			r.Fatalf("%d ms of agent 101 are told", whole["101"])
		}
	})
}

// drawLife draws four hours of a life.
func drawLife(r *rapid.T) string {
	at := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	b.WriteString(at.Format("02T15:04:05"))
	for at.Before(time.Date(2026, 11, 16, 4, 0, 0, 0, time.UTC)) {
		at = at.Add(time.Duration(rapid.IntRange(11, 3000).Draw(r, "seconds")) * time.Second)
		what := rapid.SampledFrom([]string{"talk", "available", "also_available", "signed_out", "failed", "recorder_down", "--"}).Draw(r, "what")
		fmt.Fprintf(&b, " %s %s", what, at.Format("02T15:04:05"))
	}
	return b.String()
}

func TestTimelineRefusesWhatIsOutOfOrder(t *testing.T) {
	lost := errors.New("connection lost")
	full := errors.New("no space left")
	overlapping := &lives{horizon: november(t, "16T12:00")}
	overlapping.live(t, 101, "16T09:00 talk 16T09:10")
	overlapping.live(t, 101, "16T09:05 acw 16T09:15")
	backwards := &lives{horizon: november(t, "16T12:00")}
	backwards.live(t, 102, "16T09:00 talk 16T09:10")
	backwards.live(t, 101, "16T09:00 talk 16T09:10")
	broken := &lives{horizon: november(t, "16T12:00"), broken: lost}
	fine := &lives{horizon: november(t, "16T12:00")}
	fine.live(t, 101, "16T09:00 talk 16T09:10")
	for name, c := range map[string]struct {
		source *lives
		sink   *kept[reports.Episode]
		want   string
	}{
		"overlapping": {overlapping, &kept[reports.Episode]{}, "agent 101: the segment from 2026-11-16T09:05:00Z to 2026-11-16T09:15:00Z is not after the one before it"},
		"backwards":   {backwards, &kept[reports.Episode]{}, "agent 101: the segment from"},
		"broken":      {broken, &kept[reports.Episode]{}, "report test: connection lost"},
		"full":        {fine, &kept[reports.Episode]{full: full}, "report test: no space left"},
	} {
		t.Run(name, func(t *testing.T) {
			err := reports.Timeline(t.Context(), c.source, novemberWindow(t, "16T09:00", "16T10:00"), c.sink)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if c.sink.ended {
				t.Error("the report was ended all the same")
			}
		})
	}
}
