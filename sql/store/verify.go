package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// Verifying says what a verification is told.
type Verifying struct {
	Settle   time.Duration          // as in Deriving
	Progress func(done, total int)  // quarter-hours; may be nil
	Differ   func(Difference) error // told of each difference, by quarter-hour and agent
}

// Difference is a cell of quarter_hours, segments or days that is not what the
// samples say.
type Difference struct {
	Agent      ingest.AgentID
	Start      time.Time // of the quarter-hour, or of the day
	Column     string    // and which segment's or day's; "row" for one that is missing or too many
	Stored     string
	Recomputed string
}

// Verified counts what a verification compared and what it could not.
type Verified struct {
	QuarterHours int   // with rows that were compared
	Rows         int64 // compared
	Segments     int64 // compared: those of the rows
	Cells        int64 // compared: the columns of both that follow from samples, keys included
	Days         int64 // rows of kept days compared with the sums of their quarter-hours
	Differences  int64

	RowColumns, SegmentColumns int64 // of these columns

	OpenRows int64 // not compared: not final yet
	Dirty    int   // quarter-hours not compared: derive has yet to see what was stored
	Lost     int   // quarter-hours passed over in a sample: their samples are gone

	// KeptFrom is where the samples of a sample begin; zero where retention dropped none.
	KeptFrom time.Time
}

// VerifyRange recomputes the quarter-hours of [from, to), both on quarter-hours,
// and their segments from samples and ticks and compares what is final with what
// is stored, cell by cell, missing rows and those too many included; then the kept
// days that lie in the window with the sums of their quarter-hours. It writes
// nothing: each hour is derived once more under the derive lock and rolled back. A
// window with samples that are gone is refused.
//
// Rows that are not final and quarter-hours that are dirty are counted and not
// compared: what they were derived from is not what is stored now.
func (s *Store) VerifyRange(ctx context.Context, from, to time.Time, v Verifying) (Verified, error) {
	verified, err := s.verifyRange(ctx, reports.Span{From: from, To: to}, v)
	if err != nil {
		err = fmt.Errorf("verify from %s to %s: %w", from.Format(time.RFC3339), to.Format(time.RFC3339), plain(err))
	}
	return verified, err
}

func (s *Store) verifyRange(ctx context.Context, window reports.Span, v Verifying) (sum Verified, err error) {
	if !isOnBorder(window.From) || !isOnBorder(window.To) {
		return sum, errors.New("both must lie on quarter-hours")
	}
	q := db.New(s.pool)
	closed, err := s.closedBefore(ctx, v.Settle, &sum)
	if err != nil {
		return sum, err
	}
	todo, err := s.known(ctx, window.From, earlier(window.To, closed))
	if err != nil {
		return sum, err
	}
	split, err := splitLost(ctx, q, todo)
	if err == nil {
		err = split.err()
	}
	if err != nil {
		return sum, err
	}
	open, err := q.QuarterHourRows(ctx, db.QuarterHourRowsParams{FromAt: later(window.From, closed), ToAt: window.To})
	if err != nil {
		return sum, err
	}
	for _, bin := range open {
		sum.OpenRows += bin.FinalRows + bin.OpenRows
	}
	for total := todo.count(); len(todo) > 0; {
		var chunk reports.Span
		chunk, todo = todo.cut(deriveAtOnce)
		if err := s.verifyChunk(ctx, chunk, v, &sum); err != nil {
			return sum, err
		}
		if v.Progress != nil {
			v.Progress(total-todo.count(), total)
		}
	}
	return sum, verifyDays(ctx, q, window, v, &sum)
}

