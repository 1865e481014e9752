package reports_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
)

var groupings = []string{"none", "agent", "15m", "30m", "60m", "day", "week", "month", "agent,15m", "agent,60m", "agent,day", "agent,week", "agent,month", "15m,agent", "30m,agent", "day,agent", "week,agent", "month,agent"}

func request(t require, w reports.Window, by string) reports.Request {
	t.Helper()
	g, err := reports.ParseGrouping(by)
	if err != nil {
		t.Fatal(err)
	}
	return reports.Request{Report: "states", Window: w, Grouping: g}
}

// Identities 2 and 3 of metrics.md §3: every row accounts for its window, and
// whatever the rows are kept apart by, they sum to the same.
func TestEveryGroupingAccountsForTheWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWindow(t, 200)
		source := drawBins(t, w)
		want := summarize(t, source, request(t, w, "none"))
		for _, by := range groupings {
			got := summarize(t, source, request(t, w, by))
			var sum reports.Sums
			for _, r := range got.rows {
				if r.Residual() != 0 || r.Time != r.Span.Milliseconds()*int64(r.Agents) {
					t.Fatalf("--by %s: row %+v leaves %d ms", by, r, r.Residual())
				}
				for e := range reports.Evidence(reports.Evidences) {
					if low, high := r.Bounds(e); low > r.Value(e) || r.Value(e) > high || high > r.Time {
						t.Fatalf("--by %s: %v is %d, bounds %d to %d of %d", by, e, r.Value(e), low, high, r.Time)
					}
				}
				sum.Add(&r.Sums)
			}
			if sum != got.total.Sums || sum != want.total.Sums {
				t.Fatalf("--by %s: rows sum to %v, total %v, --by none %v", by, sum.MS, got.total.MS, want.total.MS)
			}
			for e, v := range got.total.Variance {
				if math.Abs(v-want.total.Variance[e]) > 1e-9*v {
					t.Fatalf("--by %s: variance %d is %g, --by none %g", by, e, v, want.total.Variance[e])
				}
			}
		}
	})
}

// A week is its days and a month is its days, standard errors included.
func TestWeeksAndMonthsAreTheSumsOfTheirDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWindow(t, 12*96)
		source := drawBins(t, w)
		for _, by := range [][2]string{
			{"week", "day"},
			{"agent,week", "agent,day"},
			{"week,agent", "day,agent"},
			{"month", "day"},
			{"agent,month", "agent,day"},
			{"month,agent", "day,agent"},
		} {
			days := summarize(t, source, request(t, w, by[1])).rows
			for _, row := range summarize(t, source, request(t, w, by[0])).rows {
				sum := reports.Row{Agent: row.Agent, Span: row.Span, Agents: row.Agents, IsFinal: true}
				for _, d := range days {
					if d.Agent != row.Agent || d.Span.From.Before(row.Span.From) || !d.Span.From.Before(row.Span.To) {
						continue
					}
					sum.Time += d.Time
					sum.Sums.Add(&d.Sums)
					for e, variance := range d.Variance {
						sum.Variance[e] += variance
					}
					sum.IsFinal = sum.IsFinal && d.IsFinal
					sum.Revision = max(sum.Revision, d.Revision)
				}
				for e, variance := range sum.Variance {
					if math.Abs(variance-row.Variance[e]) > 1e-9*variance {
						t.Fatalf("--by %s: variance %d of %v is %g, its days' %g", by[0], e, row.Span, row.Variance[e], variance)
					}
				}
				sum.Variance = row.Variance
				if sum != row {
					t.Fatalf("--by %s: got %+v, its days sum to %+v", by[0], row, sum)
				}
			}
		}
	})
}

func TestSplittingAWindowAndAddingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWindow(t, 150)
		source := drawBins(t, w)
		agents := ingest.NewAgentSet(101, 103, 104)
		quarters := len(w.Spans(reports.QuarterHours))
		cut := w.From.Add(time.Duration(rapid.IntRange(0, quarters).Draw(t, "cut")) * reports.QuarterHour)
		var sum reports.Sums
		for _, part := range []reports.Span{{From: w.From, To: cut}, {From: cut, To: w.To}} {
			if part.Milliseconds() > 0 {
				r := request(t, reports.Window{Span: part, Zone: w.Zone}, "agent")
				r.Agents = agents
				sum.Add(&summarize(t, source, r).total.Sums)
			}
		}
		whole := request(t, w, "agent")
		whole.Agents = agents
		if got := summarize(t, source, whole).total.Sums; got != sum {
			t.Fatalf("the whole is %v, its parts sum to %v", got.MS, sum.MS)
		}
	})
}

