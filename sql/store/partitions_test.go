package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/sql/store"
)

// wanted returns the names of the partitions that are missing.
func (d database) wanted(t testing.TB, now time.Time) string {
	t.Helper()
	partitions, err := d.PartitionsWanted(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range partitions {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

// makeWanted makes the partitions that are missing.
func (d database) makeWanted(t testing.TB, now time.Time) {
	t.Helper()
	partitions, err := d.PartitionsWanted(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		if err := d.MakePartition(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPartitionsWanted(t *testing.T) {
	d := newDatabase(t)
	now := time.Date(2026, 12, 30, 23, 59, 59, 0, time.UTC)
	const (
		days   = "samples_20261230 samples_20261231 samples_20270101 samples_20270102 samples_20270103 samples_20270104 samples_20270105 samples_20270106"
		months = "quarter_hours_202612 quarter_hours_202701 quarter_hours_202702 quarter_hours_202703 segments_202612 segments_202701 segments_202702 segments_202703"
	)
	if diff := cmp.Diff(days+" "+months, d.wanted(t, now)); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	d.makeWanted(t, now)
	if got := d.wanted(t, now); got != "" {
		t.Errorf("when all are made, wanted are %s", got)
	}
	if got := d.wanted(t, now.Add(time.Second)); got != "samples_20270107" {
		t.Errorf("a second later, wanted are %q", got)
	}
	for _, ahead := range d.ahead(t, now) {
		if want := map[string]int{"samples": 7, "quarter_hours": 3, "segments": 3}[ahead.Table]; ahead.Partitions != want {
			t.Errorf("%s has %d partitions ahead, want %d", ahead.Table, ahead.Partitions, want)
		}
	}
}

func (d database) ahead(t testing.TB, now time.Time) []store.Ahead {
	t.Helper()
	tables, err := d.PartitionsAhead(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

// After weeks without a recorder what was owed is derived into months that have no
// partition yet.
func TestPartitionsWantedAfterWeeksWithoutRecorder(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 102)
	d.declare(t, at(8, 0, 0), office(t, team))
	d.recordRounds(t, at(8, 0, 0), at(8, 15, 0), team, idle)
	d.deriveWith(t, store.Deriving{Now: at(8, 15, 0), Settled: d.settle(t, at(8, 15, 0))})
	got := d.wanted(t, time.Date(2027, 1, 20, 9, 0, 0, 0, time.UTC))
	for _, name := range []string{"quarter_hours_202612", "segments_202612", "quarter_hours_202701", "samples_20270120"} {
		if !strings.Contains(" "+got+" ", " "+name+" ") {
			t.Errorf("%s is not wanted: %s", name, got)
		}
	}
	if strings.Contains(got, "202611") || strings.Contains(got, "samples_2026") {
		t.Errorf("partitions are wanted that are there or hold nothing: %s", got)
	}
}

// A partition that is made answers to all that its table does, and making one that
// is there changes nothing.
func TestMakePartition(t *testing.T) {
	d := newDatabase(t)
	for range 2 {
		d.makeWanted(t, at(8, 0, 0))
		for _, p := range []store.Partition{{Table: "samples", Name: "samples_20261116"}} {
			p.From, p.To = monday, monday.Add(24*time.Hour)
			if err := d.MakePartition(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
	}
	if left := all[string](t, d, "SELECT conrelid::regclass::text FROM pg_constraint WHERE conname = 'in_range'"); len(left) > 0 {
		t.Errorf("partitions keep the CHECK that was for attaching them: %s", left)
	}
	err := d.MakePartition(t.Context(), store.Partition{Table: "samples", Name: "samples_"})
	if err == nil || !strings.Contains(err.Error(), "no name of its own") {
		t.Errorf("a partition without a name is made with error %v", err)
	}
}