// verifyDays compares the kept days that lie in the window with what their
// quarter-hours sum to.
func verifyDays(ctx context.Context, q *db.Queries, window reports.Span, v Verifying, sum *Verified) error {
	kept, err := keptFrom(ctx, q, "quarter_hours")
	if err != nil {
		return err
	}
	window.From = later(window.From, kept)
	days, err := q.CountDays(ctx, db.CountDaysParams{FromAt: window.From, ToAt: window.To})
	if err != nil {
		return err
	}
	sum.Days = days.DayRows
	differing, err := q.DifferingDays(ctx, db.DifferingDaysParams{FromAt: window.From, ToAt: window.To})
	if err != nil {
		return err
	}
	for _, d := range differing {
		sum.Differences++
		err := v.Differ(Difference{
			Agent: ingest.AgentID(d.AgentID), Start: d.FromAt.UTC(), Stored: d.Stored, Recomputed: d.Recomputed,
			Column: fmt.Sprintf("%s of the day %s (%s from %s)", d.Name, d.LocalDate, d.TimeZone, d.BusinessDayStart),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// VerifySample verifies n quarter-hours, as VerifyRange does but without days, chosen at random
// from all that have rows or should have. The same seed chooses the same ones as
// long as there are no others. Those of which nothing can be compared are counted
// and others chosen instead.
func (s *Store) VerifySample(ctx context.Context, n int, seed uint64, v Verifying) (Verified, error) {
	verified, err := s.verifySample(ctx, n, seed, v)
	if err != nil {
		err = fmt.Errorf("verify a sample: %w", plain(err))
	}
	return verified, err
}

func (s *Store) verifySample(ctx context.Context, n int, seed uint64, v Verifying) (sum Verified, err error) {
	q := db.New(s.pool)
	closed, err := s.closedBefore(ctx, v.Settle, &sum)
	if err != nil {
		return sum, err
	}
	if sum.KeptFrom, err = keptFrom(ctx, q, "samples"); err != nil {
		return sum, err
	}
	window, err := s.known(ctx, sum.KeptFrom, closed)
	if err != nil || len(window) == 0 {
		return sum, err
	}
	starts, err := q.QuarterHoursKnown(ctx, db.QuarterHoursKnownParams{FromAt: window[0].From, ToAt: window[0].To})
	if err != nil {
		return sum, err
	}
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(starts), func(i, j int) { starts[i], starts[j] = starts[j], starts[i] })
	for _, start := range starts {
		if sum.QuarterHours == n {
			break
		}
		chunk := reports.Span{From: start.UTC(), To: start.UTC().Add(QuarterHour)}
		split, err := splitLost(ctx, q, quarterHours{chunk})
		if err != nil {
			return sum, err
		}
		if len(split.lost) > 0 {
			sum.Lost++
			continue
		}
		if err := s.verifyChunk(ctx, chunk, v, &sum); err != nil {
			return sum, err
		}
		if v.Progress != nil {
			v.Progress(sum.QuarterHours, min(n, len(starts)))
		}
	}
	return sum, nil
}

// closedBefore returns the instant before which quarter-hours can be final, as
// far as was derived, and notes how many columns there are to compare.
func (s *Store) closedBefore(ctx context.Context, settle time.Duration, sum *Verified) (closed time.Time, err error) {
	q := db.New(s.pool)
	columns, err := q.DerivedColumns(ctx)
	if err != nil {
		return closed, err
	}
	sum.RowColumns, sum.SegmentColumns = columns.OfRows, columns.OfSegments
	last, err := lastDerivation(ctx, q)
	if err != nil || last.HorizonAt.IsZero() {
		return closed, err
	}
	return earlier(last.HorizonAt, last.DerivedAt.Add(-settle)).Truncate(QuarterHour), nil
}

// verifyChunk compares quarter-hours in one transaction that leaves nothing
// behind. The derive lock keeps what is stored as it is meanwhile. Recorders do
// not wait: what they store leaves a mark, so the marks are looked at once more
// afterwards.
func (s *Store) verifyChunk(ctx context.Context, chunk reports.Span, v Verifying, sum *Verified) error {
	var compared []comparison
	var dirty quarterHours
	err := s.inTx(ctx, func(tx pgx.Tx, q *db.Queries) error {
		if err := q.LockDerive(ctx); err != nil {
			return err
		}
		last, err := lastDerivation(ctx, q)
		if err != nil {
			return err
		}
		if dirty, err = dirtyNear(ctx, q, chunk); err != nil {
			return err
		}
		split, err := splitLost(ctx, q, quarterHours{chunk})
		if err == nil {
			err = split.err() // gone since the window was looked at
		}
		if err != nil {
			return err
		}
		for _, span := range (quarterHours{chunk}).without(dirty) {
			some, err := compareSpan(ctx, tx, span, Deriving{Now: last.DerivedAt, Settle: v.Settle, Settled: Settled{Horizon: last.HorizonAt}})
			if err != nil {
				return err
			}
			compared = append(compared, some...)
		}
		dirty, err = dirtyNear(ctx, q, chunk)
		return err
	})
	if err != nil {
		return fmt.Errorf("quarter-hours from %s: %w", inWords(chunk), err)
	}
	sum.Dirty += quarterHours{chunk}.count() - (quarterHours{chunk}).without(dirty).count()
	for _, c := range compared {
		if dirty.holds(c.start) {
			continue
		}
		if c.rows > 0 {
			sum.QuarterHours++
		}
		sum.Rows += c.rows
		sum.Segments += c.segments
		sum.Cells += c.rows*sum.RowColumns + c.segments*sum.SegmentColumns
		sum.OpenRows += c.openRows
		sum.Differences += int64(len(c.differences))
		for _, difference := range c.differences {
			if err := v.Differ(difference); err != nil {
				return err
			}
		}
	}
	return nil
}

// dirtyNear returns the quarter-hours that marks may touch, merged, as far as
// they can lie in the chunk.
func dirtyNear(ctx context.Context, q *db.Queries, chunk reports.Span) (quarterHours, error) {
	marks, err := q.DirtyMarks(ctx)
	if err != nil {
		return nil, err
	}
	var exact, stored quarterHours
	for _, m := range marks {
		if m.PeriodMs == 0 {
			exact = append(exact, reports.Span{From: m.FromAt.UTC(), To: m.ToAt.UTC()})
		} else if m.FromAt.Before(chunk.To.Add(furthestReach)) && m.ToAt.After(chunk.From.Add(-furthestReach)) {
			stored = append(stored, reports.Span{From: m.FromAt.UTC(), To: m.ToAt.UTC()})
		}
	}
	dirty := exact
	for _, span := range stored.merge() {
		period, err := largestPeriodNear(ctx, q, span.From, span.To)
		if err != nil {
			return nil, err
		}
		dirty = dirty.touch(span.From.Add(-reach*period), span.To.Add(reach*period))
	}
	return dirty.merge(), nil
}
