package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/sql/store"
)

// deriving is what a program tells derive at an instant by which all is stored.
func deriving(horizon time.Time) store.Deriving {
	return store.Deriving{Now: horizon, Settle: 15 * time.Minute, Settled: store.Settled{Horizon: horizon}}
}

func (d database) deriveDirty(t testing.TB, horizon time.Time) store.Derived {
	t.Helper()
	return d.deriveWith(t, deriving(horizon))
}

func (d database) deriveWith(t testing.TB, deriving store.Deriving) store.Derived {
	t.Helper()
	derived, err := d.DeriveDirty(t.Context(), deriving)
	if err != nil {
		t.Fatal(err)
	}
	return derived
}

// figures lists the derived rows, without what tells when they were derived.
func (d database) figures(t testing.TB) []string {
	t.Helper()
	return all[string](t, d, `SELECT format('%s %s talk=%s available=%s failed=%s down=%s unscheduled=%s pending=%s changes=%s rev=%s final=%s',
		agent_id, to_char(bin_start_at, 'HH24:MI'), talk_ms, available_ms, failed_ms, recorder_down_ms, unscheduled_ms, pending_ms, change_ms, revision, is_final)
		FROM talktime.quarter_hours ORDER BY agent_id, bin_start_at`)
}

// versions tells for each derived row which writing of it stands.
func (d database) versions(t testing.TB) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, row := range all[[]string](t, d, `SELECT ARRAY[format('%s %s', agent_id, to_char(bin_start_at, 'HH24:MI')),
		format('xmin=%s ctid=%s rev=%s id=%s updated=%s', xmin, ctid, revision, derivation_id, updated_at)] FROM talktime.quarter_hours`) {
		versions[row[0]] = row[1]
	}
	return versions
}

// open lists the quarter-hours with rows that are not final.
func (d database) open(t testing.TB) []string {
	t.Helper()
	return all[string](t, d, "SELECT DISTINCT to_char(bin_start_at, 'HH24:MI') FROM talktime.quarter_hours WHERE NOT is_final ORDER BY 1")
}

