package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"talktime/sql/store"
)

// instantFormat prints an instant to the millisecond.
const instantFormat = "2006-01-02T15:04:05.000Z07:00"

func (a *app) deriveCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "derive",
		Short: "Derive quarter-hours from samples",
		Long: `derive brings the quarter-hours up to the samples as far as every due instant is
stored: those that changed, or with --from and --to all of a window as well. What
it finds equal stays untouched, so running it again does no harm. A recorder does
the same each minute and may be running.

A window is marked first and then derived an hour at a time. Killed in the
middle, it has kept what it had finished; the next derive, or the recorder's, goes
on with the rest. A window whose samples are gone is refused.`,
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
	window, err := c.calendar().ParseWindow(from, to, a.clock.Now())
	if err != nil {
		return usageError(err)
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		p := a.newProgress("deriving")
		began := a.clock.Now()
		d, err := settle(ctx, s, began, c.derive)
		if err != nil {
			return err
		}
		d.Progress = p.at
		var derived store.Derived
		if from == "" {
			derived, err = s.DeriveDirty(ctx, d)
		} else {
			derived, err = s.DeriveRange(ctx, window.From, window.To, d)
		}
		p.end()
		if err != nil {
			return err
		}
		_, err = io.WriteString(a.stdout, tellDerived(derived, d, a.clock.Now().Sub(began)))
		return err
	})
}

// tellDerived words what a derive did.
func tellDerived(derived store.Derived, d store.Deriving, took time.Duration) string {
	var b strings.Builder
	if d.Missed > 0 {
		fmt.Fprintf(&b, "%d due instants had no recorder: stored as missed\n", d.Missed)
	}
	fmt.Fprintf(&b, "looked at %d quarter-hours up to %s in %.1f s: ", derived.QuarterHours, d.Horizon.UTC().Format(instantFormat), took.Seconds())
	if derived.Inserted+derived.Updated+derived.Deleted == 0 {
		b.WriteString("nothing changed\n")
	} else {
		fmt.Fprintf(&b, "rows inserted %d, updated %d, deleted %d, restated %d\n",
			derived.Inserted, derived.Updated, derived.Deleted, derived.Restated)
	}
	if derived.Lost > 0 {
		fmt.Fprintf(&b, "%d quarter-hours got new samples and stay as they are: their older samples are gone\n", derived.Lost)
	}
	return b.String()
}

// settle finds out how far the ticks are complete now, and so how far can be
// derived.
func settle(ctx context.Context, s *store.Store, now time.Time, c deriveConfig) (store.Deriving, error) {
	settled, err := s.Settle(ctx, now)
	return store.Deriving{Now: now, Settle: c.settle, Settled: settled, Calendars: c.calendars}, err
}
