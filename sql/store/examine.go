package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// Server is what a database's server says of itself and of this connection.
type Server struct {
	Version   string // "15.14 (Debian 15.14-0+deb12u1)"
	Encoding  string // of the database; talktime needs UTF8
	Role      string // as whom the connection works
	IsStandby bool   // a copy that follows another server and takes no writes
	Bytes     int64  // size of the database
	Ahead     time.Duration
	Latency   time.Duration // of one question
	Connection
}

// Server asks the server. Ahead is how far its clock is before ours, to half of
// Latency. Nothing is written.
func (s *Store) Server(ctx context.Context, clock ingest.Clock) (Server, error) {
	var server Server
	err := s.look(ctx, func(tx pgx.Tx, q *db.Queries) error {
		asked := clock.Now()
		row, err := q.ExamineServer(ctx)
		latency := clock.Now().Sub(asked)
		server = Server{
			Version: row.Version, Encoding: row.Encoding, Role: row.Role, IsStandby: row.IsStandby, Bytes: row.Bytes,
			Ahead: row.Clock.Sub(asked.Add(latency / 2)), Latency: latency, Connection: connectionOf(tx.Conn()),
		}
		return err
	})
	if err != nil {
		return Server{}, fmt.Errorf("examine the server: %w", plain(err))
	}
	return server, nil
}

// Right is something a role may not do.
type Right struct {
	Name   string // "INSERT ON talktime.samples"
	Remedy string // the statement that grants it, or who has it

	ForPartitions bool // needed where no other role makes the partitions
}

// MissingRights returns the rights that recording and deriving need and this
// role lacks; where there is no schema yet, those that making it needs.
func (s *Store) MissingRights(ctx context.Context) ([]Right, error) {
	var rows []db.MissingRightsRow
	err := s.look(ctx, func(_ pgx.Tx, q *db.Queries) (err error) {
		rows, err = q.MissingRights(ctx, "")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("examine the rights: %w", plain(err))
	}
	rights := make([]Right, len(rows))
	for i, r := range rows {
		rights[i] = Right{r.Name, r.Remedy, r.ForPartitions}
	}
	return rights, nil
}

// Progress says how far deriving has come.
type Progress struct {
	Horizon time.Time // derived up to here; zero where nothing ever was
	Marks   int64     // stretches of time that wait to be derived
	Jobs    []ingest.JobRun
}

// Progress tells how far deriving has come, and of each job the last run.
func (s *Store) Progress(ctx context.Context) (p Progress, err error) {
	err = s.look(ctx, func(_ pgx.Tx, q *db.Queries) error {
		last, err := lastDerivation(ctx, q)
		if err != nil {
			return err
		}
		p.Horizon = last.HorizonAt
		if p.Marks, err = q.CountDirty(ctx); err != nil {
			return err
		}
		runs, err := q.LastJobRuns(ctx)
		for _, r := range runs {
			run := ingest.JobRun{Name: r.Job, DueAt: r.DueAt.UTC(), StartedAt: r.StartedAt.UTC(), FinishedAt: r.FinishedAt.UTC()}
			if r.Error != nil {
				run.Err = fmt.Errorf("%s", *r.Error)
			}
			p.Jobs = append(p.Jobs, run)
		}
		return err
	})
	if err != nil {
		return Progress{}, fmt.Errorf("examine what is derived: %w", plain(err))
	}
	return p, nil
}

// look runs do in a transaction that cannot write.
func (s *Store) look(ctx context.Context, do func(tx pgx.Tx, q *db.Queries) error) error {
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error { return do(tx, db.New(tx)) })
}
