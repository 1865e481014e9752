package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/sql/store/internal/db"
)

// ErrLeaseHeld is returned by TakeLease while another recorder holds the lease.
var ErrLeaseHeld = errors.New("another recorder holds the lease on this database")

// Lease is the right to record into a database: one recorder has it at a time.
// It lasts as long as its connection, so a recorder that dies gives it up.
type Lease struct{ conn *pgx.Conn }

// TakeLease takes the recorder's lease, or returns ErrLeaseHeld at once.
func (s *Store) TakeLease(ctx context.Context) (*Lease, error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("take the recorder's lease: %w", plain(err))
	}
	held, err := db.New(conn).TryLease(ctx)
	if err == nil && held {
		return &Lease{conn}, nil
	}
	_ = conn.Close(context.WithoutCancel(ctx)) // nothing was taken
	if err != nil {
		return nil, fmt.Errorf("take the recorder's lease: %w", plain(err))
	}
	return nil, ErrLeaseHeld
}

// releaseTimeout bounds how long Release waits for a server that may be gone.
const releaseTimeout = 3 * time.Second

// Release gives the lease up, even where ctx has ended. When it returns, the
// next recorder can take it.
func (l *Lease) Release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	// The server notices a closed connection a little later. Where it cannot be
	// told, it has noticed already or will.
	_ = db.New(l.conn).ReleaseLease(ctx)
	return l.conn.Close(ctx)
}

// Lost waits until the lease's connection has died, and the lease with it, and
// returns why, or until ctx ends. The lease stands and can be released
// afterwards in the second case.
func (l *Lease) Lost(ctx context.Context) error {
	for {
		// Nobody listens for anything: what ends the wait is the connection.
		if _, err := l.conn.WaitForNotification(ctx); err != nil {
			return plain(err)
		}
	}
}

// LeaseIsFree reports whether no recorder holds the lease at this moment.
func (s *Store) LeaseIsFree(ctx context.Context) (bool, error) {
	free, err := db.New(s.pool).LeaseIsFree(ctx)
	if err != nil {
		return false, fmt.Errorf("look at the recorder's lease: %w", plain(err))
	}
	return free, nil
}
