package reports_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
)

// lives is a source of segments kept in memory. It gives more than it is asked
// for, as a SegmentSource may.
type lives struct {
	segments []reports.Segment
	horizon  time.Time
	broken   error // what Segments ends with
}

func (l *lives) Background(context.Context, time.Time, time.Time) (reports.Facts, error) {
	return reports.Facts{Horizon: l.horizon}, nil
}

func (l *lives) Segments(_ context.Context, q reports.SegmentQuery) iter.Seq2[reports.Segment, error] {
	return func(yield func(reports.Segment, error) bool) {
		for _, s := range l.segments {
			if s.To.After(l.horizon.Truncate(reports.QuarterHour)) || !q.Agents.IsEmpty() && !q.Agents.Contains(s.Agent) {
				continue
			}
			if !yield(s, nil) {
				return
			}
		}
		if l.broken != nil {
			yield(reports.Segment{}, l.broken)
		}
	}
}

// pairs are what the gateway tells of a measure.
var pairs = map[string]ingest.Status{
	"talk": {AgentState: 7, IsWorking: true}, "reserved": {AgentState: 7}, "acw": {AgentState: 5}, "available": {AgentState: 4},
	"busy": {AgentState: 3}, "rest": {AgentState: 8}, "signed_out": {AgentState: 2}, "also_available": {AgentState: 6},
}

// live adds what an agent did, in words: "16T08:00 available 16T09:10:05 talk
// 16T09:15", instants of November 2026 with what follows them between; "--" is
// time nothing was due in. There is a sample five seconds before and after each
// end that lies beside observed time. Cut at quarter-hours it is segments.
func (l *lives) live(t testing.TB, agent ingest.AgentID, words string) {
	t.Helper()
	fields := strings.Fields(words)
	observed := func(i int) bool {
		return i > 0 && i < len(fields)-1 && fields[i] != "--" && fields[i] != "failed" && fields[i] != "recorder_down"
	}
	for i := 1; i < len(fields)-1; i += 2 {
		if fields[i] == "--" {
			continue
		}
		run := reports.Segment{Agent: agent, From: november(t, fields[i-1]), To: november(t, fields[i+1]), Measure: measureOf(t, strings.TrimPrefix(fields[i], "also_"))}
		if observed(i) {
			run.Status, run.StartedBefore, run.EndedAfter = pairs[fields[i]], run.From.Add(5*time.Second), run.To.Add(-5*time.Second)
			if observed(i - 2) {
				run.StartedAfter = run.From.Add(-5 * time.Second)
			}
			if observed(i + 2) {
				run.EndedBefore = run.To.Add(5 * time.Second)
			}
		}
		l.segments = append(l.segments, quartered(run)...)
	}
}

// quartered cuts a run at the borders of quarter-hours.
func quartered(run reports.Segment) []reports.Segment {
	var parts []reports.Segment
	for from := run.From; from.Before(run.To); {
		part := run
		part.From = from
		if from.After(run.From) {
			part.StartedAfter, part.StartedBefore = time.Time{}, time.Time{}
		}
		if border := from.Truncate(reports.QuarterHour).Add(reports.QuarterHour); border.Before(run.To) {
			part.To, part.EndedAfter, part.EndedBefore = border, time.Time{}, time.Time{}
		}
		parts = append(parts, part)
		from = part.To
	}
	return parts
}

func november(t testing.TB, text string) time.Time {
	t.Helper()
	if strings.Count(text, ":") == 1 {
		text += ":00"
	}
	return instant(t, "2026-11-"+text+"Z")
}

func measureOf(t testing.TB, word string) reports.Measure {
	t.Helper()
	for m := range reports.Measure(reports.Measures) {
		if m.String() == word {
			return m
		}
	}
	t.Fatalf("no measure is called %q", word)
	return 0
}

// kept is a sink that keeps every row.
type kept[R any] struct {
	rows  []R
	full  error // what Row fails with
	ended bool
}

func (s *kept[R]) Begin(reports.Meta) error { return nil }
func (s *kept[R]) Row(row *R) error         { s.rows = append(s.rows, *row); return s.full }
func (s *kept[R]) End() error               { s.ended = true; return nil }

// novemberWindow is a window in Berlin, whose midnight is 23:00 UTC.
func novemberWindow(t testing.TB, from, to string, agents ...ingest.AgentID) reports.Request {
	t.Helper()
	return reports.Request{
		Report: "test", Agents: ingest.NewAgentSet(agents...),
		Window: reports.Window{Span: reports.Span{From: november(t, from), To: november(t, to)}, Zone: zone(t, "Europe/Berlin")},
	}
}

// words writes rows as they are told in, one word each.
func words[R any](rows []R, word func(*R) string) string {
	return strings.Join(slices.Collect(func(yield func(string) bool) {
		for i := range rows {
			if !yield(word(&rows[i])) {
				return
			}
		}
	}), " ")
}
