package reports

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// grid is every part of a report in every span of its window, whether the
// source has rows there or not.
type grid struct {
	parts   []part // in order; Query.Parts without names
	query   Query
	horizon time.Time
}

// grids yields the grids of a report, one after the other. Where rows ascend by
// week or month first there is one for each, so that all of a row's days come
// together and no more is kept than one of them.
func grids(request *Request, facts *Facts) iter.Seq[grid] {
	return func(yield func(grid) bool) {
		g := request.Grouping
		if keys := g.keys(); g.Unit <= Day || keys[0] != keyUnit {
			yield(newGrid(request, facts))
			return
		}
		inner := *request
		inner.Grouping.Unit = NoUnit
		inner.Grouping.TeamAfter = max(0, g.TeamAfter-1)
		for _, span := range request.Window.Spans(g.Unit) {
			inner.Window.Span = span
			if !yield(newGrid(&inner, facts)) {
				return
			}
		}
	}
}

// newGrid lays one grid. Standard errors are per agent and local day, so
// nothing is read in longer spans than that.
func newGrid(request *Request, facts *Facts) grid {
	unit := request.Grouping.Unit
	if unit == NoUnit || unit > Day {
		unit = Day
	}
	g := grid{
		parts:   request.parts(facts),
		query:   Query{Spans: request.Window.Spans(unit)},
		horizon: facts.Horizon,
	}
	request.Grouping.order(g.parts)
	for _, p := range g.parts {
		g.query.Parts = append(g.query.Parts, p.Part)
	}
	return g
}

// slots yields the whole grid in the query's order, filled from the source's
// cells as they come. A slot is valid until the next one. It ends at the first
// error.
func (g grid) slots(ctx context.Context, source Source) iter.Seq2[*slot, error] {
	return func(yield func(*slot, error) bool) {
		next, stop := iter.Pull2(source.Cells(ctx, g.query))
		defer stop()
		cell, err, more := next()
		for part, span := range g.places() {
			if err != nil {
				break
			}
			var found Cell
			if more && cell.Part == part && cell.Span == span {
				found = cell
				cell, err, more = next()
			}
			filled, fault := fill(&g.parts[part], g.query.Spans[span], &found, g.horizon)
			if !yield(&filled, fault) || fault != nil {
				return
			}
		}
		switch {
		case err != nil:
			yield(nil, err)
		case more:
			yield(nil, fmt.Errorf("the source gave part %d, span %d unasked or out of order", cell.Part, cell.Span))
		}
	}
}

// places yields the indices of part and span of each slot in the query's order.
func (g grid) places() iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for first := 0; first < len(g.parts); {
			end := first + 1
			for end < len(g.parts) && g.parts[end].Run == g.parts[first].Run {
				end++
			}
			for span, s := range g.query.Spans {
				for part := first; part < end; part++ {
					if s.overlaps(g.parts[part].Span) && !yield(part, span) {
						return
					}
				}
			}
			first = end
		}
	}
}
