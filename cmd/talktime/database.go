package main

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"talktime/ingest"
	"talktime/sql/localpg"
)

// database is the Postgres a configuration names, ready for connections.
type database struct {
	url      ingest.Secret
	programs string // where the private Postgres' programs lie; empty for a configured one
	server   *localpg.Server
	stop     func() // ends what keeps the server running; nil where nothing does
}

// privateDir is where the private Postgres lies.
func (c *config) privateDir() string { return filepath.Join(c.dataDir, "postgres") }

// closeLimit bounds how long leaving may wait for the private Postgres to
// write everything out.
const closeLimit = 30 * time.Second

// openDatabase gives the configured database, or starts the private Postgres
// where none is configured. The caller closes it after its last connection.
func (a *app) openDatabase(ctx context.Context, c *config) (*database, error) {
	if !c.databaseURL.IsEmpty() {
		return &database{url: c.databaseURL}, nil
	}
	if c.dataDir == "" {
		return nil, usagef("no place for the private Postgres: HOME is not set, so set data_dir, or database.url for a Postgres of your own")
	}
	server, err := localpg.Start(ctx, localpg.Options{Dir: c.privateDir(), Log: a.log})
	if err != nil {
		return nil, err
	}
	d := &database{url: ingest.NewSecret(server.URL()), programs: server.Programs(), server: server}
	d.stop = a.keepRunning(ctx, server)
	return d, nil
}

// How often the private Postgres is looked at, how far apart attempts are where
// it does not start, and how often that is told.
const (
	restartPause     = 2 * time.Second
	restartPauseMost = 30 * time.Second
	restartToldEvery = time.Minute
)

// keepRunning starts the private Postgres again whenever it has ended: somebody
// killed it, or it gave up over a full disk and there is room again.
func (a *app) keepRunning(ctx context.Context, server *localpg.Server) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var keeping sync.WaitGroup
	keeping.Go(func() {
		pause, told := restartPause, time.Time{}
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			restarted, err := server.Restart(ctx)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				pause = restartPause
				if restarted {
					a.log.Warn("the private Postgres had ended and is started again")
				}
				continue
			}
			pause = min(2*pause, restartPauseMost)
			if now := time.Now(); now.Sub(told) >= restartToldEvery {
				told = now
				a.log.Error("the private Postgres has ended and does not start; trying again", "error", err)
			}
		}
	})
	return func() {
		cancel()
		keeping.Wait()
	}
}

// close gives up the hold on the private Postgres, which stops where nobody
// else holds it. It takes its own time: ctx may have ended with a signal.
func (d *database) close(ctx context.Context) error {
	if d.server == nil {
		return nil
	}
	if d.stop != nil {
		d.stop()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	return d.server.Close(ctx)
}
