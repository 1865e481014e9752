package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/sql/store"
)

func (d database) look(t testing.TB) store.Reign {
	t.Helper()
	seen, err := d.LookAtLease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// claimAt is a claim of what is seen, with the longest patience.
func claimAt(seen store.Reign, now time.Time) store.Claim {
	return store.Claim{Seen: seen, Holder: "here:1", TTL: 10 * time.Second, Now: now}
}

// takeLease begins a reign at an instant, whoever reigned before.
func (d database) takeLease(t testing.TB, now time.Time) *store.Lease {
	t.Helper()
	lease, err := d.TakeLease(t.Context(), claimAt(d.look(t), now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lease.Close(context.WithoutCancel(t.Context())) })
	return lease
}

func release(t testing.TB, lease *store.Lease, until time.Time) {
	t.Helper()
	if err := lease.Release(t.Context(), until); err != nil {
		t.Fatal(err)
	}
}

// reigns lists the reigns but that of programs without a lease, in words.
func (d database) reigns(t testing.TB) []string {
	t.Helper()
	return all[string](t, d, `SELECT format('%s [%s, %s)', epoch, to_char(ticks_from, 'HH24:MI:SS'), coalesce(to_char(ticks_until, 'HH24:MI:SS'), 'now'))
		FROM talktime.epochs WHERE epoch > 0 ORDER BY epoch`)
}

// A reign begins where the one before ends: there is no instant between them and
// none that both have, unless a clock was far wrong.
func TestTakeLease(t *testing.T) {
	tests := map[string]struct {
		before func(t *testing.T, d database)
		now    time.Time
		want   []string
	}{
		"nobody ever reigned": {
			func(*testing.T, database) {}, at(8, 0, 0),
			[]string{"1 [08:00:00, now)"},
		},
		"the holder stopped beating": {
			func(t *testing.T, d database) { d.takeLease(t, at(8, 0, 0)) }, at(9, 0, 0),
			[]string{"1 [08:00:00, 09:00:00)", "2 [09:00:00, now)"},
		},
		"the holder left": {
			func(t *testing.T, d database) { release(t, d.takeLease(t, at(8, 0, 0)), at(8, 30, 0)) }, at(9, 0, 0),
			[]string{"1 [08:00:00, 08:30:00)", "2 [08:30:00, now)"},
		},
		"the holder's clock was a little ahead when it left": {
			func(t *testing.T, d database) { release(t, d.takeLease(t, at(8, 0, 0)), at(9, 0, 3)) }, at(9, 0, 0),
			[]string{"1 [08:00:00, 09:00:03)", "2 [09:00:03, now)"},
		},
		"the holder's clock was a little ahead when it began": {
			func(t *testing.T, d database) { d.takeLease(t, at(9, 0, 3)) }, at(9, 0, 0),
			[]string{"1 [09:00:03, 09:00:03)", "2 [09:00:03, now)"},
		},
		"the holder's clock was far ahead when it left": {
			func(t *testing.T, d database) { release(t, d.takeLease(t, at(8, 0, 0)), at(19, 0, 0)) }, at(9, 0, 0),
			[]string{"1 [08:00:00, 19:00:00)", "2 [09:00:00, now)"},
		},
		"the holder's clock was far ahead when it began": {
			func(t *testing.T, d database) { d.takeLease(t, at(19, 0, 0)) }, at(9, 0, 0),
			[]string{"1 [19:00:00, 19:00:00)", "2 [09:00:00, now)"},
		},
		"the holder began nothing": {
			func(t *testing.T, d database) { release(t, d.takeLease(t, at(8, 0, 0)), at(7, 0, 0)) }, at(9, 0, 0),
			[]string{"1 [08:00:00, 08:00:00)", "2 [08:00:00, now)"},
		},
		"after two others": {
			func(t *testing.T, d database) {
				d.takeLease(t, at(8, 0, 0))
				release(t, d.takeLease(t, at(8, 10, 0)), at(8, 20, 0))
			}, at(9, 0, 0).Add(999 * time.Microsecond), // whole milliseconds
			[]string{"1 [08:00:00, 08:10:00)", "2 [08:10:00, 08:20:00)", "3 [08:20:00, now)"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			test.before(t, d)
			lease := d.takeLease(t, test.now)
			if diff := cmp.Diff(test.want, d.reigns(t)); diff != "" {
				t.Errorf("reigns (-want +got):\n%s", diff)
			}
			if begin := " [" + lease.From().Format(time.TimeOnly); !strings.Contains(test.want[len(test.want)-1], begin) || int(lease.Epoch()) != len(test.want) {
				t.Errorf("the lease is of epoch %d from %s", lease.Epoch(), lease.From())
			}
		})
	}
}

// A claim that is no longer true takes nothing.
func TestTakeLeaseTooLate(t *testing.T) {
	for name, since := range map[string]func(t *testing.T, d database, holder *store.Lease){
		"the holder beat": func(t *testing.T, _ database, holder *store.Lease) {
			if err := holder.Beat(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		"the holder left": func(t *testing.T, _ database, holder *store.Lease) { release(t, holder, at(8, 10, 0)) },
		"another took it": func(t *testing.T, d database, _ *store.Lease) { d.takeLease(t, at(8, 20, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			holder := d.takeLease(t, at(8, 0, 0))
			seen := d.look(t)
			since(t, d, holder)
			before := d.reigns(t)
			if !d.look(t).HasMoved(seen) {
				t.Error("the lease is seen not to have moved")
			}
			if _, err := d.TakeLease(t.Context(), claimAt(seen, at(9, 0, 0))); !errors.Is(err, store.ErrLeaseHeld) {
				t.Errorf("TakeLease returned %v, want ErrLeaseHeld", err)
			}
			if diff := cmp.Diff(before, d.reigns(t)); diff != "" {
				t.Errorf("reigns (-before +after):\n%s", diff)
			}
		})
	}
}

// Of many who claim the same at once, one gets it.
func TestTakeLeaseAtOnce(t *testing.T) {
	for name, before := range map[string]func(d database){
		"the first":                func(database) {},
		"after one that is silent": func(d database) { d.takeLease(t, at(8, 0, 0)) },
		"after one that left":      func(d database) { release(t, d.takeLease(t, at(8, 0, 0)), at(8, 30, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			before(d)
			seen := d.look(t)
			var claiming sync.WaitGroup
			won := make(chan *store.Lease, 8)
			for i := range 8 {
				claiming.Go(func() {
					lease, err := d.TakeLease(t.Context(), claimAt(seen, at(9, 0, i)))
					if err == nil {
						won <- lease
					} else if !errors.Is(err, store.ErrLeaseHeld) {
						t.Error(err)
					}
				})
			}
			claiming.Wait()
			if len(won) != 1 {
				t.Fatalf("%d claims were granted: %q", len(won), d.reigns(t))
			}
			lease := <-won
			if err := lease.Beat(t.Context()); err != nil {
				t.Error(err)
			}
			lease.Close(t.Context())
			if gaps := d.count(t, `SELECT count(*) FROM talktime.epochs AS a JOIN talktime.epochs AS b ON b.epoch = a.epoch + 1
				WHERE a.epoch > 0 AND a.ticks_until IS DISTINCT FROM b.ticks_from`); gaps > 0 {
				t.Errorf("reigns do not meet: %q", d.reigns(t))
			}
		})
	}
}

// Who looks once judges by the database's clock.
func TestLeaseIsFree(t *testing.T) {
	d := newDatabase(t)
	mustBe := func(want bool, when string) {
		t.Helper()
		if free, err := d.LeaseIsFree(t.Context()); err != nil || free != want {
			t.Errorf("%s the lease is free: %v, error %v", when, free, err)
		}
	}
	mustBe(true, "before anybody took it")
	lease := d.takeLease(t, at(8, 0, 0))
	mustBe(false, "while it is held")
	d.exec(t, "UPDATE talktime.epochs SET beat_at = beat_at - interval '29 s' WHERE epoch = 1")
	mustBe(false, "after not quite three times its TTL")
	d.exec(t, "UPDATE talktime.epochs SET beat_at = beat_at - interval '2 s' WHERE epoch = 1")
	mustBe(true, "after three times its TTL")
	if err := lease.Beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustBe(false, "after a beat")
	release(t, lease, at(9, 0, 0))
	mustBe(true, "after its release")
	other := newDatabase(t)
	other.takeLease(t, at(8, 0, 0))
	mustBe(true, "while another database's is held")
}

// Beats go on whatever else waits, come through again after trouble, and tell of
// a reign that is over.
func TestBeat(t *testing.T) {
	t.Run("beside rounds that hang on every connection", func(t *testing.T) {
		d := newDatabase(t)
		lease := d.takeLease(t, monday)
		if _, err := d.MakePartitions(t.Context(), monday, monday); err != nil {
			t.Fatal(err)
		}
		d.exec(t, `CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN PERFORM pg_advisory_xact_lock(hashtext('stop here')); RETURN NEW; END $$`)
		d.exec(t, "CREATE TRIGGER stop BEFORE INSERT ON talktime.samples FOR EACH ROW EXECUTE FUNCTION stop_here()")
		goOn := d.holdAdvisory(t, "stop here")
		var hanging sync.WaitGroup
		for i := range 20 {
			tick, samples := roundAt(at(8, 0, i), agentRange(101, 103), talking)
			hanging.Go(func() {
				if err := d.Record(t.Context(), tick, samples); err != nil {
					t.Error(err)
				}
			})
		}
		d.awaitBlocked(t)
		for range 3 {
			if err := lease.Beat(t.Context()); err != nil {
				t.Error(err)
			}
		}
		goOn()
		hanging.Wait()
	})
	t.Run("after its connection died", func(t *testing.T) {
		d := newDatabase(t)
		lease := d.takeLease(t, monday)
		if err := lease.Beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.exec(t, "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		if err := lease.Beat(t.Context()); !errors.Is(err, store.ErrAway) {
			t.Errorf("over a dead connection Beat returned %v, want ErrAway", err)
		}
		if err := lease.Beat(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("behind a lock, not for ever", func(t *testing.T) {
		d := newDatabase(t)
		claim := claimAt(d.look(t), monday)
		claim.TTL = time.Second
		lease, err := d.TakeLease(t.Context(), claim)
		if err != nil {
			t.Fatal(err)
		}
		defer lease.Close(t.Context())
		lock, err := d.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lock.Exec(t.Context(), "SELECT FROM talktime.epochs FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		if err := lease.Beat(t.Context()); !errors.Is(err, store.ErrAway) {
			t.Errorf("behind a lock Beat returned %v, want ErrAway", err)
		}
		if err := lock.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := lease.Beat(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("of a reign that is over", func(t *testing.T) {
		d := newDatabase(t)
		left := d.takeLease(t, at(8, 0, 0))
		release(t, left, at(8, 10, 0))
		silent := d.takeLease(t, at(8, 20, 0))
		d.takeLease(t, at(8, 30, 0))
		for name, lease := range map[string]*store.Lease{"left": left, "silent": silent} {
			if err := lease.Beat(t.Context()); !errors.Is(err, ingest.ErrSuperseded) {
				t.Errorf("%s: Beat returned %v, want ErrSuperseded", name, err)
			}
			before := d.reigns(t)
			release(t, lease, at(9, 0, 0))
			if diff := cmp.Diff(before, d.reigns(t)); diff != "" {
				t.Errorf("%s: reigns after a late release (-before +after):\n%s", name, diff)
			}
		}
	})
}
