package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
)

// reportFlags is what the reports talk-time and states are asked with, as
// typed.
type reportFlags struct {
	from, to, zone  string
	by, agents      string
	teams           []string
	teamAsOf        string
	format, out     string
	profile, locale string
	onMissing       string
	allowPartial    bool
	evidence        bool
	requireCoverage float64 // percent; 0 asks for none
	columns, sort   []string
	top             int // rows; 0 asks for all
}

func (a *app) reportCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "report",
		Short: "Print how long each agent talked and stayed in each state",
		Long: `report adds up quarter-hours to any window, zone and grouping. The measures of
every row sum to its agents' time in the window, to the millisecond: what was not
seen is shown as unobserved, unscheduled or pending, never as zero.`,
		Example: `  talktime report talk-time --from 2026-11-16 --to 2026-11-23 --by agent,day
  talktime report states --format json
  talktime report timeline --agent 1042
  talktime report at now
  talktime report subject --agent 1042`,
	})
	cmd.AddCommand(
		a.figuresCommand("talk-time", "Talk time, how good the figure is, and the ratios made from it",
			`talk-time prints talk time with its sampling error (95 %) and bounds, wrap-up,
handle and available time, occupancy and talk share, and how much was seen.`),
		a.figuresCommand("states", "Time in every state, and time not observed, by cause",
			`states prints all thirteen measures: the eight parts of staffed time, signed out,
failed and recorder down, unscheduled and pending, and the window they sum to.`),
		a.timelineCommand(),
		a.sessionsCommand(),
		a.atCommand(),
		a.subjectCommand(),
	)
	return cmd
}

func (a *app) figuresCommand(name, short, long string) *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Long: long + `

--from is included, --to is not. Both are dates in the zone or instants on a
quarter-hour; without them the window is yesterday, with a --from alone it ends
with that day. A day begins at business_day_start. Weeks begin on Monday; of weeks and months that reach out of the
window only the days in it are counted.

CSV and JSON carry the same columns, exact to the millisecond; a CSV's meta goes
to FILE.meta.json when --out names a FILE. In CSV 0 means observed and none, an
empty cell means not observed. --profile chooses whose rules CSV follows:

` + profileLines() + `
` + shapeHelp + `

--evidence makes a table of how good the figures are: every state and group with
half its 95 % interval and the least and most the samples allow. CSV and JSON
have them always.

Names and teams are those of talktime agents import. A quarter-hour belongs to
the person and the team at its start: an agent id given to another person makes
two rows by agent, each with its own time, and one who changed teams counts in
both. With --team-as-of now all of a person's time counts for the team of today
(for the last one, if the person has left). Both sum to the same total.

Exit code 3 means that the report was written and less was seen than
--require-coverage asks for.`,
		Example: fmt.Sprintf(`  talktime report %[1]s
  talktime report %[1]s --from 2026-11-16 --to 2026-11-23 --by agent,day
  talktime report %[1]s --from 2026-11-20T08:00:00+01:00 --by 15m --agent 101,103-110
  talktime report %[1]s --from 2026-11-01 --to 2026-12-01 --by week,agent --evidence
  talktime report %[1]s --by team,day --team Sales,Support --team-as-of now
  talktime report %[1]s --by agent --sort talk_seconds:desc --top 20 --columns agent_id,agent_name,talk_seconds
  talktime report %[1]s --tz America/New_York --format csv --out yesterday.csv --require-coverage 95`, name),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.report(cmd.Context(), name, flags) },
	}
	f := cmd.Flags()
	windowFlags(f, &flags)
	outputFlags(f, &flags)
	shapeFlags(f, &flags)
	f.StringVar(&flags.by, "by", "agent", "`words` rows are kept apart and sorted by: agent, team, one of 15m, 30m, 60m, day, week, month; or none")
	f.StringSliceVar(&flags.teams, "team", nil, "`teams` whose time to show, such as Sales,Support; "+reports.NoTeam+" for time in none (default: all)")
	f.StringVar(&flags.teamAsOf, "team-as-of", "time", "which of a person's teams counts: the one at the `time`, or the one of now")
	f.BoolVar(&flags.allowPartial, "allow-partial", false, fmt.Sprintf("show ratios of rows with less than %d %% coverage", reports.MinCoverage))
	f.BoolVar(&flags.evidence, "evidence", false, "show the error and bounds of every state and group in a table")
	f.StringVar(&flags.onMissing, "on-missing", "", "`what` CSV has where nothing was observed: zero, empty, omit or fail (default: the profile's)")
	f.Float64Var(&flags.requireCoverage, "require-coverage", 0, "least coverage of the whole report in `percent`; below it the exit code is 3")
	offer(f, "team-as-of", "time", "now")
	offer(f, "on-missing", "zero", "empty", "omit", "fail")
	return cmd
}

