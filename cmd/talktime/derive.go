package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"talktime/reports"
	"talktime/sql/store"
)

func (a *app) deriveCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "derive",
		Short: "Derive quarter-hours from samples",
		Long: `derive brings the quarter-hours up to the samples as far as every due instant is
stored: those that changed, or with --from and --to all of a window. What it
finds equal stays untouched, so running it again does no harm. A recorder does
the same each minute.`,
		Example: `  talktime derive
  talktime derive --from 2026-11-16 --to 2026-11-17`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.derive(cmd.Context(), from, to) },
	}
	cmd.Flags().StringVar(&from, "from", "", "first `day or instant`, on a quarter-hour")
	cmd.Flags().StringVar(&to, "to", "", "`day or instant` to end before (default the day after --from)")
	return cmd
}

func (a *app) derive(ctx context.Context, from, to string) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	window, err := reports.ParseWindow(from, to, c.timeZone, a.clock.Now())
	if err != nil {
		return usageError(err)
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		p := a.newProgress("deriving")
		var derived store.Derived
		if from == "" {
			derived, err = a.deriveDirty(ctx, c, s, p.at)
		} else {
			derived, err = a.deriveWindow(ctx, c, s, window, p.at)
		}
		p.end()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "derived %d quarter-hours: rows new %d, changed %d, gone %d, restated %d\n",
			derived.QuarterHours, derived.Inserted, derived.Updated, derived.Deleted, derived.Restated)
		return err
	})
}

// deriveDirty derives what is due to be derived up to now. told, which may be
// nil, hears how far it is.
func (a *app) deriveDirty(ctx context.Context, c *config, s *store.Store, told func(done, total int)) (store.Derived, error) {
	d, err := a.deriving(ctx, c, s, told)
	if err != nil {
		return store.Derived{}, err
	}
	return s.DeriveDirty(ctx, d)
}

// deriveWindow derives all of a window, as far as it is settled.
func (a *app) deriveWindow(ctx context.Context, c *config, s *store.Store, w reports.Window, told func(done, total int)) (store.Derived, error) {
	d, err := a.deriving(ctx, c, s, told)
	if err != nil {
		return store.Derived{}, err
	}
	return s.DeriveRange(ctx, w.From, w.To, d)
}

// deriving finds out how far the ticks are complete now.
func (a *app) deriving(ctx context.Context, c *config, s *store.Store, told func(done, total int)) (store.Deriving, error) {
	now := a.clock.Now()
	settled, err := s.Settle(ctx, now)
	return store.Deriving{Now: now, Settle: c.derive.settle, Settled: settled, Progress: told}, err
}