func TestRowsAreDenseAndInOrder(t *testing.T) {
	w := reports.Window{Span: reports.Span{From: instant(t, "2026-11-16T08:00:00Z"), To: instant(t, "2026-11-16T08:30:00Z")}, Zone: time.UTC}
	source := &bins{horizon: w.To, rows: []bin{
		talking(103, "2026-11-16T08:15:00Z"), talking(101, "2026-11-16T08:00:00Z"),
		talking(105, "2026-11-16T09:00:00Z"), // outside the window: not shown
	}}
	for by, want := range map[string]string{
		"agent":     "101@08:00 103@08:00",
		"agent,15m": "101@08:00 101@08:15 103@08:00 103@08:15",
		"15m,agent": "101@08:00 103@08:00 101@08:15 103@08:15",
		"15m":       "0@08:00 0@08:15",
		"none":      "0@08:00",
	} {
		if got := places(summarize(t, source, request(t, w, by))); got != want {
			t.Errorf("--by %s: got %s, want %s", by, got, want)
		}
	}
	asked := request(t, w, "agent")
	asked.Agents = ingest.NewAgentSet(102, 103)
	got := summarize(t, source, asked)
	if places(got) != "102@08:00 103@08:00" {
		t.Errorf("asked for 102 and 103, got %s", places(got))
	}
	if got.rows[0].MS[reports.Unscheduled] != 1_800_000 {
		t.Errorf("an agent without rows is not unscheduled: %v", got.rows[0].MS)
	}
}

func TestRowsOfWeeksAndMonthsAreInOrder(t *testing.T) {
	w := reports.Window{Span: reports.Span{From: instant(t, "2026-10-30T00:00:00Z"), To: instant(t, "2026-11-03T00:00:00Z")}, Zone: time.UTC}
	for by, want := range map[string]string{ // from a Friday to a Monday
		"agent,week":  "101@10-30 101@11-02 103@10-30 103@11-02",
		"week,agent":  "101@10-30 103@10-30 101@11-02 103@11-02",
		"month,agent": "101@10-30 103@10-30 101@11-01 103@11-01",
		"week":        "0@10-30 0@11-02",
		"month":       "0@10-30 0@11-01",
	} {
		r := request(t, w, by)
		r.Agents = ingest.NewAgentSet(101, 103)
		var got []string
		for _, row := range summarize(t, &bins{horizon: w.To}, r).rows {
			got = append(got, fmt.Sprintf("%d@%s", row.Agent, row.Span.From.Format("01-02")))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("--by %s: got %v, want %s", by, got, want)
		}
	}
}

func TestNobodyInTheWindow(t *testing.T) {
	w := reports.Window{Span: reports.Span{From: instant(t, "2026-11-16T08:00:00Z"), To: instant(t, "2026-11-16T08:30:00Z")}, Zone: time.UTC}
	for _, by := range groupings {
		got := summarize(t, &bins{}, request(t, w, by))
		if len(got.rows) != 0 || got.total.Residual() != 0 || got.total.Agents != 0 {
			t.Errorf("--by %s: %d rows, total %+v", by, len(got.rows), got.total)
		}
	}
}

func TestFinalityAndRevision(t *testing.T) {
	w := reports.Window{Span: reports.Span{From: instant(t, "2026-11-16T08:00:00Z"), To: instant(t, "2026-11-16T08:30:00Z")}, Zone: time.UTC}
	open, revised := talking(101, "2026-11-16T08:15:00Z"), talking(102, "2026-11-16T08:00:00Z")
	open.isFinal, revised.revision = false, 3
	got := summarize(t, &bins{horizon: w.To, rows: []bin{talking(101, "2026-11-16T08:00:00Z"), open, revised}}, request(t, w, "agent"))
	if a, b := got.rows[0], got.rows[1]; a.IsFinal || a.Revision != 1 || !b.IsFinal || b.Revision != 3 {
		t.Errorf("rows are final %v, %v, revision %d, %d", a.IsFinal, b.IsFinal, a.Revision, b.Revision)
	}
	if got.total.IsFinal || got.total.Revision != 3 {
		t.Errorf("the total is final: %v, revision %d", got.total.IsFinal, got.total.Revision)
	}
}

