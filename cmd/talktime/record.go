package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
a database. It brings an older schema up to date where its role may.

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

func (a *app) record(ctx context.Context) error {
	c, err := a.loadConfig(forPolling)
	if err != nil {
		return err
	}
	poller, err := a.openPoller(c)
	if err != nil {
		return err
	}
	defer poller.Close()
	return a.withAnySchema(ctx, c, func(s *store.Store) (err error) {
		if err := a.migrateToRecord(ctx, s); err != nil {
			return err
		}
		lease, err := s.TakeLease(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lease.Release(ctx)) }()
		if _, err := s.MakePartitions(ctx, a.clock.Now(), a.clock.Now().Add(partitionsAhead)); err != nil {
			return err
		}
		jobs, err := a.recorderJobs(c, s)
		if err != nil {
			return err
		}

		jobsCtx, stopJobs := context.WithCancel(ctx)
		var running sync.WaitGroup
		running.Go(func() { ingest.RunJobs(jobsCtx, a.clock, jobs, s, a.log) })
		defer running.Wait()
		defer stopJobs()

		a.log.Info("recording", "schedules", len(c.schedules), "agents", poller.Agents().Len(), "gateway", c.gateway.url)
		return ingest.Recording{
			Schedules: c.schedules, Clock: a.clock, Poller: poller, Recorder: recorder{s},
			Concurrency: c.gateway.concurrency, Log: a.log,
		}.Run(ctx)
	})
}

// migrateToRecord brings the schema up to the program's own, or says with its
// exit code that somebody else must.
func (a *app) migrateToRecord(ctx context.Context, s *store.Store) error {
	older := s.CheckSchema(ctx)
	if !errors.Is(older, store.ErrSchemaOlder) {
		return schemaError(older)
	}
	if _, err := s.Migrate(ctx, a.log); err != nil {
		return withExit(exitSchema, fmt.Errorf("%w; migrating now failed: %w", older, err))
	}
	return nil
}

// recorder is the store as a recorder uses it from its start on.
type recorder struct{ *store.Store }

// Declare also stores as missed what was due before at and not served: the
// rounds begin at that very instant, so that none is left out in between.
func (r recorder) Declare(ctx context.Context, at time.Time, schedules []ingest.Schedule) error {
	if _, err := r.CatchUp(ctx, at); err != nil {
		return err
	}
	return r.Store.Declare(ctx, at, schedules)
}

// partitionsAhead is how far ahead partitions are made: long enough for a
// recorder whose role may not make any to be noticed.
const partitionsAhead = 7 * 24 * time.Hour

// recorderJobs are what a recorder does beside its rounds.
func (a *app) recorderJobs(c *config, s *store.Store) ([]ingest.Job, error) {
	hourly, err := ingest.NewJobTimes("0 7 * * * *", "UTC")
	if err != nil {
		return nil, err
	}
	return []ingest.Job{
		{Name: "derive", Times: c.derive.times, Run: func(ctx context.Context, _ time.Time) error {
			_, err := a.deriveDirty(ctx, c, s, nil)
			return err
		}},
		{Name: "partitions", Times: hourly, Run: func(ctx context.Context, due time.Time) error {
			_, err := s.MakePartitions(ctx, due, due.Add(partitionsAhead))
			return err
		}},
	}, nil
}
