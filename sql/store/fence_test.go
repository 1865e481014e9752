package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/sql/store"
)

// A tick belongs to the epoch that reigned at its due instant: 1 in [08:00,
// 08:01), 2 in [08:01, 08:02), 3 from 08:03 on, as its clock was ahead when 2 left.
func TestFence(t *testing.T) {
	const (
		stored  = ""
		refused = "another recorder reigned at that instant"
	)
	tests := map[string]struct {
		epoch          int64
		due            time.Time
		tick, declared string // what becomes of a tick, taken or missed, and of a declaration
	}{
		"the first instant":                {1, at(8, 0, 0), stored, refused},
		"the last instant":                 {1, at(8, 1, 0).Add(-time.Millisecond), stored, refused},
		"just after it was taken over":     {1, at(8, 1, 0), refused, refused},
		"long after it was taken over":     {1, at(9, 0, 0), refused, refused},
		"before the first reign":           {1, at(7, 59, 59), refused, refused},
		"just after taking over":           {2, at(8, 1, 0), stored, refused},
		"before taking over":               {2, at(8, 0, 59), refused, refused},
		"before leaving":                   {2, at(8, 1, 59), stored, refused},
		"after leaving":                    {2, at(8, 2, 0), refused, refused},
		"now":                              {3, at(8, 5, 0), stored, stored},
		"in years":                         {3, at(8, 5, 0).AddDate(20, 0, 0), stored, stored},
		"the successor's, before its time": {3, at(8, 1, 59), refused, refused},
		"without a lease, before it all":   {0, at(8, 0, 0).AddDate(-20, 0, 0), stored, stored},
		"without a lease, in between":      {0, at(8, 0, 30), stored, stored},
		"without a lease, now":             {0, at(8, 5, 0), stored, stored},
		"an epoch to come":                 {4, at(8, 5, 0), refused, refused},
		"no epoch at all":                  {-1, at(8, 5, 0), refused, refused},
	}
	team := agentRange(101, 103)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			d.takeLease(t, at(8, 0, 0))
			release(t, d.takeLease(t, at(8, 1, 0)), at(8, 2, 0))
			d.takeLease(t, at(8, 3, 0))

			said := func(err error) string {
				switch {
				case err == nil:
					return stored
				case errors.Is(err, ingest.ErrSuperseded):
					return refused
				default:
					return err.Error()
				}
			}
			missed := missedAt(test.due, team)
			missed.Epoch = test.epoch
			tick, samples := roundAt(test.due, team, talking)
			tick.Epoch = test.epoch
			got := map[string]string{
				"missed":   said(d.RecordMissed(t.Context(), []ingest.Tick{missed})),
				"taken":    said(d.Record(t.Context(), tick, samples)),
				"declared": said(d.Declare(t.Context(), ingest.Declaration{Epoch: test.epoch, At: test.due, Schedules: []ingest.Schedule{office(t, team)}})),
			}
			if diff := cmp.Diff(map[string]string{"missed": test.tick, "taken": test.tick, "declared": test.declared}, got); diff != "" {
				t.Errorf("became of it (-want +got):\n%s", diff)
			}
			ticks := []string{}
			if test.tick == stored {
				ticks = []string{fmt.Sprintf("taken in %d", test.epoch)}
			}
			if diff := cmp.Diff(ticks, append([]string{}, all[string](t, d, "SELECT status || ' in ' || epoch FROM talktime.ticks")...)); diff != "" {
				t.Errorf("ticks (-want +got):\n%s", diff)
			}
			if n := d.samples(t); n != 3*len(ticks) {
				t.Errorf("%d samples are stored beside %d ticks", n, len(ticks))
			}
			if n, want := d.count(t, "SELECT count(*) FROM talktime.schedules"), map[string]int{stored: 1}[test.declared]; n != want {
				t.Errorf("%d schedules are declared, want %d", n, want)
			}
		})
	}
}