func expect[T any](t testing.TB, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestDeriveNothing(t *testing.T) {
	d := newDatabase(t)
	expect(t, "derived", store.Derived{}, d.deriveDirty(t, at(8, 0, 0)))
	if n := d.count(t, "SELECT count(*) FROM talktime.derivations"); n > 0 {
		t.Errorf("%d derivations are written of nothing", n)
	}
}

func TestMarksBehindTheHorizonWait(t *testing.T) {
	d := newDatabase(t)
	d.recordRounds(t, at(8, 0, 0), at(8, 30, 0), ingest.NewAgentSet(101), talking)

	d.deriveDirty(t, at(8, 20, 0))
	half := []string{
		"101 07:45 talk=5000 available=0 failed=0 down=0 unscheduled=895000 pending=0 changes=0 rev=1 final=t",
		"101 08:00 talk=900000 available=0 failed=0 down=0 unscheduled=0 pending=0 changes=0 rev=1 final=f",
		"101 08:15 talk=300000 available=0 failed=0 down=0 unscheduled=0 pending=600000 changes=0 rev=1 final=f",
	}
	expect(t, "up to 08:20", half, d.figures(t))
	// Each of the 60 ticks of the last ten minutes made a mark of its own.
	if n := d.dirty(t); n != 60 {
		t.Errorf("%d marks wait, want 60", n)
	}
	expect(t, "derived where the horizon did not move", 0, d.deriveDirty(t, at(8, 20, 0)).Inserted)
	expect(t, "up to 08:20 once more", half, d.figures(t))

	d.deriveDirty(t, at(8, 30, 0))
	want := slices.Clone(half)
	want[1] = "101 08:00 talk=900000 available=0 failed=0 down=0 unscheduled=0 pending=0 changes=0 rev=1 final=t"
	want[2] = "101 08:15 talk=895000 available=0 failed=0 down=0 unscheduled=5000 pending=0 changes=0 rev=1 final=f"
	expect(t, "up to 08:30", want, d.figures(t))
	expect(t, "marks", 0, d.dirty(t))
}

// threeHours records three hours with turns, so that no two quarter-hours are
// alike, and leaves them all dirty.
func (d database) threeHours(t *testing.T) {
	t.Helper()
	team := agentRange(101, 104)
	from := at(8, 0, 0)
	for i := 1; from.Before(at(11, 0, 0)); i++ {
		status := talking
		if i%2 == 0 {
			status = idle
		}
		to := from.Add(time.Duration(10*i) * 10 * time.Second)
		if to.After(at(11, 0, 0)) {
			to = at(11, 0, 0)
		}
		d.recordRounds(t, from, to, team, status)
		from = to
	}
}

// whole is what deriving three hours in one go gives.
func whole(t *testing.T) []string {
	t.Helper()
	d := newDatabase(t)
	d.threeHours(t)
	d.deriveDirty(t, at(12, 0, 0))
	return d.figures(t)
}

func TestDeriveCutShortLosesNothing(t *testing.T) {
	want := whole(t)
	tests := map[string]func(t *testing.T, d database){
		"between two transactions": func(t *testing.T, d database) {
			ctx, cut := context.WithCancel(t.Context())
			deriving := deriving(at(12, 0, 0))
			deriving.Progress = func(int, int) { cut() }
			derived, err := d.DeriveDirty(ctx, deriving)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("deriving returned %v, want that it was cancelled", err)
			}
			if derived.QuarterHours != 4 {
				t.Errorf("%d quarter-hours were derived before, want 4", derived.QuarterHours)
			}
		},
		"waiting for another": func(t *testing.T, d database) {
			release := d.holdAdvisory(t, "talktime.derive")
			ctx, cut := context.WithCancel(t.Context())
			failed := make(chan error, 1)
			go func() {
				_, err := d.DeriveDirty(ctx, deriving(at(12, 0, 0)))
				failed <- err
			}()
			d.awaitBlocked(t)
			cut()
			if err := <-failed; !errors.Is(err, context.Canceled) {
				t.Errorf("deriving returned %v, want that it was cancelled", err)
			}
			release()
		},
		"killed while it writes": func(t *testing.T, d database) {
			d.exec(t, `CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS $$
				BEGIN PERFORM pg_advisory_xact_lock(hashtext('stop here')); RETURN NEW; END $$`)
			d.exec(t, `CREATE TRIGGER stop BEFORE INSERT ON talktime.quarter_hours FOR EACH ROW
				WHEN (NEW.bin_start_at = '2026-11-16 09:30Z' AND NEW.agent_id = 103) EXECUTE FUNCTION stop_here()`)
			release := d.holdAdvisory(t, "stop here")
			failed := make(chan error, 1)
			go func() {
				_, err := d.DeriveDirty(t.Context(), deriving(at(12, 0, 0)))
				failed <- err
			}()
			d.exec(t, "SELECT pg_terminate_backend($1)", d.awaitBlocked(t))
			if err := <-failed; err == nil {
				t.Error("deriving returned no error though its connection was killed")
			}
			release()
		},
	}
	for name, cut := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			d.threeHours(t)
			cut(t, d)
			d.deriveDirty(t, at(12, 0, 0))
			expect(t, "figures", want, d.figures(t))
			expect(t, "marks", 0, d.dirty(t))
		})
	}
}

