package reports

import (
	"context"
	"iter"
	"time"

	"talktime/ingest"
)

// Segment is a stretch of an agent's time inside one closed quarter-hour: of one
// pair, or of one cause of not being observed. Time nothing was due for has no
// segment.
type Segment struct {
	Agent    ingest.AgentID
	From, To time.Time // UTC, To not included
	Ends
	Status  ingest.Status // the pair; meaningful only where Measure is a state
	Measure Measure       // a state, Failed or RecorderDown
}

// IsObserved reports whether the agent was seen in a state.
func (s *Segment) IsObserved() bool { return s.Measure < States }

// Ends are the samples around the two ends of a stretch of time. An end was
// drawn half way between its two samples; what really happened lies anywhere
// between them. Each is zero where there is none: where a segment goes on over
// a quarter-hour's border, and beside time that was not observed.
type Ends struct {
	StartedAfter  time.Time // the last sample before that shows something else
	StartedBefore time.Time // the first sample inside
	EndedAfter    time.Time // the last sample inside
	EndedBefore   time.Time // the first sample after that shows something else
}

// SegmentSource reads segments. Like a Source it shows one state of the
// database.
type SegmentSource interface {
	// Segments yields the query's segments by agent, then time. It ends at the
	// first error.
	Segments(ctx context.Context, q SegmentQuery) iter.Seq2[Segment, error]
	// Background returns the Facts of the window [from, to) without Agents and
	// Roster.
	Background(ctx context.Context, from, to time.Time) (Facts, error)
}

// SegmentQuery says which segments are wanted: those in the Span, and as many
// before and after it as the episode, or with OfSessions the session, may have
// that reaches over its ends. There may be more of them than that.
type SegmentQuery struct {
	Span
	Agents     ingest.AgentSet // empty: all
	OfSessions bool            // unobserved segments are left out
}

// closedUntil returns the end of the last closed quarter-hour: segments reach
// there and no further.
func closedUntil(horizon time.Time) time.Time { return horizon.Truncate(QuarterHour) }
