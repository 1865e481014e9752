package main

import (
	"fmt"

	"talktime/ingest"
	"talktime/sql/store"
)

// forecast tells how much disk the schedules take in the long run, and whether there
// is as much: of the private Postgres only, for nobody else's disk can be seen.
func (d *doctor) forecast(c *config, held ingest.AgentSet) {
	const check = "disk in time"
	l := loadOf(c.schedules, held, d.clock.Now())
	if l.polls == 0 {
		d.ok(check, "nothing is due in the coming week")
		return
	}
	stocks := stocksOf(l, c)
	seen := forecastText(l, stocks)
	if !c.databaseURL.IsEmpty() || !d.diskSeen {
		d.ok(check, "%s; what the database's disk has left cannot be seen from here", seen)
		return
	}
	now, _ := daysToHold(stocks, float64(d.stored))
	full, ever := daysToHold(stocks, float64(d.stored+d.free))
	if d.stored > 0 {
		seen += "; " + tellBytes(d.stored) + " of it there"
	}
	seen += "; " + tellBytes(d.free) + " free"
	if ever && float64(full) <= max(reached(stocks), float64(now)+year) {
		d.warn(check, "lower retention or compact_after, poll less often, or move data_dir to a larger disk", "%s: full in %s", seen, tellDays(float64(full-now)))
		return
	}
	d.ok(check, "%s", seen)
}

// year is how far ahead a disk that fills by what is kept for ever is full too soon,
// in days.
const year = 365

func tellDays(days float64) string { return plural(int(days), "day", "days") }

// forecastText tells what a day brings, and what that comes to.
func forecastText(l load, stocks []stock) string {
	steady := reached(stocks)
	more := heldAfter(stocks, steady+year) - heldAfter(stocks, steady)
	return fmt.Sprintf("%s, %s polls a day on average, make %s of samples a day, %s in all when retention is reached in %s, and then %s more a year", agentsInAll(l.agents), grouped(int(l.polls)),
		tellBytes(uint64(l.polls*store.BytesOfSample)), tellBytes(uint64(heldAfter(stocks, steady))), tellDays(steady), tellBytes(uint64(more)))
}
