package store_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/sql/store"
	"talktime/sql/store/internal/oracle"
)

// How many columns of a row and of a segment verify compares: all but revision,
// updated_at and derivation_id.
const rowColumns, segmentColumns = 56, 12

// inRows checks that cells are counted right and returns what else is.
func inRows(t testing.TB, v store.Verified) store.Verified {
	t.Helper()
	if v.RowColumns != rowColumns || v.SegmentColumns != segmentColumns || v.Cells != v.Rows*rowColumns+v.Segments*segmentColumns {
		t.Errorf("cells are counted as %+v", v)
	}
	v.Cells, v.Segments, v.RowColumns, v.SegmentColumns = 0, 0, 0, 0
	return v
}

// verify verifies a window and returns what differs as well.
func (d database) verify(t must, from, to time.Time) (store.Verified, []store.Difference) {
	t.Helper()
	var differences []store.Difference
	verified, err := d.VerifyRange(context.Background(), from, to, collect(&differences))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return verified, differences
}

func collect(differences *[]store.Difference) store.Verifying {
	return store.Verifying{Settle: 15 * time.Minute, Differ: func(d store.Difference) error {
		*differences = append(*differences, d)
		return nil
	}}
}

func TestVerifyFindsNothing(t *testing.T) {
	d := newDatabase(t)
	d.threeHours(t)
	d.deriveDirty(t, at(12, 0, 0))
	rows, derivations := d.versions(t), d.count(t, "SELECT count(*) FROM talktime.derivations")

	n := int64(len(rows))
	want := store.Verified{QuarterHours: 13, Rows: n}
	for _, window := range [][2]time.Time{{at(7, 0, 0), at(11, 45, 0)}, {monday.AddDate(-20, 0, 0), monday.AddDate(100, 0, 0)}} {
		verified, differences := d.verify(t, window[0], window[1])
		expect(t, "segments", d.count(t, "SELECT count(*) FROM talktime.segments"), int(verified.Segments))
		expect(t, "verified", want, inRows(t, verified))
		expect(t, "differences", nil, differences)
	}

	expect(t, "rows after it", rows, d.versions(t))
	expect(t, "marks after it", 0, d.dirty(t))
	expect(t, "derivations after it", derivations, d.count(t, "SELECT count(*) FROM talktime.derivations"))
}

// Every column there is, now and in times to come, is compared.
func TestVerifyFindsEveryCell(t *testing.T) {
	d := newDatabase(t)
	d.threeHours(t)
	d.deriveDirty(t, at(12, 0, 0))
	d.exec(t, "ALTER TABLE talktime.quarter_hours DROP CONSTRAINT quarter_hours_identity, DROP CONSTRAINT quarter_hours_final")
	columns := all[string](t, d, `SELECT column_name::text FROM information_schema.columns
		WHERE table_schema = 'talktime' AND table_name = 'quarter_hours'
		  AND column_name NOT IN ('agent_id', 'bin_start_at', 'revision', 'updated_at', 'derivation_id') ORDER BY 1`)
	if len(columns)+2 != rowColumns {
		t.Fatalf("%d columns follow from samples, want %d", len(columns)+2, rowColumns)
	}
	const where = ` WHERE agent_id = 103 AND bin_start_at = '2026-11-16 09:15Z'`
	for _, column := range columns {
		right := one[string](t, d, "SELECT to_jsonb("+column+")::text FROM talktime.quarter_hours"+where)
		change, back := column+" + 1", column+" - 1"
		if column == "is_final" {
			change, back = "false", "true"
		}
		d.exec(t, "UPDATE talktime.quarter_hours SET "+column+" = "+change+where)
		wrong := one[string](t, d, "SELECT to_jsonb("+column+")::text FROM talktime.quarter_hours"+where)

		verified, differences := d.verify(t, at(9, 0, 0), at(10, 0, 0))
		expect(t, column, []store.Difference{{Agent: 103, Start: at(9, 15, 0), Column: column, Stored: wrong, Recomputed: right}}, differences)
		expect(t, "counted with "+column, store.Verified{
			QuarterHours: 4, Rows: 16, Differences: 1,
		}, inRows(t, verified))
		d.exec(t, "UPDATE talktime.quarter_hours SET "+column+" = "+back+where)
	}
	_, differences := d.verify(t, at(7, 0, 0), at(12, 0, 0))
	expect(t, "differences in the end", nil, differences)
}

