package reports

import (
	"context"
	"errors"
	"fmt"
)

// Sessions hands the sink every session that touches the window, whole, by agent
// and time. Business days end as the window's local days do. It keeps one row,
// or those a Shape sorts.
func Sessions(ctx context.Context, source SegmentSource, request Request, sink SinkOf[Session]) error {
	err := func() error {
		facts, err := source.Background(ctx, request.Window.From, request.Window.To)
		if err != nil {
			return err
		}
		sink := &shapedOf[Session]{SinkOf: sink, columns: Meta.SessionColumns, account: func(left *LeftOut, _ *Meta, s *Session) {
			left.Time += s.LastStaffed.Sub(s.FirstStaffed).Milliseconds()
		}}
		if err := sink.Begin(Meta{Request: request, Facts: facts}); err != nil {
			return err
		}
		rules := sessionRules{closed: closedUntil(facts.Horizon), calendar: request.Window.calendar()}
		segments := source.Segments(ctx, SegmentQuery{Span: request.Window.Span, Agents: request.Agents, OfSessions: true})
		for session, err := range rules.sessions(episodes(segments, rules.closed)) {
			if err != nil {
				return err
			}
			if !session.touches(request.Window.Span) {
				continue
			}
			if err := sink.Row(&session); err != nil {
				return err
			}
		}
		return errors.Join(sink.End(), ctx.Err())
	}()
	if err != nil {
		return fmt.Errorf("report %s: %w", request.Report, err)
	}
	return nil
}
