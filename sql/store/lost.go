package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// Samples are kept for less long than what is derived from them. A quarter-hour
// whose samples, or those within reach of it, are gone keeps its figures: it is
// neither derived nor verified again. They are known to be gone where rounds
// counted polls and their day has no sample, or only such as came after its
// partition was dropped (talktime.lost_samples), or where retention noted that it
// drops them (talktime.drops): those do not come back, so nothing waits for them.

// derivable is a set of quarter-hours apart by whether their samples are there.
type derivable struct {
	whole   quarterHours
	lost    quarterHours
	dropped quarterHours // of the lost, those of which nothing comes back
	days    []lostDay    // because of which the lost are, ascending
}

// lostDay is a UTC day without its samples.
type lostDay struct {
	at        time.Time
	isDropped bool // by retention
}

// splitLost tells apart which of the quarter-hours, a merged set, have their
// samples still.
func splitLost(ctx context.Context, q *db.Queries, wanted quarterHours) (derivable, error) {
	if len(wanted) == 0 {
		return derivable{}, nil
	}

	from, to := wanted[0].From, wanted[len(wanted)-1].To
	days, err := lostDays(ctx, q, from, to, furthestReach)
	if err != nil || len(days) == 0 {
		return derivable{whole: wanted}, err
	}
	var split derivable
	for _, span := range wanted {
		for at := span.From; at.Before(span.To); at = at.Add(QuarterHour) {
			end := at.Add(QuarterHour)
			near := slices.DeleteFunc(slices.Clone(days), func(d lostDay) bool {
				return !d.at.Before(end.Add(furthestReach)) || !d.at.Add(day).After(at.Add(-furthestReach))
			})
			isInside := slices.ContainsFunc(near, func(d lostDay) bool { return !at.Before(d.at) && at.Before(d.at.Add(day)) })
			if len(near) > 0 && !isInside {
				period, err := largestPeriodNear(ctx, q, at, end)
				if err != nil {
					return derivable{}, err
				}
				if near, err = lostDays(ctx, q, at, end, reach*period); err != nil {
					return derivable{}, err
				}
			}
			if len(near) == 0 {
				split.whole = split.whole.touch(at, end)
				continue
			}
			split.lost = split.lost.touch(at, end)
			if !slices.ContainsFunc(near, func(d lostDay) bool { return !d.isDropped }) {
				split.dropped = split.dropped.touch(at, end)
			}
			split.days = append(split.days, near...)
		}
	}
	slices.SortFunc(split.days, func(a, b lostDay) int { return a.at.Compare(b.at) })
	split.days = slices.CompactFunc(split.days, func(a, b lostDay) bool { return a.at.Equal(b.at) })
	split.whole, split.lost, split.dropped = split.whole.merge(), split.lost.merge(), split.dropped.merge()
	return split, nil
}

func lostDays(ctx context.Context, q *db.Queries, from, to time.Time, around time.Duration) ([]lostDay, error) {
	rows, err := q.LostDays(ctx, db.LostDaysParams{FromAt: from.Add(-around), ToAt: to.Add(around)})
	days := make([]lostDay, len(rows))
	for i, row := range rows {
		days[i] = lostDay{row.Day.UTC(), row.IsDropped}
	}
	return days, err
}

// err says what is refused where something is lost, and what is not.
func (d derivable) err() error {
	if len(d.lost) == 0 {
		return nil
	}
	days := d.days[0].at.Format(time.DateOnly)
	if more := len(d.days) - 1; more > 0 {
		days += fmt.Sprintf(" and %d more days up to %s", more, d.days[more].at.Format(time.DateOnly))
	}
	why := ""
	if slices.ContainsFunc(d.days, func(d lostDay) bool { return d.isDropped }) {
		why = " (retention.samples)"
	}
	rest := "nothing of it can be"
	if len(d.whole) > 0 {
		var spans []string
		for _, span := range d.whole {
			spans = append(spans, inWords(span))
		}
		rest = "what can be is from " + strings.Join(spans, ", from ")
	}
	return fmt.Errorf("the samples of %s are gone%s, and the figures from them stand as they are; %s", days, why, rest)
}

// inWords words a span for a sentence.
func inWords(span reports.Span) string {
	return span.From.Format(time.RFC3339) + " to " + span.To.Format(time.RFC3339)
}
