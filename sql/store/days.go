package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// keptAtOnce is how many days one run of derive keeps at most: where a calendar is
// new, a month, so that derive does not fall behind.
const keptAtOnce = 31

// keepDays keeps days of the calendars that are over and not kept, the latest
// first, at most keptAtOnce. Each is summed in a transaction of its own, so that
// nobody waits long for the derive lock.
func (s *Store) keepDays(ctx context.Context, d Deriving) error {
	days, err := s.daysToKeep(ctx, d)
	if err != nil {
		return fmt.Errorf("look for days to keep: %w", plain(err))
	}
	for _, day := range days {
		if err := s.keepDay(ctx, day); err != nil {
			return err
		}
	}
	return nil
}

// keepDay keeps one day, of which all quarter-hours are there.
func (s *Store) keepDay(ctx context.Context, day db.KeepDayParams) error {
	err := s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if err := q.LockDerive(ctx); err != nil {
			return err
		}
		if err := q.TuneDerive(ctx); err != nil {
			return err
		}
		return q.KeepDay(ctx, day)
	})
	if err != nil {
		return fmt.Errorf("keep the day %s of %s: %w", day.LocalDate, day.TimeZone, plain(err))
	}
	return nil
}

// daysToKeep lists the days that keepDays is to keep. It begins with the month of
// the first quarter-hour: quarter-hours are dropped by the month, and of a day
// before that some may have been.
func (s *Store) daysToKeep(ctx context.Context, d Deriving) ([]db.KeepDayParams, error) {
	if len(d.Calendars) == 0 {
		return nil, nil
	}
	q := db.New(s.pool)
	first, err := q.FirstQuarterHour(ctx)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !first.Before(d.Horizon) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	first = first.UTC()
	within := reports.Span{From: time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC), To: d.Horizon}
	days, err := missingDays(ctx, q, d.Calendars, within, d.Now)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(days, func(a, b db.KeepDayParams) int { return b.FromAt.Compare(a.FromAt) })
	return days[:min(len(days), keptAtOnce)], nil
}

// missingDays lists the days of the calendars that lie in a span and are not kept,
// by calendar and then ascending.
func missingDays(ctx context.Context, q *db.Queries, calendars []reports.Calendar, within reports.Span, now time.Time) ([]db.KeepDayParams, error) {
	rows, err := q.KeptDays(ctx, db.KeptDaysParams{FromAt: within.From, ToAt: within.To})
	if err != nil {
		return nil, err
	}
	type key struct{ zone, start, date string }
	kept := make(map[key]bool, len(rows))
	for _, row := range rows {
		kept[key{row.TimeZone, row.BusinessDayStart, row.LocalDate}] = true
	}
	var days []db.KeepDayParams
	for _, calendar := range calendars {
		zone, start := calendar.Zone.String(), reports.FormatDayStart(calendar.DayStart)
		for _, day := range calendar.Days(within) {
			if !kept[key{zone, start, day.Date}] {
				days = append(days, db.KeepDayParams{
					TimeZone: zone, BusinessDayStart: start, LocalDate: day.Date, FromAt: day.From, ToAt: day.To, KeptAt: now,
				})
			}
		}
	}
	return days, nil
}

// cover says where the figures of some time are read: from the rows of kept days,
// and from the quarter-hours of the rest of it.
type cover struct {
	zones, starts, dates []string
	rest                 quarterHours
}

func (c *cover) add(day db.KeptDaysRow) {
	c.zones = append(c.zones, day.TimeZone)
	c.starts = append(c.starts, day.BusinessDayStart)
	c.dates = append(c.dates, day.LocalDate)
}

// remainder is the rest as statements take it: by its bounds, and as a multirange,
// which says nothing more where the rest is one range.
type remainder struct {
	from, to time.Time
	isOne    bool
	ranges   string
}

func (c *cover) remainder() remainder {
	rest := c.rest.merge()
	if len(rest) == 0 {
		return remainder{isOne: true, ranges: "{}"}
	}
	var ranges []string
	for _, span := range rest {
		ranges = append(ranges, fmt.Sprintf("[%s,%s)", span.From.Format(time.RFC3339), span.To.Format(time.RFC3339)))
	}
	return remainder{rest[0].From, rest[len(rest)-1].To, len(rest) == 1, "{" + strings.Join(ranges, ",") + "}"}
}

// coverQuery reads a span from a kept day that is exactly it, of whatever calendar,
// unless a part begins or ends within.
func coverQuery(ctx context.Context, q *db.Queries, query reports.Query) (c cover, err error) {
	spans := query.Spans
	rows, err := q.KeptDays(ctx, db.KeptDaysParams{FromAt: spans[0].From, ToAt: spans[len(spans)-1].To})
	if err != nil {
		return c, err
	}
	days := make(map[reports.Span]db.KeptDaysRow, len(rows))
	for _, row := range rows {
		days[reports.Span{From: row.FromAt.UTC(), To: row.ToAt.UTC()}] = row
	}
	var ends []time.Time
	for _, part := range query.Parts {
		ends = append(ends, part.From, part.To)
	}
	slices.SortFunc(ends, time.Time.Compare)
	for _, span := range spans {
		after := sort.Search(len(ends), func(i int) bool { return ends[i].After(span.From) })
		isCut := after < len(ends) && ends[after].Before(span.To)
		if day, isKept := days[span]; isKept && !isCut {
			c.add(day)
		} else {
			c.rest = append(c.rest, span)
		}
	}
	return c, nil
}

// coverWindow covers a window with the kept days in it, of whatever calendar, that
// do not overlap.
func coverWindow(ctx context.Context, q *db.Queries, from, to time.Time) (c cover, err error) {
	rows, err := q.KeptDays(ctx, db.KeptDaysParams{FromAt: from, ToAt: to})
	if err != nil {
		return c, err
	}
	for _, row := range rows {
		if row.FromAt.Before(from) {
			continue
		}
		if from.Before(row.FromAt) {
			c.rest = append(c.rest, reports.Span{From: from, To: row.FromAt.UTC()})
		}
		c.add(row)
		from = row.ToAt.UTC()
	}
	if from.Before(to) {
		c.rest = append(c.rest, reports.Span{From: from, To: to})
	}
	return c, nil
}
