package reports

import (
	"fmt"
	"time"
)

// slot is one part in one span, with all of their common time accounted for.
type slot struct {
	part     *part
	span     Span // their common time
	sums     Sums
	isFinal  bool
	revision int
}

// fill accounts for all time that part and span have in common: the cell's quarter-hours as they are, what
// has no row as unscheduled before the horizon and pending from it on
// (metrics.md §4). Without any row the cell has no Bins.
func fill(part *part, unit Span, cell *Cell, horizon time.Time) (slot, error) {
	span := unit.intersect(part.Span)
	s := slot{part: part, span: span, sums: cell.Sums, revision: cell.Revision}

	rows := int64(cell.Bins) * QuarterHour.Milliseconds()
	if sum := cell.Sums.Total(); sum != rows {
		return s, s.errorf("the measures of %d quarter-hours sum to %d ms; run talktime verify", cell.Bins, sum)
	}
	pendingFrom := horizon
	if cell.Bins > 0 {
		if !cell.LastBin.Before(horizon) {
			return s, s.errorf("the quarter-hour %s is not before the horizon %s",
				cell.LastBin.Format(time.RFC3339), horizon.Format(time.RFC3339Nano))
		}
		// The row that holds the horizon tells what is pending in it.
		if end := cell.LastBin.Add(QuarterHour); end.After(horizon) {
			pendingFrom = end
		}
	}
	if pendingFrom.Before(span.From) {
		pendingFrom = span.From
	}
	pending := max(0, span.To.Sub(pendingFrom).Milliseconds())
	unscheduled := span.Milliseconds() - rows - pending
	if unscheduled < 0 {
		return s, s.errorf("%d quarter-hours do not fit before the horizon", cell.Bins)
	}
	s.sums.MS[Unscheduled] += unscheduled
	s.sums.MS[Pending] += pending
	s.isFinal = cell.FinalBins == cell.Bins && pending == 0
	return s, nil
}

func (s *slot) errorf(format string, args ...any) error {
	return fmt.Errorf("agent %d from %s to %s: %w", s.part.Agent,
		s.span.From.Format(time.RFC3339), s.span.To.Format(time.RFC3339), fmt.Errorf(format, args...))
}
