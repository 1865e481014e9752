package reports

import (
	"errors"
	"fmt"
	"time"
)

// Window is the time a report covers, and the calendar it is read with. From and
// To are UTC, on quarter-hours, and From is before To.
type Window struct {
	Span
	Zone     *time.Location
	DayStart time.Duration // see Calendar
}

func (w Window) calendar() Calendar { return Calendar{w.Zone, w.DayStart} }

// Date returns the date of the window's local day that the instant belongs to, as
// that date's midnight in UTC.
func (w Window) Date(at time.Time) time.Time { return w.calendar().Date(at) }

// dateNumber writes such a date as yyyymmdd.
func (w Window) dateNumber(at time.Time) int {
	year, month, day := w.Date(at).Date()
	return (year*100+int(month))*100 + day
}

// Years a window may lie in: a mistyped year is refused, not searched.
const firstYear, lastYear = 2000, 2199

// ParseZone finds a zone of the tz database by its name. "Local" and the empty
// name are refused: a report must say which zone it is in.
func ParseZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q is not a name of the tz database such as Europe/Berlin or UTC", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q is not known to the tz database", name)
	}
	return zone, nil
}

// ParseWindow reads a window by a calendar whose days begin at midnight; see
// Calendar.ParseWindow.
func ParseWindow(from, to string, zone *time.Location, now time.Time) (Window, error) {
	return Calendar{Zone: zone}.ParseWindow(from, to, now)
}

// ParseWindow reads the --from (included) and --to (excluded) of a report:
// local dates such as 2026-11-16, which stand for the start of that day, or RFC
// 3339 instants on a quarter-hour. Without either the window is the local day
// before now's; with --from alone it ends with that local day. All faults are told
// at once.
func (c Calendar) ParseWindow(from, to string, now time.Time) (Window, error) {
	w := Window{Zone: c.Zone, DayStart: c.DayStart}
	if from == "" && to == "" {
		today := c.Date(now)
		w.From, w.To = c.begin(today.AddDate(0, 0, -1)), c.begin(today)
		return w, nil
	}
	if from == "" {
		return Window{}, errors.New("--to needs a --from")
	}
	var faults [2]error
	w.From, faults[0] = c.ParseInstant("--from", from)
	if to != "" {
		w.To, faults[1] = c.ParseInstant("--to", to)
	} else if faults[0] == nil {
		w.To = c.begin(c.Date(w.From).AddDate(0, 0, 1))
	}
	if err := errors.Join(faults[:]...); err != nil {
		return Window{}, err
	}
	if !w.From.Before(w.To) {
		return Window{}, fmt.Errorf("--to %s is not after --from %s", to, from)
	}
	return w, nil
}

// ParseInstant reads a local date, which stands for the start of that day, or an
// RFC 3339 instant on a quarter-hour. Errors call it by the given name, such as
// --from.
func (c Calendar) ParseInstant(name, text string) (time.Time, error) {
	if date, err := time.Parse(time.DateOnly, text); err == nil {
		if err := checkYear(name, text, date); err != nil {
			return time.Time{}, err
		}
		return c.begin(date), nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf(
			"%s %q is neither a date like 2026-11-16 nor an instant like 2026-11-16T08:00:00+01:00", name, text)
	}
	if err := checkYear(name, text, at); err != nil {
		return time.Time{}, err
	}
	if before := at.Truncate(QuarterHour); !before.Equal(at) {
		return time.Time{}, fmt.Errorf("%s %s is not on a quarter-hour; the nearest are %s and %s", name, text,
			before.Format(time.RFC3339), before.Add(QuarterHour).Format(time.RFC3339))
	}
	return at.UTC(), nil
}

func checkYear(name, text string, at time.Time) error {
	if year := at.Year(); year < firstYear || year > lastYear {
		return fmt.Errorf("%s %s is outside the years %d to %d", name, text, firstYear, lastYear)
	}
	return nil
}
