package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// DroppedError says that what was asked for is not kept any more.
type DroppedError struct {
	reports.Span        // the first stretch of it that was dropped
	Relation     string // whose rows it is
	Kept         time.Time
	Calendars    []string // of which days are kept for ever, where these are quarter-hours
}

// Error says what there is instead.
func (e *DroppedError) Error() string {
	what, instead := "samples", "report timeline tells what is known of that time"
	switch e.Relation {
	case "segments":
		what, instead = "segments", "report states tells what is known of that time"
	case "quarter_hours":
		what, instead = "quarter-hours", "no days were kept"
		if len(e.Calendars) > 0 {
			instead = "whole days are kept for ever, in " + strings.Join(e.Calendars, " and ") + ": begin and end with one, and group by agent, team, day, week or month"
		}
	}
	return fmt.Sprintf("%s from %s to %s are no longer kept (retention.%s), they reach back to %s; %s",
		what, e.From.Format(time.RFC3339), e.To.Format(time.RFC3339), e.Relation, e.Kept.Format(time.RFC3339), instead)
}

// refuseDropped returns a *DroppedError where retention has dropped what is wanted.
func (s *Snapshot) refuseDropped(ctx context.Context, relation string, wanted quarterHours) error {
	refused, err := refuseDropped(ctx, db.New(s.tx), relation, wanted.merge())
	if err != nil {
		return fmt.Errorf("look what was dropped: %w", plain(err))
	}
	if refused != nil {
		return refused
	}
	return nil
}

func refuseDropped(ctx context.Context, q *db.Queries, relation string, wanted quarterHours) (*DroppedError, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	gone, err := q.Dropped(ctx, db.DroppedParams{Relation: relation, FromAt: wanted[0].From, ToAt: wanted[len(wanted)-1].To})
	if err != nil {
		return nil, err
	}
	for _, row := range gone {
		for _, span := range wanted {
			first := reports.Span{From: later(span.From, row.FromAt).UTC(), To: earlier(span.To, row.ToAt).UTC()}
			if !first.From.Before(first.To) {
				continue
			}
			refused := &DroppedError{Span: first, Relation: relation}
			if refused.Kept, err = keptFrom(ctx, q, relation); err != nil || relation != "quarter_hours" {
				return refused, err
			}
			calendars, err := q.KeptCalendars(ctx)
			for _, c := range calendars {
				refused.Calendars = append(refused.Calendars, c.TimeZone+" from "+c.BusinessDayStart)
			}
			return refused, err
		}
	}
	return nil, nil
}

// keptFrom returns since when a table has all of its rows, zero where none was
// dropped.
func keptFrom(ctx context.Context, q *db.Queries, relation string) (time.Time, error) {
	rows, err := q.KeptFrom(ctx)
	for _, row := range rows {
		if row.Relation == relation {
			return row.KeptFrom.UTC(), nil
		}
	}
	return time.Time{}, err
}

// Kept is what there is of a table whose rows go when they are old.
type Kept struct {
	Table string
	From  time.Time // of its first partition or row; now where there is none
	Bytes int64     // with indexes
}

// Kept tells what there is of the tables that retention is about, by name.
func (s *Store) Kept(ctx context.Context, now time.Time) (tables []Kept, err error) {
	err = s.look(ctx, func(_ pgx.Tx, q *db.Queries) error {
		rows, err := q.KeptTables(ctx, now)
		for _, row := range rows {
			tables = append(tables, Kept{row.Name, row.FirstAt.UTC(), row.Bytes})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("examine what is kept: %w", plain(err))
	}
	return tables, nil
}
