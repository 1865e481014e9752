package store

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// Cells yields what the quarter-hours of each part sum to in each span, row by
// row as the server sends them. Spans that are kept days are read from days; where
// retention has dropped quarter-hours of others the error is a *DroppedError.
func (s *Snapshot) Cells(ctx context.Context, q reports.Query) iter.Seq2[reports.Cell, error] {
	return func(yield func(reports.Cell, error) bool) {
		if len(q.Spans) == 0 {
			return
		}
		c, err := coverQuery(ctx, db.New(s.tx), q)
		if err != nil {
			yield(reports.Cell{}, fmt.Errorf("read the kept days: %w", plain(err)))
			return
		}
		if err := s.refuseDropped(ctx, "quarter_hours", c.rest); err != nil {
			yield(reports.Cell{}, err)
			return
		}
		ctx, giveUp := context.WithCancel(ctx)
		statement, arguments := cellStatement(q, c)
		rows, err := s.tx.Query(ctx, statement, arguments...)
		if err != nil {
			giveUp()
			yield(reports.Cell{}, fmt.Errorf("read quarter-hours: %w", plain(err)))
			return
		}
		defer rows.Close()
		defer giveUp() // first: closing alone would read on to the last row
		var cell reports.Cell
		fields := cellFields(&cell)
		for rows.Next() {
			if err := rows.Scan(fields...); err != nil {
				yield(reports.Cell{}, fmt.Errorf("read quarter-hours: %w", err))
				return
			}
			cell.Span-- // the statement counts from 1
			cell.Part--
			cell.LastBin = cell.LastBin.UTC()
			if !yield(cell, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(reports.Cell{}, fmt.Errorf("read quarter-hours: %w", plain(err)))
		}
	}
}

// cellStatement returns what reads the cells and its parameters in their order: the
// generated methods would gather all rows first. Where no run mixes agents, and
// nothing is to be summed, rows are read in the order they are wanted in.
func cellStatement(q reports.Query, c cover) (statement string, arguments []any) {
	starts := make([]time.Time, len(q.Spans))
	for i, span := range q.Spans {
		starts[i] = span.From
	}
	agents, runs := make([]int32, len(q.Parts)), make([]int32, len(q.Parts))
	from, to := make([]time.Time, len(q.Parts)), make([]time.Time, len(q.Parts))
	for i, part := range q.Parts {
		agents[i], runs[i] = int32(part.Agent), int32(part.Run)
		from[i], to[i] = part.From, part.To
	}
	rest := c.remainder()
	switch isByAgent := isByAgent(q.Parts); {
	case isByAgent && len(c.rest) == 0: // then each span is a kept day
		return db.DaysOfAgents, []any{agents, from, to, c.zones, c.starts, c.dates}
	case isByAgent && len(c.dates) == 0 && areQuarterHours(q.Spans):
		return db.QuarterHoursOfAgents, []any{agents, from, to, starts, rest.from, rest.to}
	}
	return db.Cells, []any{starts, c.zones, c.starts, c.dates, rest.from, rest.to, rest.isOne, rest.ranges, runs, agents, from, to}
}

// isByAgent reports whether the parts of a run are of one agent, one after the other:
// then cells by run, span and part are in order of part and span, too.
func isByAgent(parts []reports.Part) bool {
	for i := 1; i < len(parts); i++ {
		last, next := parts[i-1], parts[i]
		if next.Run == last.Run && (next.Agent != last.Agent || next.From.Before(last.To)) {
			return false
		}
	}
	return true
}

func areQuarterHours(spans []reports.Span) bool {
	return !slices.ContainsFunc(spans, func(s reports.Span) bool { return s.To.Sub(s.From) != QuarterHour })
}

// cellFields returns where to scan a row of Cells, in the order of its columns.
func cellFields(c *reports.Cell) []any {
	fields := []any{&c.Part, &c.Span}
	for m := range c.Sums.MS {
		fields = append(fields, &c.Sums.MS[m])
	}
	for e := range c.Sums.Low {
		fields = append(fields, &c.Sums.Low[e])
	}
	for e := range c.Sums.Reach {
		fields = append(fields, &c.Sums.Reach[e])
	}
	for e := range c.Sums.Edge {
		fields = append(fields, &c.Sums.Edge[e])
	}
	return append(fields, &c.Sums.ChangeMS, &c.Sums.ChangeSq, &c.Sums.TalkEntries, &c.Sums.Conflicts,
		&c.Bins, &c.LastBin, &c.FinalBins, &c.Revision)
}
