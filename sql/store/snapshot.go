package store

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// Snapshot reads for reports (reports.Source): everything read through it shows
// the database at one instant, whatever is recorded and derived meanwhile. One
// goroutine uses it, one method at a time.
type Snapshot struct {
	conn *pgxpool.Conn
	tx   pgx.Tx
}

// Snapshot opens a snapshot. The caller closes it.
func (s *Store) Snapshot(ctx context.Context) (*Snapshot, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a snapshot: %w", plain(err))
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		conn.Release()
		return nil, fmt.Errorf("open a snapshot: %w", plain(err))
	}
	// Locked before the first statement makes it a snapshot: what this one does not
	// know to be dropped is not detached before it ends.
	if _, err := tx.Exec(ctx, "LOCK TABLE ONLY talktime.samples, ONLY talktime.quarter_hours, ONLY talktime.segments IN ACCESS SHARE MODE"); err != nil {
		_ = tx.Rollback(context.WithoutCancel(ctx))
		conn.Release()
		return nil, fmt.Errorf("open a snapshot: %w", plain(err))
	}
	return &Snapshot{conn, tx}, nil
}

// Close gives the snapshot's connection back.
func (s *Snapshot) Close(ctx context.Context) {
	_ = s.tx.Rollback(context.WithoutCancel(ctx)) // nothing was written
	s.conn.Release()
}

