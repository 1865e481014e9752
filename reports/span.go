package reports

import "time"

// QuarterHour is the atom of all figures (metrics.md §4).
const QuarterHour = 15 * time.Minute

// Span is the time from From (included) to To (excluded), both UTC and on
// quarter-hours.
type Span struct{ From, To time.Time }

// Milliseconds returns the span's length.
func (s Span) Milliseconds() int64 { return s.To.Sub(s.From).Milliseconds() }

func (s Span) overlaps(t Span) bool { return s.From.Before(t.To) && t.From.Before(s.To) }

// intersect returns the common time of two spans that overlap.
func (s Span) intersect(t Span) Span { return Span{latest(s.From, t.From), earliest(s.To, t.To)} }

// Spans cuts the window into units of local time, ascending, without gap or
// overlap. A quarter-hour belongs to the unit its local label falls in, so a
// 60-minute unit is the quarter-hours labelled 08:00 to 08:45, and the first
// and last unit are shorter where the window cuts them.
//
// A unit below a day also ends where the zone's offset from UTC changes, as the
// hour that is lived twice in autumn makes two spans, and where a day begins. A day
// has 92, 96 or 100 quarter-hours (94 or 98 on Lord Howe). Weeks and months are
// whole days.
func (w Window) Spans(unit Unit) []Span {
	if unit == NoUnit {
		return []Span{w.Span}
	}
	var spans []Span
	var current label
	for at := w.From; at.Before(w.To); at = at.Add(QuarterHour) {
		next := w.label(at, unit)
		if len(spans) > 0 && next == current {
			spans[len(spans)-1].To = at.Add(QuarterHour)
			continue
		}
		spans = append(spans, Span{at, at.Add(QuarterHour)})
		current = next
	}
	return spans
}

// label is what a local clock and calendar show of a unit.
type label struct {
	date   time.Time // of the day, or the first of its week or month
	part   int       // number of a unit below a day in the calendar day
	offset int       // seconds east of UTC, of a unit below a day
}

func (w Window) label(at time.Time, unit Unit) label {
	l := label{date: w.Date(at)}
	switch minutes := unit.minutes(); {
	case minutes > 0:
		local := at.In(w.Zone)
		_, l.offset = local.Zone()
		l.part = (local.Hour()*60 + local.Minute()) / minutes
	case unit == Week:
		sinceMonday := (int(l.date.Weekday()) + 6) % 7
		l.date = l.date.AddDate(0, 0, -sinceMonday)
	case unit == Month:
		l.date = l.date.AddDate(0, 0, 1-l.date.Day())
	}
	return l
}
