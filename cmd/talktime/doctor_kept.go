package main

import (
	"context"
	"strings"
	"time"

	"talktime/sql/store"
)

// overdue is how much longer than it is to be kept something may be there before
// doctor asks why: a run of maintain each hour, and a report that kept it from going.
const overdue = 2 * 24 * time.Hour

// kept tells how much there is of what goes when it is old, and whether it goes.
func (d *doctor) kept(ctx context.Context, s *store.Store, c *config) {
	const check = "retention"
	now := d.clock.Now()
	tables, err := s.Kept(ctx, now)
	if err != nil {
		d.failWith(check, "", err)
		return
	}
	ages := map[string]store.Age{
		"samples": c.maintain.retention.Samples, "sample_runs": c.maintain.retention.Samples, "segments": c.maintain.retention.Segments,
		"quarter_hours": c.maintain.retention.QuarterHours, "ticks": c.maintain.retention.Ticks,
	}
	var told []string
	for _, table := range tables {
		age, isAging := ages[table.Table]
		if !isAging || table.Table == "sample_runs" && table.Bytes == 0 { // nothing is compacted yet
			continue
		}
		told = append(told, table.Table+" "+ageText(age)+", "+tellBytes(uint64(table.Bytes))+" since "+table.From.Format(time.DateOnly))
		whole := table.From.AddDate(0, 0, 1) // when its oldest partition is over
		if !strings.HasPrefix(table.Table, "sample") {
			whole = time.Date(table.From.Year(), table.From.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		}
		if age.IsPast(whole.Add(overdue), now) {
			d.warn(check, "`talktime maintain` drops it, or says why not", "%s reaches back to %s and is to be kept for %s", table.Table, table.From.Format(time.DateOnly), ageText(age))
		}
	}
	d.ok(check, "%s; days for ever", strings.Join(told, "; "))
}
