package store_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
)

// cells returns each row's figures, and apart from them what tells when they
// changed.
func (d database) cells(t must) (figures, ledger map[string]string) {
	t.Helper()
	rows, err := d.pool.Query(context.Background(), `
		SELECT format('%s %s', agent_id, to_char(bin_start_at, 'HH24:MI')),
		       (to_jsonb(q) - '{revision,updated_at,derivation_id}'::text[])::text,
		       format('rev=%s updated=%s id=%s xmin=%s', revision, updated_at, derivation_id, xmin)
		FROM talktime.quarter_hours AS q`)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer rows.Close()
	figures, ledger = map[string]string{}, map[string]string{}
	for rows.Next() {
		var key, figure, line string
		if err := rows.Scan(&key, &figure, &line); err != nil {
			t.Fatalf("%v", err)
		}
		figures[key], ledger[key] = figure, line
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v", err)
	}
	return figures, ledger
}

// Rounds that come after all was final, each with its samples in one
// transaction, make the figures those there would be had they come in time. Each
// derivation moves revision, updated_at and derivation_id of the rows whose
// figures it changes, and touches no other.
func TestLateRounds(t *testing.T) {
	t.Parallel()
	d, timely := newDatabase(t), newDatabase(t)
	const empty = "TRUNCATE talktime.ticks, talktime.samples, talktime.quarter_hours, talktime.gone_quarter_hours, talktime.segments, talktime.dirty, talktime.derivations, talktime.lost_samples"
	team := agentRange(101, 103)
	pairs := []ingest.Status{talking, idle, idle, {AgentState: 5}, {AgentState: 2}, {AgentState: 3}}
	const period = 3 * time.Minute
	type round struct {
		tick    ingest.Tick
		samples []ingest.Sample
	}
	rapid.Check(t, func(r *rapid.T) {
		d.exec(t, empty)
		timely.exec(t, empty)
		var late []round
		states := rapid.SliceOfN(rapid.SampledFrom(pairs), 3, 3).Draw(r, "states")
		for due := at(8, 0, 0); due.Before(at(8, 45, 0)); due = due.Add(period) {
			tick, samples := roundAt(due, team, idle)
			tick.Period = period
			for i := range samples {
				if rapid.IntRange(0, 4).Draw(r, "turn") == 0 {
					states[i] = rapid.SampledFrom(pairs).Draw(r, "state")
				}
				samples[i].Period, samples[i].Status = period, states[i]
			}
			timely.record(t, tick, samples)
			switch rapid.IntRange(0, 5).Draw(r, "comes") {
			case 0:
				late = append(late, round{tick, samples})
				missed := tick
				missed.Status = ingest.Missed
				if err := d.RecordMissed(t.Context(), []ingest.Tick{missed}); err != nil {
					t.Fatal(err)
				}
			case 1:
				late = append(late, round{tick, samples})
			default:
				d.record(t, tick, samples)
			}
		}
		timely.deriveDirty(t, at(12, 0, 0))
		last := d.deriveDirty(t, at(12, 0, 0)).LastID
		for i, round := range rapid.Permutation(late).Draw(r, "in this order") {
			before, ledgerBefore := d.cells(r)
			d.record(t, round.tick, round.samples)
			derived := d.deriveDirty(t, at(13, i, 0))
			after, ledgerAfter := d.cells(r)
			restated := int64(0)
			for _, key := range slices.Sorted(maps.Keys(after)) {
				_, wasThere := before[key]
				switch {
				case wasThere && before[key] != after[key]:
					restated++
					if ledgerBefore[key] == ledgerAfter[key] {
						r.Errorf("%s changed, and yet is %s", key, ledgerAfter[key])
					}
				case wasThere && ledgerBefore[key] != ledgerAfter[key]:
					r.Errorf("%s did not change, and yet went from %s to %s", key, ledgerBefore[key], ledgerAfter[key])
				}
			}
			if derived.Restated != restated {
				r.Errorf("%d rows changed, derive tells of %d", restated, derived.Restated)
			}
			n := one[int](t, d, "SELECT count(*) FROM talktime.quarter_hours WHERE derivation_id > $1 AND revision > 1 AND updated_at = $2", last, at(13, i, 0))
			if int64(n) != restated {
				r.Errorf("%d rows changed, %d have a later revision of that derivation", restated, n)
			}
			last = derived.LastID
		}
		figures, _ := d.cells(r)
		want, _ := timely.cells(r)
		if !maps.Equal(figures, want) {
			r.Errorf("what came late made\n%v\nin time\n%v", figures, want)
		}
	})
}

// A window that was killed in the middle is gone on with by the next derive,
// whoever runs it.
func TestDeriveRangeCutShortGoesOn(t *testing.T) {
	d := newDatabase(t)
	d.threeHours(t)
	d.deriveDirty(t, at(12, 0, 0))
	want := d.figures(t)
	d.exec(t, "UPDATE talktime.quarter_hours SET change_ms = change_ms + 1")

	ctx, cut := context.WithCancel(t.Context())
	window := deriving(at(12, 0, 0))
	window.Progress = func(done, _ int) {
		if done >= 8 {
			cut()
		}
	}
	derived, err := d.DeriveRange(ctx, at(7, 0, 0), at(12, 0, 0), window)
	if !errors.Is(err, context.Canceled) || derived.QuarterHours != 8 {
		t.Fatalf("deriving did %+v and returned %v, want 8 quarter-hours and that it was cancelled", derived, err)
	}
	wrong := d.count(t, "SELECT count(*) FROM talktime.quarter_hours WHERE revision = 1")
	rest := d.deriveDirty(t, at(12, 0, 0))
	if rest.Restated != int64(wrong) || wrong == 0 {
		t.Errorf("the next derive mended %d rows, want %d", rest.Restated, wrong)
	}
	d.exec(t, "UPDATE talktime.quarter_hours SET revision = 1")
	expect(t, "figures", want, d.figures(t))
	expect(t, "marks", 0, d.dirty(t))
}
