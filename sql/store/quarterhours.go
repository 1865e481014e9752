package store

import (
	"slices"
	"time"

	"talktime/reports"
)

// QuarterHour is the atom of derived figures: 15 minutes, aligned to UTC,
// holding its start and not its end (metrics.md §4).
const QuarterHour = reports.QuarterHour

// day is a UTC day, of which samples have a partition each.
const day = 24 * time.Hour

func isOnBorder(t time.Time) bool { return t.Equal(t.Truncate(QuarterHour)) }

// quarterHours is a set of quarter-hours, as spans from border to border. Merged,
// they ascend and neither overlap nor touch.
type quarterHours []reports.Span

// touch adds every quarter-hour that [from, to) touches; the result is not merged.
func (q quarterHours) touch(from, to time.Time) quarterHours {
	first := from.UTC().Truncate(QuarterHour)
	end := to.UTC().Add(QuarterHour - 1).Truncate(QuarterHour)
	if to.Before(from) || !first.Before(end) {
		return q
	}
	return append(q, reports.Span{From: first, To: end})
}

// merge puts the spans in order and makes one of those that overlap or touch.
func (q quarterHours) merge() quarterHours {
	slices.SortFunc(q, func(a, b reports.Span) int { return a.From.Compare(b.From) })
	var merged quarterHours
	for _, span := range q {
		if n := len(merged); n > 0 && !span.From.After(merged[n-1].To) {
			merged[n-1].To = later(merged[n-1].To, span.To)
			continue
		}
		merged = append(merged, span)
	}
	return merged
}

// cut returns the first quarter-hours of a merged set, contiguous and at most n,
// and the rest. Of an empty set the first are the zero Span.
func (q quarterHours) cut(n int) (first reports.Span, rest quarterHours) {
	if len(q) == 0 {
		return reports.Span{}, nil
	}
	first = q[0]
	end := first.From.Add(time.Duration(n) * QuarterHour)
	if !end.Before(first.To) {
		return first, q[1:]
	}
	rest = slices.Clone(q)
	first.To, rest[0].From = end, end
	return first, rest
}

// count returns the number of quarter-hours in a merged set.
func (q quarterHours) count() int {
	n := 0
	for _, span := range q {
		n += int(span.To.Sub(span.From) / QuarterHour)
	}
	return n
}

// without returns the quarter-hours of a merged set that others, merged too,
// does not hold.
func (q quarterHours) without(others quarterHours) quarterHours {
	var rest quarterHours
	for _, span := range q {
		for _, other := range others {
			if !other.To.After(span.From) || !other.From.Before(span.To) {
				continue
			}
			if span.From.Before(other.From) {
				rest = append(rest, reports.Span{From: span.From, To: other.From})
			}
			span.From = earlier(other.To, span.To)
		}
		if span.From.Before(span.To) {
			rest = append(rest, span)
		}
	}
	return rest
}

// holds reports whether the quarter-hour that begins at start is in the set.
func (q quarterHours) holds(start time.Time) bool {
	return slices.ContainsFunc(q, func(span reports.Span) bool { return !start.Before(span.From) && start.Before(span.To) })
}
