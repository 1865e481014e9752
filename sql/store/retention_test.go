package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
)

// retain runs Retain and returns a line for each stretch of time it told of.
func (d database) retain(t testing.TB, r store.Retaining) []string {
	t.Helper()
	var told []string
	r.Told = func(one store.Dropped) {
		line := one.Name + " " + one.From.Format(time.DateOnly)
		if one.Why != "" {
			line += " stays: " + one.Why
		}
		told = append(told, line)
	}
	m, err := d.Maintain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.WithoutCancel(t.Context()))
	if err := m.Retain(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return told
}

// twoDays keeps samples for two days and all else for ever.
var twoDays = store.Retention{Samples: store.Age{Days: 2}}

// Samples go once they are old and all that can be derived from them is final; no
// row changes by it.
func TestRetainSamples(t *testing.T) {
	d := newDatabase(t)
	d.twoNights(t) // derived up to 4 o'clock of wednesday
	before := d.rowVersions(t)
	friday := at(4*24+12, 0, 0)
	const reach = "samples_20261117 2026-11-17 stays: derived is up to 2026-11-18T04:00:00Z only"
	expect(t, "dry run", []string{"samples_20261116 2026-11-16", reach}, d.retain(t, store.Retaining{Retention: twoDays, Now: friday, IsDryRun: true}))
	expect(t, "tables", "samples_20261116, samples_20261117, samples_20261118", d.partitionNames(t))
	expect(t, "ledger", 0, d.count(t, "SELECT count(*) FROM talktime.drops"))

	expect(t, "first run", []string{"samples_20261116 2026-11-16", reach}, d.retain(t, store.Retaining{Retention: twoDays, Now: friday}))
	expect(t, "tables", "samples_20261117, samples_20261118", d.partitionNames(t))
	d.deriveDirty(t, at(80, 0, 0))
	expect(t, "second run", []string{"samples_20261117 2026-11-17"}, d.retain(t, store.Retaining{Retention: twoDays, Now: friday}))
	expect(t, "third run", nil, d.retain(t, store.Retaining{Retention: twoDays, Now: friday}))
	expect(t, "tables", "samples_20261118", d.partitionNames(t))
	expect(t, "ledger", []string{"samples 2026-11-16 t", "samples 2026-11-17 t"},
		all[string](t, d, "SELECT format('%s %s %s', relation, from_at::date, dropped_at IS NOT NULL) FROM talktime.drops ORDER BY from_at"))
	expect(t, "rows", before, d.rowVersions(t))
	expect(t, "marks", 0, d.dirty(t))

	_, err := d.VerifyRange(t.Context(), at(22, 0, 0), at(50, 0, 0), collect(new([]store.Difference)))
	checkRefused(t, "verify", err, "the samples of 2026-11-16 and 1 more days up to 2026-11-17 are gone (retention.samples), and the figures from them stand as they are; "+
		"what can be is from 2026-11-18T00:45:00Z to 2026-11-18T02:00:00Z")
	verified, err := d.VerifySample(t.Context(), 1000, 1, collect(new([]store.Difference)))
	if err != nil || verified.Differences > 0 || verified.QuarterHours == 0 || !verified.KeptFrom.Equal(at(48, 0, 0)) {
		t.Errorf("a sample was verified as %+v, %v", verified, err)
	}
}

// What is for ever stays, however old.
func TestRetainForEver(t *testing.T) {
	d := newDatabase(t)
	d.twoNights(t)
	d.deriveDirty(t, at(80, 0, 0))
	expect(t, "told", nil, d.retain(t, store.Retaining{Now: monday.AddDate(100, 0, 0)}))
}

// Samples stay while something waits to be derived from them, or is not final.
func TestRetainKeepsWhatIsNotDerived(t *testing.T) {
	friday := at(4*24+12, 0, 0)
	for name, test := range map[string]struct {
		spoil func(t *testing.T, d database)
		why   string
	}{
		"nothing derived": {func(t *testing.T, d database) { d.exec(t, "DELETE FROM talktime.derivations") }, "nothing is derived yet"},
		"not final": {
			func(t *testing.T, d database) {
				d.exec(t, "UPDATE talktime.quarter_hours SET is_final = false WHERE agent_id = 101 AND bin_start_at = '2026-11-17 04:00Z'")
			}, "1 rows of quarter-hours near it are not final",
		},
		"a late round": {
			func(t *testing.T, d database) {
				tick, samples := roundAt(at(47, 59, 0), agentRange(101, 102), talking)
				tick.Schedule = "late"
				d.record(t, tick, samples)
			}, "quarter-hours from 2026-11-17T23:15:00Z on wait to be derived (talktime derive)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			d.twoNights(t)
			d.deriveDirty(t, at(80, 0, 0))
			test.spoil(t, d)
			told := d.retain(t, store.Retaining{Retention: twoDays, Now: friday})
			if got := told[len(told)-1]; got != "samples_20261117 2026-11-17 stays: "+test.why {
				t.Errorf("told %q", told)
			}
			if there := d.partitionNames(t); !strings.Contains(there, "samples_20261117") {
				t.Errorf("there are %s", there)
			}
		})
	}
}