func TestVerifyFindsRowsMissingAndTooMany(t *testing.T) {
	d := newDatabase(t)
	d.threeHours(t)
	d.deriveDirty(t, at(12, 0, 0))
	d.exec(t, "DELETE FROM talktime.quarter_hours WHERE agent_id = 101 AND bin_start_at = '2026-11-16 09:00Z'")
	d.exec(t, "UPDATE talktime.quarter_hours SET agent_id = 999 WHERE agent_id = 102 AND bin_start_at = '2026-11-16 09:15Z'")
	d.exec(t, "DELETE FROM talktime.quarter_hours WHERE bin_start_at = '2026-11-16 10:00Z' AND agent_id <> 104")
	before := d.versions(t)
	verified, differences := d.verify(t, at(8, 0, 0), at(11, 0, 0))
	slices.SortFunc(differences, func(a, b store.Difference) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Agent, b.Agent))
	})
	expect(t, "differences", []store.Difference{
		{Agent: 101, Start: at(9, 0, 0), Column: "row", Stored: "none", Recomputed: "there"},
		{Agent: 102, Start: at(9, 15, 0), Column: "row", Stored: "none", Recomputed: "there"},
		{Agent: 999, Start: at(9, 15, 0), Column: "row", Stored: "there", Recomputed: "none"},
		{Agent: 101, Start: at(10, 0, 0), Column: "row", Stored: "none", Recomputed: "there"},
		{Agent: 102, Start: at(10, 0, 0), Column: "row", Stored: "none", Recomputed: "there"},
		{Agent: 103, Start: at(10, 0, 0), Column: "row", Stored: "none", Recomputed: "there"},
	}, differences)
	expect(t, "verified", store.Verified{
		QuarterHours: 12, Rows: 49, Differences: 6,
	}, inRows(t, verified))
	expect(t, "rows after it", before, d.versions(t))
}

func TestVerifyFindsEverySegment(t *testing.T) {
	d := newDatabase(t)
	d.threeHours(t)
	d.deriveDirty(t, at(12, 0, 0))
	d.exec(t, "ALTER TABLE talktime.segments DROP CONSTRAINT segments_inside_bin, DROP CONSTRAINT segments_measure_or_cause")
	const where = ` WHERE agent_id = 103 AND bin_start_at = '2026-11-16 08:00Z' AND from_at = (
		SELECT max(from_at) FROM talktime.segments WHERE agent_id = 103 AND bin_start_at = '2026-11-16 08:00Z')`
	from := one[time.Time](t, d, "SELECT from_at FROM talktime.segments"+where).UTC()
	of := " of the segment from " + from.Format("15:04:05.000")
	changes := map[string]string{
		"to_at": "to_at + interval '1 ms'", "started_after": "coalesce(started_after, from_at) + interval '1 ms'",
		"started_before": "coalesce(started_before, from_at) + interval '1 ms'", "ended_after": "coalesce(ended_after, from_at) + interval '1 ms'",
		"ended_before": "coalesce(ended_before, from_at) + interval '1 ms'", "agent_state": "agent_state + 1", "is_working": "NOT is_working",
		"measure": "'rest'", "cause": "'failed'",
	}
	if len(changes)+3 != segmentColumns {
		t.Fatalf("%d columns of a segment are changed, want %d", len(changes), segmentColumns-3)
	}
	d.exec(t, "CREATE TABLE kept AS SELECT * FROM talktime.segments")
	restore := func() {
		d.exec(t, "TRUNCATE talktime.segments")
		d.exec(t, "INSERT INTO talktime.segments SELECT * FROM kept")
	}
	for column, change := range changes {
		d.exec(t, "UPDATE talktime.segments SET "+column+" = "+change+where)
		_, differences := d.verify(t, at(8, 0, 0), at(9, 0, 0))
		if len(differences) != 1 || differences[0].Agent != 103 || differences[0].Column != column+of || differences[0].Stored == differences[0].Recomputed {
			t.Errorf("%s was changed, and what differs is %+v", column, differences)
		}
		restore()
	}
	want := store.Difference{Agent: 103, Start: at(8, 0, 0), Column: "row" + of, Stored: "none", Recomputed: "there"}
	d.exec(t, "DELETE FROM talktime.segments"+where)
	_, differences := d.verify(t, at(8, 0, 0), at(9, 0, 0))
	expect(t, "a segment is missing", []store.Difference{want}, differences)
	restore()
	d.exec(t, "INSERT INTO talktime.segments SELECT (s).* FROM (SELECT jsonb_populate_record(s, '{\"agent_id\": 999}') AS s FROM talktime.segments AS s"+where+") AS s")
	_, differences = d.verify(t, at(8, 0, 0), at(9, 0, 0))
	want.Agent, want.Stored, want.Recomputed = 999, "there", "none"
	expect(t, "a segment is too many", []store.Difference{want}, differences)
}

