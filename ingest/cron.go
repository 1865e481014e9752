package ingest

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// A rule is a cron spec as bit sets, one bit for each value a field allows. The
// parser is robfig's; the search is not, as that one's skips or misplaces
// instants where a clock change is not a whole hour (Lord Howe) or falls inside
// one (Chatham), and gives up after five years.
//
// It matches labels: seconds counted from 1970-01-01 00:00:00 on the wall of
// one place, without any zone. An instant's label is its Unix time plus the
// offset in force there.
type rule struct{ second, minute, hour, day, month, weekday uint64 }

const (
	secondsPerDay = 24 * 60 * 60
	// reach bounds the search for a match, in days. The widest gap a spec can
	// ask for is eight years, between 29 February 2096 and 2104.
	reach = 9 * 366
	// starBit is set by the parser in a field written as "*" or "?".
	starBit = 1 << 63
)

var cronParser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour |
	cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// parseRule reads a cron spec of six fields, seconds first; five mean second 0;
// @hourly, @daily, @weekly, @monthly and @yearly stand for their specs.
//
// Beyond what the parser itself refuses: a zone inside the spec (there is a key
// for it), @every (its instants depend on when the program started), specs
// that never run, and specs that restrict both the day of the month and the
// weekday, which cron reads as "or" and people as "and".
func parseRule(spec string) (rule, error) {
	switch {
	case strings.HasPrefix(spec, "TZ="), strings.HasPrefix(spec, "CRON_TZ="):
		// The parser panics on these when no field follows.
		return rule{}, errors.New("a zone inside the spec is refused, name it beside the spec")
	case strings.HasPrefix(spec, "@every"):
		return rule{}, errors.New("@every has no fixed instants, write the fields instead")
	}
	fields := strings.Fields(spec)
	if n := len(fields); n == 5 || n == 6 {
		weekdays, err := sundayAsZero(fields[n-1])
		if err != nil {
			return rule{}, err
		}
		fields[n-1] = weekdays
	}
	parsed, err := cronParser.Parse(strings.Join(fields, " "))
	if err != nil {
		return rule{}, err
	}
	s, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return rule{}, errors.New("not a spec of fields")
	}
	if s.Dom&starBit == 0 && s.Dow&starBit == 0 {
		return rule{}, errors.New("day of month and weekday are both restricted, make one of them * (or write two schedules)")
	}
	r := rule{
		s.Second &^ starBit, s.Minute &^ starBit, s.Hour &^ starBit,
		s.Dom &^ starBit, s.Month &^ starBit, s.Dow &^ starBit,
	}
	if _, runs := r.next(0); !runs || r.second == 0 || r.minute == 0 || r.hour == 0 {
		return rule{}, errors.New("it never runs")
	}
	return r, nil
}

// sundayAsZero writes weekday 7, which the parser refuses, as 0, and a range
// that ends in Sunday (5-7, FRI-SUN) as a list.
func sundayAsZero(field string) (string, error) {
	items := strings.Split(field, ",")
	for i, item := range items {
		days, stepText, stepped := strings.Cut(item, "/")
		first, last, isRange := strings.Cut(days, "-")
		if !isRange {
			if item == "7" {
				items[i] = "0"
			}
			continue
		}
		if last != "7" && (!strings.EqualFold(last, "sun") || first == "0" || strings.EqualFold(first, "sun")) {
			continue
		}
		from, step := weekdayNumber(first), 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return "", fmt.Errorf("weekday %q: step %q is not a positive number", item, stepText)
			}
		}
		if from < 0 {
			return "", fmt.Errorf("weekday %q: %q is no weekday", item, first)
		}
		var list []string
		for d := from; d <= 7; d += min(step, 8) {
			list = append(list, strconv.Itoa(d%7))
		}
		items[i] = strings.Join(list, ",")
	}
	return strings.Join(items, ","), nil
}

// weekdayNumber reads 0-7 or a three-letter name; anything else is -1.
func weekdayNumber(s string) int {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(s, d.String()[:3]) {
			return int(d)
		}
	}
	if len(s) == 1 && s[0] >= '0' && s[0] <= '7' {
		return int(s[0] - '0')
	}
	return -1
}

// next returns the first matching label at or after the given one.
func (r rule) next(label int64) (match int64, ok bool) {
	day, second := splitLabel(label)
	for limit := day + reach; day <= limit; day++ {
		if r.hasDay(day) {
			if s := r.secondFrom(second); s >= 0 {
				return day*secondsPerDay + int64(s), true
			}
		}
		second = 0
	}
	return 0, false
}

// prev returns the last matching label at or before the given one.
func (r rule) prev(label int64) (match int64, ok bool) {
	day, second := splitLabel(label)
	for limit := day - reach; day >= limit; day-- {
		if r.hasDay(day) {
			if s := r.secondUpTo(second); s >= 0 {
				return day*secondsPerDay + int64(s), true
			}
		}
		second = secondsPerDay - 1
	}
	return 0, false
}

// splitLabel returns the label's day since 1970-01-01 and second of that day.
func splitLabel(label int64) (day int64, second int) {
	day, rest := label/secondsPerDay, label%secondsPerDay
	if rest < 0 {
		day, rest = day-1, rest+secondsPerDay
	}
	return day, int(rest)
}

func (r rule) hasDay(day int64) bool {
	t := time.Unix(day*secondsPerDay, 0).UTC()
	_, month, dayOfMonth := t.Date()
	return r.month>>month&1 == 1 && r.day>>dayOfMonth&1 == 1 && r.weekday>>t.Weekday()&1 == 1
}

// secondFrom returns the first matching second of a day at or after the given
// one, -1 if there is none.
func (r rule) secondFrom(second int) int {
	h, m, s := second/3600, second/60%60, second%60
	if r.hour>>h&1 == 1 {
		if r.minute>>m&1 == 1 {
			if n := bitFrom(r.second, s); n >= 0 {
				return h*3600 + m*60 + n
			}
		}
		if n := bitFrom(r.minute, m+1); n >= 0 {
			return h*3600 + n*60 + bitFrom(r.second, 0)
		}
	}
	if n := bitFrom(r.hour, h+1); n >= 0 {
		return n*3600 + bitFrom(r.minute, 0)*60 + bitFrom(r.second, 0)
	}
	return -1
}

// secondUpTo returns the last matching second of a day at or before the given
// one, -1 if there is none.
func (r rule) secondUpTo(second int) int {
	h, m, s := second/3600, second/60%60, second%60
	if r.hour>>h&1 == 1 {
		if r.minute>>m&1 == 1 {
			if n := bitUpTo(r.second, s); n >= 0 {
				return h*3600 + m*60 + n
			}
		}
		if n := bitUpTo(r.minute, m-1); n >= 0 {
			return h*3600 + n*60 + bitUpTo(r.second, 59)
		}
	}
	if n := bitUpTo(r.hour, h-1); n >= 0 {
		return n*3600 + bitUpTo(r.minute, 59)*60 + bitUpTo(r.second, 59)
	}
	return -1
}

// bitFrom returns the lowest set bit at or above from, -1 if there is none.
func bitFrom(set uint64, from int) int {
	if set >>= from; set == 0 {
		return -1
	}
	return from + bits.TrailingZeros64(set)
}

// bitUpTo returns the highest set bit at or below to, -1 if there is none.
func bitUpTo(set uint64, to int) int {
	return bits.Len64(set&(1<<(to+1)-1)) - 1
}
