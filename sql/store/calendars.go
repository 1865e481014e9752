package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

const (
	// calendarAhead is how far ahead of the clock calendars reach at least.
	calendarAhead = 60 * 24 * time.Hour
	// daysAtOnce is how many days' quarter-hours are in memory together: those of all
	// years were the most that a recorder ever held.
	daysAtOnce = 30
)

// LayOutCalendars fills the tables behind bi_v1.dim_dates and dim_quarter_hours:
// whole years of each calendar, from that of the first data to that of two months
// after now. The first calendar is that of local dates in views without a zone of
// their own. Those of other zones are dropped; what is laid out already stays, so
// that calling it hourly costs little. program is what bi_v1.meta_freshness names
// as the program's version.
func (s *Store) LayOutCalendars(ctx context.Context, now time.Time, program string, calendars []reports.Calendar) error {
	err := s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if err := q.LockCalendars(ctx); err != nil {
			return err
		}
		since, err := q.KnownSince(ctx, now)
		if err != nil {
			return err
		}
		stored, err := q.Calendars(ctx)
		if err != nil {
			return err
		}
		within := reports.Span{From: since.UTC(), To: now.Add(calendarAhead)}
		if err := replaceCalendars(ctx, q, stored, layOut(calendars, within), program, now); err != nil {
			return err
		}
		return q.TouchCalendars(ctx, db.TouchCalendarsParams{Program: program, FilledAt: now})
	})
	if err != nil {
		return fmt.Errorf("lay out calendars: %w", plain(err))
	}
	return nil
}

// laidOut is a calendar with its days.
type laidOut struct {
	reports.Calendar
	days []reports.LocalDay
}

// layOut lists the calendars' days in the years that the span touches.
func layOut(calendars []reports.Calendar, within reports.Span) []laidOut {
	all := make([]laidOut, len(calendars))
	for i, c := range calendars {
		years := reports.Span{
			From: time.Date(c.Date(within.From).Year(), 1, 1, 0, 0, 0, 0, time.UTC),
			To:   time.Date(c.Date(within.To).Year()+1, 1, 1, 0, 0, 0, 0, time.UTC),
		}
		all[i].Calendar = c
		// A zone's year begins and ends up to a day beside UTC's, a business day's later.
		const beside = 48 * time.Hour
		for _, day := range c.Days(reports.Span{From: years.From.Add(-beside), To: years.To.Add(beside)}) {
			if day.Date >= years.From.Format(time.DateOnly) && day.Date < years.To.Format(time.DateOnly) {
				all[i].days = append(all[i].days, day)
			}
		}
	}
	return all
}

// fingerprint changes where anything of the calendar does, the rules of its zone
// included.
func (c *laidOut) fingerprint() string {
	text := []byte(c.Zone.String() + " " + reports.FormatDayStart(c.DayStart))
	for _, day := range c.days {
		text = fmt.Appendln(text, day.Date, day.From.Unix(), day.To.Unix(), c.offset(day.From), c.offset(day.To))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// offset writes what a local clock is ahead of UTC, as reports do.
func (c *laidOut) offset(at time.Time) string { return at.In(c.Zone).Format("-07:00") }

// time writes what a local clock shows, as reports do.
func (c *laidOut) time(at time.Time) string { return at.In(c.Zone).Format("15:04") }

// replaceCalendars drops the stored calendars that are not as they are to be and
// writes those that are missing. A zone has one place, so all are dropped before
// any is written.
func replaceCalendars(ctx context.Context, q *db.Queries, stored []db.CalendarsRow, want []laidOut, program string, now time.Time) error {
	var drop []int16
	isStored := make([]bool, len(want))
	for _, row := range stored {
		if n := int(row.CalendarNo); n < len(want) && want[n].fingerprint() == row.Fingerprint {
			isStored[n] = true
		} else {
			drop = append(drop, row.CalendarNo)
		}
	}
	if len(drop) > 0 {
		if err := q.DropCalendars(ctx, drop); err != nil {
			return err
		}
	}
	for n, c := range want {
		if isStored[n] {
			continue
		}
		err := q.PutCalendar(ctx, db.PutCalendarParams{
			CalendarNo: int16(n), TimeZone: c.Zone.String(), BusinessDayStart: reports.FormatDayStart(c.DayStart),
			Fingerprint: c.fingerprint(), Program: program, FilledAt: now,
		})
		if err == nil {
			err = q.PutLocalDays(ctx, c.localDays(n))
		}
		for days := range slices.Chunk(c.days, daysAtOnce) {
			if err == nil {
				err = q.PutLocalQuarterHours(ctx, c.localQuarterHours(n, days))
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.Zone, err)
		}
	}
	if slices.Contains(isStored, false) {
		return q.AnalyzeCalendars(ctx)
	}
	return nil
}

func (c *laidOut) localDays(n int) db.PutLocalDaysParams {
	p := db.PutLocalDaysParams{CalendarNo: int16(n)}
	for _, day := range c.days {
		p.LocalDates = append(p.LocalDates, day.Date)
		p.StartsAt = append(p.StartsAt, day.From)
		p.EndsAt = append(p.EndsAt, day.To)
		p.UtcOffsets = append(p.UtcOffsets, c.offset(day.From))
		p.LocalTimes = append(p.LocalTimes, c.time(day.From))
		p.IsDstChange = append(p.IsDstChange, c.offset(day.From) != c.offset(day.To))
	}
	return p
}

func (c *laidOut) localQuarterHours(n int, days []reports.LocalDay) db.PutLocalQuarterHoursParams {
	p := db.PutLocalQuarterHoursParams{CalendarNo: int16(n)}
	for _, day := range days {
		w := reports.Window{Span: day.Span, Zone: c.Zone, DayStart: c.DayStart}
		for _, half := range w.Spans(reports.HalfHours) {
			for at := half.From; at.Before(half.To); at = at.Add(QuarterHour) {
				p.HalfHours = append(p.HalfHours, half.From)
			}
		}
		for _, hour := range w.Spans(reports.Hours) {
			for at := hour.From; at.Before(hour.To); at = at.Add(QuarterHour) {
				p.Bins = append(p.Bins, at)
				p.Hours = append(p.Hours, hour.From)
				p.LocalDates = append(p.LocalDates, day.Date)
				p.UtcOffsets = append(p.UtcOffsets, c.offset(at))
				p.LocalTimes = append(p.LocalTimes, c.time(at))
			}
		}
	}
	return p
}
