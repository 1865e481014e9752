package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"talktime/reports"
	"talktime/sql/store"
)

func (a *app) exportCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "export",
		Short: "Deliver the configured exports, and see what was delivered",
		Long: `An export is a report of a period, delivered as a file by a schedule. A recorder
delivers what is due; these commands do so by hand, and tell what was delivered.

A period is delivered when no figure in it can change any more, or as it is when
its deadline has come. Runs that were missed are caught up in order. Where a late
observation changes what was delivered, the next revision is issued, with a diff
of the cells that changed.`,
		Example: `  talktime export list
  talktime export run daily-states
  talktime export run daily-states --period 2026-11-16
  talktime export show daily-states 2026-11-16`,
	})
	cmd.AddCommand(a.exportRunCommand(), a.exportRerunCommand(), a.exportListCommand(), a.exportShowCommand())
	return cmd
}

// periodHelp says how a period is written.
const periodHelp = `A PERIOD is yesterday, last_week or month_to_date, a date such as 2026-11-16 (the
day, the week that holds it, or its month up to it, as the export's window is), or
two dates or instants FROM..TO, of which the second is not included.`

func (a *app) exportRunCommand() *cobra.Command {
	var period string
	var provisional bool
	cmd := &cobra.Command{
		Use:   "run NAME",
		Short: "Deliver what an export owes, or one period of it",
		Long: `run delivers the periods of an export that are due and were not delivered, in
order, and a new revision of those whose figures have changed. With --period it
delivers that period alone, due or not. What is delivered already stays as it is.

` + periodHelp + `

Exit code 3 means that a period has to wait for its figures, or was delivered and
less was seen of it than require_coverage asks for.`,
		Example: `  talktime export run daily-states
  talktime export run daily-states --period 2026-11-16
  talktime export run daily-states --period 2026-11-16..2026-11-20 --provisional`,
		Args: exactArguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ask := asked{byHand: true, provisional: provisional}
			return a.exportRun(cmd.Context(), args[0], period, ask)
		},
	}
	cmd.Flags().StringVar(&period, "period", "", "`period` to deliver (default: all that is owed)")
	offer(cmd.Flags(), "period", reports.Yesterday.String(), reports.LastWeek.String(), reports.MonthToDate.String())
	cmd.Flags().BoolVar(&provisional, "provisional", false, "deliver figures that are not final, too, marked as such")
	return cmd
}

func (a *app) exportRerunCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rerun NAME PERIOD",
		Short: "Deliver a period again",
		Long: `rerun makes a period's files again. Where its figures are what they were the files
are the same to the byte: those that are at the destination are left alone, those
that are gone are put there again. Where they have changed, or the export is
defined in another way by now, the next revision is issued.

` + periodHelp,
		Example: `  talktime export rerun daily-states 2026-11-16`,
		Args:    exactArguments("NAME", "PERIOD"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.exportRun(cmd.Context(), args[0], args[1], asked{byHand: true, isAgain: true})
		},
	}
}

// exactArguments asks for the named arguments, no more and no less.
func exactArguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return fmt.Errorf("%s takes %s, got %d arguments; see %s --help", cmd.CommandPath(), strings.Join(names, " and "), len(args), cmd.CommandPath())
	}
}

// findExport returns the configured export of a name.
func (c *config) findExport(name string) (*exportConfig, error) {
	var names []string
	for _, e := range c.exports {
		if e.name == name {
			return e, nil
		}
		names = append(names, e.name)
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("no export is configured: write the section exports into %s", configFileName)
	default:
		return nil, fmt.Errorf("no export is called %q%s; there are %s", name, didYouMean(name, names), strings.Join(names, ", "))
	}
}

