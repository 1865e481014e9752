package reports_test

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
)

// bin is one quarter-hour row of a fake source.
type bin struct {
	agent    ingest.AgentID
	start    time.Time
	sums     reports.Sums
	isFinal  bool
	revision int
}

// bins is a source that keeps its quarter-hours in memory.
type bins struct {
	rows    []bin
	horizon time.Time
	roster  reports.Roster
	facts   error // what Facts fails with
	broken  error // what Cells ends with
}

func (b *bins) Facts(_ context.Context, from, to time.Time) (reports.Facts, error) {
	var agents []ingest.AgentID
	for _, r := range b.rows {
		if !r.start.Before(from) && r.start.Before(to) {
			agents = append(agents, r.agent)
		}
	}
	return reports.Facts{Horizon: b.horizon, Agents: ingest.NewAgentSet(agents...), Roster: b.roster}, b.facts
}

func (b *bins) Cells(_ context.Context, q reports.Query) iter.Seq2[reports.Cell, error] {
	type place struct{ part, span int }
	cells := map[place]*reports.Cell{}
	for _, r := range b.rows {
		holds := func(s reports.Span) bool { return !r.start.Before(s.From) && r.start.Before(s.To) }
		span := slices.IndexFunc(q.Spans, holds)
		part := slices.IndexFunc(q.Parts, func(p reports.Part) bool { return p.Agent == r.agent && holds(p.Span) })
		if span < 0 || part < 0 {
			continue
		}
		c := cells[place{part, span}]
		if c == nil {
			c = &reports.Cell{Part: part, Span: span}
			cells[place{part, span}] = c
		}
		c.Sums.Add(&r.sums)
		c.Bins++
		if r.isFinal {
			c.FinalBins++
		}
		if r.start.After(c.LastBin) {
			c.LastBin = r.start
		}
		c.Revision = max(c.Revision, r.revision)
	}
	var ordered []*reports.Cell
	for _, c := range cells {
		ordered = append(ordered, c)
	}
	slices.SortFunc(ordered, func(a, b *reports.Cell) int {
		return cmp.Or(cmp.Compare(q.Parts[a.Part].Run, q.Parts[b.Part].Run), cmp.Compare(a.Span, b.Span), cmp.Compare(a.Part, b.Part))
	})
	return func(yield func(reports.Cell, error) bool) {
		for _, c := range ordered {
			if !yield(*c, nil) {
				return
			}
		}
		if b.broken != nil {
			yield(reports.Cell{}, b.broken)
		}
	}
}

// rows is a sink that keeps everything.
type rows struct {
	meta  reports.Meta
	rows  []reports.Row
	total *reports.Row
	full  int // refuses the row after so many, unless 0
}

func (s *rows) Begin(m reports.Meta) error { s.meta = m; return nil }

func (s *rows) Row(r *reports.Row) error {
	if s.full > 0 && len(s.rows) == s.full {
		return errors.New("no space left")
	}
	s.rows = append(s.rows, *r)
	return nil
}

func (s *rows) End(total *reports.Row) error {
	t := *total
	s.total = &t
	return nil
}

func summarize(t require, source reports.Source, request reports.Request) *rows {
	t.Helper()
	sink := &rows{}
	total, err := reports.Summarize(context.Background(), source, request, sink)
	if err != nil {
		t.Fatal(err)
	}
	if sink.total == nil || total != *sink.total {
		t.Fatalf("the total returned, %+v, is not the one written, %+v", total, sink.total)
	}
	return sink
}

// require is what testing.T and rapid.T share.
type require interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

var _, _ require = (*testing.T)(nil), (*rapid.T)(nil)

// drawBins draws the quarter-hours of a few agents around a window, with holes
// and a horizon that may cut any of them.
func drawBins(t *rapid.T, w reports.Window) *bins {
	source := &bins{}
	reach := int(w.Milliseconds() / reports.QuarterHour.Milliseconds())
	source.horizon = w.From.Add(time.Duration(rapid.Int64Range(
		-2*reports.QuarterHour.Milliseconds(), w.Milliseconds()+2*reports.QuarterHour.Milliseconds()).Draw(t, "horizon")) * time.Millisecond)
	seed := rapid.Uint64().Draw(t, "seed")
	random := func(n int64) int64 { // splitmix64: cheap, and shrinks with its seed
		seed += 0x9e3779b97f4a7c15
		z := (seed ^ seed>>30) * 0xbf58476d1ce4e5b9
		return int64((z ^ z>>27) % uint64(n))
	}
	holes := rapid.Int64Range(0, 4).Draw(t, "holes in 4")
	for agent := range ingest.AgentID(rapid.IntRange(0, 3).Draw(t, "agents")) {
		for i := range reach + 2 {
			start := w.From.Add(time.Duration(i-1) * reports.QuarterHour)
			if !start.Before(source.horizon) || random(4) < holes {
				continue
			}
			b := bin{agent: 101 + 2*agent, start: start, isFinal: random(3) > 0, revision: 1 + int(random(3))}
			left := reports.QuarterHour.Milliseconds()
			if open := start.Add(reports.QuarterHour).Sub(source.horizon); open > 0 {
				b.sums.MS[reports.Pending] = open.Milliseconds()
				left -= open.Milliseconds()
				b.isFinal = false
			}
			for m := range reports.Pending {
				part := random(left + 1)
				b.sums.MS[m] += part
				left -= part
			}
			b.sums.MS[reports.Unscheduled] += left
			for e := range reports.Evidences {
				value := b.sums.Value(reports.Evidence(e))
				b.sums.Low[e] = random(value + 1)
				b.sums.Reach[e] = value - b.sums.Low[e] + random(1000)
				b.sums.Edge[e] = random(20_000)
			}
			b.sums.ChangeMS = 60_000
			b.sums.ChangeSq = 60_000 * 10_000
			b.sums.TalkEntries, b.sums.Conflicts = random(5), random(2)
			source.rows = append(source.rows, b)
		}
	}
	return source
}
