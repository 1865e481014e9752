package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"talktime/reports"
	"talktime/sql/store"
)

// grantFlags is what bi grant is asked with, as typed.
type grantFlags struct {
	teams       []string
	timeout     time.Duration
	connections int
}

func (a *app) biGrantCommand() *cobra.Command {
	var flags grantFlags
	cmd := &cobra.Command{
		Use:   "grant ROLE",
		Short: "Let a role read bi_v1, all of it or certain teams",
		Long: `grant lets a role of the database read the views of bi_v1. With --team it sees,
through every view, agents while they were in one of these teams by the roster,
their names and figures, and no one else's; what is of no agent (dates, states,
the dictionary, freshness) is everybody's, but for ticks, whose counts are of all
agents. A grant takes the place of an earlier one. Members of the role see the
same; a role of several sees what each of them does. Teams go by name: a team
that is renamed in the roster has to be granted by its new name.

The role's sessions in this database begin read-only, with a limit of time for
queries and of connections, and as suits the views (jit off, work_mem 16MB). That
keeps dashboards from doing harm by mistake; a session may lift all but the number of
connections. What it sees is decided by the grant alone.`,
		Example: `  talktime bi grant dashboards
  talktime bi grant lead_sales --team Sales
  talktime bi grant warehouse --statement-timeout 1h --connections 2`,
		Args: oneArgument("the ROLE"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.biGrant(cmd.Context(), args[0], flags) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&flags.teams, "team", nil, "`teams` to see, such as Sales,Support (default: everything)")
	f.DurationVar(&flags.timeout, "statement-timeout", 5*time.Minute, "longest `time` a query takes, 1s to 24h")
	f.IntVar(&flags.connections, "connections", 10, "most connections at one time, 1 to 1000, of the role on the whole server")
	return cmd
}

func (a *app) biGrant(ctx context.Context, role string, flags grantFlags) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	teams := trimmed(flags.teams)
	var faults []error
	if flags.timeout < time.Second || flags.timeout > 24*time.Hour {
		faults = append(faults, fmt.Errorf("--statement-timeout %s is not in 1s to 24h", flags.timeout))
	}
	if flags.connections < 1 || flags.connections > 1000 {
		faults = append(faults, fmt.Errorf("--connections %d is not in 1 to 1000", flags.connections))
	}
	for _, team := range teams {
		if team == "" || team == reports.NoTeam {
			faults = append(faults, fmt.Errorf("--team %q names no team: agents without one are seen with everything only", team))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return usageError(err)
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		roster, err := s.Roster(ctx)
		if err != nil {
			return err
		}
		if err := roster.CheckTeams(teams); err != nil {
			return unknownTeam(err)
		}
		missed, err := s.GrantBI(ctx, role, teams, store.Rails{StatementSeconds: int(flags.timeout.Seconds()), Connections: flags.connections})
		if err != nil {
			return roleFault(err, `; make it first: talktime psql -- -c 'CREATE ROLE "`+strings.ReplaceAll(role, `"`, `""`)+`" LOGIN'`)
		}
		if missed != nil {
			a.log.Warn("the role's limits are not set, what it sees is as granted", "role", role, "error", missed)
		}
		sees := "everything"
		if len(teams) > 0 {
			sees = "agents while in " + strings.Join(teams, ", ")
		}
		_, err = fmt.Fprintf(a.stdout, "%s sees of bi_v1: %s\n", role, sees)
		return err
	})
}

// unknownTeam adds the nearest team to a complaint about an unknown one.
func unknownTeam(err error) error {
	hint := ""
	if unknown, ok := errors.AsType[*reports.UnknownTeamsError](err); ok && len(unknown.Unknown) > 0 {
		hint = didYouMean(unknown.Unknown[0], unknown.Known)
	}
	return usagef("%w%s", err, hint)
}
