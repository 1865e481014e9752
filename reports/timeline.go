package reports

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"talktime/ingest"
)

// SinkOf takes a report whose rows are R as it is made: Begin once, Row for each
// row in order, End once. A row is only valid during its call.
type SinkOf[R any] interface {
	Begin(Meta) error
	Row(*R) error
	End() error
}

// Timeline hands the sink what each agent did, one after the other, without a
// gap in the window: the episodes that touch it, whole, and between them what
// was not observed, by cause, cut at the window. It keeps one row, or
// those a Shape sorts.
//
// It knows closed quarter-hours only: from the last one's end everything is
// Pending. Of a request without agents it shows those with a segment.
func Timeline(ctx context.Context, source SegmentSource, request Request, sink SinkOf[Episode]) error {
	err := func() error {
		facts, err := source.Background(ctx, request.Window.From, request.Window.To)
		if err != nil {
			return err
		}
		sink := &shapedOf[Episode]{SinkOf: sink, columns: Meta.EpisodeColumns, account: func(left *LeftOut, m *Meta, e *Episode) {
			left.Time += e.Within(m.Window.Span)
			left.MS[e.Measure] += e.Within(m.Window.Span)
		}}
		if err := sink.Begin(Meta{Request: request, Facts: facts}); err != nil {
			return err
		}
		t := timeline{window: request.Window.Span, closed: closedUntil(facts.Horizon), sink: sink}
		segments := source.Segments(ctx, SegmentQuery{Span: t.window, Agents: request.Agents})
		if err := t.write(request.Agents, episodes(segments, t.closed)); err != nil {
			return err
		}
		return errors.Join(sink.End(), ctx.Err())
	}()
	if err != nil {
		return fmt.Errorf("report %s: %w", request.Report, err)
	}
	return nil
}

// timeline fills one agent's window after the other.
type timeline struct {
	window Span
	closed time.Time
	sink   SinkOf[Episode]
	agent  ingest.AgentID // whose window is being filled; 0 for none
	told   time.Time      // up to where it is
}

// write tells the episodes, and the whole window of every asked agent who has
// none.
func (t *timeline) write(asked ingest.AgentSet, episodes iter.Seq2[Episode, error]) error {
	nextAsked, stop := iter.Pull(asked.All())
	defer stop()
	waiting, more := nextAsked()
	// reach opens the windows of agents up to this one.
	reach := func(agent ingest.AgentID) error {
		for ; more && waiting <= agent; waiting, more = nextAsked() {
			if err := t.open(waiting); err != nil {
				return err
			}
		}
		return t.open(agent)
	}
	for e, err := range episodes {
		if err != nil {
			return err
		}
		if cut := e.Cut(t.window); !cut.From.Before(cut.To) {
			continue
		}
		if err := reach(e.Agent); err != nil {
			return err
		}
		if err := t.tell(&e); err != nil {
			return err
		}
	}
	for ; more; waiting, more = nextAsked() {
		if err := t.open(waiting); err != nil {
			return err
		}
	}
	return t.close()
}

// open begins an agent's window, unless it is begun, and ends the one before.
func (t *timeline) open(agent ingest.AgentID) error {
	if agent == t.agent {
		return nil
	}
	if err := t.close(); err != nil {
		return err
	}
	t.agent, t.told = agent, t.window.From
	return nil
}

func (t *timeline) tell(e *Episode) error {
	cut := e.Cut(t.window)
	if err := t.fill(cut.From); err != nil {
		return err
	}
	if !e.IsObserved() {
		e.From, e.To = cut.From, cut.To
	}
	t.told = cut.To
	return t.sink.Row(e)
}

// close fills what is left of the agent's window.
func (t *timeline) close() error {
	if t.agent == 0 {
		return nil
	}
	return t.fill(t.window.To)
}

// fill tells the time up to an instant as unscheduled where it is closed, as
// pending from there on.
func (t *timeline) fill(until time.Time) error {
	closed := t.closed
	if closed.After(until) {
		closed = until
	}
	if err := t.gap(closed, Unscheduled); err != nil {
		return err
	}
	return t.gap(until, Pending)
}

func (t *timeline) gap(until time.Time, cause Measure) error {
	if !t.told.Before(until) {
		return nil
	}
	row := Episode{Segment: Segment{Agent: t.agent, From: t.told, To: until, Measure: cause}}
	t.told = until
	return t.sink.Row(&row)
}