// A round that comes when its day is dropped changes no figure, leaves no mark that
// nothing can ever take up, and goes with the next run.
func TestLateForADroppedDay(t *testing.T) {
	d := newDatabase(t)
	d.twoNights(t)
	d.deriveDirty(t, at(80, 0, 0))
	friday := at(4*24+12, 0, 0)
	d.retain(t, store.Retaining{Retention: twoDays, Now: friday})
	before := d.rowVersions(t)
	late, samples := roundAt(at(36, 1, 0), agentRange(101, 102), talking)
	late.Schedule = "late"
	d.record(t, late, samples)
	if derived := d.deriveDirty(t, at(80, 0, 0)); derived.Lost == 0 || derived.Inserted+derived.Updated+derived.Deleted > 0 {
		t.Errorf("deriving did %+v", derived)
	}
	expect(t, "marks", 0, d.dirty(t))
	expect(t, "rows", before, d.rowVersions(t))
	expect(t, "next run", []string{"samples_20261117 2026-11-17"}, d.retain(t, store.Retaining{Retention: twoDays, Now: friday}))
	expect(t, "tables", "samples_20261118", d.partitionNames(t))
}

// Wherever a run was killed, the next one ends what it had begun.
func TestRetainGoesOnWhereItWasKilled(t *testing.T) {
	friday := at(4*24+12, 0, 0)
	for name, cut := range map[string]func(t *testing.T, d database){
		"noted":   func(*testing.T, database) {},
		"leaving": func(t *testing.T, d database) { d.leaving(t, dayOf(0)) },
		"apart": func(t *testing.T, d database) {
			d.exec(t, "ALTER TABLE talktime.samples DETACH PARTITION talktime.samples_20261116")
		},
		"gone":     func(t *testing.T, d database) { d.exec(t, "DROP TABLE talktime.samples_20261116") },
		"it again": func(t *testing.T, d database) { d.retain(t, store.Retaining{Retention: twoDays, Now: friday}) },
		"late for what is apart": func(t *testing.T, d database) {
			d.exec(t, "ALTER TABLE talktime.samples DETACH PARTITION talktime.samples_20261116")
			late, samples := roundAt(at(23, 1, 0), agentRange(101, 102), talking)
			late.Schedule = "late"
			d.record(t, late, samples)
			d.deriveDirty(t, at(80, 0, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			d.twoNights(t)
			d.deriveDirty(t, at(80, 0, 0))
			before := d.rowVersions(t)
			d.exec(t, "INSERT INTO talktime.drops (relation, from_at, to_at, noted_at) VALUES ('samples', '2026-11-16Z', '2026-11-17Z', now())")
			cut(t, d)
			d.retain(t, store.Retaining{Retention: twoDays, Now: friday})
			expect(t, "tables", "samples_20261118", d.partitionNames(t))
			expect(t, "left undone", 0, d.count(t, "SELECT count(*) FROM talktime.drops WHERE dropped_at IS NULL"))
			expect(t, "rows", before, d.rowVersions(t))
		})
	}
}

// november is what is old enough by the end of december where derived rows are kept
// for a month: october and its ticks, and no more.
var (
	berlin   = reports.Calendar{Zone: mustZone("Europe/Berlin")}
	december = time.Date(2026, 12, 20, 12, 0, 0, 0, time.UTC)
	oneMonth = store.Retention{
		Samples: store.Age{Days: 2}, QuarterHours: store.Age{Months: 1}, Segments: store.Age{Months: 1}, Ticks: store.Age{Months: 1}, JobRuns: store.Age{Days: 7},
	}
)

func mustZone(name string) *time.Location {
	zone, err := reports.ParseZone(name)
	if err != nil {
		panic(err)
	}
	return zone
}

// monthsEnd records around the end of october, in Berlin and in UTC, derives it and
// keeps no day yet.
func (d database) monthsEnd(t testing.TB) {
	t.Helper()
	team := agentRange(101, 102)
	first := time.Date(2026, 10, 31, 20, 0, 0, 0, time.UTC)
	for due := first; due.Before(first.Add(8 * time.Hour)); due = due.Add(5 * time.Minute) {
		tick, samples := roundAt(due, team, talking)
		tick.Period = 5 * time.Minute
		for i := range samples {
			samples[i].Period = tick.Period
		}
		d.record(t, tick, samples)
	}
	d.deriveDirty(t, december)
	d.exec(t, "INSERT INTO talktime.gone_quarter_hours VALUES (101, '2026-10-31 10:00Z', 1, now()), (101, '2026-11-01 10:00Z', 1, now())")
}

// Months of what is derived go once their samples have gone and their days are kept,
// and days say for ever what they said.
func TestRetainMonths(t *testing.T) {
	d := newDatabase(t)
	d.monthsEnd(t)
	told := d.retain(t, store.Retaining{Retention: oneMonth, Now: december, Calendars: []reports.Calendar{berlin}})
	expect(t, "told", []string{
		"samples_20261031 2026-10-31", "samples_20261101 2026-11-01", "quarter_hours_202610 2026-10-01", "segments_202610 2026-10-01", "ticks 2026-10-01",
	}, told)
	expect(t, "again", nil, d.retain(t, store.Retaining{Retention: oneMonth, Now: december, Calendars: []reports.Calendar{berlin}}))
	expect(t, "kept days", []string{"Europe/Berlin 00:00 2026-10-31", "Europe/Berlin 00:00 2026-11-01"}, d.kept(t))
	expect(t, "first quarter-hour, segment and tick", "2026-11-01 00:00:00+00 2026-11-01 00:00:00+00 2026-11-01 00:00:00+00", one[string](t, d, `SELECT concat_ws(' ',
		(SELECT min(bin_start_at) FROM talktime.quarter_hours), (SELECT min(bin_start_at) FROM talktime.segments), (SELECT min(due_at) FROM talktime.ticks))`))
	expect(t, "rows that had vanished", 1, d.count(t, "SELECT count(*) FROM talktime.gone_quarter_hours"))
	expect(t, "told to BI tools", []string{
		"fct_agent_episodes 2026-11-01", "fct_agent_quarter_hours 2026-11-01", "fct_agent_sessions 2026-11-01", "fct_agent_state_quarter_hours 2026-11-01",
		"fct_samples 2026-11-02", "fct_ticks 2026-11-01",
	}, all[string](t, d, "SELECT concat_ws(' ', view_name, kept_from_at::date) FROM bi_v1.meta_retention ORDER BY 1"))

	// Neither deriving nor verifying touches what cannot be done again.
	rows := d.rowVersions(t)
	for _, window := range [][2]time.Time{
		{time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), december}, {time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 12, 0, 0, 0, time.UTC)},
	} {
		if _, err := d.DeriveRange(t.Context(), window[0], window[1], deriving(december)); err == nil {
			t.Errorf("derived from %s to %s", window[0], window[1])
		}
	}
	d.keepDays(t, december, berlin)
	expect(t, "kept days", []string{"Europe/Berlin 00:00 2026-10-31", "Europe/Berlin 00:00 2026-11-01"}, d.kept(t)[:2])
	expect(t, "rows", rows, d.rowVersions(t))
	differences := new([]store.Difference)
	if _, err := d.VerifyRange(t.Context(), time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 3, 1, 0, 0, 0, time.UTC), collect(differences)); err != nil || len(*differences) > 0 {
		t.Errorf("verify found %v, %v", *differences, err)
	}
}

