package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	pretty "github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"talktime/reports"
	"talktime/sql/store"
)

// listFlags is what agents list is asked with, as typed.
type listFlags struct {
	at      string
	history bool
	teams   []string
	format  string
}

func (a *app) agentsListCommand() *cobra.Command {
	var flags listFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print who holds which agent id, by what name and in which team",
		Long: `list prints the agents the roster names now, at another time, or with --history
everything the roster knows, where a line without a name says that the id was
nobody's. The CSV has the columns of agents import, which reads it again.`,
		Example: `  talktime agents list --team Sales,Support
  talktime agents list --at 2026-11-16 --format json
  talktime agents list --history --format csv`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.agentsList(cmd.Context(), flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.at, "at", "", "`date or instant` on a quarter-hour to show (default: now)")
	f.BoolVar(&flags.history, "history", false, "show every tenure, past and to come")
	f.StringSliceVar(&flags.teams, "team", nil, "`teams` to show, such as Sales,Support; "+reports.NoTeam+" for those in none (default: all)")
	f.StringVar(&flags.format, "format", "table", "`format`: table, csv or json")
	offer(f, "format", "table", "csv", "json")
	return cmd
}

func (a *app) agentsList(ctx context.Context, flags listFlags) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	at := a.clock.Now()
	var faults []error
	if flags.at != "" {
		if at, err = c.calendar().ParseInstant("--at", flags.at); err != nil {
			faults = append(faults, err)
		}
	}
	if flags.at != "" && flags.history {
		faults = append(faults, errors.New("--at and --history exclude each other: one instant, or all of them"))
	}
	write, known := map[string]func(io.Writer, reports.Roster, reports.Calendar) error{
		"table": writeRosterTable, "csv": writeRosterCSV, "json": writeRosterJSON,
	}[flags.format]
	if !known {
		faults = append(faults, wordFault("--format", flags.format, "table", "csv", "json"))
	}
	if err := errors.Join(faults...); err != nil {
		return usageError(err)
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		roster, err := s.Roster(ctx)
		if err != nil {
			return err
		}
		teams := trimmed(flags.teams)
		if err := roster.CheckTeams(teams); err != nil {
			return unknownTeam(err)
		}
		if !flags.history {
			roster = roster.At(at)
		}
		roster = slices.DeleteFunc(roster, func(t reports.Tenure) bool {
			return len(teams) > 0 && !slices.Contains(teams, cmp.Or(t.Team, reports.NoTeam))
		})
		return write(a.stdout, roster, c.calendar())
	})
}

// rosterHeader is the header of a roster file.
var rosterHeader = []string{"agent_id", "name", "team", "valid_from", "person"}

func rosterFields(t *reports.Tenure, calendar reports.Calendar) []string {
	return []string{strconv.Itoa(int(t.Agent)), t.Name, t.Team, dateOrInstant(t.From, calendar), t.Person}
}

func writeRosterCSV(w io.Writer, roster reports.Roster, calendar reports.Calendar) error {
	out := csv.NewWriter(w)
	err := out.Write(rosterHeader)
	for i := range roster {
		err = errors.Join(err, out.Write(rosterFields(&roster[i], calendar)))
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

// writeRosterJSON writes a list with one tenure a line, instants in UTC.
func writeRosterJSON(w io.Writer, roster reports.Roster, _ reports.Calendar) error {
	out := bufio.NewWriter(w)
	for i := range roster {
		t := &roster[i]
		row := struct {
			AgentID   int        `json:"agent_id"`
			Name      string     `json:"name"`
			Team      string     `json:"team"`
			ValidFrom time.Time  `json:"valid_from"`
			ValidTo   *time.Time `json:"valid_to"`
			Person    string     `json:"person"`
		}{int(t.Agent), t.Name, t.Team, t.From, nil, t.Person}
		if !t.To.IsZero() {
			row.ValidTo = &t.To
		}
		line, err := json.Marshal(row)
		if err != nil {
			return fmt.Errorf("write agent %d: %w", t.Agent, err)
		}
		before := ",\n"
		if i == 0 {
			before = "[\n"
		}
		_, _ = out.WriteString(before) // the writer keeps its first error
		_, _ = out.Write(line)
	}
	if len(roster) == 0 {
		_, _ = out.WriteString("[")
	}
	_, _ = out.WriteString("\n]\n")
	return out.Flush()
}

func writeRosterTable(w io.Writer, roster reports.Roster, calendar reports.Calendar) error {
	rows := [][]string{{"Agent", "Name", "Team", "Valid from", "Person"}}
	for i := range roster {
		rows = append(rows, rosterFields(&roster[i], calendar))
	}
	widths := make([]int, len(rosterHeader))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], pretty.StringWidthWithoutEscSequences(cell))
		}
	}
	out := bufio.NewWriter(w)
	for _, row := range rows {
		for i, width := range widths {
			align := pretty.AlignLeft
			if i == 0 {
				align = pretty.AlignRight
			}
			row[i] = align.Apply(row[i], width)
		}
		_, _ = fmt.Fprintln(out, strings.TrimRight(strings.Join(row, "  "), " ")) // the writer keeps its first error
	}
	return out.Flush()
}
