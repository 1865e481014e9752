package store

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// subjectStatements are the statements of reports.SubjectSections by name.
var subjectStatements = map[string]string{
	"tenures":                 db.SubjectTenures,
	"known_agents":            db.SubjectKnown,
	"schedules":               db.SubjectSchedules,
	"ticks":                   db.SubjectTicks,
	"hand_rounds":             db.SubjectHandRounds,
	reports.SamplesSection:    db.SubjectSamples,
	"quarter_hours":           db.SubjectQuarterHours,
	"segments":                db.SubjectSegments,
	"days":                    db.SubjectDays,
	"gone_quarter_hours":      db.SubjectGone,
	"exports":                 db.SubjectExports,
	"audit_log":               db.SubjectAudit,
	reports.RecipientsSection: db.SubjectRecipients,
}

// Since ever, and without end, as far as time is told here.
var (
	sinceEver  = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	withoutEnd = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// subjectArguments are the parameters of every such statement.
func subjectArguments(parts []reports.Part) []any {
	agents, from, to := make([]int32, len(parts)), make([]time.Time, len(parts)), make([]time.Time, len(parts))
	for i, p := range parts {
		agents[i], from[i], to[i] = int32(p.Agent), p.From, p.To
		if p.From.IsZero() {
			from[i] = sinceEver
		}
		if p.To.IsZero() {
			to[i] = withoutEnd
		}
	}
	return []any{agents, from, to}
}

// SubjectRows yields what is held of a section about parts of agents' time, row by
// row as the server sends them: a JSON object each, its members in the order of the
// columns, instants in UTC.
func (s *Snapshot) SubjectRows(ctx context.Context, section string, parts []reports.Part) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		rows, err := s.tx.Query(ctx, subjectStatements[section], subjectArguments(parts)...)
		if err != nil {
			yield(nil, fmt.Errorf("read %s: %w", section, plain(err)))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				yield(nil, fmt.Errorf("read %s: %w", section, err))
				return
			}
			if !yield(json.RawMessage(line), nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, fmt.Errorf("read %s: %w", section, plain(err)))
		}
	}
}

// CountSamples returns how many samples there are of parts of agents' time, and the
// instants of the first and the last. It reads every sample of that time.
func (s *Snapshot) CountSamples(ctx context.Context, parts []reports.Part) (rows int64, first, last time.Time, err error) {
	err = s.tx.QueryRow(ctx, db.CountSubjectSamples, subjectArguments(parts)...).Scan(&rows, &first, &last)
	if err != nil {
		return 0, time.Time{}, time.Time{}, fmt.Errorf("count samples: %w", plain(err))
	}
	return rows, first.UTC(), last.UTC(), nil
}

// Meanings returns what the columns of tables mean, in their order.
func (s *Snapshot) Meanings(ctx context.Context, tables []string) ([]reports.Meaning, error) {
	rows, err := db.New(s.tx).SubjectColumns(ctx, tables)
	if err != nil {
		return nil, fmt.Errorf("read what columns mean: %w", plain(err))
	}
	meanings := make([]reports.Meaning, len(rows))
	for i, row := range rows {
		meanings[i] = reports.Meaning{Table: row.TableName, Column: row.ColumnName, Text: row.Meaning}
	}
	return meanings, nil
}

// Roster returns who held which agent id when, at any time.
func (s *Snapshot) Roster(ctx context.Context) (reports.Roster, error) {
	roster, err := readRoster(ctx, db.New(s.tx))
	if err != nil {
		return nil, fmt.Errorf("read the roster: %w", plain(err))
	}
	return roster, nil
}
