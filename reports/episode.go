package reports

import (
	"fmt"
	"iter"
	"time"
)

// Episode is a maximal run of one pair, not broken by midnight, broken by time
// that was not observed (metrics.md §7). A timeline fills what lies between with
// rows of the same shape: stretches of Failed, RecorderDown, Unscheduled or
// Pending, cut at the window, with no samples around them.
type Episode struct {
	Segment
	// IsOpen is set where the last closed quarter-hour ends in the episode: it
	// goes on, nobody knows yet how far.
	IsOpen bool
}

// IsCutByGap reports whether an end of the episode lies beside time that was not
// observed: the state may have begun earlier or lasted longer.
func (e *Episode) IsCutByGap() bool {
	return e.IsObserved() && (e.StartedAfter.IsZero() || e.EndedBefore.IsZero() && !e.IsOpen)
}

// Within returns the part of the episode inside a span, in ms.
func (e *Episode) Within(s Span) int64 {
	cut := e.Cut(s)
	return max(0, cut.To.Sub(cut.From).Milliseconds())
}

// Cut returns what of the episode's time lies inside a span. Where nothing does,
// it does not end after it begins.
func (e *Episode) Cut(s Span) Span {
	from, to := e.From, e.To
	if from.Before(s.From) {
		from = s.From
	}
	if to.After(s.To) {
		to = s.To
	}
	return Span{from, to}
}

// episodes joins segments, ordered by agent and time, to maximal runs.
func episodes(segments iter.Seq2[Segment, error], closed time.Time) iter.Seq2[Episode, error] {
	return func(yield func(Episode, error) bool) {
		var run Segment // none yet while Agent is 0
		closing := func() bool {
			return run.Agent == 0 || yield(Episode{run, run.IsObserved() && run.EndedAfter.IsZero() && run.To.Equal(closed)}, nil)
		}
		for next, err := range segments {
			if err == nil {
				err = inOrder(&run, &next)
			}
			if err != nil {
				yield(Episode{}, err)
				return
			}
			if goesOn(&run, &next) {
				run.To, run.EndedAfter, run.EndedBefore = next.To, next.EndedAfter, next.EndedBefore
				continue
			}
			if !closing() {
				return
			}
			run = next
		}
		closing()
	}
}

// goesOn reports whether the next segment belongs to the run: it touches it,
// nothing ended or began between, and it shows the same.
func goesOn(run, next *Segment) bool {
	return run.Agent == next.Agent && run.To.Equal(next.From) && run.EndedAfter.IsZero() && next.StartedBefore.IsZero() &&
		run.Measure == next.Measure && run.Status == next.Status
}

// inOrder refuses a segment that is not after the one before it.
func inOrder(last, next *Segment) error {
	if next.Agent < last.Agent || next.Agent == last.Agent && next.From.Before(last.To) || !next.From.Before(next.To) {
		return fmt.Errorf("agent %d: the segment from %s to %s is not after the one before it; run talktime verify", next.Agent,
			next.From.Format(time.RFC3339Nano), next.To.Format(time.RFC3339Nano))
	}
	return nil
}
