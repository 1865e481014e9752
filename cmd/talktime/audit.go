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
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"talktime/reports"
	"talktime/sql/store"
)

// auditFlags is what audit list is asked with, as typed.
type auditFlags struct {
	from, to      string
	user, command string
	format        string
}

// auditedDays is how far back the audit log is listed where no --from says it.
const auditedDays = 31

func (a *app) auditCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "audit",
		Short: "See who ran which report or export",
		Long: `audit reads the log of every report and export: who asked for it, when, for what,
how many rows it had and how it ended.`,
		Example: `  talktime audit list`,
	})
	cmd.AddCommand(a.auditListCommand())
	return cmd
}

// auditActions are the actions of the audit log.
var auditActions = []string{"report", "export"}

func (a *app) auditListCommand() *cobra.Command {
	var flags auditFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print who ran what, when and for whom",
		Long: `list prints the reports and exports of a window in order: when, which, as which
user of which machine and which role of the database, how many rows came of it,
the exit code, and what was asked for. The role is what the database knew; the
rest is what the program said of itself.

An export is entered for every edition that was delivered or failed, and for every
run by hand. Reading bi_v1 or the tables with other programs is not in it. It
needs a role that may read talktime.audit_log.`,
		Example: `  talktime audit list --from 2026-11-16 --to 2026-11-23
  talktime audit list --command "report states" --user kim
  talktime audit list --command export --format csv`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.auditList(cmd.Context(), flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.from, "from", "", fmt.Sprintf("first `date or instant` of the window (default: %d days ago)", auditedDays))
	f.StringVar(&flags.to, "to", "", "`date or instant` the window ends before (default: now)")
	f.StringVar(&flags.user, "user", "", "`user` of the operating system, or role of the database (default: all)")
	f.StringVar(&flags.command, "command", "", "`command` that was run: report or export, or with a name, such as \"report states\" (default: all)")
	f.StringVar(&flags.format, "format", "table", "`format`: table, csv or json")
	offer(f, "format", "table", "csv", "json")
	offer(f, "command", auditActions...)
	return cmd
}

func (a *app) auditList(ctx context.Context, flags auditFlags) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	write, known := map[string]func(io.Writer, iter.Seq2[store.Audit, error], reports.Calendar) error{
		"table": writeAuditTable, "csv": writeAuditCSV, "json": writeAuditJSON,
	}[flags.format]
	query, err := a.auditQuery(flags, c)
	if !known {
		err = errors.Join(err, wordFault("--format", flags.format, "table", "csv", "json"))
	}
	if err != nil {
		return usageError(err)
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		return write(a.stdout, s.AuditLog(ctx, query), c.calendar())
	})
}

// auditQuery reads the flags and tells all their faults at once.
func (a *app) auditQuery(flags auditFlags, c *config) (store.AuditQuery, error) {
	now := a.clock.Now()
	q := store.AuditQuery{From: now.AddDate(0, 0, -auditedDays), To: now.Add(time.Minute), User: flags.user}
	var faults []error
	instant := func(name, text string, at *time.Time) {
		if text != "" {
			var err error
			*at, err = c.calendar().ParseInstant(name, text)
			faults = append(faults, err)
		}
	}
	instant("--from", flags.from, &q.From)
	instant("--to", flags.to, &q.To)
	if errors.Join(faults...) == nil && !q.From.Before(q.To) {
		faults = append(faults, fmt.Errorf("--to %s is not after --from", cmp.Or(flags.to, "now")))
	}
	q.Action, q.Subject, _ = strings.Cut(strings.Join(strings.Fields(flags.command), " "), " ")
	if q.Action != "" && !slices.Contains(auditActions, q.Action) {
		faults = append(faults, wordFault("--command", q.Action, auditActions...))
	}
	return q, errors.Join(faults...)
}

// auditFields are the columns of the audit log in machine formats.
var auditFields = []string{"at", "action", "subject", "user", "host", "role", "rows", "exit_code", "error", "parameters"}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func parametersOf(entry *store.Audit) json.RawMessage {
	parameters, _ := entry.Parameters.(json.RawMessage) // what is read of the log has no others
	return parameters
}