// Of missed ticks together, one that is another reign's keeps all out.
func TestFenceMissedTogether(t *testing.T) {
	d := newDatabase(t)
	d.takeLease(t, at(8, 0, 0))
	d.takeLease(t, at(8, 1, 0))
	span := func(epoch int64, instants ...time.Time) (ticks []ingest.Tick) {
		for _, due := range instants {
			tick := missedAt(due, agentRange(101, 103))
			tick.Epoch = epoch
			ticks = append(ticks, tick)
		}
		return ticks
	}
	across := span(1, at(8, 0, 40), at(8, 0, 50), at(8, 1, 0))
	if err := d.RecordMissed(t.Context(), across); !errors.Is(err, ingest.ErrSuperseded) {
		t.Errorf("RecordMissed returned %v, want ErrSuperseded", err)
	}
	if ticks := d.ticks(t); len(ticks) > 0 {
		t.Errorf("stored are %q", ticks)
	}
	both := slices.Concat(across[:2], span(2, at(8, 1, 0), at(8, 1, 10)))
	if err := d.RecordMissed(t.Context(), both); err != nil {
		t.Error(err)
	}
	if ticks := d.ticks(t); len(ticks) != 4 {
		t.Errorf("stored are %q", ticks)
	}
}

// A round of a recorder that was taken for dead replaces what its successor wrote
// as missed, and nothing that was taken.
func TestFenceLetsLateRoundsIn(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 103)
	d.declare(t, at(8, 0, 0), office(t, team))
	first := d.takeLease(t, at(8, 0, 0))
	second := d.takeLease(t, at(8, 0, 15))
	if _, err := d.CatchUp(t.Context(), second.From()); err != nil {
		t.Fatal(err)
	}
	record := func(lease *store.Lease, due time.Time) error {
		tick, samples := roundAt(due, team, talking)
		tick.Epoch = lease.Epoch()
		return d.Record(t.Context(), tick, samples)
	}
	for range 2 {
		if err := errors.Join(record(first, at(8, 0, 10)), record(second, at(8, 0, 20))); err != nil {
			t.Error(err)
		}
		if err := record(first, at(8, 0, 20)); !errors.Is(err, ingest.ErrSuperseded) {
			t.Errorf("Record returned %v, want ErrSuperseded", err)
		}
	}
	want := []string{"00:00 missed 0", "00:10 taken 1", "00:20 taken 2"}
	got := all[string](t, d, "SELECT to_char(due_at, 'MI:SS ') || status || ' ' || epoch FROM talktime.ticks ORDER BY due_at")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ticks (-want +got):\n%s", diff)
	}
	if n := d.samples(t); n != 2*3 {
		t.Errorf("%d samples are stored, want 6", n)
	}
}

// rivals are two recorders on one database, neither of which knows of the other
// but by the lease, and what is to come of them.
type rivals struct {
	d     database
	now   time.Time
	sides [2]rival

	reigns []span              // of epochs 1 and on; a reign that goes on has no end
	moves  int                 // how often the lease was touched
	taken  map[time.Time]int64 // the epoch that took each tick
}

type rival struct {
	lease *store.Lease
	seen  store.Reign
	asOf  int           // rivals.moves when it was seen
	spool []ingest.Tick // begun, and not stored yet
}

type span struct{ from, until time.Time }

func (s span) holds(t time.Time) bool {
	return !t.Before(s.from) && (s.until.IsZero() || t.Before(s.until))
}

func (r *rivals) reign(lease *store.Lease) *span { return &r.reigns[lease.Epoch()-1] }

