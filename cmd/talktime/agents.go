package main

import (
	"time"

	"github.com/spf13/cobra"

	"talktime/reports"
)

func (a *app) agentsCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "agents",
		Short: "Say who the agents are: names and teams, and since when",
		Long: `agents keeps the roster: who held which agent id when, by what name and in which
team. Reports take names and teams from it at the time of each quarter-hour; what
is recorded does not depend on it.`,
		Example: `  talktime agents import roster.csv
  talktime agents list --at 2026-11-16`,
	})
	cmd.AddCommand(a.agentsImportCommand(), a.agentsListCommand())
	return cmd
}

// dateOrInstant writes the start of a local day as its date, and any other
// instant in full. The import reads both.
func dateOrInstant(t time.Time, calendar reports.Calendar) string {
	date := calendar.Date(t).Format(time.DateOnly)
	if start, err := calendar.ParseInstant("", date); err == nil && start.Equal(t) {
		return date
	}
	return t.In(calendar.Zone).Format(time.RFC3339)
}
