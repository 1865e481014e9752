package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// touchedBy returns the quarter-hours that samples of a day can be read for, those
// of them that have rows or should have.
func touchedBy(ctx context.Context, q *db.Queries, day time.Time) (quarterHours, error) {
	end := day.AddDate(0, 0, 1)
	period, err := largestPeriodNear(ctx, q, day, end)
	if err != nil {
		return nil, err
	}
	near := quarterHours(nil).touch(day.Add(-reach*period), end.Add(reach*period))[0]
	starts, err := q.QuarterHoursKnown(ctx, db.QuarterHoursKnownParams{FromAt: near.From, ToAt: near.To})
	if err != nil {
		return nil, err
	}
	var touched quarterHours
	for _, start := range starts {
		touched = touched.touch(start, start.Add(QuarterHour))
	}
	return touched.merge(), nil
}

// checkSettled returns why a day cannot be compacted yet. It is looked at before the
// work is done; comparing looks at each quarter-hour once more.
func checkSettled(ctx context.Context, q *db.Queries, touched quarterHours) error {
	if len(touched) == 0 {
		return leftError("nothing was derived from it")
	}
	span := reports.Span{From: touched[0].From, To: touched[len(touched)-1].To}
	last, err := lastDerivation(ctx, q)
	if err != nil {
		return err
	}
	if last.HorizonAt.Before(span.To.Add(longestHold)) {
		return leftError("derive has not got past it")
	}
	dirty, err := dirtyNear(ctx, q, span)
	if err != nil {
		return err
	}
	if touched.without(dirty).count() < touched.count() {
		return leftError("some of it waits to be derived")
	}
	split, err := splitLost(ctx, q, touched)
	if err == nil && len(split.whole) == 0 {
		err = leftError("some of its samples are gone, and nothing is derived from the others")
	}
	return err
}

// makeRuns makes the runs of a day and compares them with its samples.
func (c compacting) makeRuns(ctx context.Context, day time.Time, touched quarterHours, row *db.SwitchDayParams) error {
	for n := range quartersOfDay {
		if err := c.makeQuarter(ctx, spanOf(day, n), row); err != nil {
			return err
		}
		c.progress(day, n+1, quartersOfDay+touched.count())
	}
	c.step(day, RunsMade)
	return nil
}

// makeQuarter makes the runs of a quarter-hour unless they are there from a time
// before and no sample came since.
func (c compacting) makeQuarter(ctx context.Context, span reports.Span, row *db.SwitchDayParams) error {
	return c.store.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if err := q.TuneDerive(ctx); err != nil {
			return err
		}
		isMade, err := q.HasRuns(ctx, db.HasRunsParams{FromAt: span.From, ToAt: span.To})
		if err != nil {
			return err
		}
		compare := func() (db.CompareRunsRow, error) {
			return q.CompareRuns(ctx, db.CompareRunsParams{FromAt: span.From, ToAt: span.To})
		}
		var compared db.CompareRunsRow
		if isMade {
			if compared, err = compare(); err != nil {
				return err
			}
			if isMade = compared.IsSame; !isMade {
				if err := q.DropRuns(ctx, db.DropRunsParams{FromAt: span.From, ToAt: span.To}); err != nil {
					return err
				}
			}
		}
		if !isMade {
			made, err := q.MakeRuns(ctx, db.MakeRunsParams{FromAt: span.From, ToAt: span.To})
			if err != nil || made == 0 {
				return err
			}
			if compared, err = compare(); err != nil {
				return err
			}
		}
		if !compared.IsSame {
			return fmt.Errorf("the samples from %s are not in runs as they are in talktime.samples; the day is left as it was", inWords(span))
		}
		row.Polls += compared.Polls
		row.Runs += compared.Runs
		return nil
	})
}

// compareFigures derives all that samples of the day can be read for from its runs
// and compares that with what is stored. The derive lock is held for a quarter-hour
// at a time.
func (c compacting) compareFigures(ctx context.Context, day time.Time, touched quarterHours, row *db.SwitchDayParams) error {
	done, total := quartersOfDay, quartersOfDay+touched.count()
	for rest := touched; len(rest) > 0; {
		var quarter reports.Span
		quarter, rest = rest.cut(1)
		if err := c.compareQuarter(ctx, quarter, row); err != nil {
			return err
		}
		done++
		c.progress(day, done, total)
	}
	c.step(day, FiguresCompared)
	return nil
}

// compareQuarter derives a quarter-hour as if the day were switched, compares every
// column with what is stored, and takes all of it back. What cannot be derived any
// more, because samples of a neighbouring day are gone, is not compared: that its
// samples are the same has to do.
func (c compacting) compareQuarter(ctx context.Context, span reports.Span, row *db.SwitchDayParams) error {
	tx, err := c.store.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // there is nothing to keep
	q := db.New(tx)
	if err := q.LockDerive(ctx); err != nil {
		return err
	}
	last, err := lastDerivation(ctx, q)
	if err != nil {
		return err
	}
	dirty, err := dirtyNear(ctx, q, span)
	if err != nil {
		return err
	}
	if len(quarterHours{span}.without(dirty)) == 0 {
		return leftError("some of it waits to be derived")
	}
	if err := q.SwitchDay(ctx, *row); err != nil {
		return err
	}
	split, err := splitLost(ctx, q, quarterHours{span})
	if err != nil || len(split.whole) == 0 {
		return err
	}
	compared, err := compareSpan(ctx, tx, span, Deriving{Now: last.DerivedAt, Settle: c.Settle, Settled: Settled{Horizon: last.HorizonAt}})
	if err != nil {
		return err
	}
	for _, quarter := range compared {
		if quarter.openRows > 0 {
			return leftError("some of it is not final")
		}
		if n := len(quarter.differences); n > 0 {
			d := quarter.differences[0]
			return fmt.Errorf("from its runs %d figures of the quarter-hour %s come out otherwise, the first agent %d's %s as %s where %s is stored; "+
				"the day is left as it was, see talktime verify --from %s --to %s", n, span.From.Format(time.RFC3339), d.Agent, d.Column, d.Recomputed, d.Stored,
				span.From.Format(time.RFC3339), span.To.Format(time.RFC3339))
		}
		row.ComparedRows += quarter.rows
		row.ComparedSegments += quarter.segments
	}
	return nil
}
