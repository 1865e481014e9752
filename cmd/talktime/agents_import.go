package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"talktime/reports"
	"talktime/sql/store"
)

// maxRosterBytes refuses a file that cannot be a roster.
const maxRosterBytes = 64 << 20

func (a *app) agentsImportCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Read names and teams from a CSV file",
		Long: `import reads who held which agent id since when; - reads standard input:

  agent_id,name,team,valid_from
  1042,Ann Mayr,Sales,2026-01-01
  1042,Ann Mayr,Support,2026-11-16
  1043,Bob Beck,Sales,2026-01-01
  1043,,,2026-12-01

A line holds from its valid_from until the agent's next line, in this file or in
an earlier one; one without name and team says that the id is nobody's. A
valid_from is a date, which stands for the start of that day in time_zone
(business_day_start), or an instant on a quarter-hour such as
2026-11-16T12:00:00+01:00.

What is there stays: a later file adds to the history, a line with the agent id
and valid_from of an earlier one corrects it, and importing a file again changes
nothing. Figures are not touched: reports join names and teams when they are made.

The same name on the same agent id is the same person; another name from a later
valid_from is a new person, whose figures are kept apart. Where people change
their names or ids, add a column person with a key that stays, such as a
personnel number.

The file is CSV in UTF-8, with or without byte order mark, with commas,
semicolons or tabs; the header is required, the order of columns is free. All
faults are told with their line numbers, and with any of them nothing is imported.`,
		Example: `  talktime agents import roster.csv --dry-run
  talktime agents import roster.csv`,
		Args: oneArgument("the roster's FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.agentsImport(cmd.Context(), args[0], dryRun) },
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what would change and change nothing")
	return cmd
}

// oneArgument refuses any number of arguments but one.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s takes one argument, %s, got %d; see %s --help", cmd.CommandPath(), what, len(args), cmd.CommandPath())
	}
}

func (a *app) agentsImport(ctx context.Context, path string, dryRun bool) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	content, err := a.readRosterFile(path)
	if err != nil {
		return usageError(err)
	}
	lines, err := reports.ParseRoster(path, content, c.maxAgentID, c.calendar())
	if err != nil {
		return usageError(err)
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		p := a.newProgress(fmt.Sprintf("importing %d lines", len(lines)))
		changes, err := s.ImportRoster(ctx, lines, dryRun)
		p.end()
		if err != nil {
			return err
		}
		_, err = io.WriteString(a.stdout, tellImport(changes, len(lines), dryRun, c.calendar()))
		return err
	})
}

// readRosterFile reads a file, or standard input for -.
func (a *app) readRosterFile(path string) (string, error) {
	file := a.stdin
	if path != "-" {
		opened, err := os.Open(path)
		if err != nil {
			if cause, ok := errors.AsType[*fs.PathError](err); ok {
				err = cause.Err
			}
			return "", fmt.Errorf("read %s: %w", path, err)
		}
		defer opened.Close()
		file = opened
	}
	content, err := io.ReadAll(io.LimitReader(file, maxRosterBytes+1))
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	if len(content) > maxRosterBytes {
		return "", fmt.Errorf("read %s: it is larger than %d MiB and cannot be a roster", path, maxRosterBytes>>20)
	}
	return string(content), nil
}

// tellImport words what an import changed, line by line, and counts.
func tellImport(changes []reports.RosterChange, lines int, dryRun bool, calendar reports.Calendar) string {
	var b strings.Builder
	added := 0
	for i := range changes {
		change := &changes[i]
		fmt.Fprintf(&b, "%d from %s: %s\n", change.After.Agent, dateOrInstant(change.After.From, calendar), tellChange(change))
		if change.IsNew() {
			added++
		}
	}
	did := "imported"
	if dryRun {
		did = "would import"
	}
	fmt.Fprintf(&b, "%s %d lines: %d new, %d corrected, %d as they were\n", did, lines, added, len(changes)-added, lines-len(changes))
	return b.String()
}

func tellChange(c *reports.RosterChange) string {
	after, before := tellHolder(&c.After), tellHolder(&c.Before)
	text := "corrected, " + before + " → " + after
	switch {
	case c.IsNew():
		text = "new, " + after
	case before == after:
		text = fmt.Sprintf("corrected, %s: person %q → %q", after, c.Before.Person, c.After.Person)
	}
	if c.Held != "" {
		text += ", a new person after " + c.Held
	}
	return text
}

// tellHolder writes name and team of a tenure.
func tellHolder(t *reports.Tenure) string {
	switch {
	case t.Name == "":
		return "nobody"
	case t.Team == "":
		return t.Name + ", no team"
	default:
		return t.Name + ", " + t.Team
	}
}
