package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"golang.org/x/text/language"

	"talktime/reports"
	"talktime/sql/store"
)

// auditLimit bounds how long a report that is done may wait for the audit log.
const auditLimit = 2 * time.Second

// reportAudit is what a report was asked for, as the audit log has it.
type reportAudit struct {
	From             string   `json:"from,omitempty"`
	To               string   `json:"to,omitempty"`
	At               string   `json:"at,omitempty"`
	TimeZone         string   `json:"time_zone,omitempty"`
	BusinessDayStart string   `json:"business_day_start,omitempty"`
	By               string   `json:"by,omitempty"`
	Agents           string   `json:"agents,omitempty"`
	Teams            []string `json:"teams,omitempty"`
	TeamAsOf         string   `json:"team_as_of,omitempty"`
	Format           string   `json:"format"`
	Profile          string   `json:"profile,omitempty"`
	OnMissing        string   `json:"on_missing,omitempty"`
	Locale           string   `json:"locale,omitempty"`
	Columns          []string `json:"columns,omitempty"`
	Sort             []string `json:"sort,omitempty"`
	Top              int      `json:"top,omitempty"`
	Out              string   `json:"out,omitempty"` // nothing for standard output
	AllowPartial     bool     `json:"allow_partial,omitempty"`
	Evidence         bool     `json:"evidence,omitempty"`
	RequireCoverage  float64  `json:"require_coverage,omitempty"`
}

// auditOf returns what a report was asked for.
func auditOf(request reports.Request, flags reportFlags) reportAudit {
	w := request.Window
	asked := reportAudit{
		TimeZone: w.Zone.String(), BusinessDayStart: reports.FormatDayStart(w.DayStart),
		Agents: request.Agents.String(), Teams: request.Teams, Format: flags.format,
		AllowPartial: request.AllowPartial, Evidence: request.Evidence, RequireCoverage: flags.requireCoverage,
	}
	if request.At.IsZero() {
		asked.From, asked.To, asked.By = w.From.Format(instantFormat), w.To.Format(instantFormat), request.Grouping.String()
	} else {
		asked.At = request.At.Format(instantFormat)
	}
	if !request.TeamAsOf.IsZero() {
		asked.TeamAsOf = request.TeamAsOf.Format(instantFormat)
	}
	if form, err := flags.form(); err == nil && flags.format == "csv" {
		asked.Profile, asked.OnMissing = form.Profile.String(), form.OnMissing()
		if form.Locale != language.Und {
			asked.Locale = form.Locale.String()
		}
	}
	asked.Columns, asked.Top = request.Shape.Columns, request.Shape.Top
	for _, key := range request.Shape.Sort {
		asked.Sort = append(asked.Sort, key.String())
	}
	if flags.out != toStdout {
		asked.Out = flags.out
	}
	return asked
}

// withAudit hands read one snapshot of the database, and enters into the audit log
// which report was made of it, how many rows it has, and what it ended with.
func (a *app) withAudit(ctx context.Context, c *config, report string, asked any, read func(*store.Snapshot) (rows int64, err error)) error {
	return a.withStore(ctx, c, func(s *store.Store) error {
		rows, err := readSnapshot(ctx, s, read)
		a.audit(ctx, s, store.Audit{Action: "report", Subject: report, Parameters: asked, Rows: rows, ExitCode: codeOf(err), Err: err})
		return err
	})
}

// readSnapshot reads one snapshot. To ask for what is no longer kept is the caller's
// mistake.
func readSnapshot(ctx context.Context, s *store.Store, read func(*store.Snapshot) (int64, error)) (int64, error) {
	snapshot, err := s.Snapshot(ctx)
	if err != nil {
		return 0, err
	}
	defer snapshot.Close(ctx)
	rows, err := read(snapshot)
	if _, ok := errors.AsType[*store.DroppedError](err); ok {
		err = usageError(err)
	}
	return rows, err
}

// audit enters who has just run something into the audit log, be ctx over or not.
// What was made stays made: an entry that cannot be written, as on a server that
// only follows another, is a warning.
func (a *app) audit(ctx context.Context, s *store.Store, entry store.Audit) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditLimit)
	defer cancel()
	entry.At = a.clock.Now()
	entry.User, entry.Host = whoRuns()
	if err := s.EnterAudit(ctx, entry); err != nil {
		a.log.Warn("this is not in the audit log", "action", entry.Action, "subject", entry.Subject, "error", err)
	}
}

// whoRuns names the user of the operating system and the machine.
func whoRuns() (name, host string) {
	name = fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name, host
}
