package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// Age is for how long something is kept: calendar months and days. The zero value
// is for ever.
type Age struct{ Months, Days int }

// before returns the instant that the age reaches back to; zero where it is for ever.
func (a Age) before(now time.Time) time.Time {
	if a == (Age{}) {
		return time.Time{}
	}
	return now.UTC().AddDate(0, -a.Months, -a.Days)
}

// IsPast tells that what ended at an instant is older than it is to be.
func (a Age) IsPast(end, now time.Time) bool { return !end.After(a.before(now)) }

// Retention says for how long the rows of tables are kept. Days, exports and the
// audit log are kept for ever.
type Retention struct{ Samples, Segments, QuarterHours, Ticks, JobRuns Age }

// Retaining says what Retain is told.
type Retaining struct {
	Retention
	Now       time.Time
	Calendars []reports.Calendar // whose days are kept
	IsDryRun  bool               // look and change nothing
	Told      func(Dropped)      // told of each stretch of time that is old enough
}

// Dropped is what became of a stretch of time of a table that is old enough to go.
type Dropped struct {
	Partition        // Name is the table's where it is not kept in partitions
	Bytes     int64  // given back; 0 where that is not known
	Rows      int64  // deleted, of a table that is not kept in partitions
	Why       string // why it stays; empty where it went, or would go
}

