package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"talktime/reports"
	"talktime/reports/render"
	"talktime/sql/localpg"
)

func (a *app) demoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play a working day through the real interface and report it",
		Long: `demo shows the whole of talktime in one go and needs no configuration. It starts
a private Postgres and a simulated CC-Gateway, plays a past day from 08:00 to
18:00 faster than it passed, and prints the talk-time report of that day, how
close it is to what the agents truly did, and commands to try on the data.

Everything but the agents and the clock is real: polls over HTTPS on a cron
schedule, about one in a hundred of them failing, rounds stored by COPY,
quarter-hours derived as the day goes by.

It keeps its Postgres and a talktime.yaml in a directory of its own and begins
afresh at each run. Only while the demo runs is that Postgres set to
synchronous_commit = off, which is faster and nothing for real data.`,
		Example: `  talktime demo
  talktime demo --agents 101-110 --day 2026-11-20 --period 60s --dir play`,
		Args:        noArguments,
		Annotations: map[string]string{ownLogLevel: "error"}, // failed polls are part of the play
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.Flags().Visit(func(flag *pflag.Flag) { f.typed = append(f.typed, flag) })
			return a.demo(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.agents, "agents", "101-124", "`agents` to play, such as 101-160,200")
	flags.StringVar(&f.day, "day", "", "past `date` to play (default: yesterday)")
	flags.StringVar(&f.period, "period", "10s", "`time` between two polls of an agent: 1s to 30s dividing a minute, 1m to 15m dividing an hour")
	flags.StringVar(&f.zone, "tz", "", "`zone` the agents live in (default: this machine's)")
	flags.Uint64Var(&f.seed, "seed", 1, "`number` that decides what the agents do and what fails")
	flags.StringVar(&f.dir, "dir", "", "`directory` to keep everything in: a new or empty one, or an earlier demo's (default: in the user's cache directory, for root "+rootDemoDir+")")
	return cmd
}

// demo plays the day and tells about it. The Postgres it started stops with it,
// unless another program has begun to use it.
func (a *app) demo(ctx context.Context, f demoFlags) (err error) {
	plan, err := a.planDemo(f)
	if err != nil {
		return usageError(err)
	}
	dir, err := claimDemoDir(plan.dir)
	if err != nil {
		return err
	}
	defer dir.release()
	p := a.newDemoPlay(plan, dir)
	defer p.told.end()

	p.told.at(0, p.allRounds())
	// The commands used below find this server running, with these settings.
	server, err := localpg.Start(ctx, localpg.Options{
		Dir: dir.join("postgres"), Log: a.log,
		Settings: map[string]string{"synchronous_commit": "off"},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, (&database{server: server}).close(ctx)) }()

	if err := p.play(ctx); err != nil {
		return err
	}
	return p.tell(ctx)
}

// tell prints what was played, the report, how true it is, and what to try.
func (p *demoPlay) tell(ctx context.Context) error {
	a := p.app
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	flags := reportFlags{from: p.plan.date(), by: "agent", format: "table", out: toStdout}
	request, err := a.reportRequest("talk-time", flags, c)
	if err != nil {
		return err
	}
	if err := p.tellPlayed(a.stdout); err != nil {
		return err
	}
	return a.withReportSource(ctx, c, func(source reports.Source) error {
		kept := rowKeeper{Sink: a.newSink(flags.format, render.Form{}, a.stdout)}
		total, err := reports.Summarize(ctx, source, request, &kept)
		if err != nil {
			return err
		}
		if err := compareTalk(kept.rows, &total, p.truth).tell(a.stdout); err != nil {
			return err
		}
		return p.tellNext(a.stdout)
	})
}

// rowKeeper is a sink that keeps the rows it hands on.
type rowKeeper struct {
	reports.Sink
	rows []reports.Row
}

func (k *rowKeeper) Row(row *reports.Row) error {
	k.rows = append(k.rows, *row)
	return k.Sink.Row(row)
}
