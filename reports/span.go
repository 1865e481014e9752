package reports

import "time"

// QuarterHour is the atom of all figures (metrics.md §4).
const QuarterHour = 15 * time.Minute

// Span is the time from From (included) to To (excluded), both UTC and on
// quarter-hours.
type Span struct{ From, To time.Time }

// Duration returns the span's length.
func (s Span) Duration() time.Duration { return s.To.Sub(s.From) }
