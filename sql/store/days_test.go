package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
)

func calendar(t must, zone, start string) reports.Calendar {
	t.Helper()
	z, err := reports.ParseZone(zone)
	if err != nil {
		t.Fatalf("%v", err)
	}
	begins, err := reports.ParseDayStart(start)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return reports.Calendar{Zone: z, DayStart: begins}
}

// keepDays derives up to the horizon, which keeps the days of the calendars.
func (d database) keepDays(t must, horizon time.Time, calendars ...reports.Calendar) {
	t.Helper()
	deriving := deriving(horizon)
	deriving.Calendars = calendars
	if _, err := d.DeriveDirty(context.Background(), deriving); err != nil {
		t.Fatalf("%v", err)
	}
}

// forgetDays empties both tables, so that only quarter-hours are read.
func (d database) forgetDays(t must) {
	t.Helper()
	if _, err := d.pool.Exec(context.Background(), "TRUNCATE talktime.days, talktime.kept_days"); err != nil {
		t.Fatalf("%v", err)
	}
}

// kept lists the kept days.
func (d database) kept(t testing.TB) []string {
	t.Helper()
	return all[string](t, d, `SELECT concat_ws(' ', time_zone, to_char(business_day_start, 'HH24:MI'), local_date)
		FROM talktime.kept_days ORDER BY time_zone, business_day_start, local_date`)
}

// days lists the rows of days with what stands in them of talk, and which writing
// of each stands.
func (d database) days(t testing.TB) (figures []string, versions map[string]string) {
	t.Helper()
	versions = map[string]string{}
	for _, row := range all[[]string](t, d, `SELECT ARRAY[format('%s %s %s', agent_id, time_zone, local_date),
		format('talk=%s quarter_hours=%s final=%s rev=%s', talk_ms, quarter_hours, final_quarter_hours, revision),
		format('%s %s', xmin, ctid)] FROM talktime.days ORDER BY 1`) {
		figures = append(figures, row[0]+" "+row[1])
		versions[row[0]] = row[2]
	}
	return figures, versions
}

// A late tick strikes off the day it changes, whoever derives it, and the next
// derive keeps it with the new revision; days and agents it does not change stay as
// they were written.
func TestLateTickRestatesItsDay(t *testing.T) {
	d := newDatabase(t)
	utc, berlin := calendar(t, "UTC", "00:00"), calendar(t, "Europe/Berlin", "00:00")
	team := agentRange(101, 102)
	d.recordRounds(t, at(23, 30, 0), at(24, 30, 0), team, idle)
	tomorrow := at(48, 0, 0)
	for range 2 { // 33 days, more than one run keeps
		d.keepDays(t, tomorrow, utc, berlin)
	}
	_, before := d.days(t)
	was := d.kept(t)
	// Berlin's first day begins in a month that may have been dropped.
	if !slices.Contains(was, "UTC 00:00 2026-11-16") || !slices.Contains(was, "Europe/Berlin 00:00 2026-11-17") || slices.Contains(was, "Europe/Berlin 00:00 2026-11-01") {
		t.Fatalf("kept are %v", was)
	}

	tick, samples := roundAt(at(23, 45, 0).Add(5*time.Second), team, idle)
	tick.Schedule = "late"
	samples[1].Status = talking
	d.record(t, tick, samples)
	d.deriveDirty(t, tomorrow.Add(time.Minute)) // of a program that keeps no days
	struck := slices.DeleteFunc(slices.Clone(was), func(day string) bool { return slices.Contains(d.kept(t), day) })
	expect(t, "days struck off", []string{"Europe/Berlin 00:00 2026-11-17", "UTC 00:00 2026-11-16"}, struck)

	d.keepDays(t, tomorrow.Add(2*time.Minute), utc, berlin)
	expect(t, "days kept again", was, d.kept(t))
	figures, after := d.days(t)
	changed := slices.DeleteFunc(figures, func(row string) bool {
		key := strings.Join(strings.Fields(row)[:3], " ")
		return before[key] == after[key]
	})
	expect(t, "rows written again", []string{
		"102 Europe/Berlin 2026-11-17 talk=5000 quarter_hours=5 final=5 rev=2",
		"102 UTC 2026-11-16 talk=5000 quarter_hours=3 final=3 rev=2",
	}, changed)
}

