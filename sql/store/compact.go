package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// Old samples are kept as runs (talktime.sample_runs), without loss. A day goes
// over in steps, each a transaction of its own, and what is cut short after any of
// them goes on from there the next time: runs are made beside the samples, quarter-
// hour by quarter-hour, and compared with them; all figures are derived from the
// runs and compared with those stored; a row in talktime.compactions switches
// readers and writers over; the day's partition of samples is detached and dropped.

// Compacting says what Compact is told.
type Compacting struct {
	Now      time.Time     // the program's clock
	After    Age           // how old samples are then; for ever is never
	Settle   time.Duration // as in Deriving
	IsDryRun bool          // look which days are old enough and change nothing

	Told     func(Compacted)                       // told of each day that is old enough
	Progress func(day time.Time, done, total int)  // quarter-hours made into runs, or compared; may be nil
	Step     func(day time.Time, step CompactStep) // told of each step of a day once it is done; may be nil
}

// CompactStep is a step of compacting one day.
type CompactStep string

// The steps of a day, in order.
const (
	RunsMade        CompactStep = "its runs hold every sample"
	FiguresCompared CompactStep = "its runs derive the figures that stand"
	DaySwitched     CompactStep = "it is read from runs"
	SamplesDetached CompactStep = "its samples are detached"
	SamplesDropped  CompactStep = "its samples are dropped"
)

// Compacted is what became of a day that is old enough to be compacted.
type Compacted struct {
	Partition        // of samples
	Polls     int64  // it held
	Runs      int64  // it became
	Bytes     int64  // the samples took, with their index
	RunBytes  int64  // the runs take, with theirs
	Why       string // why it stays; empty where it went over, or would
}

// leftError is why a day cannot be compacted yet, which is no failure.
type leftError string

func (e leftError) Error() string { return string(e) }

// Compact compacts the UTC days of samples that are old enough, oldest first, and
// drops the samples of those compacted. A day whose runs do not hold the same
// samples, or do not derive the same quarter-hours and segments, stays as it is and
// makes an error, and so does one whose old partition holds more than was compared;
// the other days go on. Days with figures that are not final, or not derived yet,
// are left for the next time.
func (m *Maintenance) Compact(ctx context.Context, c Compacting) error {
	if c.After == (Age{}) {
		return nil
	}
	compacting := compacting{m, c}
	failed := compacting.goOn(ctx)
	days, err := db.New(m.store.pool).DaysToCompact(ctx, c.After.before(c.Now))
	if err != nil {
		return errors.Join(failed, fmt.Errorf("look for samples to compact: %w", plain(err)))
	}
	for _, text := range days {
		if ctx.Err() != nil {
			break
		}
		day, err := time.Parse(time.DateOnly, text)
		if err == nil {
			err = compacting.day(ctx, day)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("compact the samples of %s: %w", text, plain(err)))
		}
	}
	return failed
}

// compacting is one run of Compact.
type compacting struct {
	*Maintenance
	Compacting
}

// day compacts one day and drops its samples.
func (c compacting) day(ctx context.Context, day time.Time) error {
	told := Compacted{Partition: partitionOf("samples", day)}
	err := c.switchOver(ctx, day, &told)
	if left, isLeft := errors.AsType[leftError](err); isLeft {
		told.Why = left.Error()
	} else if err != nil {
		return err
	}
	if told.Why != "" || c.IsDryRun {
		c.Told(told)
		return nil
	}
	return c.drop(ctx, told)
}

