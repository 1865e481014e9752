package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"talktime/sql/store"
)

// defaultRetention is for how long tables are kept.
var defaultRetention = store.Retention{
	Samples: store.Age{Days: 30}, Segments: store.Age{Months: 13}, QuarterHours: store.Age{Months: 13}, Ticks: store.Age{Months: 13},
	JobRuns: store.Age{Days: 90},
}

// The shortest ages.
const (
	leastSamplesDays = 2
	leastDerivedDays = 2
	leastJobRunsDays = 7
	leastCompactDays = 1
)

// forEver is the age of what never goes.
const forEver = "forever"

// defaultCompactAfter is how old samples are when they become runs.
var defaultCompactAfter = store.Age{Days: 7}

// compactAge reads how old samples are when they become runs.
func (v value) compactAge() (store.Age, bool) {
	if text, ok := v.text(); ok && (text == "never" || text == "0") {
		return store.Age{}, true
	}
	return v.retentionAge(leastCompactDays)
}

// retentionAge reads for how long something is kept: days, calendar months, or for
// ever.
func (v value) retentionAge(least int) (store.Age, bool) {
	text, ok := v.text()
	if !ok {
		return store.Age{}, false
	}
	if text == forEver {
		return store.Age{}, true
	}
	var age store.Age
	number, unit := strings.TrimSuffix(text, "d"), &age.Days
	if months, found := strings.CutSuffix(text, "mo"); found {
		number, unit = months, &age.Months
	}
	n, err := strconv.ParseUint(number, 10, 12)
	*unit = int(n)
	switch {
	case err != nil || number == text:
		v.fault("%q is not an age such as 30d, 13mo or %s", text, forEver)
	case roughDays(age) < least:
		v.fault("%s is less than %dd", text, least)
	default:
		return age, true
	}
	return store.Age{}, false
}

// checkRetention finds ages that do not go together: what is derived is kept as long
// as its samples, and samples longer than rounds may wait in a spool.
func checkRetention(c *config, values map[string]value) {
	for _, derived := range []struct {
		key string
		age store.Age
	}{
		{"retention.segments", c.maintain.retention.Segments},
		{"retention.quarter_hours", c.maintain.retention.QuarterHours},
		{"retention.ticks", c.maintain.retention.Ticks},
	} {
		if isOlder(c.maintain.retention.Samples, derived.age) {
			faultOf(values, derived.key, "retention.samples").fault("%s is kept for %s and samples for %s: what is derived from samples is kept as long as they are",
				strings.TrimPrefix(derived.key, "retention."), ageText(derived.age), ageText(c.maintain.retention.Samples))
		}
	}
	spooled := store.Age{Days: int((c.spool.maxAge + 24*time.Hour - 1) / (24 * time.Hour))}
	if needed := (store.Age{Days: spooled.Days + 1}); isOlder(needed, c.maintain.retention.Samples) {
		faultOf(values, "retention.samples", "spool.max_age").fault("samples are kept for %s, and rounds may wait for the database for %s (spool.max_age): those would come when their day is gone; keep samples for %s or more",
			ageText(c.maintain.retention.Samples), ageText(spooled), ageText(needed))
	}
}

// faultOf returns the value of the first key that was given.
func faultOf(values map[string]value, keys ...string) value {
	for _, key := range keys {
		if v, given := values[key]; given {
			return v
		}
	}
	return value{} // never: the defaults go together
}

// isOlder compares two ages, months as 30 days.
func isOlder(a, b store.Age) bool {
	return b != (store.Age{}) && (a == (store.Age{}) || roughDays(a) > roughDays(b))
}

func roughDays(a store.Age) int { return 30*a.Months + a.Days }

// ageText words an age as it is configured.
func ageText(a store.Age) string {
	switch {
	case a == (store.Age{}):
		return forEver
	case a.Months > 0:
		return fmt.Sprintf("%dmo", a.Months)
	default:
		return fmt.Sprintf("%dd", a.Days)
	}
}

// ageInWords words an age for people who know no configuration.
func ageInWords(a store.Age) string {
	switch {
	case a == (store.Age{}):
		return "for ever"
	case a.Months > 0:
		return plural(a.Months, "month", "months")
	default:
		return plural(a.Days, "day", "days")
	}
}
