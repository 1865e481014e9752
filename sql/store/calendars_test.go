package store_test

import (
	"testing"
	"time"

	"talktime/reports"
)

// Calendars are whole years from the first data on, and know every clock change.
func TestCalendarsLaidOut(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.recordRounds(t, at(8, 0, 0), at(8, 1, 0), agentRange(101, 102), talking)
	berlin, chatham := calendar(t, "Europe/Berlin", "00:00"), calendar(t, "Pacific/Chatham", "04:00")
	d.layOut(t, at(9, 0, 0), berlin, chatham)
	expect(t, "dates", []string{"Europe/Berlin main 2026-01-01 to 2027-12-31: 730", "Pacific/Chatham beside 2026-01-01 to 2027-12-31: 730"},
		all[string](t, d, `SELECT format('%s %s %s to %s: %s', time_zone, CASE WHEN is_main_zone THEN 'main' ELSE 'beside' END, min(local_date), max(local_date), count(*))
			FROM bi_v1.dim_dates GROUP BY time_zone, is_main_zone ORDER BY 1`))
	expect(t, "days of another length", []string{
		"Europe/Berlin 2026-03-29 2026-W13 82800", "Europe/Berlin 2026-10-25 2026-W43 90000", "Europe/Berlin 2027-03-28 2027-W12 82800", "Europe/Berlin 2027-10-31 2027-W43 90000",
		"Pacific/Chatham 2026-04-04 2026-W14 90000", "Pacific/Chatham 2026-09-26 2026-W39 82800", "Pacific/Chatham 2027-04-03 2027-W13 90000", "Pacific/Chatham 2027-09-25 2027-W38 82800",
	}, all[string](t, d, `SELECT concat_ws(' ', time_zone, local_date, iso_week_label, seconds_in_day) FROM bi_v1.dim_dates
		WHERE is_dst_change AND seconds_in_day <> 86400 ORDER BY time_zone, local_date`))
	expect(t, "dates that do not touch the next, or that their quarter-hours do not fill", 0, d.count(t, `
		SELECT (SELECT count(*) FROM (SELECT ends_at, lead(starts_at) OVER (PARTITION BY time_zone ORDER BY local_date) AS next_at FROM bi_v1.dim_dates) AS d WHERE ends_at <> next_at)
		     + (SELECT count(*) FROM bi_v1.dim_dates AS d LEFT JOIN (SELECT time_zone, local_date, count(*) AS n, min(bin_start_at) AS first_at, max(bin_end_at) AS last_at
		                                                           FROM bi_v1.dim_quarter_hours GROUP BY time_zone, local_date) AS q USING (time_zone, local_date)
		        WHERE (n, first_at, last_at) IS DISTINCT FROM (quarter_hours_in_day, starts_at, ends_at))`))
	expect(t, "the hour lived twice", []string{"02:00 +02:00 00:00", "02:15 +02:00 00:00", "02:30 +02:00 00:30", "02:45 +02:00 00:30", "02:00 +01:00 01:00", "02:15 +01:00 01:00", "02:30 +01:00 01:30", "02:45 +01:00 01:30"},
		all[string](t, d, `SELECT concat_ws(' ', local_time, utc_offset, to_char(half_hour_start_at AT TIME ZONE 'UTC', 'HH24:MI')) FROM bi_v1.dim_quarter_hours
			WHERE time_zone = 'Europe/Berlin' AND local_date = '2026-10-25' AND local_time LIKE '02:%' ORDER BY bin_start_at`))
}

// Laying out again changes nothing but the date of looking; another main zone, or
// another start of the day, or a zone less, takes the place of what was.
func TestCalendarsLaidOutAgain(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	berlin, utc := calendar(t, "Europe/Berlin", "00:00"), calendar(t, "UTC", "00:00")
	look := func(now time.Time, calendars ...reports.Calendar) (zones []string, versions string) {
		t.Helper()
		d.layOut(t, now, calendars...)
		return all[string](t, d, "SELECT concat_ws(' ', calendar_no, time_zone, business_day_start, (SELECT max(local_date) FROM talktime.local_days AS y WHERE y.calendar_no = c.calendar_no)) FROM talktime.calendars AS c ORDER BY calendar_no"),
			one[string](t, d, "SELECT string_agg(DISTINCT xmin::text, ',') FROM talktime.local_quarter_hours WHERE calendar_no = 0")
	}
	zones, first := look(at(0, 0, 0), berlin, utc)
	expect(t, "calendars", []string{"0 Europe/Berlin 00:00:00 2027-12-31", "1 UTC 00:00:00 2027-12-31"}, zones)
	zones, again := look(at(24, 0, 0), berlin, utc)
	expect(t, "calendars of the next day", []string{"0 Europe/Berlin 00:00:00 2027-12-31", "1 UTC 00:00:00 2027-12-31"}, zones)
	expect(t, "rows of the next day", first, again)
	zones, _ = look(at(24, 0, 0), utc, berlin)
	expect(t, "calendars with another main zone", []string{"0 UTC 00:00:00 2027-12-31", "1 Europe/Berlin 00:00:00 2027-12-31"}, zones)
	berlin.DayStart = 4 * time.Hour
	zones, _ = look(at(24, 0, 0), berlin)
	expect(t, "calendars with one zone less", []string{"0 Europe/Berlin 04:00:00 2027-12-31"}, zones)
	expect(t, "the zone told", "Europe/Berlin 04:00 talktime test", one[string](t, d, "SELECT concat_ws(' ', time_zone, business_day_start, program_version) FROM bi_v1.meta_freshness"))
}
