package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"talktime/sql/store"
)

// exportShowFlags is what export show is asked with, as typed.
type exportShowFlags struct {
	revision int
	format   string
}

func (a *app) exportShowCommand() *cobra.Command {
	var flags exportShowFlags
	cmd := &cobra.Command{
		Use:   "show NAME PERIOD",
		Short: "Print the manifest of a delivered period",
		Long: `show prints what the ledger knows of a period's latest revision, and its manifest
as it was delivered, whether the destination can be reached or not.

` + periodHelp,
		Example: `  talktime export show daily-states 2026-11-16
  talktime export show daily-states 2026-11-16 --revision 1 --format json`,
		Args: exactArguments("NAME", "PERIOD"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.exportShow(cmd.Context(), args[0], args[1], flags)
		},
	}
	cmd.Flags().IntVar(&flags.revision, "revision", 0, "`revision` to show (default: the latest)")
	cmd.Flags().StringVar(&flags.format, "format", "text", "`format`: text, or json for the manifest alone")
	offer(cmd.Flags(), "format", "text", "json")
	return cmd
}

func (a *app) exportShow(ctx context.Context, name, period string, flags exportShowFlags) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	if flags.format != "text" && flags.format != "json" {
		return usageError(wordFault("--format", flags.format, "text", "json"))
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		editions, err := s.Exports(ctx, name)
		if err != nil {
			return err
		}
		e, err := c.findExport(name)
		if err != nil && len(editions) > 0 { // it was, once
			e, err = &exportConfig{name: name, calendar: c.calendarOf(&editions[0])}, nil
		}
		if err != nil {
			return usageError(err)
		}
		span, err := e.parsePeriod(period, a.clock.Now())
		if err != nil {
			return usageError(err)
		}
		var shown *store.Edition
		for i := range editions {
			if found := &editions[i]; found.Span == span && (flags.revision == 0 || found.Revision == flags.revision) {
				shown = found
			}
		}
		if shown == nil {
			return fmt.Errorf("export %s has no such entry for %s; see talktime export list %s --all", name, periodText(span, e.calendar), name)
		}
		return writeEdition(a.stdout, shown, e, flags.format)
	})
}

func writeEdition(w io.Writer, e *store.Edition, config *exportConfig, format string) error {
	if e.Manifest == "" && format == "json" {
		return fmt.Errorf("export %s %s has no manifest: it is %s", e.Name, periodText(e.Span, config.calendar), e.Status)
	}
	var text strings.Builder
	if format == "text" {
		fmt.Fprintf(&text, "%s %s revision %d: %s (%s)\n", e.Name, periodText(e.Span, config.calendar), e.Revision, statusText(e), e.Reason)
		for _, line := range []struct{ name, value string }{
			{"due", minuteText(e.DueAt, config.calendar.Zone)},
			{"attempted", minuteText(e.AttemptedAt, config.calendar.Zone)},
			{"delivered", minuteText(e.DeliveredAt, config.calendar.Zone)},
			{"to", e.Destination},
			{"files", strings.Join(e.Files, " ")},
			{"error", e.Error},
		} {
			if line.value != "" {
				fmt.Fprintf(&text, "%-10s %s\n", line.name, line.value)
			}
		}
	}
	text.WriteString(e.Manifest)
	_, err := io.WriteString(w, text.String())
	return err
}
