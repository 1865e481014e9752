package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// needed says what a stretch of time is still needed for; empty where for nothing.
// The caller holds the derive lock.
func (r retaining) needed(ctx context.Context, q *db.Queries, p Partition) (why string, err error) {
	near := reports.Span{From: p.From.Add(-furthestReach), To: p.To.Add(furthestReach)}
	if p.Table != "samples" {
		if why, err := samplesIn(ctx, q, near); err != nil || why != "" {
			return why, err
		}
	}
	last, err := lastDerivation(ctx, q)
	if err != nil {
		return "", err
	}
	switch {
	case last.HorizonAt.IsZero():
		return "nothing is derived yet", nil
	case last.HorizonAt.Before(near.To):
		return "derived is up to " + last.HorizonAt.Format(time.RFC3339) + " only", nil
	}
	open, err := q.CountOpenRows(ctx, db.CountOpenRowsParams{FromAt: near.From, ToAt: near.To})
	if err != nil {
		return "", err
	}
	if open > 0 {
		return fmt.Sprintf("%d rows of quarter-hours near it are not final", open), nil
	}
	switch p.Table {
	case "samples":
		return waitingNear(ctx, q, near)
	case "quarter_hours":
		return r.daysMissing(ctx, q, p.Span)
	}
	return "", nil
}

// samplesIn tells that a stretch of time has samples: what is derived from them, and
// the ticks they belong to, are kept with them.
func samplesIn(ctx context.Context, q *db.Queries, near reports.Span) (why string, err error) {
	there, err := readPartitions(ctx, q)
	if err != nil {
		return "", err
	}
	for _, p := range slices.Concat(there["sample_runs"], there["samples"]) {
		if p.From.Before(near.To) {
			return "there are samples from " + p.From.Format(time.DateOnly) + " on", nil
		}
	}
	return "", nil
}

// waitingNear tells that quarter-hours in reach of samples wait to be derived
// again, and can be.
func waitingNear(ctx context.Context, q *db.Queries, near reports.Span) (why string, err error) {
	dirty, err := dirtyNear(ctx, q, near)
	if err != nil {
		return "", err
	}
	all := quarterHours{near}
	split, err := splitLost(ctx, q, all.without(all.without(dirty)))
	if err != nil || len(split.whole) == 0 {
		return "", err
	}
	return "quarter-hours from " + split.whole[0].From.Format(time.RFC3339) + " on wait to be derived (talktime derive)", nil
}

// daysMissing tells of a day with quarter-hours in a month that is not kept yet.
func (r retaining) daysMissing(ctx context.Context, q *db.Queries, month reports.Span) (why string, err error) {
	missing, err := r.daysToKeepOf(ctx, q, month)
	if err != nil || len(missing) == 0 {
		return "", err
	}
	return fmt.Sprintf("the day %s of %s is not kept yet", missing[0].LocalDate, missing[0].TimeZone), nil
}

// keepDays keeps the days of a month that are not, each in a transaction of its own.
func (r retaining) keepDays(ctx context.Context, month reports.Span) error {
	missing, err := r.daysToKeepOf(ctx, db.New(r.store.pool), month)
	if err != nil {
		return fmt.Errorf("look for days to keep: %w", plain(err))
	}
	for _, day := range missing {
		if err := r.store.keepDay(ctx, day); err != nil {
			return err
		}
	}
	return nil
}

// daysToKeepOf lists the days that have quarter-hours in a month and are not kept.
// One whose quarter-hours are gone in part cannot be kept any more.
func (r retaining) daysToKeepOf(ctx context.Context, q *db.Queries, month reports.Span) ([]db.KeepDayParams, error) {
	last, err := lastDerivation(ctx, q)
	if err != nil {
		return nil, err
	}
	around := reports.Span{From: month.From.Add(-2 * day), To: earlier(month.To.Add(2*day), last.HorizonAt)}
	missing, err := missingDays(ctx, q, r.Calendars, around, r.Now)
	if err != nil {
		return nil, err
	}
	var days []db.KeepDayParams
	for _, d := range missing {
		if !d.FromAt.Before(month.To) || !d.ToAt.After(month.From) {
			continue
		}
		gone, err := q.Dropped(ctx, db.DroppedParams{Relation: "quarter_hours", FromAt: d.FromAt, ToAt: d.ToAt})
		if err != nil {
			return nil, err
		}
		has, err := q.HasQuarterHours(ctx, db.HasQuarterHoursParams{FromAt: d.FromAt, ToAt: d.ToAt})
		if err != nil {
			return nil, err
		}
		if len(gone) == 0 && has {
			days = append(days, d)
		}
	}
	return days, nil
}
