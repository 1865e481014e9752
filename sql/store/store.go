package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// OldestServer is the oldest major version of Postgres the store works with.
const OldestServer = 15

// Store is a database of talktime. It is safe for concurrent use.
type Store struct {
	pool      *pgxpool.Pool
	agentSets agentSets
}

// Open connects to the database the URL names (anything pgx takes) and checks
// that it answers and is no older than OldestServer. It does not look at the
// schema: see CheckSchema and Migrate. An error that may pass is ErrAway.
func Open(ctx context.Context, url ingest.Secret) (*Store, error) {
	config, err := pgxpool.ParseConfig(url.Reveal())
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", notAnAddress(err))
	}
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "talktime"
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET jit = off") // compiling our many columns costs more than it saves
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", plain(err))
	}
	s := &Store{pool: pool}
	var version int
	if err := pool.QueryRow(ctx, "SELECT current_setting('server_version_num')::int / 10000").Scan(&version); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open the database %s: %w", place(config.ConnConfig), plain(err))
	}
	if version < OldestServer {
		pool.Close()
		return nil, fmt.Errorf("open the database %s: it is Postgres %d, talktime needs %d or newer", place(config.ConnConfig), version, OldestServer)
	}
	return s, nil
}

// closeTimeout bounds how long Close waits for a server that may be gone.
const closeTimeout = time.Second

// Close gives all connections back. Where the server does not answer, it leaves
// saying goodbye to it to the end of the program.
func (s *Store) Close() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.pool.Close() // up to 15 s for each statement that was cut off
	}()
	select {
	case <-closed:
	case <-time.After(closeTimeout):
	}
}

// Place names the database and its server, without user and password.
func (s *Store) Place() string { return place(s.pool.Config().ConnConfig) }

// place names a database without its password.
func place(c *pgx.ConnConfig) string {
	return fmt.Sprintf("%s at %s port %d", c.Database, c.Host, c.Port)
}

// plain turns a driver's error into words: what the server said, without the
// connection's settings. Those that may pass are ErrAway.
func plain(err error) error {
	if isAway(err) {
		return awayError{worded(err)}
	}
	return worded(err)
}

func worded(err error) error {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		const diskFull = "53100"
		if said.Code == diskFull {
			return fmt.Errorf("%s: free space on the database server's disk", said.Message)
		}
		if said.Detail != "" {
			return fmt.Errorf("%s (%s)", said.Message, said.Detail)
		}
		return errors.New(said.Message)
	}
	if failed, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		if refused := tlsFailure(err); refused != nil {
			return fmt.Errorf("cannot connect: %w", refused)
		}
		// The driver tries several ways; the network's first complaint stands for all.
		if refused, ok := errors.AsType[*net.OpError](err); ok {
			return fmt.Errorf("cannot connect: %w", refused)
		}
		if cause := failed.Unwrap(); cause != nil {
			return fmt.Errorf("cannot connect: %w", cause)
		}
	}
	return err
}

// inTx runs do in one transaction.
func (s *Store) inTx(ctx context.Context, do func(tx pgx.Tx, q *db.Queries) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return do(tx, db.New(tx)) })
}

// ms returns an instant as epoch milliseconds.
func ms(t time.Time) int64 { return t.UnixMilli() }
