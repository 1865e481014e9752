package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"talktime/sql/store"
	"talktime/sql/store/internal/oracle"
)

// newRunsBench is a bench whose days can be compacted.
func newRunsBench(t *testing.T) *deriveBench {
	t.Helper()
	b := newDeriveBench(t)
	if _, err := b.conn.Exec(b.ctx, `
		SELECT talktime.make_partition('sample_runs', d, d + interval '24 hours', to_char(d, 'YYYYMMDD'))
		FROM generate_series($1::timestamptz, $2, '24 hours') AS d`, benchDay, benchDay.AddDate(0, 0, benchDays-1)); err != nil {
		t.Fatal(err)
	}
	return b
}

// daysOf returns the days that the case's samples lie in.
func daysOf(c oracle.Case) []time.Time {
	var days []time.Time
	for _, s := range c.Samples {
		if day := time.UnixMilli(s.PolledAt).UTC().Truncate(24 * time.Hour); !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	return days
}

// compact keeps a day's samples as runs and takes the samples away, in place of
// CompactDays, which wants what is derived to be final and takes its time to compare.
func (b *deriveBench) compact(t must, day time.Time) {
	t.Helper()
	next := day.AddDate(0, 0, 1)
	if err := b.store.MakeRuns(b.ctx, day, next); err != nil {
		t.Fatalf("%v", err)
	}
	_, err := b.conn.Exec(b.ctx, `
		WITH switched AS (
			INSERT INTO talktime.compactions VALUES (($1::timestamptz AT TIME ZONE 'UTC')::date, $1, 0, 0, 0, 0, 0))
		DELETE FROM talktime.samples WHERE polled_at >= $1 AND polled_at < $2`, day, next)
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// again derives the case that is loaded from the beginning.
func (b *deriveBench) again(t must, c oracle.Case) []oracle.Row {
	t.Helper()
	if _, err := b.conn.Exec(b.ctx, "TRUNCATE talktime.quarter_hours, talktime.gone_quarter_hours, talktime.segments, talktime.dirty, talktime.derivations"); err != nil {
		t.Fatalf("%v", err)
	}
	from, to := reachOf(c)
	horizon := time.UnixMilli(c.Horizon)
	if _, err := b.store.DeriveRange(b.ctx, from, to, store.Deriving{Now: horizon, Settled: store.Settled{Horizon: horizon}}); err != nil {
		t.Fatalf("%v", err)
	}
	return b.rows(t)
}

// TestVectorsFromRuns derives the 216 cases from runs instead of samples.
func TestVectorsFromRuns(t *testing.T) {
	t.Parallel()
	bench := newRunsBench(t)
	for _, file := range []string{"hand", "random"} {
		cases, err := oracle.ReadCases("testdata/vectors/" + file + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			t.Run(c.Name, func(t *testing.T) {
				bench.load(t, c)
				for _, day := range daysOf(c) {
					bench.compact(t, day)
				}
				if diff := oracle.Diff(bench.again(t, c), c.Expect); diff != "" {
					t.Errorf("%s\n%s", c.Why, diff)
				}
				if diff := cmp.Diff(oracle.Segments(c), bench.segments(t), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s\nsegments, -oracle +database:\n%s", c.Why, diff)
				}
			})
		}
	}
}

// TestOracleFromRuns derives random cases with some of their days compacted and some
// samples coming after that.
func TestOracleFromRuns(t *testing.T) {
	t.Parallel()
	bench := newRunsBench(t)
	rapid.Check(t, func(r *rapid.T) {
		c := oracle.Draw(r)
		late := rapid.IntRange(0, len(c.Samples)/4).Draw(r, "late samples")
		timely := c
		timely.Samples = c.Samples[late:]
		bench.load(r, timely)
		for _, day := range daysOf(c) {
			if rapid.Bool().Draw(r, "compact") {
				bench.compact(r, day)
			}
		}
		if late > 0 {
			bench.samples(c.Samples[:late]).store(r)
		}
		if diff := oracle.Diff(bench.again(r, c), oracle.Derive(c)); diff != "" {
			r.Fatalf("the database and the oracle differ:\n%s", diff)
		}
		if diff := cmp.Diff(oracle.Segments(c), bench.segments(r), cmpopts.EquateEmpty()); diff != "" {
			r.Fatalf("segments, -oracle +database:\n%s", diff)
		}
	})
}
