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
// partition was dropped (talktime.lost_samples).

// derivable is a set of quarter-hours apart by whether their samples are there.
type derivable struct {
	whole quarterHours
	lost  quarterHours
	days  []time.Time // UTC days without their samples because of which the lost are, ascending
}

// splitLost tells apart which of the quarter-hours, a merged set, have their
// samples still.
func splitLost(ctx context.Context, q *db.Queries, wanted quarterHours) (derivable, error) {
	if len(wanted) == 0 {
		return derivable{}, nil
	}
	const day = 24 * time.Hour
	from, to := wanted[0].From, wanted[len(wanted)-1].To
	days, err := lostDays(ctx, q, from, to, furthestReach)
	if err != nil || len(days) == 0 {
		return derivable{whole: wanted}, err
	}
	var split derivable
	for _, span := range wanted {
		for at := span.From; at.Before(span.To); at = at.Add(QuarterHour) {
			end := at.Add(QuarterHour)
			near := slices.DeleteFunc(slices.Clone(days), func(d time.Time) bool {
				return !d.Before(end.Add(furthestReach)) || !d.Add(day).After(at.Add(-furthestReach))
			})
			isInside := slices.ContainsFunc(near, func(d time.Time) bool { return !at.Before(d) && at.Before(d.Add(day)) })
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
			split.days = append(split.days, near...)
		}
	}
	slices.SortFunc(split.days, time.Time.Compare)
	split.days = slices.CompactFunc(split.days, time.Time.Equal)
	split.whole, split.lost = split.whole.merge(), split.lost.merge()
	return split, nil
}

func lostDays(ctx context.Context, q *db.Queries, from, to time.Time, around time.Duration) ([]time.Time, error) {
	days, err := q.LostDays(ctx, db.LostDaysParams{FromAt: from.Add(-around), ToAt: to.Add(around)})
	for i := range days {
		days[i] = days[i].UTC()
	}
	return days, err
}

// err says what is refused where something is lost, and what is not.
func (d derivable) err() error {
	if len(d.lost) == 0 {
		return nil
	}
	days := d.days[0].Format(time.DateOnly)
	if more := len(d.days) - 1; more > 0 {
		days += fmt.Sprintf(" and %d more days up to %s", more, d.days[more].Format(time.DateOnly))
	}
	rest := "nothing of it can be"
	if len(d.whole) > 0 {
		var spans []string
		for _, span := range d.whole {
			spans = append(spans, inWords(span))
		}
		rest = "what can be is from " + strings.Join(spans, ", from ")
	}
	return fmt.Errorf("the samples of %s are gone, and the figures from them stand as they are; %s", days, rest)
}

// inWords words a span for a sentence.
func inWords(span reports.Span) string {
	return span.From.Format(time.RFC3339) + " to " + span.To.Format(time.RFC3339)
}
