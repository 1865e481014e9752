package main

import (
	"sort"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

// load is what schedules come to on a day, on average over a week.
type load struct {
	agents       int
	polls        float64
	ticks        float64
	quarterHours float64 // of agents who are polled in them
}

// loadOf counts what is due in the week from an instant's quarter-hour on. A schedule of all asks
// those who are held. Who is due in several schedules at one instant is polled once.
func loadOf(schedules []ingest.Schedule, held ingest.AgentSet, from time.Time) load {
	agentsOf := agentCounter(schedules, held)
	from = from.Truncate(store.QuarterHour)
	var l load
	ever, inQuarter, quarter := make([]byte, len(schedules)), make([]byte, len(schedules)), time.Time{}
	endQuarter := func() {
		l.quarterHours += float64(agentsOf(inQuarter))
		clear(inQuarter)
	}
	for at, due := range dueTogether(schedules, from, from.Add(week)) {
		if start := at.Truncate(store.QuarterHour); !start.Equal(quarter) {
			endQuarter()
			quarter = start
		}
		for i, isDue := range due {
			ever[i], inQuarter[i] = ever[i]|isDue, inQuarter[i]|isDue
			l.ticks += float64(isDue)
		}
		l.polls += float64(agentsOf(due))
	}
	endQuarter()
	l.agents = agentsOf(ever)
	const days = float64(week / day)
	l.polls, l.ticks, l.quarterHours = l.polls/days, l.ticks/days, l.quarterHours/days
	return l
}

// agentCounter returns what counts the agents of some schedules, 1 for each of them.
func agentCounter(schedules []ingest.Schedule, held ingest.AgentSet) func(of []byte) int {
	counted := map[string]int{}
	return func(of []byte) int {
		n, known := counted[string(of)]
		if !known {
			var ranges []ingest.AgentRange
			for i, is := range of {
				switch {
				case is == 0:
				case schedules[i].All():
					ranges = append(ranges, held.Ranges()...)
				default:
					ranges = append(ranges, schedules[i].Agents().Ranges()...)
				}
			}
			n = ingest.NewAgentSetOfRanges(ranges...).Len()
			counted[string(of)] = n
		}
		return n
	}
}

// stock is what a table comes to hold: so much of each day, from when that is so many
// days old until it is so many.
type stock struct {
	perDay   float64 // bytes
	from, to float64 // days
	forEver  bool
}

// Partitions go when all of them is old enough.
const (
	daysOfPartition  = 1  // of samples
	monthOfPartition = 31 // of what is derived
)

// stocksOf returns what the tables come to hold.
func stocksOf(l load, c *config) []stock {
	kept := c.maintain.retention
	until := func(perDay float64, age store.Age, partition float64) stock {
		return stock{perDay: perDay, to: float64(roughDays(age)) + partition, forEver: age == (store.Age{})}
	}
	samples := until(l.polls*store.BytesOfSample, kept.Samples, daysOfPartition)
	stocks := []stock{
		until(l.quarterHours*store.BytesOfSegments, kept.Segments, monthOfPartition),
		until(l.quarterHours*store.BytesOfQuarterHour, kept.QuarterHours, monthOfPartition),
		until(l.ticks*store.BytesOfTick, kept.Ticks, monthOfPartition),
		{perDay: float64(l.agents * store.BytesOfDay * len(c.derive.calendars)), forEver: true},
	}
	after := c.maintain.compactAfter
	if after == (store.Age{}) || !isOlder(kept.Samples, after) {
		return append(stocks, samples)
	}
	runs := samples
	runs.perDay, runs.from = l.polls*store.BytesOfRunPoll, float64(roughDays(after))
	samples.to, samples.forEver = runs.from+daysOfPartition, false
	return append(stocks, samples, runs)
}

// heldAfter returns what stocks hold so many days after they were empty.
func heldAfter(stocks []stock, days float64) (bytes float64) {
	for _, s := range stocks {
		age := days
		if !s.forEver {
			age = min(age, s.to)
		}
		bytes += s.perDay * max(0, age-s.from)
	}
	return bytes
}

// reached returns after how many days the last of what goes with age has gone once.
func reached(stocks []stock) (days float64) {
	for _, s := range stocks {
		if !s.forEver {
			days = max(days, s.to)
		}
	}
	return days
}

// daysToHold returns after how many days stocks hold so much; false where that takes
// longer than anybody forecasts.
func daysToHold(stocks []stock, bytes float64) (days int, ever bool) {
	const longest = 50 * 365
	days = sort.Search(longest, func(days int) bool { return heldAfter(stocks, float64(days)) >= bytes })
	return days, days < longest
}