// A report of a time that is not kept any more reads whole days, or says why not.
func TestReportsOfWhatWasDropped(t *testing.T) {
	d := newDatabase(t)
	d.monthsEnd(t)
	window := reports.Window{Span: reports.Span{From: time.Date(2026, 10, 30, 23, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 1, 23, 0, 0, 0, time.UTC)}, Zone: berlin.Zone}
	byDay := reports.Query{Spans: window.Spans(reports.Day), Parts: wholeParts(window.Span, agentRange(101, 102))}
	byHour := reports.Query{Spans: window.Spans(reports.Hours), Parts: byDay.Parts}
	look := func() ([]reports.Cell, ingest.AgentSet) {
		s := d.snapshot(t)
		defer s.Close(t.Context())
		facts, err := s.Facts(t.Context(), window.From, window.To)
		if err != nil {
			t.Fatal(err)
		}
		return readCells(t, s, byDay), facts.Agents
	}
	cells, agents := look()
	d.retain(t, store.Retaining{Retention: oneMonth, Now: december, Calendars: []reports.Calendar{berlin}})
	after, agentsAfter := look()
	expect(t, "cells by day", cells, after)
	expect(t, "agents", agents.String(), agentsAfter.String())

	s := d.snapshot(t)
	defer s.Close(t.Context())
	dropped := func(what string, err error, want string) {
		t.Helper()
		if refused, is := errors.AsType[*store.DroppedError](err); !is || refused.Error() != want {
			t.Errorf("%s: %v", what, err)
		}
	}
	const instead = "whole days are kept for ever, in Europe/Berlin from 00:00: begin and end with one, and group by agent, team, day, week or month"
	for _, err := range s.Cells(t.Context(), byHour) {
		dropped("by hour", err, "quarter-hours from 2026-10-30T23:00:00Z to 2026-11-01T00:00:00Z are no longer kept (retention.quarter_hours), they reach back to 2026-11-01T00:00:00Z; "+instead)
	}
	_, err := s.Facts(t.Context(), time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 4, 0, 0, 0, 0, time.UTC))
	dropped("of a day that is not kept", err, "quarter-hours from 2026-10-03T00:00:00Z to 2026-10-04T00:00:00Z are no longer kept (retention.quarter_hours), they reach back to 2026-11-01T00:00:00Z; "+instead)
	for _, err := range s.Segments(t.Context(), reports.SegmentQuery{Span: window.Span}) {
		dropped("timeline", err, "segments from 2026-10-30T23:00:00Z to 2026-11-01T00:00:00Z are no longer kept (retention.segments), they reach back to 2026-11-01T00:00:00Z; report states tells what is known of that time")
	}
	_, err = s.Near(t.Context(), time.Date(2026, 11, 1, 1, 0, 0, 0, time.UTC))
	dropped("at", err, "samples from 2026-11-01T00:20:00Z to 2026-11-01T01:40:00Z are no longer kept (retention.samples), they reach back to 2026-11-02T00:00:00Z; report timeline tells what is known of that time")
	for _, err := range s.Cells(t.Context(), reports.Query{Spans: []reports.Span{{From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), To: window.To}}, Parts: byDay.Parts}) {
		if err != nil {
			t.Errorf("what is kept: %v", err)
		}
	}
}

