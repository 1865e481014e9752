package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
)

// maintainConfig says when a recorder maintains its database, and what is kept.
type maintainConfig struct {
	times     ingest.JobTimes // read in UTC
	retention store.Retention
}

// defaultMaintainCron is each hour: a recorder that runs by day only gets to it, and
// what others kept it from is done an hour later. Mostly there is nothing to do.
const defaultMaintainCron = "0 7 * * * *"

func (a *app) maintainCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "maintain",
		Short: "Make partitions ahead, and drop what is older than it is kept",
		Long: `maintain makes the partitions of tables ahead: a week of days for samples, three
months for what is derived. Then it drops what is older than it is to be kept
(retention in talktime.yaml): samples by the day, segments, quarter-hours and ticks
by the month. No figure changes by it: samples stay until all that can be derived
from them is final, quarter-hours until their days are kept, and days stay for ever.
What is still needed is told, with the reason, and looked at again by the next run.

A recorder does the same by itself (maintain.cron) and may be running; of several
at once, one does it. It may be stopped or killed at any time: what is not done
yet, the next one does. Nobody who reads or writes waits for it, and it waits for
those who do: what they keep it from is told and left to the next run.`,
		Example: `  talktime maintain --dry-run
  talktime maintain`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.maintain(cmd.Context(), dryRun) },
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done and do nothing")
	return cmd
}

func (a *app) maintain(ctx context.Context, dryRun bool) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		var did deeds
		maintaining := maintaining{
			store: s, now: a.clock.Now(), retention: c.maintain.retention, calendars: c.derive.calendars, isDryRun: dryRun, did: did.add,
		}
		err := maintaining.run(ctx)
		if errors.Is(err, store.ErrMaintained) {
			_, err = fmt.Fprintln(a.stdout, "another talktime is maintaining this database: nothing done here")
			return err
		}
		return errors.Join(did.write(a.stdout, dryRun), err)
	})
}

// maintaining is one run of what keeps the tables in shape.
type maintaining struct {
	store     *store.Store
	now       time.Time
	retention store.Retention
	calendars []reports.Calendar // whose days are kept
	isDryRun  bool
	did       func(deed) // told of each thing done, or that would be
}

// run does what is to be done. A step that fails keeps none from its turn. The
// error is store.ErrMaintained where another program is at it.
func (m maintaining) run(ctx context.Context) error {
	right, err := m.store.Maintain(ctx)
	if err != nil {
		return err
	}
	defer right.Close(ctx)
	var failed []error
	for _, step := range []func(context.Context, *store.Maintenance) error{m.makePartitions, m.retain} {
		if err := step(ctx, right); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// makePartitions makes those that rows need from now on, and where nobody recorded
// for long, since then.
func (m maintaining) makePartitions(ctx context.Context, _ *store.Maintenance) error {
	wanted, err := m.store.PartitionsWanted(ctx, m.now)
	if err != nil {
		return err
	}
	for _, p := range wanted {
		if !m.isDryRun {
			if err := m.store.MakePartition(ctx, p); err != nil {
				return err
			}
		}
		m.did(deed{what: "make", name: p.Name, span: p.Span})
	}
	return nil
}

// retain drops what is older than it is to be kept.
func (m maintaining) retain(ctx context.Context, right *store.Maintenance) error {
	return right.Retain(ctx, store.Retaining{
		Retention: m.retention, Now: m.now, Calendars: m.calendars, IsDryRun: m.isDryRun,
		Told: func(d store.Dropped) {
			what := "drop"
			if d.Why != "" {
				what = "keep"
			}
			m.did(deed{what: what, name: d.Name, span: d.Span, bytes: d.Bytes, rows: d.Rows, why: d.Why})
		},
	})
}