// What verify may not judge yet it counts.
func TestVerifyLeavesOut(t *testing.T) {
	tests := map[string]struct {
		arrange func(t *testing.T, d database)
		want    store.Verified
	}{
		"nothing was ever derived": {
			func(t *testing.T, d database) { d.threeHours(t) },
			store.Verified{},
		},
		"not final yet": {
			func(t *testing.T, d database) {
				d.threeHours(t)
				d.deriveDirty(t, at(9, 20, 0)) // 09:00 waits for the settle delay, 09:15 runs
			},
			store.Verified{QuarterHours: 5, Rows: 20, OpenRows: 8},
		},
		"the settle delay became shorter": {
			func(t *testing.T, d database) {
				d.threeHours(t)
				longer := deriving(at(9, 20, 0))
				longer.Settle = time.Hour
				d.deriveWith(t, longer)
			},
			store.Verified{QuarterHours: 2, Rows: 8, OpenRows: 20},
		},
		"stored since it was derived": {
			func(t *testing.T, d database) {
				d.threeHours(t)
				d.deriveDirty(t, at(12, 0, 0))
				tick, samples := roundAt(at(9, 1, 0), agentRange(101, 104), talking)
				tick.Schedule = "late"
				d.record(t, tick, samples)
			},
			store.Verified{QuarterHours: 11, Rows: 44, Dirty: 2}, // 80 s around 09:01 reach 08:45
		},
		"marked to be derived again": {
			func(t *testing.T, d database) {
				d.threeHours(t)
				d.deriveDirty(t, at(12, 0, 0))
				ctx, cut := context.WithCancel(t.Context())
				again := deriving(at(12, 0, 0))
				again.Progress = func(int, int) { cut() }
				if _, err := d.DeriveRange(ctx, at(8, 0, 0), at(10, 0, 0), again); !errors.Is(err, context.Canceled) {
					t.Errorf("deriving returned %v, want that it was cancelled", err)
				}
			},
			store.Verified{QuarterHours: 9, Rows: 36, Dirty: 4},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			test.arrange(t, d)
			marks := d.dirty(t)
			verified, differences := d.verify(t, at(7, 45, 0), at(12, 0, 0))
			expect(t, "verified", test.want, inRows(t, verified))
			expect(t, "differences", nil, differences)
			expect(t, "marks", marks, d.dirty(t))
		})
	}
}

func TestVerifySample(t *testing.T) {
	d := newDatabase(t)
	d.threeHours(t)
	d.deriveDirty(t, at(12, 0, 0))
	d.exec(t, "UPDATE talktime.quarter_hours SET change_sq = change_sq + 1")
	sample := func(n int, seed uint64) (store.Verified, []store.Difference) {
		var differences []store.Difference
		verified, err := d.VerifySample(t.Context(), n, seed, collect(&differences))
		if err != nil {
			t.Fatal(err)
		}
		return verified, differences
	}
	starts := map[time.Time]bool{}
	for seed := range uint64(3) {
		verified, differences := sample(4, seed)
		expect(t, "of a sample of 4", store.Verified{
			QuarterHours: 4, Rows: verified.Rows, Differences: verified.Rows,
		}, inRows(t, verified))
		_, again := sample(4, seed)
		expect(t, "the same sample again", differences, again)
		for _, difference := range differences {
			starts[difference.Start] = true
		}
	}
	if len(starts) <= 4 {
		t.Errorf("three seeds chose %d quarter-hours together, as if they were one", len(starts))
	}
	verified, _ := sample(1000, 1)
	expect(t, "of a sample of more than there are", 13, verified.QuarterHours)
}

