package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// ErrLeaseHeld is returned by TakeLease where another recorder holds the lease,
// or was faster.
var ErrLeaseHeld = errors.New("another recorder holds the lease on this database")

// Reign is the newest row of the lease as it was seen at one moment. The zero
// Reign says that nobody ever took the lease.
type Reign struct {
	Epoch  int64
	Holder string        // host:pid of the recorder
	TTL    time.Duration // how long its beats may stay away
	IsOver bool          // it left; the lease is to be had at once
	// IsFree says that it is over or, by the database's clock, has not beaten for
	// three times its TTL.
	IsFree bool

	from, until, beatAt time.Time
}

// From returns the first instant of the reign, in whole milliseconds.
func (r Reign) From() time.Time { return r.from }

// HasMoved reports whether the lease was touched between two looks: the holder
// beat or left, or another reign began.
func (r Reign) HasMoved(since Reign) bool {
	return r.Epoch != since.Epoch || !r.beatAt.Equal(since.beatAt)
}

// LookAtLease returns the newest reign.
func (s *Store) LookAtLease(ctx context.Context) (Reign, error) {
	row, err := db.New(s.pool).LatestEpoch(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return Reign{IsOver: true, IsFree: true}, nil
	}
	const undefinedTable = "42P01"
	if said, ok := errors.AsType[*pgconn.PgError](err); ok && said.Code == undefinedTable {
		err = errNoLease
	}
	if err != nil {
		return Reign{}, fmt.Errorf("look at the recorder's lease: %w", plain(err))
	}
	r := Reign{
		Epoch: row.Epoch, Holder: row.Holder, TTL: time.Duration(row.TtlMs) * time.Millisecond,
		IsOver: row.TicksUntil != nil, IsFree: row.IsFree, from: row.TicksFrom, beatAt: row.BeatAt,
	}
	if row.TicksUntil != nil {
		r.until = *row.TicksUntil
	}
	return r, nil
}

// LeaseIsFree reports whether no recorder holds the lease at this moment: the
// last one left, or has given no sign of life for three times its TTL. A schema
// that is older than leases has none to hold.
func (s *Store) LeaseIsFree(ctx context.Context) (bool, error) {
	r, err := s.LookAtLease(ctx)
	if errors.Is(err, errNoLease) {
		return true, nil
	}
	return r.IsFree, err
}

// errNoLease says that the schema has no table of reigns.
var errNoLease = errors.New("the schema has no lease")

// Claim is what it takes to take the lease.
type Claim struct {
	Seen   Reign         // the reign to end: it left, or stopped beating
	Holder string        // who takes the lease: host:pid
	TTL    time.Duration // how long its beats may stay away: 1 to 10 seconds
	Now    time.Time     // by the clock that due instants go by
}

// farAhead is how far ahead of now a reign's end is believed. Machines' clocks
// differ by less; a later one was written by a clock that was wrong.
const farAhead = time.Minute

// TakeLease ends the reign that was seen, where it goes on, and begins the next
// one from there. It returns ErrLeaseHeld where the lease has moved since. Where
// a clock was wrong reigns may overlap; a tick is stored once all the same.
func (s *Store) TakeLease(ctx context.Context, c Claim) (*Lease, error) {
	now := c.Now.UTC().Truncate(time.Millisecond)
	ends := now
	if c.Seen.Epoch > 0 {
		ends = later(c.Seen.from, now)
		if c.Seen.IsOver {
			ends = c.Seen.until
		}
	}
	begins := ends
	if ends.Sub(now) > farAhead {
		begins = now
	}
	began, err := db.New(s.pool).BeginEpoch(ctx, db.BeginEpochParams{
		Epoch: c.Seen.Epoch + 1, Holder: c.Holder, BeginsAt: begins, TtlMs: int32(c.TTL.Milliseconds()),
		EndsAt: ends, SeenBeatAt: c.Seen.beatAt,
	})
	if err != nil {
		return nil, fmt.Errorf("take the recorder's lease: %w", plain(err))
	}
	if began == 0 {
		return nil, ErrLeaseHeld
	}
	config := s.pool.Config().ConnConfig.Copy()
	return &Lease{epoch: c.Seen.Epoch + 1, from: begins.UTC(), ttl: c.TTL, config: config}, nil
}

// Lease is the right to record into a database from an instant on. It has a
// connection of its own, so that its beats do not wait behind anything else.
// Close it in the end.
type Lease struct {
	epoch  int64
	from   time.Time
	ttl    time.Duration
	config *pgx.ConnConfig

	mu   sync.Mutex
	conn *pgx.Conn // nil until it is needed, and after trouble
}

// Epoch returns the reign's number, which its ticks carry.
func (l *Lease) Epoch() int64 { return l.epoch }

// From returns the first instant of the reign, in whole milliseconds.
func (l *Lease) From() time.Time { return l.from }

// TTL returns how long others wait for a beat before they take over.
func (l *Lease) TTL() time.Duration { return l.ttl }

// Beat gives a sign of life, and gives up after half the TTL. An error that wraps
// ingest.ErrSuperseded says that the reign is over; after any other one the next
// beat connects anew.
func (l *Lease) Beat(ctx context.Context) error {
	n, err := l.send(ctx, func(ctx context.Context, q *db.Queries) (int64, error) { return q.Beat(ctx, l.epoch) })
	if err != nil {
		return fmt.Errorf("beat for the recorder's lease: %w", plain(err))
	}
	if n == 0 {
		return fmt.Errorf("the recorder's lease, epoch %d: %w", l.epoch, ingest.ErrSuperseded)
	}
	return nil
}

// Release ends the reign at an instant: due instants from there on are the next
// holder's. Rounds that were due before can still be stored. It changes nothing
// where the reign was over already, and gives up after half the TTL; others then
// wait until the beats stay away.
func (l *Lease) Release(ctx context.Context, until time.Time) error {
	_, err := l.send(ctx, func(ctx context.Context, q *db.Queries) (int64, error) {
		return q.EndEpoch(ctx, db.EndEpochParams{EndsAt: until, Epoch: l.epoch})
	})
	if err != nil {
		return fmt.Errorf("release the recorder's lease: %w", plain(err))
	}
	return nil
}

// Close closes the lease's connection, and only that: a reign that goes on ends
// when others miss its beats.
func (l *Lease) Close(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.disconnect(ctx)
}

// send runs one statement on the lease's own connection.
func (l *Lease) send(ctx context.Context, do func(context.Context, *db.Queries) (int64, error)) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, l.ttl/2)
	defer cancel()
	if l.conn == nil {
		conn, err := pgx.ConnectConfig(ctx, l.config)
		if err != nil {
			return 0, err
		}
		l.conn = conn
		// A beat need not outlive the server, and must not wait for its disk.
		if _, err := conn.Exec(ctx, "SET synchronous_commit = off"); err != nil {
			l.disconnect(ctx)
			return 0, err
		}
	}
	n, err := do(ctx, db.New(l.conn))
	if err != nil {
		l.disconnect(ctx)
	}
	return n, err
}

// disconnect drops the connection, be it dead or not. l.mu is held.
func (l *Lease) disconnect(ctx context.Context) {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = l.conn.Close(ctx)
	l.conn = nil
}
