package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// Deriving says how far to derive and what may be final.
type Deriving struct {
	Now     time.Time     // the program's clock
	Settle  time.Duration // how long after its end a quarter-hour stays open for late samples
	Settled               // how far the ticks are complete
	// Calendars are those whose days are kept beside the quarter-hours.
	Calendars []reports.Calendar
	Progress  func(done, total int)
}

// Derived counts what a call of DeriveDirty or DeriveRange did.
type Derived struct {
	QuarterHours int   // quarter-hours looked at
	LastID       int64 // the last derivation's id, 0 where there was nothing to derive
	Inserted     int64 // rows that came to be
	Updated      int64 // rows that changed, becoming final included
	Deleted      int64 // rows that vanished
	Restated     int64 // final rows whose figures changed: each has a new revision
	Lost         int   // dirty quarter-hours that stay as they are: their samples are gone
}

// deriveAtOnce is how many quarter-hours one transaction derives at most: an
// hour keeps a long backlog's overhead low and its transactions short.
const deriveAtOnce = 4

// DeriveDirty derives the quarter-hours before the horizon that are dirty, that
// were pending at the last derivation, or that can become final now. Each
// transaction derives up to an hour and keeps what is left as marks, so a
// killed run loses nothing. Programs that derive at once take turns; the
// furthest of their horizons holds. Quarter-hours whose samples are gone are left
// as they are; their marks stay unless retention dropped them. Then it keeps days, up to a month of
// them.
func (s *Store) DeriveDirty(ctx context.Context, d Deriving) (Derived, error) {
	var sum Derived
	total := 0
	for isFirst := true; ; isFirst = false {
		left, err := s.deriveFirst(ctx, d, isFirst, &sum)
		if err != nil {
			return sum, err
		}
		total = max(total, sum.QuarterHours+left)
		if d.Progress != nil && total > 0 {
			d.Progress(sum.QuarterHours, total)
		}
		if left == 0 {
			return sum, s.keepDays(ctx, d)
		}
	}
}

// DeriveRange derives every quarter-hour of [from, to) before the horizon,
// dirty or not, and whatever else is dirty. Both ends lie on quarter-hours. The
// window is marked first and then derived as DeriveDirty does: what a killed run
// has not got to, the next derive of any program does. A window with samples that
// are gone is refused before anything changes.
func (s *Store) DeriveRange(ctx context.Context, from, to time.Time, d Deriving) (Derived, error) {
	if !isOnBorder(from) || !isOnBorder(to) {
		return Derived{}, fmt.Errorf("derive from %s to %s: both must lie on quarter-hours", from.Format(time.RFC3339Nano), to.Format(time.RFC3339Nano))
	}
	window, err := s.known(ctx, from, earlier(to, d.Horizon))
	if err != nil {
		return Derived{}, err
	}
	split, err := splitLost(ctx, db.New(s.pool), window)
	if err == nil {
		err = split.err()
	}
	if err == nil {
		err = s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
			// Their days are summed again too, whether a quarter-hour changes or not.
			return errors.Join(markDirty(ctx, q, window), q.StrikeDays(ctx, db.StrikeDaysParams{FromAt: from, ToAt: to}))
		})
	}
	if err != nil {
		return Derived{}, fmt.Errorf("derive from %s to %s: %w", from.Format(time.RFC3339), to.Format(time.RFC3339), plain(err))
	}
	return s.DeriveDirty(ctx, d)
}

// deriveFirst derives the first of the dirty quarter-hours, at most deriveAtOnce,
// in one transaction under the derive lock, and returns how many are left. Only
// the first call of a run looks for open ones.
func (s *Store) deriveFirst(ctx context.Context, d Deriving, isFirst bool, sum *Derived) (left int, err error) {
	var chunk reports.Span
	var row db.DeriveQuarterHoursRow
	derive := func() error {
		return s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
			if err := q.LockDerive(ctx); err != nil {
				return err
			}
			last, err := lastDerivation(ctx, q)
			if err != nil {
				return err
			}
			// Another program may have derived further, and later, since d was
			// settled: what it could see as final stays so.
			d := d
			// In whole milliseconds: a mark that begins at the horizon must not come back
			// from the database, which cuts nanoseconds off, as one from before it.
			d.Horizon, d.Now = later(d.Horizon.Truncate(time.Millisecond), last.HorizonAt), later(d.Now, last.DerivedAt)
			dirty, err := takeDirty(ctx, q, d.Horizon, last)
			if err == nil && isFirst {
				dirty, err = addOpen(ctx, q, d, last, dirty)
			}
			if err != nil {
				return err
			}
			split, err := splitLost(ctx, q, dirty)
			if err != nil {
				return err
			}
			sum.Lost = max(sum.Lost, split.lost.count())
			if err := markDirty(ctx, q, split.lost.without(split.dropped)); err != nil {
				return err
			}
			var rest quarterHours
			chunk, rest = split.whole.cut(deriveAtOnce)
			left = rest.count()
			if chunk == (reports.Span{}) {
				return nil
			}
			if err := markDirty(ctx, q, rest); err != nil {
				return err
			}
			row, err = deriveBins(ctx, q, chunk.From, chunk.To, d)
			if err != nil || row.InsertedRows+row.UpdatedRows+row.DeletedRows == 0 {
				return err
			}
			return q.StrikeDays(ctx, db.StrikeDaysParams{FromAt: chunk.From, ToAt: chunk.To})
		})
	}
	err = derive()
	if isNoPartition(err) {
		if _, err := s.MakePartitions(ctx, chunk.From, chunk.To); err != nil {
			return 0, err
		}
		err = derive()
	}
	switch {
	case err != nil && chunk == (reports.Span{}):
		return 0, fmt.Errorf("derive: %w", plain(err))
	case err != nil:
		return 0, fmt.Errorf("derive from %s to %s: %w", chunk.From.Format(time.RFC3339), chunk.To.Format(time.RFC3339), plain(err))
	case chunk != (reports.Span{}):
		sum.QuarterHours += quarterHours{chunk}.count()
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

// furthestReach is the reach of the longest period.
const furthestReach = reach * ingest.MaxPeriod

func largestPeriodNear(ctx context.Context, q *db.Queries, from, to time.Time) (time.Duration, error) {
	period, err := q.LargestPeriodNear(ctx, db.LargestPeriodNearParams{
		FromAt: from, ToAt: to, NearFrom: from.Add(-furthestReach), NearTo: to.Add(furthestReach),
	})
	return time.Duration(period) * time.Millisecond, err
}

// known cuts [from, to) to the time anything is known of, whole quarter-hours.
func (s *Store) known(ctx context.Context, from, to time.Time) (quarterHours, error) {
	since, err := db.New(s.pool).KnownSince(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("look for the first tick: %w", plain(err))
	}
	return quarterHours(nil).touch(later(from, since.Add(-longestHold).Truncate(QuarterHour)), to), nil
}