func TestDeriveAtOnce(t *testing.T) {
	want := whole(t)
	d := newDatabase(t)
	d.threeHours(t)
	const programs = 3
	var running sync.WaitGroup
	derived, errs := make([]store.Derived, programs), make([]error, programs)
	for i := range programs {
		s := openStore(t, d.url)
		running.Go(func() { derived[i], errs[i] = s.DeriveDirty(t.Context(), deriving(at(12, 0, 0))) })
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	expect(t, "figures", want, d.figures(t))
	var inserted int64
	for _, each := range derived {
		inserted += each.Inserted
	}
	expect(t, "rows inserted by all", int64(len(want)), inserted)
	// Ids are given one after the other, in the order of committing.
	ids := all[int64](t, d, "SELECT derivation_id FROM talktime.derivations ORDER BY xmin::text::bigint, derivation_id")
	for i, id := range ids {
		if id != int64(i+1) {
			t.Fatalf("derivations have the ids %d, want 1 to %d", ids, len(ids))
		}
	}
}

// A program that settled earlier but comes later takes nothing back.
func TestDeriveWithAnOlderHorizon(t *testing.T) {
	d := newDatabase(t)
	team := ingest.NewAgentSet(101)
	d.recordRounds(t, at(8, 0, 0), at(8, 20, 0), team, talking)
	older := deriving(at(8, 10, 0))
	d.deriveDirty(t, at(8, 20, 0))
	before := d.figures(t)
	for range 2 {
		tick, samples := roundAt(at(8, 5, 0), team, talking)
		tick.Schedule = "late"
		d.record(t, tick, samples)
		d.deriveWith(t, older)
		expect(t, "figures", before, d.figures(t))
		d.deriveDirty(t, at(8, 20, 0))
		expect(t, "figures after the next derivation", before, d.figures(t))
	}
}

// A tick that comes late makes revision 2 of the final rows it changes, and
// leaves every other row as it was written.
func TestLateTickRestates(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 103)
	d.recordRounds(t, at(8, 0, 0), at(8, 20, 0), team, idle)
	if err := d.RecordMissed(t.Context(), []ingest.Tick{missedAt(at(8, 20, 0), team)}); err != nil {
		t.Fatal(err)
	}
	d.recordRounds(t, at(8, 20, 10), at(9, 0, 0), team, idle)
	d.deriveDirty(t, at(10, 0, 0))
	expect(t, "open quarter-hours", []string{}, d.open(t))
	before := d.versions(t)

	tick, samples := roundAt(at(8, 20, 0), team, idle)
	samples[1].Status = talking
	d.record(t, tick, samples)
	late := deriving(at(10, 1, 0))
	derived := d.deriveWith(t, late)
	expect(t, "rows changed", store.Derived{QuarterHours: derived.QuarterHours, LastID: derived.LastID, Updated: 1, Restated: 1}, derived)

	after := d.versions(t)
	changed := all[string](t, d, "SELECT format('%s %s talk=%s rev=%s final=%s', agent_id, to_char(bin_start_at, 'HH24:MI'), talk_ms, revision, is_final) FROM talktime.quarter_hours WHERE revision > 1")
	expect(t, "restated rows", []string{"102 08:15 talk=10000 rev=2 final=t"}, changed)
	delete(before, "102 08:15")
	delete(after, "102 08:15")
	expect(t, "the other rows", before, after)
	updated := one[time.Time](t, d, "SELECT updated_at FROM talktime.quarter_hours WHERE revision = 2 AND derivation_id = $1", derived.LastID)
	if !updated.Equal(late.Now) {
		t.Errorf("the restated row says it was updated at %s, want %s", updated, late.Now)
	}
}

// Deriving again what did not change writes no row.
func TestDeriveAgainWritesNothing(t *testing.T) {
	d := newDatabase(t)
	d.threeHours(t)
	d.deriveDirty(t, at(12, 0, 0))
	before := d.versions(t)
	for range 2 {
		derived, err := d.DeriveRange(t.Context(), at(7, 0, 0), at(12, 0, 0), deriving(at(12, 0, 0)))
		if err != nil {
			t.Fatal(err)
		}
		if derived.Inserted+derived.Updated+derived.Deleted+derived.Restated > 0 || derived.QuarterHours != 20 {
			t.Errorf("deriving 20 quarter-hours again did %+v", derived)
		}
	}
	expect(t, "rows", before, d.versions(t))
	expect(t, "open quarter-hours", []string{}, d.open(t))
}

