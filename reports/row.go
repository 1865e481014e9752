package reports

import (
	"math"

	"talktime/ingest"
)

// Row is one line of a report: what one agent, or all of them, did in a span.
type Row struct {
	Agent  ingest.AgentID // 0 where the row sums all agents
	Span   Span
	Agents int // how many agents are summed
	Sums
	// Variance of each figure, in ms²; 0 where no change was seen.
	Variance [Evidences]float64
	// IsFinal is set when no later sample is awaited for any of it.
	IsFinal bool
	// Revision is the largest of the quarter-hours', 0 where there is none.
	Revision int
}

// Window returns the time the row must account for, in ms: its span times its
// agents.
func (r *Row) Window() int64 { return r.Span.Milliseconds() * int64(r.Agents) }

// Residual returns what the thirteen measures leave of the window, in ms. It
// is 0 in every row a Sink is given (metrics.md §3).
func (r *Row) Residual() int64 { return r.Window() - r.Total() }

// Bounds returns what the samples allow a figure to be, in ms, if nothing but
// the changes seen happened between neighbouring samples, cut at the window
// (metrics.md §5).
func (r *Row) Bounds(e Evidence) (low, high int64) {
	low = r.Low[e]
	return low, min(low+r.Reach[e], r.Window())
}

// StdErr returns a figure's standard error in ms, or false where no change was
// seen to tell it from. 95 % lie within ±1.96 times of it.
func (r *Row) StdErr(e Evidence) (float64, bool) {
	return math.Sqrt(r.Variance[e]), r.Variance[e] > 0
}
