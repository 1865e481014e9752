package reports

import (
	"context"
	"iter"
	"time"

	"talktime/ingest"
)

// Source reads quarter-hours. One Source shows one state of the database: what
// its methods return belongs together, whatever is derived meanwhile.
type Source interface {
	// Cells yields what the quarter-hour rows of each part sum to in each span,
	// ascending by run, span and part. Cells without a row are left out. It ends
	// at the first error.
	Cells(ctx context.Context, q Query) iter.Seq2[Cell, error]
	// Facts returns what a report of the window [from, to) must say beside its
	// figures.
	Facts(ctx context.Context, from, to time.Time) (Facts, error)
}

// Query says which cells are wanted and in which order.
type Query struct {
	Spans []Span // contiguous, ascending, on quarter-hours
	Parts []Part // ascending by run; those of one agent do not overlap
}

// Part is a stretch of one agent's time inside the spans.
type Part struct {
	Agent ingest.AgentID
	Span
	Run int // cells of one run come span by span; runs come one after the other
}

// Cell is what the quarter-hour rows of one part inside one span sum to.
type Cell struct {
	Part      int // index into Query.Parts
	Span      int // index into Query.Spans
	Sums      Sums
	Bins      int       // quarter-hour rows summed, at least 1
	LastBin   time.Time // start of the latest of them
	FinalBins int       // how many of them are final
	Revision  int       // the largest of theirs
}

// Facts is what stands behind the figures of a window.
type Facts struct {
	// Horizon is the instant up to which figures are derived (metrics.md §1).
	// No row begins at or after it; zero when nothing was derived yet.
	Horizon   time.Time
	Agents    ingest.AgentSet // who has a quarter-hour row in the window
	Schedules []ScheduleFact  // in force in the window, in order of name
	Periods   []time.Duration // distinct periods of the window's ticks, ascending
	Dirty     int             // quarter-hours of the window waiting to be derived again
	Roster    Roster          // who held which agent id, at any time
}

// ScheduleFact is one schedule as it was in force.
type ScheduleFact struct {
	Name, Cron, Zone string
	Agents           string // as ingest.AgentSet writes them
}

// Hold returns the longest gap between two observations of period p that is
// bridged: 2.5 periods (metrics.md §1).
func Hold(p time.Duration) time.Duration { return p * 5 / 2 }
