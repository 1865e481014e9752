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

	compactAfter store.Age // how old samples are when they become runs; for ever is never
}

// defaultMaintainCron is each hour: a recorder that runs by day only gets to it, and
// what others kept it from is done an hour later. Mostly there is nothing to do.
const defaultMaintainCron = "0 7 * * * *"

func (a *app) maintainCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "maintain",
		Short: "Make partitions ahead, drop what is older than it is kept, compact old samples",
		Long: `maintain makes the partitions of tables ahead: a week of days for samples, three
months for what is derived. Then it drops what is older than it is to be kept
(retention in talktime.yaml): samples by the day, segments, quarter-hours and ticks
by the month. No figure changes by it: samples stay until all that can be derived
from them is final, quarter-hours until their days are kept, and days stay for ever.
What is still needed is told, with the reason, and looked at again by the next run.

Samples older than compact_after are kept as runs of equal ones, with the instant of
every poll, in a seventh of the room. A day goes over once its runs were compared
with its samples, and with all figures derived from them.

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
			store: s, now: a.clock.Now(), maintainConfig: c.maintain, settle: c.derive.settle, calendars: c.derive.calendars, isDryRun: dryRun, did: did.add,
			progress: a.compactProgress(),
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
	maintainConfig
	store     *store.Store
	now       time.Time
	settle    time.Duration
	calendars []reports.Calendar // whose days are kept
	isDryRun  bool
	did       func(deed) // told of each thing done, or that would be
	progress  func(day time.Time, done, total int)
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
	for _, step := range []func(context.Context, *store.Maintenance) error{m.makePartitions, m.retain, m.compact} {
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

// compact makes runs of samples that are old enough.
func (m maintaining) compact(ctx context.Context, right *store.Maintenance) error {
	return right.Compact(ctx, store.Compacting{
		Now: m.now, After: m.compactAfter, Settle: m.settle, IsDryRun: m.isDryRun, Progress: m.progress,
		Told: func(c store.Compacted) {
			what := "compact"
			if c.Why != "" {
				what = "leave"
			}
			m.did(deed{what: what, name: c.Name, span: c.Span, bytes: c.Bytes, runBytes: c.RunBytes, why: c.Why})
		},
	})
}

// compactProgress tells how far each day is.
func (a *app) compactProgress() func(day time.Time, done, total int) {
	var p *progress
	var of time.Time
	return func(day time.Time, done, total int) {
		if p == nil || !day.Equal(of) {
			p, of = a.newProgress("compacting "+day.Format(time.DateOnly)), day
		}
		p.at(done, total)
	}
}
