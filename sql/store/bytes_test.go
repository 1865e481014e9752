package store_test

import (
	"testing"

	"talktime/sql/store"
)

// Tables take what forecasts go by, to a fifth.
func TestBytes(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	const agents, rounds = 1000, 90
	f := newFloor(agents)
	if _, err := d.MakePartitions(t.Context(), monday, monday); err != nil {
		t.Fatal(err)
	}
	d.exec(t, "SELECT talktime.make_partition('sample_runs', $1, $1::timestamptz + interval '24 hours', 'day')", monday)
	empty := map[string]int{}
	for _, table := range []string{"samples", "sample_runs", "quarter_hours", "segments", "days"} {
		empty[table] = d.bytesOf(t, table)
	}
	check := func(table string, forecast float64, rows int) {
		t.Helper()
		took := float64(d.bytesOf(t, table)-empty[table]) / float64(rows)
		if took < forecast*0.8 || took > forecast*1.2 {
			t.Errorf("%s take %.4g bytes each, %.4g are forecast", table, took, forecast)
		}
	}

	from, to := at(8, 0, 0), at(8, 15, 0)
	f.fill(t, d, from, to)
	if err := d.MakeRuns(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	d.exec(t, "VACUUM talktime.samples, talktime.sample_runs")
	check("samples", store.BytesOfSample, agents*rounds)
	check("sample_runs", store.BytesOfRunPoll, agents*rounds)

	if _, err := d.DeriveRange(t.Context(), from, to, deriving(to)); err != nil {
		t.Fatal(err)
	}
	check("quarter_hours", store.BytesOfQuarterHour, d.count(t, "SELECT count(*) FROM talktime.quarter_hours"))
	check("segments", store.BytesOfSegments, agents)

	whole := deriving(monday.AddDate(0, 0, 2))
	whole.Calendars = append(whole.Calendars, calendar(t, "UTC", "00:00"))
	d.deriveWith(t, whole)
	check("days", store.BytesOfDay, agents)
}
