package localpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Database is the name of the database that holds everything talktime keeps.
const Database = "talktime"

// Options say which private Postgres is wanted.
type Options struct {
	// Dir holds the cluster, its locks and its log; it is made where missing.
	// The caller gives it to the private Postgres alone.
	Dir string
	// Settings are server settings by name. They override the defaults of
	// Start and the cluster's postgresql.conf, and apply when Start starts the
	// server, not when it finds one running.
	Settings map[string]string
	// Disposable makes a cluster that is fast and does not survive a crash of
	// the machine. For tests only.
	Disposable bool
	// Search lists the directories, or patterns of directories, to look for
	// server programs in. Empty means PATH and the usual places.
	Search []string
	// Log is told what the server is doing; nil means nobody is.
	Log *slog.Logger
}

// Server is this process's hold on a running private Postgres. The server runs
// at least until Close.
type Server struct {
	cluster   *cluster
	socketDir string

	mu    sync.Mutex
	users *lock // held shared; nil once closed
}

// Start returns a hold on the private Postgres in o.Dir, which it makes and
// starts where needed, with an empty database named Database. The server keeps
// running when ctx ends; Start itself waits as long as ctx lasts, for a server
// that repairs itself after a crash may take minutes. An error says which
// directory it is about and what to do.
//
// The server accepts at most 50 connections, only through its socket, and its
// time zone is UTC, unless postgresql.conf of the cluster or o.Settings differ.
func Start(ctx context.Context, o Options) (*Server, error) {
	s, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("start the private Postgres in %s: %w", o.Dir, err)
	}
	return s, nil
}

func start(ctx context.Context, o Options) (_ *Server, err error) {
	if o.Dir == "" {
		return nil, errors.New("no directory given")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Search == nil {
		o.Search = defaultSearch()
	}
	dir, err := openDirectory(o.Dir)
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, data: dir.join("cluster"), options: o}
	starting, err := openLock(dir, startLock)
	if err != nil {
		return nil, err
	}
	defer starting.release()
	if err := starting.wait(ctx); err != nil {
		return nil, err
	}
	users, err := openLock(dir, usersLock)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			users.release()
		}
	}()
	// Nobody else changes a lock meanwhile: all do it under the start lock.
	sole, err := users.try(true)
	if err != nil {
		return nil, err
	}
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	p, err := c.run(ctx, sole)
	if err == nil {
		err = createDatabase(ctx, p.socketDir, Database)
	}
	if err != nil {
		if sole {
			err = errors.Join(err, c.stopAfterFailure(ctx))
		}
		return nil, err
	}
	if shared, err := users.try(false); err != nil || !shared {
		return nil, errors.Join(fmt.Errorf("%s is held alone by another process", dir.join(usersLock)), err)
	}
	return &Server{cluster: c, socketDir: p.socketDir, users: users}, nil
}

// The lock files in the directory; the package comment says what they are for.
const (
	startLock = "start.lock"
	usersLock = "users.lock"
)

// URL is the connection string of Database for any process of this machine
// that may use the socket, in the form pgx and psql read. It holds no password.
func (s *Server) URL() string { return s.DatabaseURL(Database) }

// DatabaseURL is URL for another database of the server.
func (s *Server) DatabaseURL(name string) string { return databaseURL(s.socketDir, name) }

// Programs is the directory of the server programs, where psql may lie too.
func (s *Server) Programs() string { return s.cluster.programs.dir }

// Close gives up the hold. Where no other process and no other Server holds
// the private Postgres, it is stopped, which ends all connections to it and
// writes everything out; Close waits for that as long as ctx lasts and gives
// its error if that is too short, the server then being still about to stop.
// So do not give it the context whose end made the program leave. Closing twice
// does nothing.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == nil {
		return nil
	}
	defer func() {
		s.users.release()
		s.users = nil
	}()
	if err := s.leave(ctx); err != nil {
		return fmt.Errorf("leave the private Postgres in %s: %w", s.cluster.dir.path, err)
	}
	return nil
}

func (s *Server) leave(ctx context.Context) error {
	starting, err := openLock(s.cluster.dir, startLock)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the whole directory is gone, and the server with it
	}
	if err != nil {
		return err
	}
	defer starting.release()
	if err := starting.wait(ctx); err != nil {
		return err
	}
	last, err := s.users.try(true)
	if err != nil || !last {
		return err
	}
	return s.cluster.stop(ctx)
}

// stopAfterFailure leaves no server behind that a failed Start has begun. It
// is given a little time of its own, for ctx may have ended.
func (c *cluster) stopAfterFailure(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return c.stop(ctx)
}

// createDatabase makes the database where it is missing.
func createDatabase(ctx context.Context, socketDir, name string) error {
	conn, err := pgx.Connect(ctx, databaseURL(socketDir, name))
	if err == nil {
		return conn.Close(ctx)
	}
	const noSuchDatabase = "3D000"
	if refusal, ok := errors.AsType[*pgconn.PgError](err); !ok || refusal.Code != noSuchDatabase {
		return err
	}
	if conn, err = pgx.Connect(ctx, databaseURL(socketDir, "postgres")); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return errors.Join(err, conn.Close(ctx))
}