// Cells yields what the quarter-hours of each part sum to in each span, row by
// row as the server sends them. Spans that are kept days are read from days; where
// retention has dropped quarter-hours of others the error is a *DroppedError.
func (s *Snapshot) Cells(ctx context.Context, q reports.Query) iter.Seq2[reports.Cell, error] {
	return func(yield func(reports.Cell, error) bool) {
		if len(q.Spans) == 0 {
			return
		}
		c, err := coverQuery(ctx, db.New(s.tx), q)
		if err != nil {
			yield(reports.Cell{}, fmt.Errorf("read the kept days: %w", plain(err)))
			return
		}
		if err := s.refuseDropped(ctx, "quarter_hours", c.rest); err != nil {
			yield(reports.Cell{}, err)
			return
		}
		ctx, giveUp := context.WithCancel(ctx)
		rows, err := s.tx.Query(ctx, db.Cells, cellArguments(q, c)...)
		if err != nil {
			giveUp()
			yield(reports.Cell{}, fmt.Errorf("read quarter-hours: %w", plain(err)))
			return
		}
		defer rows.Close()
		defer giveUp() // first: closing alone would read on to the last row
		var cell reports.Cell
		fields := cellFields(&cell)
		for rows.Next() {
			if err := rows.Scan(fields...); err != nil {
				yield(reports.Cell{}, fmt.Errorf("read quarter-hours: %w", err))
				return
			}
			cell.Span-- // the statement counts from 1
			cell.Part--
			cell.LastBin = cell.LastBin.UTC()
			if !yield(cell, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(reports.Cell{}, fmt.Errorf("read quarter-hours: %w", plain(err)))
		}
	}
}

// cellArguments returns the parameters of the statement Cells in their order: the
// generated method would gather all rows first.
func cellArguments(q reports.Query, c cover) []any {
	starts := make([]time.Time, len(q.Spans))
	for i, span := range q.Spans {
		starts[i] = span.From
	}
	agents, runs := make([]int32, len(q.Parts)), make([]int32, len(q.Parts))
	from, to := make([]time.Time, len(q.Parts)), make([]time.Time, len(q.Parts))
	for i, part := range q.Parts {
		agents[i], runs[i] = int32(part.Agent), int32(part.Run)
		from[i], to[i] = part.From, part.To
	}
	rest := c.remainder()
	return []any{
		starts, c.zones, c.starts, c.dates, rest.from, rest.to, rest.isOne, rest.ranges, runs, agents, from, to,
	}
}

// cellFields returns where to scan a row of Cells, in the order of its columns.
func cellFields(c *reports.Cell) []any {
	fields := []any{&c.Part, &c.Span}
	for m := range c.Sums.MS {
		fields = append(fields, &c.Sums.MS[m])
	}
	for e := range c.Sums.Low {
		fields = append(fields, &c.Sums.Low[e])
	}
	for e := range c.Sums.Reach {
		fields = append(fields, &c.Sums.Reach[e])
	}
	for e := range c.Sums.Edge {
		fields = append(fields, &c.Sums.Edge[e])
	}
	return append(fields, &c.Sums.ChangeMS, &c.Sums.ChangeSq, &c.Sums.TalkEntries, &c.Sums.Conflicts,
		&c.Bins, &c.LastBin, &c.FinalBins, &c.Revision)
}

// Facts returns what a report of the window [from, to) says beside its figures.
func (s *Snapshot) Facts(ctx context.Context, from, to time.Time) (reports.Facts, error) {
	facts, err := s.Background(ctx, from, to)
	if err != nil {
		return reports.Facts{}, err
	}
	q := db.New(s.tx)
	c, err := coverWindow(ctx, q, from, to)
	if err == nil && len(c.dates) == 0 { // else Cells knows which quarter-hours it takes
		if err := s.refuseDropped(ctx, "quarter_hours", c.rest); err != nil {
			return reports.Facts{}, err
		}
	}
	if err == nil {
		err = readAgents(ctx, q, c, &facts)
	}
	if err != nil {
		return reports.Facts{}, fmt.Errorf("read who has figures: %w", plain(err))
	}
	return facts, nil
}

// readAgents adds who has quarter-hours in what is covered, and who they were.
func readAgents(ctx context.Context, q *db.Queries, c cover, facts *reports.Facts) (err error) {
	rest := c.remainder()
	agents, err := q.AgentsWithQuarterHours(ctx, db.AgentsWithQuarterHoursParams{
		Zones: c.zones, DayStarts: c.starts, Dates: c.dates, RestFrom: rest.from, RestTo: rest.to, RestIsOne: rest.isOne, Rest: rest.ranges,
	})
	if err != nil {
		return err
	}
	if facts.Agents, err = agentsOf(agents); err != nil {
		return err
	}
	facts.Roster, err = readRoster(ctx, q)
	return err
}

// Background returns the facts without agents and roster, which take longest.
func (s *Snapshot) Background(ctx context.Context, from, to time.Time) (reports.Facts, error) {
	facts, err := readBackground(ctx, db.New(s.tx), from, to)
	if err != nil {
		return reports.Facts{}, fmt.Errorf("read what stands behind the figures: %w", plain(err))
	}
	return facts, nil
}

func readBackground(ctx context.Context, q *db.Queries, from, to time.Time) (facts reports.Facts, err error) {
	last, err := lastDerivation(ctx, q)
	if err != nil {
		return facts, err
	}
	facts.Horizon = last.HorizonAt

	schedules, err := q.SchedulesSince(ctx, from)
	if err != nil {
		return facts, err
	}
	for _, row := range schedules {
		if !row.ValidFrom.Before(to) {
			continue
		}
		set, err := agentsOf(row.Agents)
		if err != nil {
			return facts, err
		}
		facts.Schedules = append(facts.Schedules, reports.ScheduleFact{Name: row.Name, Cron: row.Cron, Zone: row.TimeZone, Agents: set.String()})
	}

	periods, err := q.Periods(ctx, db.PeriodsParams{FromAt: from, ToAt: to})
	if err != nil {
		return facts, err
	}
	for _, p := range periods {
		facts.Periods = append(facts.Periods, time.Duration(p)*time.Millisecond)
	}

	marks, err := q.DirtyMarks(ctx)
	if err != nil {
		return facts, err
	}
	var dirty quarterHours
	for _, m := range marks {
		dirty = dirty.touch(later(from, m.FromAt), earlier(to, m.ToAt))
	}
	facts.Dirty = dirty.merge().count()
	return facts, nil
}

var _ interface {
	reports.Source
	reports.SegmentSource
	reports.SampleSource
} = (*Snapshot)(nil)

var _ interface {
	ingest.Recorder
	ingest.Ledger
} = (*Store)(nil)
