package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	pretty "github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"talktime/reports"
	"talktime/sql/store"
)

// exportListFlags is what export list is asked with, as typed.
type exportListFlags struct {
	all    bool
	format string
}

// listedPeriods is how many of an export's periods are listed unless all are
// asked for.
const listedPeriods = 31

func (a *app) exportListCommand() *cobra.Command {
	var flags exportListFlags
	cmd := &cobra.Command{
		Use:   "list [NAME]",
		Short: "Print what was delivered, what waits, and what failed",
		Long: `list prints the latest revision of the last ` + strconv.Itoa(listedPeriods) + ` periods of each export, when each
configured one is due next, and what is wrong and what to do about it. With --all
it prints every revision of every period.`,
		Example: `  talktime export list
  talktime export list daily-states --all --format json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.exportList(cmd.Context(), strings.Join(args, ""), flags)
		},
	}
	cmd.Flags().BoolVar(&flags.all, "all", false, "every revision of every period")
	cmd.Flags().StringVar(&flags.format, "format", "table", "`format`: table or json")
	offer(cmd.Flags(), "format", "table", "json")
	return cmd
}

func (a *app) exportList(ctx context.Context, name string, flags exportListFlags) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	write, known := map[string]func(io.Writer, *config, []store.Edition, time.Time) error{
		"table": writeEditionTable, "json": writeEditionJSON,
	}[flags.format]
	if !known {
		return usageError(wordFault("--format", flags.format, "table", "json"))
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		editions, err := s.Exports(ctx, name)
		if err != nil {
			return err
		}
		if name != "" && len(editions) == 0 {
			if _, err := c.findExport(name); err != nil {
				return usageError(err)
			}
		}
		if !flags.all {
			editions = lastPeriods(editions)
		}
		return write(a.stdout, c, editions, a.clock.Now())
	})
}

// lastPeriods returns the latest revisions of each export's last periods.
func lastPeriods(editions []store.Edition) []store.Edition {
	byName := make(map[string]ledger)
	var names []string
	for _, e := range editions {
		if byName[e.Name] == nil {
			names = append(names, e.Name)
		}
		byName[e.Name] = append(byName[e.Name], e)
	}
	var last []store.Edition
	for _, name := range names {
		latest := byName[name].latest()
		last = append(last, latest[max(0, len(latest)-listedPeriods):]...)
	}
	return last
}

// calendarOf returns the calendar of an edition: that of its export, or the
// configured one in the edition's zone where there is no such export any more.
func (c *config) calendarOf(e *store.Edition) reports.Calendar {
	if export, err := c.findExport(e.Name); err == nil {
		return export.calendar
	}
	calendar := c.calendar()
	if zone, err := reports.ParseZone(e.TimeZone); err == nil {
		calendar.Zone = zone
	}
	return calendar
}

func writeEditionTable(w io.Writer, c *config, editions []store.Edition, now time.Time) error {
	rows := [][]string{{"Export", "Period", "Status", "Revision", "Rows", "Coverage %", "Attempts", "Last", "File"}}
	var notes []string
	for i := range editions {
		e := &editions[i]
		calendar := c.calendarOf(e)
		period := periodText(e.Span, calendar)
		coverage := ""
		if e.CoveragePct != nil {
			coverage = strconv.FormatFloat(*e.CoveragePct, 'f', 1, 64)
		}
		file, count := "", ""
		if len(e.Files) > 0 {
			file, count = e.Files[0], strconv.FormatInt(e.Rows, 10)
		}
		last := e.DeliveredAt
		if last.IsZero() {
			last = e.AttemptedAt
		}
		rows = append(rows, []string{
			e.Name, period, statusText(e), strconv.Itoa(e.Revision), count, coverage, strconv.Itoa(e.Attempts), minuteText(last, calendar.Zone), file,
		})
		if e.Error != "" {
			notes = append(notes, fmt.Sprintf("%s %s: %s%s", e.Name, period, e.Error, remedy(e, now)))
		}
	}
	var text strings.Builder
	if len(editions) > 0 {
		writeColumns(&text, rows, map[int]bool{3: true, 4: true, 5: true, 6: true})
	}
	for _, e := range c.exports {
		next := "never again"
		if due := e.times.Next(now); !due.IsZero() {
			next = minuteText(due, e.calendar.Zone)
		}
		fmt.Fprintf(&text, "next run of %s: %s\n", e.name, next)
	}
	for _, note := range notes {
		fmt.Fprintln(&text, note)
	}
	if text.Len() == 0 {
		text.WriteString("no export is configured and none was ever delivered\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// statusText words how far an edition has come.
func statusText(e *store.Edition) string {
	switch {
	case e.Status == store.Waiting:
		return "waiting, " + progressText(e)
	case e.Status == store.Delivered && !e.IsFinal:
		return "delivered, provisional"
	default:
		return string(e.Status)
	}
}

// remedy says what comes of a failure.
func remedy(e *store.Edition, now time.Time) string {
	if e.Status != store.Failed {
		return ""
	}
	again := "at once"
	if at := retryAt(e); at.After(now) {
		again = "in " + at.Sub(now).Round(time.Second).String()
	}
	return fmt.Sprintf(" (a recorder tries again %s; or put it right and run talktime export run %s)", again, e.Name)
}

func minuteText(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return ""
	}
	return at.In(zone).Format("2006-01-02 15:04")
}

// writeColumns writes rows in columns as wide as their cells.
func writeColumns(w io.Writer, rows [][]string, right map[int]bool) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], pretty.StringWidthWithoutEscSequences(cell))
		}
	}
	for _, row := range rows {
		for i, width := range widths {
			align := pretty.AlignLeft
			if right[i] {
				align = pretty.AlignRight
			}
			row[i] = align.Apply(row[i], width)
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(strings.Join(row, "  "), " ")) // the writer keeps its first error
	}
}

// editionText is an edition as machines read it.
type editionText struct {
	Name        string     `json:"name"`
	From        time.Time  `json:"from"`
	To          time.Time  `json:"to"`
	TimeZone    string     `json:"time_zone"`
	Revision    int        `json:"revision"`
	Status      string     `json:"status"`
	Reason      string     `json:"reason"`
	IsFinal     bool       `json:"is_final"`
	DueAt       time.Time  `json:"due_at"`
	AttemptedAt *time.Time `json:"attempted_at"`
	DeliveredAt *time.Time `json:"delivered_at"`
	Attempts    int        `json:"attempts"`
	Error       string     `json:"error,omitempty"`
	Rows        int64      `json:"rows"`
	Bytes       int64      `json:"bytes"`
	SHA256      string     `json:"sha256,omitempty"`
	CoveragePct *float64   `json:"coverage_pct"`
	HorizonAt   *time.Time `json:"horizon_at"`
	Destination string     `json:"destination"`
	Files       []string   `json:"files"`
}

func writeEditionJSON(w io.Writer, _ *config, editions []store.Edition, _ time.Time) error {
	texts := make([]editionText, len(editions))
	for i := range editions {
		e := &editions[i]
		texts[i] = editionText{
			e.Name, e.From, e.To, e.TimeZone, e.Revision, string(e.Status), e.Reason, e.IsFinal, e.DueAt,
			orNone(e.AttemptedAt), orNone(e.DeliveredAt), e.Attempts, e.Error, e.Rows, e.Bytes, e.SHA256, e.CoveragePct,
			orNone(e.Horizon), e.Destination, e.Files,
		}
	}
	text, err := json.MarshalIndent(texts, "", "  ")
	if err != nil {
		return fmt.Errorf("write the ledger of exports: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

// orNone returns nothing for the zero instant.
func orNone(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