// A month stays while a day of it is not kept.
func TestRetainKeepsMonthsUntilTheirDaysAreKept(t *testing.T) {
	d := newDatabase(t)
	d.monthsEnd(t)
	// Deriving that ends within the day: it is not over.
	d.exec(t, "UPDATE talktime.derivations SET horizon_at = '2026-11-01 22:30Z' WHERE horizon_at > '2026-11-01 22:30Z'")
	told := d.retain(t, store.Retaining{Retention: oneMonth, Now: december, Calendars: []reports.Calendar{berlin}, IsDryRun: true})
	for _, line := range told {
		if strings.HasPrefix(line, "quarter_hours") && !strings.Contains(line, " stays: ") {
			t.Error(line)
		}
	}
	expect(t, "days of the dry run", 0, len(d.kept(t)))
}

// Old runs of jobs go, each job's last one stays.
func TestRetainJobRuns(t *testing.T) {
	d := newDatabase(t)
	for i := range 5 {
		for _, job := range []string{"derive", fmt.Sprintf("job %d", i)} {
			due := monday.AddDate(0, 0, i)
			if err := d.JobRan(t.Context(), ingest.JobRun{Name: job, DueAt: due, StartedAt: due, FinishedAt: due}); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := store.Retaining{Retention: store.Retention{JobRuns: store.Age{Days: 7}}, Now: monday.AddDate(0, 0, 10)}
	expect(t, "told", []string{"job_runs 0001-01-01"}, d.retain(t, r))
	expect(t, "left", []string{"derive 3", "derive 4", "job 0 0", "job 1 1", "job 2 2", "job 3 3", "job 4 4"},
		all[string](t, d, "SELECT concat_ws(' ', job, due_at::date - '2026-11-16'::date) FROM talktime.job_runs ORDER BY 1"))
	expect(t, "again", nil, d.retain(t, r))
}

// What a snapshot shows is there as long as it is open, whatever is dropped
// meanwhile: it knows of all that was dropped before, and keeps the rest.
func TestRetainWaitsForSnapshots(t *testing.T) {
	d := newDatabase(t)
	d.monthsEnd(t)
	window := reports.Span{From: time.Date(2026, 10, 31, 20, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC)}
	query := reports.Query{Spans: []reports.Span{window}, Parts: wholeParts(window, agentRange(101, 102))}
	s := d.snapshot(t)
	if _, err := s.Facts(t.Context(), window.To, window.To.Add(time.Hour)); err != nil { // its first statement reads other time
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.retain(t, store.Retaining{Retention: oneMonth, Now: december, Calendars: []reports.Calendar{berlin}})
	}()
	d.awaitLeaving(t, done)
	if cells := readCells(t, s, query); len(cells) != 2 || cells[0].Bins != 32 {
		t.Errorf("while it is being dropped, read are %d cells", len(cells))
	}
	s.Close(t.Context())
	<-done
	fresh := d.snapshot(t)
	defer fresh.Close(t.Context())
	for _, err := range fresh.Cells(t.Context(), query) {
		if err == nil {
			t.Error("read what was dropped")
		}
	}
}
