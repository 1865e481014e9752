package reports

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"talktime/ingest"
)

// Request is what a report is asked for.
type Request struct {
	Report   string // its name, such as "talk-time"
	Program  string // name and version of the program that makes it
	Window   Window
	At       time.Time // the instant of the report at; zero in reports of a Window
	Grouping Grouping
	// Agents are those to show, with or without rows. Empty: every agent with
	// a quarter-hour row in the window.
	Agents ingest.AgentSet
	// Teams are those whose time to show, NoTeam among them for time in none.
	// Empty: all.
	Teams []string
	// TeamAsOf is the instant whose team a person's time counts for, whenever it
	// was. Zero: the team at the start of each quarter-hour.
	TeamAsOf time.Time
	// AllowPartial shows ratios of rows seen too little of (MinCoverage).
	AllowPartial bool
	// Evidence makes a table show how good the figure of every state and group
	// is. Machine formats always carry it.
	Evidence bool
	// Shape says what of the report is shown. Its names are of columns the report
	// has.
	Shape Shape
}

// Meta is what a report says about itself beside its rows.
type Meta struct {
	Request
	Facts
	LeftOut *LeftOut // what the Shape's Top leaves out; nil without a Top
}

// Sink takes a report as it is made: Begin once, Row for each row in order,
// End once with the sum of everything, shown or not. A row is only valid during
// its call.
type Sink interface {
	Begin(Meta) error
	Row(*Row) error
	End(total *Row) error
}

// Summarize makes the report and hands it to the sink row by row, in the Shape
// asked for. It keeps one row, or those a Shape sorts (MostSorted), the roster and,
// for the total's standard error, one day of each agent and the days in which an
// id or its team changed hands. It returns the total, or an error where any row does not account for all of its time, or ctx has
// ended, even if everything is written; an UnknownTeamsError where a team is asked for that the roster does not know.
func Summarize(ctx context.Context, source Source, request Request, sink Sink) (Row, error) {
	total, err := summarize(ctx, source, &request, sink)
	if err != nil {
		return Row{}, fmt.Errorf("report %s: %w", request.Report, err)
	}
	return total, nil
}

func summarize(ctx context.Context, source Source, request *Request, sink Sink) (Row, error) {
	facts, err := source.Facts(ctx, request.Window.From, request.Window.To)
	if err != nil {
		return Row{}, err
	}
	if err := facts.Roster.CheckTeams(request.Teams); err != nil {
		return Row{}, err
	}
	sink = &shaped{Sink: sink}
	// With the first cell: of what a source refuses nothing is written.
	begin := sync.OnceValue(func() error { return sink.Begin(Meta{Request: *request, Facts: facts}) })
	s := summary{
		request: request,
		sink:    sink,
		units:   request.Window.Spans(request.Grouping.Unit),
		total:   Row{Span: request.Window.Span, IsFinal: true},
		agents:  map[ingest.AgentID]bool{},
		days:    newDayVariances(),
	}
	for grid := range grids(request, &facts) {
		for slot, err := range grid.slots(ctx, source) {
			if err == nil {
				err = ctx.Err() // a source that has no more to give does not look
			}
			if err == nil {
				err = begin()
			}
			if err == nil {
				err = s.add(slot)
			}
			if err != nil {
				return Row{}, err
			}
		}
	}
	if err := begin(); err != nil {
		return Row{}, err
	}
	if err := s.finish(); err != nil {
		return Row{}, err
	}
	return s.total, ctx.Err()
}

// summary adds slots up to rows, and everything to the total.
type summary struct {
	request *Request
	sink    Sink
	units   []Span  // what rows may cover, ascending
	row     openRow // none while it has no agent
	agents  map[ingest.AgentID]bool
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
	if slot.part != s.row.last {
		s.agents[slot.part.Agent] = true
	}
	date := s.request.Window.dateNumber(slot.span.From)
	s.row.add(slot, agentDay{slot.part.Agent, date})
	s.days.add(agentDay{slot.part.Agent, date}, &slot.sums, s.isCut(slot.part.Span, date))
	return nil
}

// belongs reports whether the slot is part of the row being summed.
func (s *summary) belongs(slot *slot) bool {
	g := s.request.Grouping
	return s.row.Agents > 0 &&
		(!g.ByAgent || slot.part.Agent == s.row.last.Agent && slot.part.rank == s.row.last.rank) &&
		(!g.ByTeam || slot.part.team == s.row.last.team) &&
		slot.span.From.Before(s.row.Span.To) && !slot.span.From.Before(s.row.Span.From)
}

// emptyRow returns the row that begins with the slot.
func (s *summary) emptyRow(slot *slot) openRow {
	unit := sort.Search(len(s.units), func(i int) bool { return s.units[i].To.After(slot.span.From) })
	row := openRow{Row: Row{Span: s.units[unit], IsFinal: true}, grouping: s.request.Grouping}
	if s.request.Grouping.ByAgent {
		row.Agent = slot.part.Agent
	}
	return row
}

// isCut reports whether an agent's time on a local day of the window goes on
// outside the part.
func (s *summary) isCut(part Span, date int) bool {
	w := s.request.Window
	return part.From.After(w.From) && w.dateNumber(part.From.Add(-QuarterHour)) == date ||
		part.To.Before(w.To) && w.dateNumber(part.To) == date
}

// closeRow hands the row to the sink, if it accounts for all its time.
func (s *summary) closeRow() error {
	if s.row.Agents == 0 {
		return nil
	}
	row := s.row.close()
	if residual := row.Residual(); residual != 0 {
		return fmt.Errorf("row of agent %d from %s: the measures leave %d ms of %d ms unaccounted for; run talktime verify",
			row.Agent, row.Span.From.Format(time.RFC3339), residual, row.Time)
	}
	s.total.Time += row.Time
	s.total.Sums.Add(&row.Sums)
	s.total.IsFinal = s.total.IsFinal && row.IsFinal
	s.total.Revision = max(s.total.Revision, row.Revision)
	return s.sink.Row(row)
}

func (s *summary) finish() error {
	if err := s.closeRow(); err != nil {
		return err
	}
	s.total.Agents = len(s.agents)
	s.total.Variance = s.days.close()
	return s.sink.End(&s.total)
}
