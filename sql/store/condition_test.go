package store_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

var jobsAsked = []string{"derive", "maintain"}

func (d database) condition(t testing.TB, now time.Time) store.Condition {
	t.Helper()
	c, err := d.Condition(t.Context(), now, jobsAsked)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConditionOfAnEmptyDatabase(t *testing.T) {
	d := newDatabase(t)
	c := d.condition(t, at(8, 0, 0))
	if !c.DerivedTo.IsZero() || c.DirtyMarks != 0 || len(c.JobSuccess) != 0 {
		t.Errorf("an empty database is in the condition %+v", c)
	}
	expect(t, "tables", []string{"quarter_hours", "samples", "segments"}, slices.Sorted(maps.Keys(c.PartitionsUntil)))
	for table, until := range c.PartitionsUntil {
		if !until.Equal(at(8, 0, 0)) {
			t.Errorf("%s has partitions until %s, and there are none", table, until)
		}
	}
}

func TestConditionFollowsTheRecording(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 102)
	d.declare(t, at(8, 0, 0), office(t, team))
	d.recordRounds(t, at(8, 0, 0), at(8, 1, 0), team, idle)
	before := d.condition(t, at(8, 1, 0))
	if before.DirtyMarks == 0 || !before.DerivedTo.IsZero() {
		t.Errorf("before deriving: %+v", before)
	}
	d.deriveWith(t, store.Deriving{Now: at(8, 1, 0), Settle: 15 * time.Minute, Settled: d.settle(t, at(8, 1, 0))})
	if c := d.condition(t, at(8, 1, 0)); c.DirtyMarks >= before.DirtyMarks || !c.DerivedTo.Equal(at(8, 1, 0)) {
		t.Errorf("after deriving: %+v", c)
	}

	for i, run := range []struct {
		job string
		err error
	}{{"derive", nil}, {"derive", nil}, {"derive", errors.New("the disk is full")}, {"export", nil}, {"maintain", errors.New("no right")}} {
		due := at(8, i, 0)
		err := d.JobRan(t.Context(), ingest.JobRun{Name: run.job, DueAt: due, StartedAt: due, FinishedAt: due.Add(time.Second), Err: run.err})
		if err != nil {
			t.Fatal(err)
		}
	}
	if c := d.condition(t, at(8, 5, 0)); len(c.JobSuccess) != 1 || !c.JobSuccess["derive"].Equal(at(8, 1, 1)) || c.JobSuccess["derive"].Location() != time.UTC {
		t.Errorf("the last successes are %v", c.JobSuccess)
	}
}

// Partitions count as far as they follow one another.
func TestConditionOfPartitions(t *testing.T) {
	d := newDatabase(t)
	day := func(n int) time.Time { return at(0, 0, 0).Add(time.Duration(n) * 24 * time.Hour) }
	for _, days := range [][2]int{{0, 2}, {4, 5}} {
		if _, err := d.MakePartitions(t.Context(), day(days[0]), day(days[1])); err != nil {
			t.Fatal(err)
		}
	}
	month := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		now, samples, months time.Time
		ahead                int // of samples
	}{
		"before the first":           {day(-1), day(-1), month, 0},
		"at its start":               {day(0), day(3), month, 2},
		"in the middle":              {day(1).Add(time.Hour), day(3), month, 1},
		"just before the gap":        {day(3).Add(-time.Millisecond), day(3), month, 0},
		"in the gap":                 {day(3), day(3), month, 0},
		"behind it":                  {day(4), day(6), month, 1},
		"past the last":              {day(6), day(6), month, 0},
		"past the month's partition": {month, month, month, 0},
	} {
		t.Run(name, func(t *testing.T) {
			condition := d.condition(t, test.now)
			expect(t, "partitions ahead", map[string]int{"samples": test.ahead, "quarter_hours": 0, "segments": 0}, condition.PartitionsAhead)
			got := condition.PartitionsUntil
			if !got["samples"].Equal(test.samples) || !got["quarter_hours"].Equal(test.months) || !got["segments"].Equal(test.months) {
				t.Errorf("partitions last until %v, want samples %s, the others %s", got, test.samples, test.months)
			}
		})
	}
}
