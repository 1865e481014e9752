package store

import (
	"context"
	"fmt"
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
