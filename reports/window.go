package reports

import (
	"errors"
	"fmt"
	"time"
)

// Window is the time a report covers, and the zone whose calendar it is read
// with. From and To are UTC, on quarter-hours, and From is before To.
type Window struct {
	Span
	Zone *time.Location
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

// ParseWindow reads the --from (included) and --to (excluded) of a report:
// local dates such as 2026-11-16, or RFC 3339 instants on a quarter-hour.
// Without either the window is the local day before now's; with --from alone
// it ends with that local day. All faults are told at once.
func ParseWindow(from, to string, zone *time.Location, now time.Time) (Window, error) {
	w := Window{Zone: zone}
	if from == "" && to == "" {
		today := now.In(zone)
		w.From, w.To = startOfDay(today, -1, zone), startOfDay(today, 0, zone)
		return w, nil
	}
	if from == "" {
		return Window{}, errors.New("--to needs a --from")
	}
	var faults [2]error
	w.From, faults[0] = ParseInstant("--from", from, zone)
	if to != "" {
		w.To, faults[1] = ParseInstant("--to", to, zone)
	} else if faults[0] == nil {
		w.To = startOfDay(w.From.In(zone), 1, zone)
	}
	if err := errors.Join(faults[:]...); err != nil {
		return Window{}, err
	}
	if !w.From.Before(w.To) {
		return Window{}, fmt.Errorf("--to %s is not after --from %s", to, from)
	}
	return w, nil
}

// ParseInstant reads a local date, which stands for its first quarter-hour, or an
// RFC 3339 instant on a quarter-hour. Errors call it by the given name, such as
// --from.
func ParseInstant(name, text string, zone *time.Location) (time.Time, error) {
	if date, err := time.Parse(time.DateOnly, text); err == nil {
		if err := checkYear(name, text, date); err != nil {
			return time.Time{}, err
		}
		return startOfDay(date, 0, zone), nil
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

// startOfDay returns the first quarter-hour of the zone that shows the
// calendar date of t, moved by days, or a later one: where a clock change
// leaves out midnight, the day begins with the first label it has.
func startOfDay(t time.Time, days int, zone *time.Location) time.Time {
	year, month, day := t.Date()
	midnight := time.Date(year, month, day+days, 0, 0, 0, 0, time.UTC)
	// No zone has ever been further than 16 hours from UTC.
	at := midnight.Add(-16 * time.Hour)
	for dateNumber(at.In(zone)) < dateNumber(midnight) {
		at = at.Add(QuarterHour)
	}
	return at
}