func TestVerifyRefuses(t *testing.T) {
	d := newDatabase(t)
	if _, err := d.VerifyRange(t.Context(), at(8, 0, 1), at(9, 0, 0), store.Verifying{}); err == nil {
		t.Error("a window off the quarter-hours was not refused")
	}
	d.threeHours(t)
	d.deriveDirty(t, at(12, 0, 0))
	d.exec(t, "UPDATE talktime.quarter_hours SET change_sq = change_sq + 1")
	full := errors.New("the disk is full")
	_, err := d.VerifyRange(t.Context(), at(8, 0, 0), at(9, 0, 0), store.Verifying{Differ: func(store.Difference) error { return full }})
	if !errors.Is(err, full) {
		t.Errorf("telling a difference failed and verify returned %v", err)
	}
}

// Rounds are stored, derived minute by minute, a window is derived by hand again
// and again, and verify looks on: it never takes for a difference what is only
// on its way.
func TestVerifyBesideRecorderAndDerive(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 104)
	stored := make(chan time.Time, 1000)
	var running sync.WaitGroup
	fail := func(what string, err error) {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	running.Go(func() {
		defer close(stored)
		for due := at(8, 0, 0); due.Before(at(9, 0, 0)); due = due.Add(10 * time.Second) {
			status := idle
			if due.Unix()/10%7 < 3 {
				status = talking
			}
			tick, samples := roundAt(due, team, status)
			fail("record", d.Record(t.Context(), tick, samples))
			if due.Second() == 50 {
				late, samples := roundAt(due.Add(-20*time.Minute), team, talking)
				late.Schedule = "late"
				fail("record late", d.Record(t.Context(), late, samples))
				stored <- due.Add(10 * time.Second)
			}
		}
	})
	derived := make(chan struct{})
	running.Go(func() {
		defer close(derived)
		for horizon := range stored {
			_, err := d.DeriveDirty(t.Context(), deriving(horizon))
			fail("derive", err)
		}
	})
	for name, beside := range map[string]func() error{
		"derive a window": func() error {
			_, err := d.DeriveRange(t.Context(), at(7, 30, 0), at(10, 0, 0), deriving(at(8, 0, 0)))
			return err
		},
		"verify": func() error {
			_, err := d.VerifyRange(t.Context(), at(7, 30, 0), at(10, 0, 0), store.Verifying{Settle: 15 * time.Minute, Differ: func(d store.Difference) error {
				t.Errorf("while all goes on %+v differs", d)
				return nil
			}})
			return err
		},
	} {
		running.Go(func() {
			for {
				select {
				case <-derived:
					return
				default:
					fail(name, beside())
				}
			}
		})
	}
	running.Wait()

	d.deriveDirty(t, at(11, 0, 0))
	verified, differences := d.verify(t, at(7, 0, 0), at(11, 0, 0))
	expect(t, "differences in the end", nil, differences)
	n := int64(d.count(t, "SELECT count(*) FROM talktime.quarter_hours"))
	expect(t, "rows compared in the end", n, verified.Rows)
	expect(t, "open in the end", []string{}, d.open(t))
	expect(t, "open or dirty in the end", 0, int(verified.OpenRows)+verified.Dirty)
}

// Whatever was stored, in whatever order, and however far it was derived, what
// derive left as final is what verify finds.
func TestVerifyAsItComes(t *testing.T) {
	t.Parallel()
	bench := newDeriveBench(t)
	rapid.Check(t, func(r *rapid.T) {
		c := oracle.Draw(r)
		from, to := reachOf(c)
		bench.empty(r)
		horizon := time.Time{}
		verify := func() store.Verified {
			verified, err := bench.store.VerifyRange(bench.ctx, from, to, store.Verifying{Settle: 15 * time.Minute, Differ: func(d store.Difference) error {
				r.Errorf("%+v differs at horizon %s", d, horizon.UTC())
				return nil
			}})
			if err != nil {
				r.Fatalf("%v", err)
			}
			return verified
		}
		arrivals := bench.arrivals(r, c)
		middle := rapid.IntRange(0, max(0, len(arrivals)-1)).Draw(r, "verify after")
		for i, arrival := range arrivals {
			arrival.store(r)
			if i == middle || rapid.IntRange(0, 3).Draw(r, "derive now") == 0 {
				horizon = latest(horizon, arrival.from)
				bench.deriveDirty(r, horizon)
			}
			if i == middle {
				verify()
			}
		}
		horizon = to.Add(4 * time.Hour)
		bench.deriveDirty(r, horizon)
		verified := verify()
		if rows := len(bench.rows(r)); int(verified.Rows) != rows {
			r.Fatalf("%d of %d rows were compared: %+v", verified.Rows, rows, verified)
		}
	})
}