func (a *app) report(ctx context.Context, name string, flags reportFlags) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	request, err := a.reportRequest(name, flags, c)
	if err != nil {
		return usageError(err)
	}
	form, err := flags.form()
	if err != nil {
		return usageError(err)
	}
	return a.withAudit(ctx, c, name, auditOf(request, flags), func(s *store.Snapshot) (int64, error) {
		p := a.newProgress("reporting")
		defer p.end()
		total, rows, err := a.writeReport(ctx, watched{s, request.Window.Span, p.at}, request, flags, form)
		if _, ok := errors.AsType[*reports.UnknownTeamsError](err); ok {
			return rows, unknownTeam(err)
		}
		if errors.Is(err, reports.ErrTooManyRows) {
			return rows, usageError(err)
		}
		if err == nil {
			err = checkCoverage(&total, flags.requireCoverage)
		}
		return rows, err
	})
}

// reportRequest reads the flags and tells all their faults at once.
func (a *app) reportRequest(name string, flags reportFlags, c *config) (reports.Request, error) {
	request := reports.Request{Report: name, Program: programVersion(), AllowPartial: flags.allowPartial, Evidence: flags.evidence}
	var faults []error
	fault := func(err error) { faults = append(faults, err) }

	zone, err := zoneOf(flags.zone, c)
	if err != nil {
		fault(err)
		zone = c.timeZone
	}
	if request.Window, err = (reports.Calendar{Zone: zone, DayStart: c.dayStart}).ParseWindow(flags.from, flags.to, a.clock.Now()); err != nil {
		fault(err)
	}
	if request.Grouping, err = parseGrouping(flags.by); err != nil {
		fault(err)
	}
	if flags.agents != "" {
		if request.Agents, err = ingest.ParseAgentSet(flags.agents, c.maxAgentID); err != nil {
			fault(fmt.Errorf("--agent: %w", err))
		}
	}
	request.Teams = trimmed(flags.teams)
	switch flags.teamAsOf {
	case "", "time":
	case "now":
		request.TeamAsOf = a.clock.Now()
	default:
		fault(wordFault("--team-as-of", flags.teamAsOf, "time", "now"))
	}
	if flags.requireCoverage < 0 || flags.requireCoverage > 100 {
		fault(fmt.Errorf("--require-coverage %g is outside 0-100 percent", flags.requireCoverage))
	}
	if request.Shape, err = flags.shape(request); err != nil {
		fault(err)
	}
	fault(a.checkOutput(flags, request))
	return request, errors.Join(faults...)
}

// trimmed returns the words without blanks around them.
func trimmed(words []string) []string {
	for i, word := range words {
		words[i] = strings.TrimSpace(word)
	}
	return words
}

// zoneOf returns the zone of a --tz, the configured one without.
func zoneOf(name string, c *config) (*time.Location, error) {
	if name == "" {
		return c.timeZone, nil
	}
	zone, err := reports.ParseZone(name)
	if err != nil {
		known := append(machineZones(), c.timeZone.String())
		for _, extra := range c.extraZones {
			known = append(known, extra.String())
		}
		return nil, fmt.Errorf("--tz: %w%s", err, didYouMean(name, known))
	}
	return zone, nil
}

// checkCoverage turns too little coverage of a written report into exit code 3.
func checkCoverage(total *reports.Row, percent float64) error {
	if total.IsCovered(percent) {
		return nil
	}
	milli, _ := total.Ratio(reports.Coverage, true)
	return withExit(exitPartial, fmt.Errorf("the report was written, but its coverage is %d.%03d %%, below --require-coverage %g",
		milli/1000, milli%1000, percent))
}
