package main

import (
	"context"
	"path/filepath"
	"time"

	"talktime/ingest"
	"talktime/sql/localpg"
)

// database is the Postgres a configuration names, ready for connections.
type database struct {
	url      ingest.Secret
	programs string // where the private Postgres' programs lie; empty for a configured one
	server   *localpg.Server
}

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
	server, err := localpg.Start(ctx, localpg.Options{Dir: filepath.Join(c.dataDir, "postgres"), Log: a.log})
	if err != nil {
		return nil, err
	}
	return &database{url: ingest.NewSecret(server.URL()), programs: server.Programs(), server: server}, nil
}

// close gives up the hold on the private Postgres, which stops where nobody
// else holds it. It takes its own time: ctx may have ended with a signal.
func (d *database) close(ctx context.Context) error {
	if d.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	return d.server.Close(ctx)
}
