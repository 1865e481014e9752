package reports

import (
	"fmt"
	"time"
)

// localLayouts are the ways to write an instant on a zone's clock.
var localLayouts = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02T15:04:05.000"}

// ParseAt reads the instant of the report at: "now", an RFC 3339 instant, or a
// local time such as 2026-11-20T14:52. A local time that a clock change shows
// twice or leaves out is refused, and so is an instant after now. It is given in
// UTC, in whole milliseconds.
func ParseAt(text string, zone *time.Location, now time.Time) (time.Time, error) {
	now = now.UTC().Truncate(time.Millisecond)
	if text == "now" {
		return now, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		if at, err = parseLocal(text, zone); err != nil {
			return time.Time{}, err
		}
	}
	if err := checkYear("at", text, at); err != nil {
		return time.Time{}, err
	}
	if at.After(now) {
		return time.Time{}, fmt.Errorf("at %s lies in the future: it is %s", text, now.In(zone).Format(time.RFC3339))
	}
	return at.UTC().Truncate(time.Millisecond), nil
}

func parseLocal(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range localLayouts {
		label, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		instants := instantsOf(label, zone)
		switch len(instants) {
		case 1:
			return instants[0], nil
		case 0:
			return time.Time{}, fmt.Errorf("at %s: a clock change leaves this time out in %s", text, zone)
		default:
			return time.Time{}, fmt.Errorf("at %s: a clock change shows this time twice in %s; say %s or %s", text, zone,
				instants[0].In(zone).Format(time.RFC3339), instants[1].In(zone).Format(time.RFC3339))
		}
	}
	return time.Time{}, fmt.Errorf("at %q is neither now nor a local time like 2026-11-20T14:52 nor an instant like 2026-11-20T14:52:00+01:00", text)
}

// instantsOf returns the instants, ascending, at which a zone's clock shows a
// label, which is given as if it were UTC.
func instantsOf(label time.Time, zone *time.Location) []time.Time {
	var instants []time.Time
	// A day before and after lie on either side of any clock change near.
	for _, near := range []time.Time{label.AddDate(0, 0, -1), label.AddDate(0, 0, 1)} {
		_, offset := near.In(zone).Zone()
		at := label.Add(-time.Duration(offset) * time.Second)
		const shown = "2006-01-02T15:04:05.000"
		if at.In(zone).Format(shown) != label.Format(shown) || len(instants) > 0 && instants[0].Equal(at) {
			continue
		}
		instants = append(instants, at)
	}
	return instants
}