// Retain drops what is older than it is to be kept, as far as nothing is lost by it:
//
//   - Samples, compacted or not, go by the day, once all that can be derived from them is final and
//     nothing waits to be derived again.
//   - quarter_hours, segments and ticks go by the month, once the samples within their
//     reach have gone; quarter_hours once their days are kept, which it sees to.
//   - Of job_runs each job's last one stays.
//
// A stretch of time is noted in talktime.drops under the derive lock before it goes:
// from then on nothing is derived from it, and who reads a Snapshot that knows
// nothing of it keeps it there until then. What was noted and did not go, because
// something was killed, goes first. What must stay keeps nothing else from going; an
// error ends the table's turn only.
func (m *Maintenance) Retain(ctx context.Context, r Retaining) error {
	retaining := retaining{m, r}
	var failed []error
	for _, step := range []func(context.Context) error{
		retaining.goOn,
		func(ctx context.Context) error { return retaining.partitions(ctx, "samples", r.Samples) },
		func(ctx context.Context) error { return retaining.partitions(ctx, "quarter_hours", r.QuarterHours) },
		func(ctx context.Context) error { return retaining.partitions(ctx, "segments", r.Segments) },
		retaining.ticks,
		retaining.jobRuns,
	} {
		if err := step(ctx); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// retaining is one run of Retain.
type retaining struct {
	*Maintenance
	Retaining
}

// goOn drops what was noted and is still there.
func (r retaining) goOn(ctx context.Context) error {
	noted, err := db.New(r.store.pool).OpenDrops(ctx)
	if err != nil {
		return fmt.Errorf("look what is to be dropped: %w", plain(err))
	}
	for _, row := range noted {
		p := partitionOf(row.Relation, row.FromAt)
		if r.IsDryRun {
			if err := r.tell(ctx, p, ""); err != nil {
				return err
			}
			continue
		}
		if err := r.carryOut(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// partitionOf returns the stretch of a table's time that begins at an instant.
func partitionOf(relation string, from time.Time) Partition {
	for _, table := range partitionedTables {
		if table.name == relation {
			return table.holding(from)
		}
	}
	month := partitionedTable{name: relation}.holding(from)
	month.Name = relation
	return month
}

// partitions drops those of a table that are old enough.
func (r retaining) partitions(ctx context.Context, table string, age Age) error {
	there, err := readPartitions(ctx, db.New(r.store.pool))
	if err != nil {
		return err
	}
	of := there[table]
	if table == "samples" {
		for _, p := range there["sample_runs"] { // what was noted for a day goes for both
			if day := partitionOf(table, p.From); p == partitionOf("sample_runs", p.From) && !slices.Contains(of, day) {
				of = append(of, day)
			}
		}
	}
	for _, p := range of {
		if !age.IsPast(p.To, r.Now) || p != partitionOf(table, p.From) { // another's own
			continue
		}
		if err := r.dropIfFree(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// ticks drops months of ticks and rounds taken by hand.
func (r retaining) ticks(ctx context.Context) error {
	first, err := db.New(r.store.pool).FirstTick(ctx, r.Now)
	if err != nil {
		return fmt.Errorf("look for the first tick: %w", plain(err))
	}
	for p := partitionOf("ticks", first); r.Ticks.IsPast(p.To, r.Now); p = partitionOf("ticks", p.To) {
		if err := r.dropIfFree(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// dropIfFree notes and drops a stretch of time that nothing needs any more, and
// tells why where something does.
func (r retaining) dropIfFree(ctx context.Context, p Partition) error {
	if p.Table == "quarter_hours" && !r.IsDryRun {
		if err := r.keepDays(ctx, p.Span); err != nil {
			return err
		}
	}
	why, err := r.note(ctx, p)
	if err != nil {
		return fmt.Errorf("look whether %s may go: %w", p.Name, plain(err))
	}
	if why != "" || r.IsDryRun {
		return r.tell(ctx, p, why)
	}
	return r.carryOut(ctx, p)
}

// note notes that a stretch of time goes, unless something needs it.
func (r retaining) note(ctx context.Context, p Partition) (why string, err error) {
	err = r.store.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if err := q.LockDerive(ctx); err != nil {
			return err
		}
		if why, err = r.needed(ctx, q, p); err != nil || why != "" || r.IsDryRun {
			return err
		}
		return q.NoteDrop(ctx, db.NoteDropParams{Relation: p.Table, FromAt: p.From, ToAt: p.To, NotedAt: r.Now})
	})
	return why, err
}

// carryOut drops what was noted.
func (r retaining) carryOut(ctx context.Context, p Partition) (err error) {
	told := Dropped{Partition: p}
	q := db.New(r.store.pool)
	if p.Table == "ticks" {
		told.Rows, err = dropTicks(ctx, q, p.Span)
	} else {
		told.Bytes, err = r.dropSized(ctx, p)
	}
	if err == nil && p.Table == "samples" {
		var ofRuns int64
		ofRuns, err = r.dropSized(ctx, partitionOf("sample_runs", p.From))
		told.Bytes += ofRuns
	}
	if err == nil && p.Table == "quarter_hours" {
		_, err = q.DropGoneQuarterHours(ctx, db.DropGoneQuarterHoursParams{FromAt: p.From, ToAt: p.To})
	}
	if err == nil {
		err = q.EndDrop(ctx, db.EndDropParams{DroppedAt: &r.Now, Relation: p.Table, FromAt: p.From})
	}
	if err != nil {
		return fmt.Errorf("drop %s of %s: %w", p.Table, inDays(p.Span), plain(err))
	}
	r.Told(told)
	return nil
}

// dropSized drops a partition, if it is there, and returns the bytes it took.
func (r retaining) dropSized(ctx context.Context, p Partition) (bytes int64, err error) {
	bytes, err = db.New(r.store.pool).TableBytes(ctx, p.Name)
	if err == nil {
		err = r.Drop(ctx, p)
	}
	return bytes, err
}

// dropTicks deletes a month of ticks a day at a time, so that no transaction lasts.
func dropTicks(ctx context.Context, q *db.Queries, month reports.Span) (rows int64, err error) {
	for day := month.From; day.Before(month.To); day = day.AddDate(0, 0, 1) {
		n, err := q.DropTicks(ctx, db.DropTicksParams{FromAt: day, ToAt: day.AddDate(0, 0, 1)})
		if err != nil {
			return rows, err
		}
		rows += n
	}
	n, err := q.DropHandRounds(ctx, db.DropHandRoundsParams{FromAt: month.From, ToAt: month.To})
	return rows + n, err
}

// jobRunsAtOnce bounds the runs of jobs deleted in one statement.
const jobRunsAtOnce = 10_000

// jobRuns deletes old runs of jobs.
func (r retaining) jobRuns(ctx context.Context) (err error) {
	if r.JobRuns == (Age{}) {
		return nil
	}
	told := Dropped{Partition: Partition{Table: "job_runs", Name: "job_runs", Span: reports.Span{To: r.JobRuns.before(r.Now)}}}
	q := db.New(r.store.pool)
	if r.IsDryRun {
		told.Rows, err = q.CountJobRuns(ctx, told.To)
	}
	for n := int64(jobRunsAtOnce); err == nil && n == jobRunsAtOnce && !r.IsDryRun; told.Rows += n {
		n, err = q.DropJobRuns(ctx, db.DropJobRunsParams{BeforeAt: told.To, AtOnce: jobRunsAtOnce})
	}
	if err != nil {
		return fmt.Errorf("drop runs of jobs: %w", plain(err))
	}
	if told.Rows > 0 {
		r.Told(told)
	}
	return nil
}

// tell tells of a stretch of time that is left, or would go.
func (r retaining) tell(ctx context.Context, p Partition, why string) (err error) {
	told := Dropped{Partition: p, Why: why}
	if p.Table != "ticks" {
		if told.Bytes, err = db.New(r.store.pool).TableBytes(ctx, p.Name); err != nil {
			return fmt.Errorf("measure %s: %w", p.Name, plain(err))
		}
	}
	if p.Table == "samples" {
		ofRuns, err := db.New(r.store.pool).TableBytes(ctx, partitionOf("sample_runs", p.From).Name)
		if err != nil {
			return fmt.Errorf("measure the runs of %s: %w", p.Name, plain(err))
		}
		told.Bytes += ofRuns
	}
	r.Told(told)
	return nil
}

// inDays words the days of a span that begins and ends at midnight.
func inDays(span reports.Span) string {
	return span.From.Format(time.DateOnly) + " to " + span.To.Format(time.DateOnly)
}
