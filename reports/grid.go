package reports

import (
	"context"
	"fmt"
	"iter"
	"time"

	"talktime/ingest"
)

// grid is every agent of a report in every span of its window, whether the
// source has rows there or not.
type grid struct {
	agents  ingest.AgentSet
	query   Query
	horizon time.Time
}

// newGrids lays the grid of a report. It is cut where rows ascend by week or
// month and then by agent: the days of one row must follow one another.
func newGrids(request Request, facts Facts) []grid {
	g := request.Grouping
	if g.Unit <= Day || !g.UnitFirst || !g.ByAgent {
		return []grid{newGrid(request, facts)}
	}
	var grids []grid
	for _, span := range request.Window.Spans(g.Unit) {
		request.Window.Span = span
		request.Grouping.UnitFirst = false
		grids = append(grids, newGrid(request, facts))
	}
	return grids
}

// newGrid lays one grid. Standard errors are per agent and local day, so
// nothing is read in longer spans than that.
func newGrid(request Request, facts Facts) grid {
	unit := request.Grouping.Unit
	if unit == NoUnit || unit > Day {
		unit = Day
	}
	agents := request.Agents
	if agents.IsEmpty() {
		agents = facts.Agents
	}
	return grid{
		agents:  agents,
		query:   Query{Spans: request.Window.Spans(unit), Agents: request.Agents, ByAgent: request.Grouping.agentFirst()},
		horizon: facts.Horizon,
	}
}

// slots yields the whole grid in the query's order, filled from the source's
// cells as they come. A slot is valid until the next one. It ends at the first
// error.
func (g grid) slots(ctx context.Context, source Source) iter.Seq2[*slot, error] {
	return func(yield func(*slot, error) bool) {
		next, stop := iter.Pull2(source.Cells(ctx, g.query))
		defer stop()
		cell, err, more := next()
		for agent, span := range g.places() {
			if err != nil {
				break
			}
			var found Cell
			if more && cell.Agent == agent && cell.Span == span {
				found = cell
				cell, err, more = next()
			}
			filled, fault := fill(agent, g.query.Spans[span], &found, g.horizon)
			if !yield(&filled, fault) || fault != nil {
				return
			}
		}
		switch {
		case err != nil:
			yield(nil, err)
		case more:
			yield(nil, fmt.Errorf("the source gave agent %d, span %d unasked or out of order", cell.Agent, cell.Span))
		}
	}
}

// places yields agent and span of each slot in the query's order.
func (g grid) places() iter.Seq2[ingest.AgentID, int] {
	return func(yield func(ingest.AgentID, int) bool) {
		if g.query.ByAgent {
			for agent := range g.agents.All() {
				for span := range g.query.Spans {
					if !yield(agent, span) {
						return
					}
				}
			}
			return
		}
		for span := range g.query.Spans {
			for agent := range g.agents.All() {
				if !yield(agent, span) {
					return
				}
			}
		}
	}
}
