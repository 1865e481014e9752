package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"talktime/ingest"
	"talktime/sql/store"
)

func (a *app) recordCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "record",
		Short: "Poll the gateway on the configured schedules until stopped",
		Long: `record polls the agents of every schedule at its due instants, stores what they
said, and derives quarter-hours as time goes by. One recorder at a time works on
a database: a second one waits as standby and takes over when the first one
leaves or gives no sign of life. It brings an older schema up to date where its
role may, and waits for a database that cannot be reached.

While the database is away or slow, rounds wait in data_dir/spool, and are stored
in order when it is back, by the next recorder if need be.

SIGHUP has it read the configuration, the GUIDs and the gateway's authorities
again. With a single fault everything stays as it was; else schedules that stay
the same go on without a missed tick, the others change at one instant, and the
log says what changed and what needs a restart.

An interrupt or SIGTERM ends the round in flight and leaves within seconds; a
second one leaves at once. Due instants that nobody served, while the program
was down too, are stored as missed.`,
		Example: `  talktime record
  talktime record --config /etc/talktime/talktime.yaml --log-format json`,
		Args:        noArguments,
		Annotations: map[string]string{ownLogLevel: "info"},
		RunE:        func(cmd *cobra.Command, _ []string) error { return a.record(cmd.Context()) },
	}
}

func (a *app) record(ctx context.Context) (err error) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	c, err := a.loadConfig(forPolling)
	if err != nil {
		return err
	}
	poller, err := a.openPoller(c)
	if err != nil {
		return err
	}
	defer poller.Close()
	tally, err := newTally(a.clock, poller.reach, a.log)
	if err != nil {
		return err
	}
	kept, err := a.openSpool(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	orders := newOrders(c)
	outside, err := a.operate(c, poller, orders, kept)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, outside.close()) }()
	defer context.AfterFunc(ctx, outside.leaving)()
	err = a.withOpened(ctx, c, a.awaitDatabase, func(s *store.Store) error {
		outside.opened(s)
		begun := func() {
			a.log.Info("recording", "schedules", describe(orders.now().schedules), "agents", poller.Agents().Len(),
				"gateway", c.gateway.url, "database", s.Place())
			outside.recording()
		}
		reloads, stop := context.WithCancel(ctx)
		var following sync.WaitGroup
		following.Go(func() { (&reloading{a, c, poller, orders, outside}).follow(reloads, hangups) })
		defer following.Wait()
		defer stop()
		return a.recordForever(ctx, recording{
			store: s, poller: poller, clock: a.clock, orders: orders, spool: kept, marks: reignMarks(c.dataDir), accounts: outside.polls, log: a.log,
			onStandby: outside.standby, onBegin: begun, tally: tally, board: outside.board, steps: outside.steps,
			exports: a.newExporting(s),
		})
	})
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil // told to leave before there was a round to finish
	}
	return err
}

// recordForever records whenever it holds the lease, until ctx ends.
func (a *app) recordForever(ctx context.Context, r recording) error {
	for {
		err := a.outwait(ctx, func() error {
			if err := a.migrateToRecord(ctx, r.store); err != nil {
				return err
			}
			return r.run(ctx)
		})
		if !errors.Is(err, ingest.ErrSuperseded) || ctx.Err() != nil {
			return err
		}
		a.log.Warn("another recorder took over while this one gave no sign of life", "error", err)
	}
}

// describe words schedules for the log.
func describe(schedules []ingest.Schedule) []string {
	words := make([]string, len(schedules))
	for i, s := range schedules {
		agents := "all with a GUID"
		if !s.All() {
			agents = s.Agents().String()
		}
		words[i] = fmt.Sprintf("%s: %s %s, agents %s", s.Name(), s.Cron(), s.Zone(), agents)
	}
	return words
}

// migrateToRecord brings the schema up to the program's own, or says with its
// exit code that somebody else must.
func (a *app) migrateToRecord(ctx context.Context, s *store.Store) error {
	older := s.CheckSchema(ctx)
	if !errors.Is(older, store.ErrSchemaOlder) {
		return schemaError(older)
	}
	ran, err := s.Migrate(ctx, a.log)
	if err != nil {
		return withExit(exitSchema, fmt.Errorf("%w; migrating now failed: %w", older, err))
	}
	if ran > 0 {
		// goose reads each file through 4 MiB and leaves some of them in a pool, which
		// the second collection empties. Until then as much again may be filled with
		// garbage, and a recorder never needs that much.
		runtime.GC()
		runtime.GC()
		a.log.Info("the schema is brought up to this program's", "version", store.SchemaVersion(), "migrations", ran)
	}
	return nil
}
