package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/sql/store/internal/db"
)

// QuarterHour is the atom of derived figures: 15 minutes, aligned to UTC,
// holding its start and not its end (metrics.md §4).
const QuarterHour = 15 * time.Minute

// Deriving says how far to derive and what may be final.
type Deriving struct {
	Now      time.Time     // the program's clock
	Settle   time.Duration // how long after its end a quarter-hour stays open for late samples
	Settled                // how far the ticks are complete
	Progress func(done, total int)
}

// Derived counts what a call of DeriveDirty or DeriveRange did.
type Derived struct {
	QuarterHours int   // quarter-hours looked at
	LastID       int64 // the last derivation's id, 0 where there was nothing to derive
	Inserted     int64 // rows that came to be
	Updated      int64 // rows that changed, becoming final included
	Deleted      int64 // rows that vanished
	Restated     int64 // final rows whose figures changed: each has a new revision
}

// deriveAtOnce is how many quarter-hours one transaction derives at most: an
// hour keeps a long backlog's overhead low and its transactions short.
const deriveAtOnce = 4

// DeriveDirty derives the quarter-hours before the horizon that are dirty, that
// were pending at the last derivation, or that can become final now. Each
// transaction derives up to an hour and keeps what is left as marks, so a
// killed run loses nothing. Programs that derive at once take turns.
func (s *Store) DeriveDirty(ctx context.Context, d Deriving) (Derived, error) {
	var sum Derived
	total := 0
	for first := true; ; first = false {
		left, err := s.deriveNext(ctx, d, &sum, func(ctx context.Context, q *db.Queries) (bins, error) {
			dirty, err := s.takeDirty(ctx, q, d.Horizon)
			if err == nil && first {
				err = s.addOpen(ctx, q, d, dirty)
			}
			return dirty, err
		})
		if err != nil {
			return sum, err
		}
		total = max(total, sum.QuarterHours+left)
		if d.Progress != nil && total > 0 {
			d.Progress(sum.QuarterHours, total)
		}
		if left == 0 {
			return sum, nil
		}
	}
}

// DeriveRange derives every quarter-hour of [from, to) before the horizon,
// dirty or not. Both ends lie on quarter-hours.
func (s *Store) DeriveRange(ctx context.Context, from, to time.Time, d Deriving) (Derived, error) {
	var sum Derived
	wanted := bins{}
	for at := from; at.Before(to) && at.Before(d.Horizon); at = at.Add(QuarterHour) {
		wanted[at.UTC()] = true
	}
	total := len(wanted)
	for len(wanted) > 0 {
		chunk := wanted.takeChunk()
		if _, err := s.deriveNext(ctx, d, &sum, func(context.Context, *db.Queries) (bins, error) { return chunk, nil }); err != nil {
			return sum, err
		}
		if d.Progress != nil {
			d.Progress(total-len(wanted), total)
		}
	}
	return sum, nil
}

// deriveNext derives the first of the quarter-hours that choose finds, in one
// transaction under the derive lock, marks the others dirty and returns their
// number.
func (s *Store) deriveNext(ctx context.Context, d Deriving, sum *Derived, choose func(context.Context, *db.Queries) (bins, error)) (left int, err error) {
	var chunk bins
	var row db.DeriveQuarterHoursRow
	derive := func() error {
		return s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
			if err := q.LockDerive(ctx); err != nil {
				return err
			}
			chosen, err := choose(ctx, q)
			if err != nil {
				return err
			}
			chunk = chosen.takeChunk()
			left = len(chosen)
			if len(chunk) == 0 {
				return nil
			}
			if err := markBins(ctx, q, chosen); err != nil {
				return err
			}
			from, to := chunk.bounds()
			row, err = deriveBins(ctx, q, from, to, d)
			return err
		})
	}
	err = derive()
	if isNoPartition(err) {
		from, to := chunk.bounds()
		if _, err := s.MakePartitions(ctx, from, to); err != nil {
			return 0, err
		}
		err = derive()
	}
	if err != nil {
		if len(chunk) == 0 {
			return 0, fmt.Errorf("derive: %w", plain(err))
		}
		from, _ := chunk.bounds()
		return 0, fmt.Errorf("derive quarter-hour %s: %w", from.Format(time.RFC3339), plain(err))
	}
	if len(chunk) > 0 {
		sum.QuarterHours += len(chunk)
		sum.LastID = row.DerivationID
		sum.Inserted += row.InsertedRows
		sum.Updated += row.UpdatedRows
		sum.Deleted += row.DeletedRows
		sum.Restated += row.RestatedRows
	}
	return left, nil
}

// deriveBins runs the calculus over [from, to).
func deriveBins(ctx context.Context, q *db.Queries, from, to time.Time, d Deriving) (db.DeriveQuarterHoursRow, error) {
	if err := q.TuneDerive(ctx); err != nil {
		return db.DeriveQuarterHoursRow{}, err
	}
	period, err := largestPeriodNear(ctx, q, from, to)
	if err != nil {
		return db.DeriveQuarterHoursRow{}, err
	}
	params := db.DeriveQuarterHoursParams{
		FromMs: ms(from), ToMs: ms(to), HorizonMs: ms(d.Horizon), PeriodMs: period.Milliseconds(),
		SettledBeforeMs: ms(d.Now.Add(-d.Settle)), DerivedAt: d.Now,
		UpcomingAgents: []string{}, UpcomingPeriodMs: []int64{},
	}
	for _, u := range d.Upcoming {
		params.UpcomingAgents = append(params.UpcomingAgents, multirangeOf(u.Agents))
		params.UpcomingPeriodMs = append(params.UpcomingPeriodMs, u.Period.Milliseconds())
	}
	return q.DeriveQuarterHours(ctx, params)
}