// Deriving again what did not change leaves the days as they are; in the ledger
// only the window's own day is written anew.
func TestDeriveAgainKeepsNothingAnew(t *testing.T) {
	d := newDatabase(t)
	utc := calendar(t, "UTC", "00:00")
	d.threeHours(t)
	d.keepDays(t, at(24, 0, 0), utc)
	_, before := d.days(t)
	const kept, others = "SELECT local_date::text FROM talktime.kept_days ORDER BY 1",
		"SELECT xmin::text FROM talktime.kept_days WHERE local_date <> '2026-11-16' ORDER BY local_date"
	days, ledger := all[string](t, d, kept), all[string](t, d, others)
	again := deriving(at(25, 0, 0))
	again.Calendars = []reports.Calendar{utc}
	if _, err := d.DeriveRange(t.Context(), at(7, 0, 0), at(12, 0, 0), again); err != nil {
		t.Fatal(err)
	}
	_, after := d.days(t)
	expect(t, "rows", before, after)
	expect(t, "kept days", days, all[string](t, d, kept))
	expect(t, "ledger of the other days", ledger, all[string](t, d, others))

	// A row that vanished from quarter_hours vanishes here, too.
	d.exec(t, "DELETE FROM talktime.quarter_hours WHERE agent_id = 103")
	d.exec(t, "TRUNCATE talktime.kept_days")
	d.keepDays(t, at(25, 0, 0), utc)
	expect(t, "agents with a day", []int{101, 102, 104}, all[int](t, d, "SELECT agent_id FROM talktime.days ORDER BY 1"))
}

// A report of a kept day reads its row, not its quarter-hours; one of a day that is
// not kept takes no notice of a row that is there.
func TestDaysAreUsed(t *testing.T) {
	d := newDatabase(t)
	utc := calendar(t, "UTC", "00:00")
	d.recordRounds(t, at(8, 0, 0), at(8, 30, 0), ingest.NewAgentSet(101), talking)
	d.keepDays(t, at(24, 0, 0), utc)
	d.exec(t, "UPDATE talktime.days SET conflicts = 77")
	conflicts := func(from, to time.Time) int64 {
		t.Helper()
		snapshot := d.snapshot(t)
		defer snapshot.Close(t.Context())
		span := reports.Span{From: from, To: to}
		var sum int64
		for _, cell := range readCells(t, snapshot, reports.Query{Spans: []reports.Span{span}, Parts: wholeParts(span, ingest.NewAgentSet(101))}) {
			sum += cell.Sums.Conflicts
		}
		return sum
	}
	expect(t, "conflicts of the kept day", 77, conflicts(monday, at(24, 0, 0)))
	expect(t, "conflicts of a part of it", 0, conflicts(monday, at(23, 45, 0)))
	expect(t, "conflicts of more than it", 0, conflicts(monday, at(24, 15, 0)))
	d.exec(t, "DELETE FROM talktime.kept_days")
	expect(t, "conflicts of the day, not kept", 0, conflicts(monday, at(24, 0, 0)))
}

