package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The grains durations are rounded to, in ms.
const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
)

// grainOf returns what a row's durations are rounded to: minutes, or seconds
// where it accounts for less than two hours.
func grainOf(window int64) int64 {
	if window >= 2*hour {
		return minute
	}
	return second
}

// duration writes a rounded duration, "7h 05m" or "4m 09s". exact is what it
// was rounded from: "0" is printed for nothing at all, "<1m" for a little.
func duration(units, exact, grain int64) string {
	ms := units * grain
	switch {
	case ms == 0 && exact == 0:
		return "0"
	case ms == 0 && grain == minute:
		return "<1m"
	case ms == 0:
		return "<1s"
	case grain == minute && ms < hour:
		return fmt.Sprintf("%dm", ms/minute)
	case grain == minute:
		return fmt.Sprintf("%dh %02dm", ms/hour, ms%hour/minute)
	case ms < minute:
		return fmt.Sprintf("%ds", ms/second)
	case ms < hour:
		return fmt.Sprintf("%dm %02ds", ms/minute, ms%minute/second)
	default:
		return fmt.Sprintf("%dh %02dm %02ds", ms/hour, ms%hour/minute, ms%minute/second)
	}
}

// margin writes the half-width of an interval, rounded up to seconds below an
// hour and to minutes from there on.
func margin(ms float64) string {
	grain := second
	if ms >= float64(hour) {
		grain = minute
	}
	return duration(int64(math.Ceil(ms/float64(grain))), 1, grain)
}

// percent writes thousandths of a percent with one decimal, rounded down when
// it is a coverage: 100.0 means that nothing is missing.
func percent(milli int64, down bool) string {
	if !down {
		milli += 50
	}
	return fmt.Sprintf("%d.%d", milli/1000, milli%1000/100)
}

// seconds writes ms as exact seconds with grouped thousands: "1,234.5".
func seconds(ms int64) string {
	digits := strconv.FormatInt(ms/1000, 10)
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if rest := ms % 1000; rest != 0 {
		b.WriteString(strings.TrimRight(fmt.Sprintf(".%03d", rest), "0"))
	}
	return b.String()
}
