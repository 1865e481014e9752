package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"talktime/ingest"
	"talktime/reports"
	"talktime/reports/render"
	"talktime/sql/store"
)

func (a *app) atCommand() *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   "at INSTANT|now",
		Short: "What everyone was doing at an instant",
		Long: `at tells the state of every agent at an instant, from the samples around it, and
how far they lie from it. The instant is now, a local time such as
2026-11-20T14:52, or one with its offset from UTC.

It reads samples, so it is as fresh as they are. Where the next sample is still to
come, the state last seen no longer ago than the hold is told as provisional; who
was not observed is told with the cause.`,
		Example: `  talktime report at now
  talktime report at 2026-11-20T14:52
  talktime report at 2026-11-20T14:52:30+01:00 --agent 101-160 --format csv`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return fmt.Errorf("%s takes one instant, such as now or 2026-11-20T14:52; see %s --help", cmd.CommandPath(), cmd.CommandPath())
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.reportAt(cmd.Context(), args[0], flags) },
	}
	outputFlags(cmd.Flags(), &flags)
	shapeFlags(cmd.Flags(), &flags)
	return cmd
}

func (a *app) reportAt(ctx context.Context, instant string, flags reportFlags) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	request, err := a.atRequest(instant, flags, c)
	if err != nil {
		return usageError(err)
	}
	return a.withAudit(ctx, c, request.Report, auditOf(request, flags), func(s *store.Snapshot) (int64, error) {
		return a.writeRows(ctx, s, request, flags, func(ctx context.Context, s *store.Snapshot, request reports.Request, w io.Writer) (reports.Meta, int64, error) {
			sink := metaOf(newSinkOf(flags, w, reports.Meta.StateColumns, func() reports.SinkOf[reports.StateAt] {
				return listOr(a, w, request, reports.Meta.StateColumns, func() reports.SinkOf[reports.StateAt] {
					return render.NewAt(w, a.isColored(w))
				})
			}))
			defer closeSink(sink.SinkOf)
			err := reports.At(ctx, s, request, sink)
			return sink.meta, sink.rows, err
		})
	})
}

// atRequest reads the instant and the flags and tells all their faults at once.
func (a *app) atRequest(instant string, flags reportFlags, c *config) (reports.Request, error) {
	request := reports.Request{Report: "at", Program: programVersion()}
	var faults []error
	var err error
	request.Window.DayStart = c.dayStart
	if request.Window.Zone, err = zoneOf(flags.zone, c); err != nil {
		faults = append(faults, err)
		request.Window.Zone = c.timeZone
	}
	if request.At, err = reports.ParseAt(instant, request.Window.Zone, a.clock.Now()); err != nil {
		faults = append(faults, err)
	}
	if flags.agents != "" {
		if request.Agents, err = ingest.ParseAgentSet(flags.agents, c.maxAgentID); err != nil {
			faults = append(faults, fmt.Errorf("--agent: %w", err))
		}
	}
	if request.Shape, err = flags.shape(request); err != nil {
		faults = append(faults, err)
	}
	faults = append(faults, a.checkOutput(flags, request))
	return request, errors.Join(faults...)
}