func writeAuditCSV(w io.Writer, entries iter.Seq2[store.Audit, error], _ reports.Calendar) error {
	out := csv.NewWriter(w)
	err := out.Write(auditFields)
	for e, failed := range entries {
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		err = out.Write([]string{
			e.At.Format(instantFormat), e.Action, e.Subject, e.User, e.Host, e.Role,
			strconv.FormatInt(e.Rows, 10), strconv.Itoa(e.ExitCode), errorText(e.Err), string(parametersOf(&e)),
		})
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

// writeAuditJSON writes a list with one entry a line.
func writeAuditJSON(w io.Writer, entries iter.Seq2[store.Audit, error], _ reports.Calendar) error {
	out := bufio.NewWriter(w)
	before := "[\n"
	for e, err := range entries {
		if err != nil {
			return err
		}
		line, err := json.Marshal(struct {
			At         string          `json:"at"`
			Action     string          `json:"action"`
			Subject    string          `json:"subject"`
			User       string          `json:"user"`
			Host       string          `json:"host"`
			Role       string          `json:"role"`
			Rows       int64           `json:"rows"`
			ExitCode   int             `json:"exit_code"`
			Error      string          `json:"error,omitempty"`
			Parameters json.RawMessage `json:"parameters"`
		}{e.At.Format(instantFormat), e.Action, e.Subject, e.User, e.Host, e.Role, e.Rows, e.ExitCode, errorText(e.Err), parametersOf(&e)})
		if err != nil {
			return fmt.Errorf("write the audit log: %w", err)
		}
		_, _ = out.WriteString(before) // the writer keeps its first error
		_, _ = out.Write(line)
		before = ",\n"
	}
	if before == "[\n" {
		_, _ = out.WriteString("[")
	}
	_, _ = out.WriteString("\n]\n")
	return out.Flush()
}

// writeAuditTable writes the entries for people, and why some failed below.
func writeAuditTable(w io.Writer, entries iter.Seq2[store.Audit, error], calendar reports.Calendar) error {
	rows := [][]string{{"At", "Command", "User", "Role", "Rows", "Exit", "Asked for"}}
	var notes strings.Builder
	for e, err := range entries {
		if err != nil {
			return err
		}
		at := e.At.In(calendar.Zone).Format("2006-01-02 15:04:05")
		asked, err := askedText(parametersOf(&e), calendar)
		if err != nil {
			return fmt.Errorf("read the audit log: %s, %s %s: %w", at, e.Action, e.Subject, err)
		}
		row := []string{at, e.Action + " " + e.Subject, e.User + "@" + e.Host, e.Role, strconv.FormatInt(e.Rows, 10), strconv.Itoa(e.ExitCode), asked}
		for i := range row { // users and machines call themselves what they like
			row[i] = printable(row[i])
		}
		rows = append(rows, row)
		if e.Err != nil {
			fmt.Fprintf(&notes, "%s: %s\n", at, printable(strings.ReplaceAll(e.Err.Error(), "\n", "; ")))
		}
	}
	if len(rows) == 1 {
		_, err := io.WriteString(w, "nothing was run in this window\n")
		return err
	}
	out := bufio.NewWriter(w)
	writeColumns(out, rows, map[int]bool{4: true, 5: true})
	_, _ = out.WriteString(notes.String()) // the writer keeps its first error
	return out.Flush()
}

// askedText words the parameters of an entry: its window as people write it, then
// by name what is not as usual.
func askedText(parameters json.RawMessage, calendar reports.Calendar) (string, error) {
	var fields map[string]any
	if err := json.Unmarshal(parameters, &fields); err != nil {
		return "", err
	}
	var words []string
	for name, usual := range map[string]string{
		"time_zone": calendar.Zone.String(), "business_day_start": reports.FormatDayStart(calendar.DayStart), "by": "none", "format": "table",
	} {
		if fields[name] == usual {
			delete(fields, name)
		}
	}
	if zone, err := reports.ParseZone(fmt.Sprint(fields["time_zone"])); err == nil {
		calendar.Zone = zone
	}
	from, noFrom := time.Parse(time.RFC3339, fmt.Sprint(fields["from"]))
	to, noTo := time.Parse(time.RFC3339, fmt.Sprint(fields["to"]))
	if noFrom == nil && noTo == nil {
		words = append(words, periodText(reports.Span{From: from, To: to}, calendar))
		delete(fields, "from")
		delete(fields, "to")
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		text := fmt.Sprint(fields[name])
		if list, isList := fields[name].([]any); isList {
			items := make([]string, len(list))
			for i, item := range list {
				items[i] = fmt.Sprint(item)
			}
			text = strings.Join(items, ",")
		}
		if strings.Contains(text, " ") {
			text = strconv.Quote(text)
		}
		words = append(words, name+"="+text)
	}
	return strings.Join(words, " "), nil
}