// switchOver makes and compares the runs of a day and switches it, or returns why
// not. A dry run looks whether it can.
func (c compacting) switchOver(ctx context.Context, day time.Time, told *Compacted) (err error) {
	s, q := c.store, db.New(c.store.pool)
	if told.Bytes, err = q.TableBytes(ctx, told.Name); err != nil {
		return err
	}
	touched, err := touchedBy(ctx, q, day)
	if err != nil {
		return err
	}
	if err := checkSettled(ctx, q, touched); err != nil || c.IsDryRun {
		return err
	}
	name := day.Format(time.DateOnly)
	if err := s.MakePartition(ctx, partitionOf("sample_runs", day)); err != nil {
		return err
	}
	if err := s.underDayLock(ctx, name, func(q *db.Queries) error { return q.ClaimDay(ctx, name) }); err != nil {
		return err
	}
	row := db.SwitchDayParams{Day: name, CompactedAt: c.Now}
	if err := c.makeRuns(ctx, day, touched, &row); err != nil {
		return err
	}
	if err := c.compareFigures(ctx, day, touched, &row); err != nil {
		return err
	}
	err = s.underDayLock(ctx, name, func(q *db.Queries) error {
		released, err := q.ReleaseDay(ctx, name)
		if err == nil && released == 0 {
			err = leftError("samples of it came meanwhile")
		}
		if err != nil {
			return err
		}
		return q.SwitchDay(ctx, row)
	})
	if err != nil {
		return err
	}
	c.step(day, DaySwitched)
	told.Polls, told.Runs = row.Polls, row.Runs
	return nil
}

// underDayLock runs do in a transaction while nobody stores samples of the day.
func (s *Store) underDayLock(ctx context.Context, day string, do func(q *db.Queries) error) error {
	return s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if err := q.LockDay(ctx, day); err != nil {
			return err
		}
		return do(q)
	})
}

// goOn drops the samples of days that were switched before.
func (c compacting) goOn(ctx context.Context) error {
	days, err := db.New(c.store.pool).DaysToDrop(ctx)
	if err != nil {
		return fmt.Errorf("look for samples that were compacted: %w", plain(err))
	}
	var failed error
	for _, row := range days {
		day, err := time.Parse(time.DateOnly, row.Day)
		if err == nil {
			err = c.dropSwitched(ctx, day, row)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

func (c compacting) dropSwitched(ctx context.Context, day time.Time, row db.DaysToDropRow) (err error) {
	told := Compacted{Partition: partitionOf("samples", day), Polls: row.Polls, Runs: row.Runs}
	if told.Bytes, err = db.New(c.store.pool).TableBytes(ctx, told.Name); err != nil {
		return err
	}
	if c.IsDryRun {
		c.Told(told)
		return nil
	}
	return c.drop(ctx, told)
}

// drop drops the samples of a day that is switched, unless there are some that were
// not made runs. The partition is empty where it was made anew since.
func (c compacting) drop(ctx context.Context, told Compacted) (err error) {
	err = c.dropAfter(ctx, told.Partition, func() error {
		c.step(told.From, SamplesDetached)
		var polls int64
		table := quoteName(told.Name)
		if err := c.conn.QueryRow(ctx, "SELECT count(*) FROM talktime."+table).Scan(&polls); err != nil {
			return err
		}
		if polls != 0 && polls != told.Polls {
			return fmt.Errorf("it holds %d samples, and %d were made runs: look in talktime.%s which they are, then drop it by hand", polls, told.Polls, table)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.step(told.From, SamplesDropped)
	if told.RunBytes, err = db.New(c.store.pool).TableBytes(ctx, partitionOf("sample_runs", told.From).Name); err != nil {
		return err
	}
	c.Told(told)
	return nil
}

func (c compacting) progress(day time.Time, done, total int) {
	if c.Progress != nil {
		c.Progress(day, done, total)
	}
}

func (c compacting) step(day time.Time, step CompactStep) {
	if c.Step != nil {
		c.Step(day, step)
	}
}

// quartersOfDay is how many quarter-hours a UTC day has.
const quartersOfDay = int(24 * time.Hour / QuarterHour)

// spanOf returns the nth quarter-hour of a day.
func spanOf(day time.Time, nth int) reports.Span {
	from := day.Add(time.Duration(nth) * QuarterHour)
	return reports.Span{From: from, To: from.Add(QuarterHour)}
}
