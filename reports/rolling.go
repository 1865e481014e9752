package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rolling is a window told by a word: whole days of a calendar that have ended
// by the instant it is asked at.
type Rolling int

// The rolling windows.
const (
	Yesterday Rolling = iota // the day before
	LastWeek                 // the last week that is over, from Monday
	// MonthToDate is yesterday's month up to yesterday: on the first day of a
	// month it is all of the month before.
	MonthToDate
)

var rollingWords = []string{"yesterday", "last_week", "month_to_date"}

// ParseRolling reads yesterday, last_week or month_to_date.
func ParseRolling(word string) (Rolling, error) {
	i := slices.Index(rollingWords, word)
	if i < 0 {
		return 0, fmt.Errorf("%q is none of %s", word, strings.Join(rollingWords, ", "))
	}
	return Rolling(i), nil
}

// String returns the word that ParseRolling reads.
func (r Rolling) String() string { return rollingWords[r] }

// Rolling returns the rolling window as it is at an instant.
func (c Calendar) Rolling(r Rolling, at time.Time) Window {
	today := c.Date(at)
	yesterday := c.Date(c.begin(today).Add(-QuarterHour)) // not all dates are days everywhere
	switch r {
	case LastWeek:
		monday := today.AddDate(0, 0, -weekday(today))
		return c.window(monday.AddDate(0, 0, -7), monday)
	case MonthToDate:
		return c.window(yesterday.AddDate(0, 0, 1-yesterday.Day()), today)
	default:
		return c.window(yesterday, today)
	}
}

// Holding returns the rolling window that ends with a date, or with the week
// that holds it.
func (c Calendar) Holding(r Rolling, date time.Time) Window {
	next := date.AddDate(0, 0, 1)
	if r == LastWeek {
		next = date.AddDate(0, 0, 7-weekday(date))
	}
	return c.Rolling(r, c.begin(next))
}

// window returns the days from one date up to another.
func (c Calendar) window(from, to time.Time) Window {
	return Window{Span: Span{c.begin(from), c.begin(to)}, Zone: c.Zone, DayStart: c.DayStart}
}

// weekday counts days from Monday, which is 0.
func weekday(date time.Time) int { return (int(date.Weekday()) + 6) % 7 }
