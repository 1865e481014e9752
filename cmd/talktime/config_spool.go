package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spoolConfig bounds what waits for the database on disk.
type spoolConfig struct {
	maxBytes int64
	maxAge   time.Duration
}

// What a spool's bounds may be.
const (
	leastSpoolBytes = 1 << 20
	mostSpoolBytes  = 1 << 50
	leastSpoolAge   = time.Minute
	mostSpoolAge    = 365 * day
)

const day = 24 * time.Hour

// byteUnits are those a number of bytes may have.
var byteUnits = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}}

// bytes reads a number of bytes such as 512MiB or 1GiB, from least to most.
func (v value) bytes(least, most int64) (int64, bool) {
	text, ok := v.text()
	if !ok {
		return 0, false
	}
	n, ok := parseBytes(text)
	switch {
	case !ok:
		v.fault("%q is not a number of bytes such as 512MiB or 1GiB", text)
	case n < least || n > most:
		v.fault("%s is not between %s and %s", text, formatBytes(least), formatBytes(most))
	default:
		return n, true
	}
	return 0, false
}

func parseBytes(text string) (int64, bool) {
	unit := int64(1)
	for _, u := range byteUnits {
		if number, found := strings.CutSuffix(text, u.name); found {
			text, unit = strings.TrimSpace(number), u.bytes
		}
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n > math.MaxInt64/uint64(unit) {
		return 0, false
	}
	return int64(n) * unit, true
}

// formatBytes words a round number of bytes as parseBytes reads it.
func formatBytes(n int64) string {
	for _, u := range slices.Backward(byteUnits) {
		if n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprintf("%d%s", n/u.bytes, u.name)
		}
	}
	return strconv.FormatInt(n, 10)
}

// age reads a length of time in days, such as 7d, or any duration.
func (v value) age(least, most time.Duration) (time.Duration, bool) {
	text, ok := v.text()
	if !ok {
		return 0, false
	}
	number, inDays := strings.CutSuffix(text, "d")
	if !inDays {
		return v.duration(least, most)
	}
	days, err := strconv.ParseUint(number, 10, 16)
	switch {
	case err != nil:
		v.fault("%q is not a length of time such as 7d or 12h", text)
	case time.Duration(days)*day < least || time.Duration(days)*day > most:
		v.fault("%s is not between %s and %dd", text, least, most/day)
	default:
		return time.Duration(days) * day, true
	}
	return 0, false
}