// What has no row is unscheduled before the horizon and pending from it on.
func TestFillsWhatHasNoRow(t *testing.T) {
	w := reports.Window{Span: reports.Span{From: instant(t, "2026-11-16T08:00:00Z"), To: instant(t, "2026-11-16T09:00:00Z")}, Zone: time.UTC}
	cut := talking(101, "2026-11-16T08:15:00Z")
	cut.sums.MS[reports.Talk] = 300_000
	cut.sums.MS[reports.Pending] = 600_000
	cut.isFinal = false
	for name, c := range map[string]struct {
		rows                       []bin
		horizon                    string
		talk, unscheduled, pending int64
		isFinal                    bool
	}{
		"all past":             {nil, "2026-11-16T12:00:00Z", 0, 3600, 0, true},
		"all ahead":            {nil, "2026-11-16T07:00:00Z", 0, 0, 3600, false},
		"horizon at the start": {nil, "2026-11-16T08:00:00Z", 0, 0, 3600, false},
		"horizon at the end":   {nil, "2026-11-16T09:00:00Z", 0, 3600, 0, true},
		"horizon in a quarter-hour without a row":  {nil, "2026-11-16T08:20:00Z", 0, 1200, 2400, false},
		"horizon in a quarter-hour with a row":     {[]bin{cut}, "2026-11-16T08:20:00Z", 300, 900, 2400, false},
		"a row before, none at the horizon":        {[]bin{talking(101, "2026-11-16T08:00:00Z")}, "2026-11-16T08:20:00Z", 900, 300, 2400, false},
		"rows up to the horizon on a quarter-hour": {[]bin{talking(101, "2026-11-16T08:00:00Z")}, "2026-11-16T08:15:00Z", 900, 0, 2700, false},
		"a hole between rows":                      {[]bin{talking(101, "2026-11-16T08:00:00Z"), talking(101, "2026-11-16T08:45:00Z")}, "2026-11-16T10:00:00Z", 1800, 1800, 0, true},
	} {
		for _, by := range groupings {
			t.Run(name+", by "+by, func(t *testing.T) {
				r := request(t, w, by)
				r.Agents = ingest.NewAgentSet(101)
				got := summarize(t, &bins{rows: c.rows, horizon: instant(t, c.horizon)}, r).total
				want := [3]int64{c.talk * 1000, c.unscheduled * 1000, c.pending * 1000}
				if have := [3]int64{got.MS[reports.Talk], got.MS[reports.Unscheduled], got.MS[reports.Pending]}; have != want {
					t.Errorf("talk, unscheduled, pending are %v, want %v", have, want)
				}
				if got.IsFinal != c.isFinal {
					t.Errorf("is final: %v", got.IsFinal)
				}
			})
		}
	}
}

func TestSummarizeRefusesWhatDoesNotAddUp(t *testing.T) {
	w := reports.Window{Span: reports.Span{From: instant(t, "2026-11-16T08:00:00Z"), To: instant(t, "2026-11-16T09:00:00Z")}, Zone: time.UTC}
	short := talking(101, "2026-11-16T08:00:00Z")
	short.sums.MS[reports.Talk]--
	failure := errors.New("connection lost")
	for name, c := range map[string]struct {
		source reports.Source
		sink   *rows
		want   string
	}{
		"a millisecond missing":   {&bins{rows: []bin{short}, horizon: w.To}, &rows{}, "the measures of 1 quarter-hours sum to 899999 ms; run talktime verify"},
		"a row past the horizon":  {&bins{rows: []bin{talking(101, "2026-11-16T08:30:00Z")}, horizon: w.From}, &rows{}, "is not before the horizon"},
		"the same row twice":      {&bins{rows: []bin{talking(101, "2026-11-16T08:00:00Z"), talking(101, "2026-11-16T08:00:00Z")}, horizon: instant(t, "2026-11-16T08:15:00Z")}, &rows{}, "2 quarter-hours do not fit"},
		"no facts":                {&bins{facts: failure}, &rows{}, "report states: connection lost"},
		"rows that are refused":   {&bins{horizon: w.To, broken: failure}, &rows{}, "connection lost"},
		"rows that end early":     {&bins{rows: []bin{talking(101, "2026-11-16T08:00:00Z")}, horizon: w.To, broken: failure}, &rows{}, "connection lost"},
		"a sink that is full":     {&bins{rows: []bin{talking(101, "2026-11-16T08:00:00Z"), talking(102, "2026-11-16T08:00:00Z")}, horizon: w.To}, &rows{full: 1}, "no space left"},
		"a part nobody asked for": {&unasked{}, &rows{}, "part 7, span 0 unasked"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := reports.Summarize(context.Background(), c.source, request(t, w, "agent"), c.sink)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if c.sink.total != nil {
				t.Error("a total was written all the same")
			}
			if hasNothing := name == "no facts" || name == "rows that are refused"; hasNothing && c.sink.meta.Request.Report != "" {
				t.Error("a report was begun of which there is nothing")
			}
		})
	}
}

// unasked is a source that gives what no report asks for.
type unasked struct{ bins }

func (unasked) Cells(context.Context, reports.Query) iter.Seq2[reports.Cell, error] {
	return func(yield func(reports.Cell, error) bool) { yield(reports.Cell{Part: 7}, nil) }
}

func talking(agent ingest.AgentID, start string) bin {
	at, err := time.Parse(time.RFC3339, start)
	if err != nil {
		panic(err)
	}
	b := bin{agent: agent, start: at, isFinal: true, revision: 1}
	b.sums.MS[reports.Talk] = 900_000
	return b
}

// places writes who and when each row is: "101@08:00 103@08:00".
func places(s *rows) string {
	var words []string
	for _, r := range s.rows {
		words = append(words, fmt.Sprintf("%d@%s", r.Agent, r.Span.From.Format("15:04")))
	}
	return strings.Join(words, " ")
}
