package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"talktime/ingest"
	"talktime/reports"
	"talktime/reports/render"
)

func (a *app) reportCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "report",
		Short:   "Report how long agents talked and stayed in each state",
		Long:    "report prints figures of derived quarter-hours, each with its coverage and its bounds.",
		Example: "  talktime report talk-time --from 2026-11-16 --to 2026-11-23 --by agent,day",
	})
	cmd.AddCommand(
		a.summaryCommand("talk-time", "Talk and handle time, ratios and episodes"),
		a.summaryCommand("states", "Time in each of the thirteen measures"),
	)
	return cmd
}

// reportFlags are the flags of a summary report as they were typed.
type reportFlags struct {
	from, to, tz    string
	by, agents      string
	format, out     string
	allowPartial    bool
	requireCoverage float64
}

// formats are what --format takes.
var formats = []string{"table", "csv", "json"}

func (a *app) summaryCommand(name, short string) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Long: short + `.

--from is included, --to is not; both are dates in the zone or RFC 3339 instants
on quarter-hours. Without them the report covers yesterday. Rows account for all
of their time: what was not observed is shown with its cause.`,
		Example: fmt.Sprintf(`  talktime report %[1]s
  talktime report %[1]s --from 2026-11-16 --to 2026-11-23 --tz Europe/Berlin --by agent,day
  talktime report %[1]s --agent 101,103-110 --by 30m --format csv --out figures.csv`, name),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.report(cmd.Context(), name, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "first `day or instant` (default yesterday)")
	flags.StringVar(&f.to, "to", "", "`day or instant` the report ends before (default the day after --from)")
	flags.StringVar(&f.tz, "tz", "", "`zone` of days and labels (default the configuration's time_zone)")
	flags.StringVar(&f.by, "by", "agent", "one row for each of these `words`: agent, and one of 15m, 30m, 60m, day; or none")
	flags.StringVar(&f.agents, "agent", "", "`agents` to report, such as 101,103-110 (default all with figures)")
	flags.StringVar(&f.format, "format", "table", "`format`: table, csv or json")
	flags.StringVar(&f.out, "out", "", "`file` to write instead of standard output, replaced at once when complete")
	flags.BoolVar(&f.allowPartial, "allow-partial", false, fmt.Sprintf("show ratios where coverage is below %d %%", reports.MinCoverage))
	flags.Float64Var(&f.requireCoverage, "require-coverage", 0, "end with exit code 3 where the total's coverage is below this `percentage`")
	return cmd
}

// request reads the flags and reports all that is wrong with them.
func (f reportFlags) request(name string, c *config, clock ingest.Clock) (reports.Request, error) {
	var faults []error
	note := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	request := reports.Request{Report: name, Program: programVersion(), AllowPartial: f.allowPartial}
	zone := c.timeZone
	if f.tz != "" {
		named, err := reports.ParseZone(f.tz)
		if err != nil {
			note(fmt.Errorf("--tz: %w", err))
		} else {
			zone = named
		}
	}
	var err error
	request.Window, err = reports.ParseWindow(f.from, f.to, zone, clock.Now())
	note(err)
	request.Grouping, err = reports.ParseGrouping(f.by)
	note(err)
	if f.agents != "" {
		request.Agents, err = ingest.ParseAgentSet(f.agents, c.maxAgentID)
		if err != nil {
			note(fmt.Errorf("--agent: %w", err))
		}
	}
	if _, err := newSink(f.format, io.Discard, false); err != nil {
		note(err)
	}
	if f.requireCoverage < 0 || f.requireCoverage > 100 {
		note(fmt.Errorf("--require-coverage %g is not a percentage", f.requireCoverage))
	}
	return request, usageError(errors.Join(faults...))
}

func (a *app) report(ctx context.Context, name string, f reportFlags) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	request, err := f.request(name, c, a.clock)
	if err != nil {
		return err
	}
	return a.withSource(ctx, c, func(source reports.Source) error {
		return a.writeReport(ctx, source, request, f)
	})
}

// writeReport makes the report and puts it where the flags say. A file appears
// when it is complete, or not at all.
func (a *app) writeReport(ctx context.Context, source reports.Source, request reports.Request, f reportFlags) error {
	var total reports.Row
	write := func(w io.Writer, colored bool) error {
		sink, err := newSink(f.format, w, colored)
		if err != nil {
			return err
		}
		total, err = reports.Summarize(ctx, source, request, sink)
		return err
	}
	var err error
	if f.out == "" {
		err = write(a.stdout, a.isColored(a.stdout))
	} else {
		err = writeFile(f.out, func(w io.Writer) error { return write(w, false) })
	}
	if err != nil {
		return err
	}
	if !total.IsCovered(f.requireCoverage) {
		return withExit(exitPartial, fmt.Errorf("coverage is below the required %g %%", f.requireCoverage))
	}
	return nil
}

func newSink(format string, w io.Writer, colored bool) (reports.Sink, error) {
	switch format {
	case "table":
		return render.NewTable(w, colored), nil
	case "csv":
		return render.NewCSV(w), nil
	case "json":
		return render.NewJSON(w), nil
	}
	return nil, fmt.Errorf("--format %q is none of table, csv and json%s", format, didYouMean(format, formats))
}

// writeFile replaces a file by what write writes, once that is complete.
func writeFile(path string, write func(io.Writer) error) (err error) {
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Cleanup()) }()
	buffered := bufio.NewWriter(file)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return file.CloseAtomicallyReplace()
}

// isColored reports whether to use a terminal's colours on w.
func (a *app) isColored(w io.Writer) bool {
	return isTerminal(w) && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
}
