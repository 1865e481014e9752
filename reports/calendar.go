package reports

import (
	"fmt"
	"time"
)

// Calendar says which local day an instant belongs to.
type Calendar struct {
	Zone *time.Location
	// DayStart is the local time of day at which a day begins: from 00:00 to
	// 23:45, on a quarter-hour. What comes before it belongs to the day before.
	DayStart time.Duration
}

// LocalDay is one day of a calendar. It has 96 quarter-hours, and fewer or more
// where the clock changes.
type LocalDay struct {
	Date string // such as 2026-11-16
	Span
}

const dayStartLayout = "15:04"

// ParseDayStart reads a time of day such as 04:30, on a quarter-hour.
func ParseDayStart(text string) (time.Duration, error) {
	at, err := time.Parse(dayStartLayout, text)
	if err != nil || len(text) != len(dayStartLayout) {
		return 0, fmt.Errorf("%q is not a time of day such as 04:30", text)
	}
	start := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	if start%QuarterHour != 0 {
		return 0, fmt.Errorf("%s is not on a quarter-hour", text)
	}
	return start, nil
}

// FormatDayStart writes a start of day as ParseDayStart reads it.
func FormatDayStart(start time.Duration) string { return time.Time{}.Add(start).Format(dayStartLayout) }

// Date returns the date of the day that the instant belongs to, as that date's
// midnight in UTC. Dates only move forward: where a clock is set back over the
// start of a day, the time lived twice belongs to the later day.
func (c Calendar) Date(at time.Time) time.Time {
	local := at.In(c.Zone)
	date := c.shown(local)
	if changed, _ := local.ZoneBounds(); !changed.IsZero() && at.Sub(changed) < 24*time.Hour {
		if before := c.shown(changed.Add(-1).Truncate(QuarterHour).In(c.Zone)); before.After(date) {
			return before
		}
	}
	return date
}

// shown returns the date a local clock's reading stands for by itself.
func (c Calendar) shown(local time.Time) time.Time {
	year, month, day := local.Date()
	if time.Duration(local.Hour())*time.Hour+time.Duration(local.Minute())*time.Minute < c.DayStart {
		day--
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// begin returns the first quarter-hour of a date, or of a later one where the
// calendar leaves it out. Where a clock change leaves out the start of the day,
// it begins with the first reading it has.
func (c Calendar) begin(date time.Time) time.Time {
	// No zone has ever been further than 16 hours from UTC.
	at := date.Add(c.DayStart - 16*time.Hour)
	for c.Date(at).Before(date) {
		at = at.Add(QuarterHour)
	}
	return at
}

// Days returns the calendar's days that lie within the span, ascending.
func (c Calendar) Days(within Span) []LocalDay {
	var days []LocalDay
	from := c.begin(c.Date(within.From))
	for from.Before(within.To) {
		date := c.Date(from)
		to := c.begin(date.AddDate(0, 0, 1))
		if !from.Before(within.From) && !to.After(within.To) {
			days = append(days, LocalDay{date.Format(time.DateOnly), Span{from, to}})
		}
		from = to
	}
	return days
}
