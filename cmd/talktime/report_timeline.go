package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"talktime/reports"
	"talktime/reports/render"
	"talktime/sql/store"
)

func (a *app) timelineCommand() *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   "timeline",
		Short: "What agents did, one episode after the other, and a bar to look at",
		Long: `timeline lists each agent's episodes: maximal runs of one state, not broken by
midnight, with the samples around both ends. What was not observed stands between
them by its cause, so that the window is told without a gap. A table ends with a
bar, one sign for every few minutes.

An episode that reaches over an end of the window is shown with its true bounds;
its seconds are those inside. Quarter-hours that are not closed yet are pending.`,
		Example: `  talktime report timeline --agent 1042
  talktime report timeline --agent 1042 --from 2026-11-20
  talktime report timeline --from 2026-11-16 --to 2026-11-23 --format csv --out episodes.csv`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.reportRows(cmd.Context(), "timeline", flags, func(ctx context.Context, s *store.Snapshot, request reports.Request, w io.Writer) (reports.Meta, int64, error) {
				sink := metaOf(newSinkOf(flags, w, reports.Meta.EpisodeColumns, func() reports.SinkOf[reports.Episode] {
					return listOr(a, w, request, reports.Meta.EpisodeColumns, func() reports.SinkOf[reports.Episode] {
						if !request.Shape.IsZero() { // the bar of an agent is painted from left to right
							return render.NewList(w, a.isColored(w), reports.Meta.EpisodeColumns, episodeColumns...)
						}
						return render.NewTimeline(w, a.isColored(w), columnsOf(w))
					})
				}))
				defer closeSink(sink.SinkOf)
				err := reports.Timeline(ctx, s, request, sink)
				return sink.meta, sink.rows, err
			})
		},
	}
	windowFlags(cmd.Flags(), &flags)
	outputFlags(cmd.Flags(), &flags)
	shapeFlags(cmd.Flags(), &flags)
	return cmd
}

// episodeColumns are what a table of a timeline shows where its episodes are not in
// their own order.
var episodeColumns = []string{"agent_id", "started_at", "ended_at", "seconds", "measure", "cause", "is_open"}

func (a *app) sessionsCommand() *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "When agents were first and last staffed, and how their sessions ended",
		Long: `sessions lists the sessions that touch the window, whole: staffed time, unobserved
holes of up to 10 minutes included. end_kind is observed where the agent was seen
signed out, unknown where nobody looked any more, open where the session went on
when the last quarter-hour closed.

A session is suspected of a forgotten sign-out where more than 4 hours without
talk reach over midnight; nothing is left out for it.`,
		Example: `  talktime report sessions
  talktime report sessions --from 2026-11-16 --to 2026-11-23 --agent 1042
  talktime report sessions --format json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.reportRows(cmd.Context(), "sessions", flags, func(ctx context.Context, s *store.Snapshot, request reports.Request, w io.Writer) (reports.Meta, int64, error) {
				sink := metaOf(newSinkOf(flags, w, reports.Meta.SessionColumns, func() reports.SinkOf[reports.Session] {
					return listOr(a, w, request, reports.Meta.SessionColumns, func() reports.SinkOf[reports.Session] {
						return render.NewSessions(w, a.isColored(w))
					})
				}))
				defer closeSink(sink.SinkOf)
				err := reports.Sessions(ctx, s, request, sink)
				return sink.meta, sink.rows, err
			})
		},
	}
	windowFlags(cmd.Flags(), &flags)
	outputFlags(cmd.Flags(), &flags)
	shapeFlags(cmd.Flags(), &flags)
	return cmd
}

func windowFlags(f *pflag.FlagSet, flags *reportFlags) {
	f.StringVar(&flags.from, "from", "", "first `date or instant` of the window (default: yesterday)")
	f.StringVar(&flags.to, "to", "", "`date or instant` the window ends before (default: the end of --from's day)")
}

// outputFlags are those of every report of agents.
func outputFlags(f *pflag.FlagSet, flags *reportFlags) {
	f.StringVar(&flags.zone, "tz", "", "time `zone` of dates, days and labels (default: time_zone of the configuration)")
	f.StringVar(&flags.agents, "agent", "", "`agents` to show, such as 101,103-110 (default: all)")
	f.StringVar(&flags.format, "format", "table", "`format`: table, csv, json or xlsx")
	f.StringVar(&flags.profile, "profile", "", "`rules` of CSV: machine, excel, wfm-15 or wfm-semicolon-noheader (default: machine)")
	f.StringVar(&flags.locale, "locale", "", "`place` whose delimiter and decimal mark CSV for excel has, such as de-DE (default: en)")
	f.StringVar(&flags.out, "out", toStdout, "`file` to write, replaced only when the report is complete; - for standard output")
	offer(f, "format", formats...)
	offer(f, "profile", profileNames()...)
}

// reportRows makes a report of a window whose rows are no sums.
func (a *app) reportRows(ctx context.Context, name string, flags reportFlags, write rowsWriter) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	flags.by = "none"
	request, err := a.reportRequest(name, flags, c)
	if err != nil {
		return usageError(err)
	}
	return a.withAudit(ctx, c, name, auditOf(request, flags), func(s *store.Snapshot) (int64, error) {
		rows, err := a.writeRows(ctx, s, request, flags, write)
		if errors.Is(err, reports.ErrTooManyRows) {
			return rows, usageError(err)
		}
		return rows, err
	})
}