// reach is how far around an instant a tick or its samples can change figures,
// in periods: a hold, and the claims of ticks two links away.
const reach = 8

func largestPeriodNear(ctx context.Context, q *db.Queries, from, to time.Time) (time.Duration, error) {
	const furthest = time.Hour * reach // time.Hour is the longest period
	period, err := q.LargestPeriodNear(ctx, db.LargestPeriodNearParams{
		FromAt: from, ToAt: to, NearFrom: from.Add(-furthest), NearTo: to.Add(furthest),
	})
	return time.Duration(period) * time.Millisecond, err
}

// takeDirty consumes the marks and returns the quarter-hours before the horizon
// that they touch. What lies behind the horizon is marked again: it waits until
// the horizon has passed it.
//
// A timely mark touches what its own period reaches; what it might change further
// back, next to sparser ticks, follows with the next quarter-hour (addOpen). One
// from behind the last horizon came late and touches all that the largest period
// near it reaches.
func (s *Store) takeDirty(ctx context.Context, q *db.Queries, horizon time.Time) (bins, error) {
	last, err := lastDerivation(ctx, q)
	if err != nil {
		return nil, err
	}
	marks, err := q.TakeDirty(ctx)
	if err != nil {
		return nil, err
	}
	touched := bins{}
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
		touched.add(from.Add(-reach*period), earlier(to.Add(reach*period), horizon))
	}
	if len(waiting.FromAt) == 0 {
		return touched, nil
	}
	return touched, q.MarkDirty(ctx, waiting)
}

// addOpen adds what no mark tells: the quarter-hours with open rows that had
// time pending at the last derivation, or that the horizon or the clock has since
// carried to the point where they can be final. Once a quarter-hour it adds all
// that the largest period near the horizon reaches, so that ticks of dense and
// sparse schedules side by side cost no more than that.
func (s *Store) addOpen(ctx context.Context, q *db.Queries, d Deriving, touched bins) error {
	last, err := lastDerivation(ctx, q)
	if err != nil || last.HorizonAt.IsZero() {
		return err
	}
	if last.HorizonAt.Truncate(QuarterHour).Before(d.Horizon.Truncate(QuarterHour)) {
		period, err := largestPeriodNear(ctx, q, last.HorizonAt, d.Horizon)
		if err != nil {
			return err
		}
		touched.add(last.HorizonAt.Add(-reach*period), d.Horizon)
	}
	open, err := q.OpenQuarterHours(ctx)
	if err != nil || len(open) == 0 {
		return err
	}
	periods, err := q.Periods(ctx, db.PeriodsParams{FromAt: open[0].Add(-longestHold), ToAt: d.Horizon})
	if err != nil {
		return err
	}
	for _, u := range d.Upcoming {
		periods = append(periods, int32(u.Period.Milliseconds()))
	}
	for _, start := range open {
		end := start.UTC().Add(QuarterHour)
		wanted := end.After(last.HorizonAt) || passed(end.Add(d.Settle), last.DerivedAt, d.Now)
		for _, p := range periods {
			hold := time.Duration(p) * time.Millisecond * 5 / 2
			wanted = wanted || passed(end.Add(hold), last.HorizonAt, d.Horizon)
		}
		if wanted && start.Before(d.Horizon) {
			touched[start.UTC()] = true
		}
	}
	return nil
}

// passed reports whether going from before to after reached t.
func passed(t, before, after time.Time) bool { return t.After(before) && !t.After(after) }

// markBins marks quarter-hours dirty, just them.
func markBins(ctx context.Context, q *db.Queries, b bins) error {
	if len(b) == 0 {
		return nil
	}
	var marks db.MarkDirtyParams
	for len(b) > 0 {
		from, to := b.takeRun(len(b)).bounds()
		marks.FromAt = append(marks.FromAt, from)
		marks.ToAt = append(marks.ToAt, to)
		marks.PeriodMs = append(marks.PeriodMs, 0)
	}
	return q.MarkDirty(ctx, marks)
}

// bins is a set of quarter-hours by their starts, UTC.
type bins map[time.Time]bool

// add puts every quarter-hour that [from, to) touches into the set.
func (b bins) add(from, to time.Time) {
	for at := from.UTC().Truncate(QuarterHour); at.Before(to); at = at.Add(QuarterHour) {
		b[at] = true
	}
}

// takeChunk removes the earliest quarter-hours, contiguous and at most
// deriveAtOnce, from the set and returns them.
func (b bins) takeChunk() bins { return b.takeRun(deriveAtOnce) }

// takeRun removes the earliest contiguous quarter-hours, at most n, and returns
// them.
func (b bins) takeRun(n int) bins {
	run := bins{}
	if len(b) == 0 {
		return run
	}
	first, _ := b.bounds()
	for at := first; b[at] && len(run) < n; at = at.Add(QuarterHour) {
		run[at] = true
		delete(b, at)
	}
	return run
}

// bounds returns the start of the first quarter-hour and the end of the last.
func (b bins) bounds() (from, to time.Time) {
	starts := make([]time.Time, 0, len(b))
	for at := range b {
		starts = append(starts, at)
	}
	slices.SortFunc(starts, time.Time.Compare)
	return starts[0], starts[len(starts)-1].Add(QuarterHour)
}