// parsePeriod reads a period of the export.
func (e *exportConfig) parsePeriod(text string, now time.Time) (reports.Span, error) {
	if rolling, err := reports.ParseRolling(text); err == nil {
		return e.calendar.Rolling(rolling, now).Span, nil
	}
	if from, to, isPair := strings.Cut(text, ".."); isPair {
		w, err := e.calendar.ParseWindow(from, to, now)
		if err != nil {
			return reports.Span{}, fmt.Errorf("period %s: %s", text, strings.ReplaceAll(err.Error(), "--", ""))
		}
		return w.Span, nil
	}
	if _, err := e.calendar.ParseInstant("period", text); err != nil {
		return reports.Span{}, err
	}
	date, err := time.Parse(time.DateOnly, text)
	switch {
	case err != nil:
		return reports.Span{}, fmt.Errorf("period %q is one instant; write FROM..TO", text)
	case e.window.fixed != nil:
		return e.window.fixed.Span, nil
	default:
		return e.calendar.Holding(e.window.rolling, date).Span, nil
	}
}

// errWaits is what export run ends with where a period has to wait.
var errWaits = errors.New("not everything is delivered: figures are still awaited; a recorder delivers it when they are final, --provisional at once")

func (a *app) exportRun(ctx context.Context, name, period string, ask asked) error {
	c, err := a.loadConfig(forDelivering)
	if err != nil {
		return err
	}
	e, err := c.findExport(name)
	if err == nil && period != "" {
		var span reports.Span
		span, err = e.parsePeriod(period, a.clock.Now())
		ask.span = &span
	}
	if err == nil && ask.span != nil && ask.span.To.After(a.clock.Now()) && !ask.provisional {
		err = fmt.Errorf("the period %s is not over", periodText(*ask.span, e.calendar))
	}
	if err != nil {
		return usageError(err)
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		if err := a.deriveForExport(ctx, s, c); err != nil {
			return err
		}
		var done []editionDone
		x := a.newExporting(s)
		x.onDone = func(d editionDone) {
			done = append(done, d)
			_, _ = io.WriteString(a.stdout, d.tell(e)) // what is delivered is delivered
		}
		p := a.newProgress("delivering " + e.name)
		err := x.turn(ctx, e, ask)
		p.end()
		if errors.Is(err, store.ErrExportLocked) {
			err = fmt.Errorf("%w: see talktime export list", err)
		}
		if err == nil && len(done) == 0 {
			_, err = fmt.Fprintf(a.stdout, "export %s: nothing is owed\n", e.name)
		}
		for _, d := range done {
			if err == nil {
				err = waits(d.did)
			}
		}
		if len(done) == 0 {
			a.audit(ctx, s, e.auditNothing(ask, err))
		}
		return err
	})
}

// waits returns what a command ends with that has found an edition not final.
func waits(did didWhat) error {
	if did != didWait {
		return nil
	}
	return withExit(exitPartial, errWaits)
}

// deriveForExport brings the figures up to the samples: no recorder may be there
// to do it.
func (a *app) deriveForExport(ctx context.Context, s *store.Store, c *config) error {
	d, err := settle(ctx, s, a.clock.Now(), c.derive)
	if err != nil {
		return err
	}
	p := a.newProgress("deriving")
	defer p.end()
	d.Progress = p.at
	_, err = s.DeriveDirty(ctx, d)
	return err
}

// tell words what became of an edition, in a line.
func (d *editionDone) tell(e *exportConfig) string {
	text := fmt.Sprintf("%s %s revision %d: ", d.Name, periodText(d.Span, e.calendar), d.Revision)
	switch d.did {
	case didWait:
		return text + "waits for its figures to be final, " + progressText(&d.Edition) + "\n"
	case didFind:
		return text + "has not changed, and all its files are there\n"
	case didKeep:
		return text + "has not changed\n"
	case didFail:
		return text + "failed\n"
	case didDeliver:
	}
	text += fmt.Sprintf("delivered %d rows to %s: %s", d.Rows, d.Destination, d.Files[0])
	if !d.IsFinal {
		text += " (provisional)"
	}
	return text + "\n"
}

// progressText says how far the figures of a waiting period are derived.
func progressText(e *store.Edition) string {
	if e.Horizon.IsZero() {
		return "none derived yet"
	}
	done := min(max(e.Horizon.Sub(e.From), 0), e.To.Sub(e.From))
	return fmt.Sprintf("%d %% derived", int64(done)*100/int64(e.To.Sub(e.From)))
}
