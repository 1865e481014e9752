package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"talktime/sql/store/internal/db"
)

// ErrMaintained is returned by Maintain while another program maintains the database.
var ErrMaintained = errors.New("another talktime is maintaining this database")

// ErrNotOwner is wrapped by the error of Maintain where the role does not own the
// tables: it may change none.
var ErrNotOwner = errors.New("tables are changed by their owner")

// Maintenance is the right to take partitions out of tables: one program at a time
// has it, on a connection of its own, for detaching cannot be part of a transaction.
// Whatever it is killed in, the next one goes on from.
type Maintenance struct {
	store *Store
	conn  *pgx.Conn
}

// Maintain gives the right to maintain, or returns ErrMaintained at once. A program
// that dies gives it up with its connection. The caller closes it.
func (s *Store) Maintain(ctx context.Context) (*Maintenance, error) {
	owners, err := db.New(s.pool).ForeignOwner(ctx)
	if err != nil {
		return nil, fmt.Errorf("look who owns the tables: %w", plain(err))
	}
	if len(owners) > 0 {
		return nil, fmt.Errorf("%w: run `talktime maintain` as role %s", ErrNotOwner, owners[0])
	}
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("maintain the database: %w", plain(err))
	}
	m := &Maintenance{s, conn}
	isHeld, err := db.New(conn).TryLockMaintenance(ctx)
	if err == nil && isHeld {
		_, err = conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = '%s'", lockWait))
	}
	switch {
	case err != nil:
		m.Close(ctx)
		return nil, fmt.Errorf("maintain the database: %w", plain(err))
	case !isHeld:
		m.Close(ctx)
		return nil, ErrMaintained
	}
	return m, nil
}

// Close gives the right up, however its connection ends.
func (m *Maintenance) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	_ = db.New(m.conn).UnlockMaintenance(ctx) // a server may notice a closed connection late
	_ = m.conn.Close(ctx)
}

// Drop takes a partition out of its table and drops it, with all that is in it. It
// begins where an earlier one was killed. Nobody who reads or writes the table is
// kept waiting longer than lockWait: the partition is detached beside them, which
// waits for all who may read it still. Where they take longer than lockPatience the
// error says so; the table then takes no rows of that time any more, and to drop it
// once more finishes.
//
// What is in the partition must be of no use any more, and others must know that
// before: see Retain.
func (m *Maintenance) Drop(ctx context.Context, p Partition) error {
	return m.dropAfter(ctx, p, func() error { return nil })
}

// dropAfter is Drop with a last look at the partition, which nobody can read or
// change by its table any more.
func (m *Maintenance) dropAfter(ctx context.Context, p Partition, look func() error) error {
	if err := m.drop(ctx, p, look); err != nil {
		return fmt.Errorf("drop partition %s: %w", p.Name, plain(err))
	}
	return nil
}

func (m *Maintenance) drop(ctx context.Context, p Partition, look func() error) error {
	q := db.New(m.conn)
	return patiently(ctx, func() error {
		for {
			state, err := q.PartitionState(ctx, db.PartitionStateParams{Parent: p.Table, Name: p.Name})
			if err != nil {
				return err
			}
			parent, name := "talktime."+quoteName(p.Table), "talktime."+quoteName(p.Name)
			var statement string
			switch state {
			case "attached":
				// Only one partition of a table can be on its way out.
				if err := m.finishLeaving(ctx, p.Table); err != nil {
					return err
				}
				statement = "ALTER TABLE " + parent + " DETACH PARTITION " + name + " CONCURRENTLY"
			case "leaving":
				statement = "ALTER TABLE " + parent + " DETACH PARTITION " + name + " FINALIZE"
			case "apart":
				if err := look(); err != nil {
					return err
				}
				statement = "DROP TABLE " + name
			default:
				return nil
			}
			if err := m.exec(ctx, statement); err != nil {
				return err
			}
		}
	})
}

// finishLeaving finishes the detaching of a table's partitions that was begun and
// did not end. They stay, apart, for whoever began it.
func (m *Maintenance) finishLeaving(ctx context.Context, table string) error {
	partitions, err := readPartitions(ctx, db.New(m.conn))
	if err != nil {
		return err
	}
	for _, p := range partitions[table] {
		if !p.isLeaving {
			continue
		}
		if err := m.exec(ctx, "ALTER TABLE talktime."+quoteName(table)+" DETACH PARTITION talktime."+quoteName(p.Name)+" FINALIZE"); err != nil {
			return err
		}
	}
	return nil
}

// exec runs a statement that cannot be part of a transaction.
func (m *Maintenance) exec(ctx context.Context, statement string) error {
	_, err := m.conn.PgConn().Exec(ctx, statement).ReadAll()
	return err
}
