package ingest

import (
	"fmt"
	"time"
)

// A calendar is a rule read in a zone. The zero value never runs.
type calendar struct {
	rule     rule
	location *time.Location
}

// newCalendar reads a cron spec and the IANA name of a zone. It returns every
// fault it finds.
func newCalendar(spec, zone string) (calendar, []error) {
	var faults []error
	r, err := parseRule(spec)
	if err != nil {
		faults = append(faults, fmt.Errorf("cron %q: %w", spec, err))
	}
	location, err := loadZone(zone)
	if err != nil {
		faults = append(faults, err)
	}
	c := calendar{r, location}
	if faults == nil && c.next(time.Unix(0, 0)).IsZero() {
		faults = append(faults, fmt.Errorf("cron %q: it never runs in %s", spec, zone))
	}
	return c, faults
}

// loadZone finds a zone by its IANA name.
func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q: give an IANA name such as Europe/Berlin", name)
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", name, err)
	}
	return location, nil
}

// next returns the first matching instant after t, prev the last one before t;
// the zero time where there is none within reach.
func (c calendar) next(t time.Time) time.Time {
	second := t.Unix() + 1
	for limit := second + reach*secondsPerDay; c.location != nil && second < limit; {
		z := stretchAt(c.location, second)
		if label, ok := c.rule.next(second + z.offset); ok && label-z.offset < z.end {
			return time.Unix(label-z.offset, 0).UTC()
		}
		second = z.end
	}
	return time.Time{}
}

func (c calendar) prev(t time.Time) time.Time {
	second := t.Unix()
	if t.Nanosecond() == 0 {
		second--
	}
	for limit := second - reach*secondsPerDay; c.location != nil && second > limit; {
		z := stretchAt(c.location, second)
		if label, ok := c.rule.prev(second + z.offset); ok && label-z.offset >= z.start {
			return time.Unix(label-z.offset, 0).UTC()
		}
		second = z.start - 1
	}
	return time.Time{}
}

// nextOnce returns the first instant after t that takes every matching label
// once: a label that comes twice counts the first time; labels that are skipped
// count together at the end of the gap.
func (c calendar) nextOnce(t time.Time) time.Time {
	second := t.Unix() + 1
	for limit := second + reach*secondsPerDay; c.location != nil && second < limit; {
		z := stretchAt(c.location, second)
		before := stretchAt(c.location, z.start-1)
		if skipped := z.start + before.offset; second == z.start {
			if label, ok := c.rule.next(skipped); ok && label < z.start+z.offset {
				return time.Unix(z.start, 0).UTC()
			}
		}
		// Labels up to the one the wall showed when the offset changed have been.
		fresh := max(second+z.offset, z.start+before.offset)
		if label, ok := c.rule.next(fresh); ok && label-z.offset < z.end {
			return time.Unix(label-z.offset, 0).UTC()
		}
		second = z.end
	}
	return time.Time{}
}

// A stretch is a span [start, end) of Unix seconds with one offset from UTC.
type stretch struct{ start, end, offset int64 }

// The bounds of time for a stretch without a beginning or an end, far enough
// from the limits of int64 to calculate with.
const (
	beginning = -1 << 60
	forever   = 1 << 60
)

func stretchAt(location *time.Location, second int64) stretch {
	t := time.Unix(second, 0).In(location)
	_, offset := t.Zone()
	z := stretch{beginning, forever, int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		z.start = start.Unix()
	}
	if !end.IsZero() {
		z.end = end.Unix()
	}
	return z
}