// verify finds every figure of a kept day that is not its quarter-hours' sum, rows
// missing and too many included, and deriving the window again mends them.
func TestVerifyFindsDays(t *testing.T) {
	d := newDatabase(t)
	utc := calendar(t, "UTC", "00:00")
	d.recordRounds(t, at(8, 0, 0), at(8, 30, 0), ingest.NewAgentSet(101, 102, 103), talking)
	d.keepDays(t, at(24, 0, 0), utc)
	if v, differences := d.verify(t, monday, at(24, 0, 0)); v.Days != 3 || len(differences) != 0 {
		t.Fatalf("%d day rows were compared with differences %v, want 3 and none", v.Days, differences)
	}
	d.exec(t, "UPDATE talktime.days SET talk_ms = talk_ms - 1, pending_ms = pending_ms + 1 WHERE agent_id = 101")
	d.exec(t, "DELETE FROM talktime.days WHERE agent_id = 102")
	d.exec(t, "UPDATE talktime.days SET agent_id = 999 WHERE agent_id = 103")
	_, differences := d.verify(t, monday, at(24, 0, 0))
	found := map[ingest.AgentID]int{}
	for _, difference := range differences {
		found[difference.Agent]++
	}
	const figures = 13 + 3*12 + 4
	for agent, want := range map[ingest.AgentID]int{101: 2, 102: figures, 103: figures, 999: figures} {
		if found[agent] != want {
			t.Errorf("%d differences of agent %d, want %d: %v", found[agent], agent, want, differences)
		}
	}
	again := deriving(at(24, 0, 0))
	again.Calendars = []reports.Calendar{utc}
	if _, err := d.DeriveRange(t.Context(), monday, at(24, 0, 0), again); err != nil {
		t.Fatal(err)
	}
	if v, differences := d.verify(t, monday, at(24, 0, 0)); v.Days != 3 || len(differences) != 0 {
		t.Errorf("after deriving again %d day rows were compared with differences %v", v.Days, differences)
	}
}

// A calendar that is new is caught up with a month at a time, the latest days
// first; the day that is not over is left alone.
func TestNewCalendarIsCaughtUp(t *testing.T) {
	d := newDatabase(t)
	if _, err := d.MakePartitions(t.Context(), at(-24*20, 0, 0), at(24*30, 0, 0)); err != nil {
		t.Fatal(err)
	}
	october := time.Date(2026, 10, 27, 8, 0, 0, 0, time.UTC)
	rows := anyQuarterHours(rand.New(rand.NewPCG(3, 4)), ingest.NewAgentSet(101), reports.Span{From: october, To: october.Add(time.Hour)}, 1)
	d.putQuarterHours(t, rows)
	utc, horizon := calendar(t, "UTC", "00:00"), at(24*9+12, 0, 0) // noon of 25 November
	var counts []string
	for range 3 {
		d.keepDays(t, horizon, utc)
		counts = append(counts, one[string](t, d, "SELECT count(*) || ' from ' || min(local_date) || ' to ' || max(local_date) FROM talktime.kept_days"))
	}
	// From the first of the month of the first quarter-hour, 55 days are over.
	expect(t, "kept after each run", []string{
		"31 from 2026-10-25 to 2026-11-24",
		"55 from 2026-10-01 to 2026-11-24",
		"55 from 2026-10-01 to 2026-11-24",
	}, counts)
	expect(t, "rows", []string{"101 UTC 2026-10-27"}, all[string](t, d, "SELECT format('%s %s %s', agent_id, time_zone, local_date) FROM talktime.days"))
}

// A row that does not account for its quarter-hours cannot be written.
func TestDaysRefuseWhatCannotBe(t *testing.T) {
	d := newDatabase(t)
	d.recordRounds(t, at(8, 0, 0), at(8, 30, 0), ingest.NewAgentSet(101), talking)
	d.keepDays(t, at(24, 0, 0), calendar(t, "UTC", "00:00"))
	for set, want := range map[string]string{
		"talk_ms = talk_ms + 1":                         "days_identity",
		"talk_ms = talk_ms + rest_ms + 1, rest_ms = -1": "days_not_negative",
		"final_quarter_hours = quarter_hours + 1":       "days_quarter_hours",
		"last_bin_start_at = to_at":                     "days_quarter_hours",
	} {
		t.Run(set, func(t *testing.T) {
			if _, err := d.pool.Exec(t.Context(), fmt.Sprintf("UPDATE talktime.days SET %s", set)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want a violation of %s", err, want)
			}
		})
	}
}
