package reports

import (
	"math"

	"talktime/ingest"
)

// Row is one line of a report: what an agent, a team, or all agents did in a
// span.
type Row struct {
	Agent ingest.AgentID // 0 where the row sums agents
	// Name is the agent's, the latest of the row's time. Empty where the row sums
	// agents or the roster names nobody.
	Name string
	// Team is the row's team, or all teams of its agent, in order of time and
	// joined by "; ", where rows are not kept apart by team.
	Team   string
	Span   Span
	Agents int // how many agents are summed
	// Time is what the row must account for, in ms: the time in its span in which
	// its agents were the person and in the team it is of.
	Time int64
	Sums
	// Variance of each figure, in ms²; 0 where no change was seen.
	Variance [Evidences]float64
	// IsFinal is set when no later sample is awaited for any of it.
	IsFinal bool
	// Revision is the largest of the quarter-hours', 0 where there is none.
	Revision int
}

// Residual returns what the thirteen measures leave of the row's time, in ms. It
// is 0 in every row a Sink is given (metrics.md §3).
func (r *Row) Residual() int64 { return r.Time - r.Total() }

// Bounds returns what the samples allow a figure to be, in ms, if nothing but
// the changes seen happened between neighbouring samples, cut at the window
// (metrics.md §5).
func (r *Row) Bounds(e Evidence) (low, high int64) {
	low = r.Low[e]
	return low, min(low+r.Reach[e], r.Time)
}

// StdErr returns a figure's standard error in ms, or false where no change was
// seen to tell it from. 95 % lie within ±1.96 times of it.
func (r *Row) StdErr(e Evidence) (float64, bool) {
	return math.Sqrt(r.Variance[e]), r.Variance[e] > 0
}