// However two recorders' beats, take-overs, leaves and late rounds fall together,
// a tick is stored at most once, and in the reign it was due in.
func TestRivalsStoreEachTickOnce(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 103)
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		if _, err := d.pool.Exec(ctx, "TRUNCATE talktime.ticks, talktime.samples; DELETE FROM talktime.epochs WHERE epoch > 0"); err != nil {
			t.Fatal(err)
		}
		r := &rivals{d: d, now: monday, taken: map[time.Time]int64{}}
		record := func(tick ingest.Tick) {
			_, samples := roundAt(tick.DueAt, team, talking)
			err := d.Record(ctx, tick, samples)
			if own := r.reigns[tick.Epoch-1].holds(tick.DueAt); own != (err == nil) || (err != nil && !errors.Is(err, ingest.ErrSuperseded)) {
				t.Fatalf("the round of %s in epoch %d: %v; reigns %v", tick.DueAt, tick.Epoch, err, r.reigns)
			}
			if _, taken := r.taken[tick.DueAt]; err == nil && !taken {
				r.taken[tick.DueAt] = tick.Epoch
			}
		}
		side := func() *rival { return &r.sides[rapid.IntRange(0, 1).Draw(t, "side")] }
		steps := map[string]func(){
			"time passes": func() {
				r.now = r.now.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "ms")) * time.Millisecond)
			},
			"look": func() {
				s := side()
				var err error
				if s.seen, err = d.LookAtLease(ctx); err != nil {
					t.Fatal(err)
				}
				s.asOf = r.moves
			},
			"take over": func() {
				s := side()
				lease, err := d.TakeLease(ctx, claimAt(s.seen, r.now))
				if fresh := s.asOf == r.moves; fresh != (err == nil) || (err != nil && !errors.Is(err, store.ErrLeaseHeld)) {
					t.Fatalf("taking over: %v, though the lease was touched %d times and seen at %d", err, r.moves, s.asOf)
				}
				if err != nil {
					return
				}
				if s.lease != nil {
					s.lease.Close(ctx)
				}
				s.lease = lease
				r.moves++
				from := r.now
				if n := len(r.reigns); n > 0 {
					if before := &r.reigns[n-1]; before.until.IsZero() {
						before.until = from
					} else {
						from = before.until
					}
				}
				r.reigns = append(r.reigns, span{from: from})
				if !lease.From().Equal(from) || int(lease.Epoch()) != len(r.reigns) {
					t.Fatalf("epoch %d begins at %s, want %s", lease.Epoch(), lease.From(), from)
				}
			},
			"beat": func() {
				lease := side().lease
				if lease == nil {
					return
				}
				err := lease.Beat(ctx)
				if reigns := r.reign(lease).until.IsZero(); reigns != (err == nil) || (err != nil && !errors.Is(err, ingest.ErrSuperseded)) {
					t.Fatalf("beat of epoch %d: %v; reigns %v", lease.Epoch(), err, r.reigns)
				}
				if err == nil {
					r.moves++
				}
			},
			"leave": func() {
				lease := side().lease
				if lease == nil {
					return
				}
				if err := lease.Release(ctx, r.now); err != nil {
					t.Fatal(err)
				}
				if reign := r.reign(lease); reign.until.IsZero() {
					reign.until = r.now
					r.moves++
				}
			},
			"begin a round": func() {
				s := side()
				if s.lease == nil {
					return
				}
				due := r.now.Add(time.Second - 1).Truncate(time.Second)
				r.now = due.Add(time.Millisecond) // no reign ends at an instant that was begun
				if due.Before(s.lease.From()) || len(s.spool) > 0 && !s.spool[len(s.spool)-1].DueAt.Before(due) {
					return
				}
				tick, _ := roundAt(due, team, talking)
				tick.Epoch = s.lease.Epoch()
				s.spool = append(s.spool, tick)
			},
			"store a round": func() {
				s := side()
				if len(s.spool) == 0 {
					return
				}
				record(s.spool[0])
				if rapid.Bool().Draw(t, "and know") { // else it is stored again
					s.spool = s.spool[1:]
				}
			},
			"write missed": func() {
				var ticks []ingest.Tick
				for due := monday; due.Before(r.now); due = due.Add(time.Second) {
					ticks = append(ticks, missedAt(due, team))
				}
				if err := d.RecordMissed(ctx, ticks); err != nil {
					t.Fatal(err)
				}
			},
		}
		names := slices.Sorted(maps.Keys(steps))
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 30, 60).Draw(t, "steps") {
			steps[name]()
		}
		for i := range r.sides {
			for _, tick := range r.sides[i].spool {
				record(tick)
			}
			if r.sides[i].lease != nil {
				r.sides[i].lease.Close(context.Background())
			}
		}
		r.mustHold(t)
	})
}

// mustHold compares what is stored with the epoch that took each tick.
func (r *rivals) mustHold(t *rapid.T) {
	rows, err := r.d.pool.Query(context.Background(), `SELECT due_at, epoch,
		(SELECT count(*) FROM talktime.samples WHERE polled_at = due_at) FROM talktime.ticks WHERE status = 'taken'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[time.Time]int64{}
	for rows.Next() {
		var due time.Time
		var epoch, samples int64
		if err := rows.Scan(&due, &epoch, &samples); err != nil {
			t.Fatal(err)
		}
		got[due.UTC()] = epoch
		if samples != 3 {
			t.Errorf("%d samples at %s, want 3", samples, due)
		}
		if !r.reigns[epoch-1].holds(due) {
			t.Errorf("the tick of %s is stored in epoch %d of %v", due, epoch, r.reigns)
		}
	}
	if diff := cmp.Diff(r.taken, got); diff != "" {
		t.Errorf("ticks taken, and their epochs (-want +got):\n%s", diff)
	}
}