// Deriving by hand mends what stands there wrongly, dirty or not.
func TestDeriveRangeMends(t *testing.T) {
	d := newDatabase(t)
	d.threeHours(t)
	d.deriveDirty(t, at(12, 0, 0))
	want := d.figures(t)
	d.exec(t, "DELETE FROM talktime.quarter_hours WHERE agent_id = 101 AND bin_start_at = '2026-11-16 09:00Z'")
	d.exec(t, "UPDATE talktime.quarter_hours SET agent_id = 999 WHERE agent_id = 102 AND bin_start_at = '2026-11-16 09:15Z'")
	derived, err := d.DeriveRange(t.Context(), at(9, 0, 0), at(9, 30, 0), deriving(at(12, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "derived", store.Derived{QuarterHours: 2, LastID: derived.LastID, Inserted: 2, Deleted: 1}, derived)
	expect(t, "figures", want, d.figures(t))
}

func TestDeriveRangeOffTheBorders(t *testing.T) {
	d := newDatabase(t)
	for _, span := range [][2]time.Time{{at(8, 0, 1), at(9, 0, 0)}, {at(8, 0, 0), at(9, 0, 0).Add(time.Millisecond)}} {
		if _, err := d.DeriveRange(t.Context(), span[0], span[1], deriving(at(12, 0, 0))); err == nil {
			t.Errorf("deriving from %s to %s was not refused", span[0], span[1])
		}
	}
	expect(t, "marks", 0, d.dirty(t))
}

// The first sample of a month reaches back into the month before, which may
// have no partition yet.
func TestDeriveMakesPartitions(t *testing.T) {
	december := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for name, derive := range map[string]func(d database) (store.Derived, error){
		"dirty": func(d database) (store.Derived, error) {
			return d.DeriveDirty(t.Context(), deriving(december.Add(time.Minute)))
		},
		"range": func(d database) (store.Derived, error) {
			d.exec(t, "TRUNCATE talktime.dirty")
			return d.DeriveRange(t.Context(), december.Add(-time.Hour), december.Add(time.Hour), deriving(december.Add(time.Minute)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			d.recordRounds(t, december, december.Add(time.Minute), ingest.NewAgentSet(101), talking)
			derived, err := derive(d)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, "rows inserted", 2, derived.Inserted)
			expect(t, "figures", []string{
				"101 00:00 talk=55000 available=0 failed=0 down=0 unscheduled=5000 pending=840000 changes=0 rev=1 final=f",
				"101 23:45 talk=5000 available=0 failed=0 down=0 unscheduled=895000 pending=0 changes=0 rev=1 final=f",
			}, slices.Sorted(slices.Values(d.figures(t))))
		})
	}
}

func TestDeriveTellsItsProgress(t *testing.T) {
	d := newDatabase(t)
	d.threeHours(t)
	var told []string
	deriving := deriving(at(12, 0, 0))
	deriving.Progress = func(done, total int) { told = append(told, fmt.Sprintf("%d/%d", done, total)) }
	d.deriveWith(t, deriving)
	expect(t, "progress", []string{"4/14", "8/14", "12/14", "14/14"}, told) // three hours and what they reach on either side
}

// Deriving ends whatever the clock shows. What is dirty past the horizon waits; with
// sparse ticks it touches more than one transaction derives.
func TestDeriveEndsBetweenMilliseconds(t *testing.T) {
	d := newDatabase(t)
	for due := at(6, 0, 0); due.Before(at(8, 30, 0)); due = due.Add(10 * time.Minute) {
		tick, samples := roundAt(due, agentRange(101, 102), idle)
		tick.Period = 10 * time.Minute
		for i := range samples {
			samples[i].Period = tick.Period
		}
		d.record(t, tick, samples)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	deriving := deriving(at(8, 26, 24).Add(55_216_789))
	transactions := 0
	deriving.Progress = func(int, int) {
		if transactions++; transactions > 20 {
			cancel(errors.New("deriving does not end"))
		}
	}
	if _, err := d.DeriveDirty(ctx, deriving); err != nil {
		t.Fatal(err, context.Cause(ctx))
	}
}
