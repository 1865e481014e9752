package reports

import (
	"context"
	"fmt"
	"sort"
	"time"

	"talktime/ingest"
)

// Request is what a report is asked for.
type Request struct {
	Report   string // its name, such as "talk-time"
	Program  string // name and version of the program that makes it
	Window   Window
	Grouping Grouping
	// Agents are those to show, with or without rows. Empty: every agent with
	// a quarter-hour row in the window.
	Agents ingest.AgentSet
	// AllowPartial shows ratios of rows seen too little of (MinCoverage).
	AllowPartial bool
	// Evidence makes a table show how good the figure of every state and group
	// is. Machine formats always carry it.
	Evidence bool
}

// Meta is what a report says about itself beside its rows.
type Meta struct {
	Request
	Facts
}

// Sink takes a report as it is made: Begin once, Row for each row in order,
// End once with the sum of everything. A row is only valid during its call.
type Sink interface {
	Begin(Meta) error
	Row(*Row) error
	End(total *Row) error
}

// Summarize makes the report and hands it to the sink row by row. It keeps one
// row and, for the total's standard error, one day of each agent. It returns
// the total, or an error where any row does not account for all of its window.
func Summarize(ctx context.Context, source Source, request Request, sink Sink) (Row, error) {
	window := request.Window
	facts, err := source.Facts(ctx, window.From, window.To)
	if err != nil {
		return Row{}, fmt.Errorf("report %s: %w", request.Report, err)
	}
	if err := sink.Begin(Meta{request, facts}); err != nil {
		return Row{}, fmt.Errorf("report %s: %w", request.Report, err)
	}
	grids := newGrids(request, facts)
	s := summary{
		request: request,
		sink:    sink,
		units:   window.Spans(request.Grouping.Unit),
		total:   Row{Span: window.Span, Agents: grids[0].agents.Len(), IsFinal: true},
		days:    dayVariances{open: map[ingest.AgentID]*Sums{}},
	}
	for _, grid := range grids {
		for slot, err := range grid.slots(ctx, source) {
			if err == nil {
				err = s.add(slot)
			}
			if err != nil {
				return Row{}, fmt.Errorf("report %s: %w", request.Report, err)
			}
		}
	}
	if err := s.finish(); err != nil {
		return Row{}, fmt.Errorf("report %s: %w", request.Report, err)
	}
	return s.total, nil
}

// summary adds slots up to rows, and everything to the total.
type summary struct {
	request Request
	sink    Sink
	units   []Span // what rows may cover, ascending
	row     Row    // the row being summed; none while it has no agent
	total   Row
	days    dayVariances
}

func (s *summary) add(slot *slot) error {
	if !s.belongs(slot) {
		if err := s.closeRow(); err != nil {
			return err
		}
		s.row = s.emptyRow(slot)
	}
	s.row.Sums.Add(&slot.sums)
	for e, variance := range slot.sums.variances() {
		s.row.Variance[e] += variance
	}
	s.row.IsFinal = s.row.IsFinal && slot.isFinal
	s.row.Revision = max(s.row.Revision, slot.revision)
	s.days.add(slot.agent, dateNumber(slot.span.From.In(s.request.Window.Zone)), &slot.sums)
	return nil
}

// belongs reports whether the slot is part of the row being summed.
func (s *summary) belongs(slot *slot) bool {
	g := s.request.Grouping
	return s.row.Agents > 0 &&
		(!g.ByAgent || slot.agent == s.row.Agent) &&
		slot.span.From.Before(s.row.Span.To) && !slot.span.From.Before(s.row.Span.From)
}

// emptyRow returns the row that begins with the slot.
func (s *summary) emptyRow(slot *slot) Row {
	unit := sort.Search(len(s.units), func(i int) bool { return s.units[i].To.After(slot.span.From) })
	row := Row{Span: s.units[unit], Agents: s.total.Agents, IsFinal: true}
	if s.request.Grouping.ByAgent {
		row.Agent, row.Agents = slot.agent, 1
	}
	return row
}

// closeRow hands the row to the sink, if it accounts for all its time.
func (s *summary) closeRow() error {
	if s.row.Agents == 0 {
		return nil
	}
	if residual := s.row.Residual(); residual != 0 {
		return fmt.Errorf("row of agent %d from %s: the measures leave %d ms of %d ms unaccounted for; run talktime verify",
			s.row.Agent, s.row.Span.From.Format(time.RFC3339), residual, s.row.Window())
	}
	s.total.Sums.Add(&s.row.Sums)
	s.total.IsFinal = s.total.IsFinal && s.row.IsFinal
	s.total.Revision = max(s.total.Revision, s.row.Revision)
	return s.sink.Row(&s.row)
}

func (s *summary) finish() error {
	if err := s.closeRow(); err != nil {
		return err
	}
	s.days.close()
	s.total.Variance = s.days.total
	return s.sink.End(&s.total)
}
