package store

import (
	"context"
	"time"

	"talktime/sql/store/internal/db"
)

// takeDirty consumes the marks and returns the quarter-hours before the horizon
// that they touch. What lies behind the horizon is marked again: it waits until
// the horizon has passed it.
//
// A timely mark touches what its own period reaches; what it might change further
// back, next to sparser ticks, follows with the next quarter-hour (addOpen). One
// from behind the last horizon came late and touches all that the largest period
// near it reaches.
func takeDirty(ctx context.Context, q *db.Queries, horizon time.Time, last db.LastDerivationRow) (quarterHours, error) {
	marks, err := q.TakeDirty(ctx)
	if err != nil {
		return nil, err
	}
	var touched quarterHours
	var waiting db.MarkDirtyParams
	for _, m := range marks {
		from, to, period := m.FromAt.UTC(), m.ToAt.UTC(), time.Duration(m.PeriodMs)*time.Millisecond
		if to.After(horizon) {
			waiting.FromAt = append(waiting.FromAt, later(from, horizon))
			waiting.ToAt = append(waiting.ToAt, to)
			waiting.PeriodMs = append(waiting.PeriodMs, m.PeriodMs)
		}
		if !from.Before(horizon) {
			continue
		}
		if from.Before(last.HorizonAt) && period > 0 {
			if period, err = largestPeriodNear(ctx, q, from, to); err != nil {
				return nil, err
			}
		}
		touched = touched.touch(from.Add(-reach*period), earlier(to.Add(reach*period), horizon))
	}
	if len(waiting.FromAt) > 0 {
		err = q.MarkDirty(ctx, waiting)
	}
	return touched.merge(), err
}

// addOpen adds what no mark tells: the quarter-hours with open rows that had
// time pending at the last derivation, or that the horizon or the clock has since
// carried to the point where they can be final. Once a quarter-hour it adds all
// that the largest period near the horizon reaches, so that ticks of dense and
// sparse schedules side by side cost no more than that.
func addOpen(ctx context.Context, q *db.Queries, d Deriving, last db.LastDerivationRow, touched quarterHours) (quarterHours, error) {
	if last.HorizonAt.IsZero() {
		return touched, nil
	}
	if last.HorizonAt.Truncate(QuarterHour).Before(d.Horizon.Truncate(QuarterHour)) {
		period, err := largestPeriodNear(ctx, q, last.HorizonAt, d.Horizon)
		if err != nil {
			return nil, err
		}
		touched = touched.touch(last.HorizonAt.Add(-reach*period), d.Horizon)
	}
	open, err := q.OpenQuarterHours(ctx)
	if err != nil || len(open) == 0 {
		return touched.merge(), err
	}
	periods, err := q.Periods(ctx, db.PeriodsParams{FromAt: open[0].Add(-longestHold), ToAt: d.Horizon})
	if err != nil {
		return nil, err
	}
	for _, u := range d.Upcoming {
		periods = append(periods, int32(u.Period.Milliseconds()))
	}
	for _, start := range open {
		end := start.Add(QuarterHour)
		if start.Before(d.Horizon) && (end.After(last.HorizonAt) || canBecomeFinal(end, d, last, periods)) {
			touched = touched.touch(start, end)
		}
	}
	return touched.merge(), nil
}

// canBecomeFinal reports whether rows of the open quarter-hour that ends at end
// can be final now and could not at the last derivation. For one that any period
// allows to be final it does not look back: it may have been held open by a
// period that was announced and never came, or by a longer settle delay.
func canBecomeFinal(end time.Time, d Deriving, last db.LastDerivationRow, periods []int32) bool {
	if !end.Add(longestHold).After(d.Horizon) && !end.Add(d.Settle).After(d.Now) {
		return true
	}
	if passed(end.Add(d.Settle), last.DerivedAt, d.Now) {
		return true
	}
	for _, p := range periods {
		hold := time.Duration(p) * time.Millisecond * 5 / 2
		if passed(end.Add(hold), last.HorizonAt, d.Horizon) {
			return true
		}
	}
	return false
}

// passed reports whether going from before to after reached t.
func passed(t, before, after time.Time) bool { return t.After(before) && !t.After(after) }

// markDirty marks quarter-hours dirty, just them.
func markDirty(ctx context.Context, q *db.Queries, b quarterHours) error {
	if len(b) == 0 {
		return nil
	}
	var marks db.MarkDirtyParams
	for _, span := range b {
		marks.FromAt = append(marks.FromAt, span.From)
		marks.ToAt = append(marks.ToAt, span.To)
		marks.PeriodMs = append(marks.PeriodMs, 0)
	}
	return q.MarkDirty(ctx, marks)
}
