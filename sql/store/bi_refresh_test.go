package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
	"talktime/sql/store/internal/oracle"
)

// biCopy is a copy of the facts kept up by sql/bi/refresh.sql, on a connection of
// its own.
type biCopy struct {
	conn   *pgx.Conn
	recipe string
}

func newBICopy(t *testing.T, url string) *biCopy {
	t.Helper()
	recipe, err := os.ReadFile("../bi/refresh.sql")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return &biCopy{conn, string(recipe)}
}

// refresh runs the recipe as psql does, statement by statement.
func (c *biCopy) refresh(ctx context.Context) error {
	for statement := range strings.SplitSeq(c.recipe, ";\n") {
		if _, err := c.conn.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// content reads the copy.
func (c *biCopy) content(ctx context.Context) ([]string, error) {
	rows, err := c.conn.Query(ctx, "SELECT 'quarter-hour ' || q::text FROM bi_copy.quarter_hours AS q UNION ALL SELECT 'day ' || d::text FROM bi_copy.days AS d ORDER BY 1")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// compare refreshes the copy once more and compares it with a fresh one.
func (c *biCopy) compare(ctx context.Context, t must) {
	t.Helper()
	err := c.refresh(ctx)
	got, readErr := c.content(ctx)
	if err := errors.Join(err, readErr); err != nil {
		t.Fatalf("%v", err)
	}
	if _, err = c.conn.Exec(ctx, "DROP SCHEMA bi_copy CASCADE"); err == nil {
		err = c.refresh(ctx)
	}
	want, readErr := c.content(ctx)
	if err := errors.Join(err, readErr); err != nil {
		t.Fatalf("%v", err)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("a copy kept up is not what a fresh load gives (-fresh +kept up):\n%s", diff)
	}
}

// Whatever is stored and derived in between, late ticks, rows that vanish and days
// that end included, loading only changes leaves what a fresh load gives.
func TestRefreshAsItComes(t *testing.T) {
	t.Parallel()
	bench := newDeriveBench(t)
	bench.layOut(t)
	facts := newBICopy(t, bench.url)
	rapid.Check(t, func(r *rapid.T) {
		c := oracle.Draw(r)
		bench.empty(r)
		bench.exec(r, "TRUNCATE talktime.days, talktime.kept_days")
		bench.exec(r, "DROP SCHEMA IF EXISTS bi_copy CASCADE")
		_, end := reachOf(c)
		horizon := time.Time{}
		for _, arrival := range append(bench.arrivals(r, c), arrival{from: end.Add(72 * time.Hour), store: func(must) {}}) {
			arrival.store(r)
			horizon = latest(horizon, arrival.from)
			if rapid.IntRange(0, 2).Draw(r, "derive now") == 0 {
				calendars := []reports.Calendar{{Zone: time.UTC}}[:rapid.IntRange(0, 1).Draw(r, "keeps days")]
				d := store.Deriving{Now: horizon.Add(time.Hour), Settle: 15 * time.Minute, Settled: store.Settled{Horizon: horizon}, Calendars: calendars}
				if _, err := bench.store.DeriveDirty(bench.ctx, d); err != nil {
					r.Fatal(err)
				}
			}
			if rapid.IntRange(0, 9).Draw(r, "refresh now") == 0 {
				if err := facts.refresh(bench.ctx); err != nil {
					r.Fatal(err)
				}
			}
		}
		facts.compare(bench.ctx, r)
	})
}

// While two programs derive and a recorder stores, late ticks among them, copies
// are refreshed: none misses anything, and no derivation is ever seen before a
// lower one.
func TestRefreshWhileDeriving(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.layOut(t, monday, calendar(t, "Europe/Berlin", "00:00"))
	d.recordRounds(t, at(8, 0, 0), at(8, 20, 0), agentRange(101, 104), talking)
	facts := newBICopy(t, d.url)
	if err := facts.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	watch, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = watch.Close(context.WithoutCancel(t.Context())) })

	// A round each time, some of them late; both programs derive after each.
	const rounds = 60
	var running sync.WaitGroup
	errs := make([]error, 3)
	stored := [2]chan time.Time{make(chan time.Time), make(chan time.Time)}
	running.Go(func() {
		for i := range rounds {
			due := at(8, 20, 0).Add(time.Duration(i) * 50 * time.Second)
			late := at(8, 0, 0).Add(time.Duration(i) * 17 * time.Second)
			tick, samples := roundAt(due, agentRange(101, 104), idle)
			err := d.Record(t.Context(), tick, samples)
			tick, samples = roundAt(late, ingest.NewAgentSet(102), talking)
			tick.Schedule = "late"
			errs[0] = errors.Join(errs[0], err, d.Record(t.Context(), tick, samples))
			for _, program := range stored {
				program <- due
			}
		}
		for _, program := range stored {
			close(program)
		}
	})
	done := make(chan struct{})
	var deriving2 sync.WaitGroup
	for n, program := range stored {
		s := openStore(t, d.url)
		deriving2.Go(func() {
			for due := range program {
				_, err := s.DeriveDirty(t.Context(), deriving(due))
				errs[1+n] = errors.Join(errs[1+n], err)
			}
		})
	}
	go func() {
		deriving2.Wait()
		close(done)
	}()
	refreshed := 0
	for isOver := false; !isOver; refreshed++ {
		select {
		case <-done:
			isOver = true
		default:
		}
		if err := facts.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		var number, highest int
		if err := watch.QueryRow(t.Context(), "SELECT count(*), coalesce(max(derivation_id), 0) FROM talktime.derivations").Scan(&number, &highest); err != nil {
			t.Fatal(err)
		}
		if number != highest {
			t.Fatalf("derivation %d is seen before %d lower ones", highest, highest-number)
		}
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if refreshed < 3 {
		t.Errorf("the copy was refreshed %d times only while derives ran", refreshed)
	}
	facts.compare(t.Context(), t)
}

// The lock that a derivation's id is given under is held until it is committed:
// another derive waits for the commit, not for the end of the statement.
func TestDerivationsCommitInOrder(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.recordRounds(t, at(8, 0, 0), at(8, 20, 0), agentRange(101, 104), talking)
	// The first derive gets its id, writes, and stops before its commit, where it
	// strikes days off.
	hold, err := d.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hold.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := hold.Exec(t.Context(), "LOCK TABLE talktime.kept_days IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	errs := make([]error, 2)
	derive := func(n int) {
		s := openStore(t, d.url)
		running.Go(func() { _, errs[n] = s.DeriveDirty(t.Context(), deriving(at(8, 20, 0))) })
	}
	derive(0)
	d.awaitBlocked(t)
	d.recordRounds(t, at(8, 20, 0), at(8, 30, 0), agentRange(101, 104), talking)
	derive(1)
	for d.count(t, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == 0 {
		continue // until the second waits for the first one's lock
	}
	expect(t, "derivations before the first is committed", 0, d.count(t, "SELECT count(*) FROM talktime.derivations"))
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	expect(t, "ids in the order of their transactions", "1,2", strings.Join(all[string](t, d, "SELECT derivation_id::text FROM talktime.derivations ORDER BY derivation_id"), ","))
}

// A row that vanishes is in meta_deletions; its day's watermark moves with it, kept
// or not.
func TestDeletionsAreTold(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	utc := calendar(t, "UTC", "00:00")
	d.layOut(t, at(48, 0, 0), utc)
	byHand := func(polled time.Time, period time.Duration) {
		t.Helper()
		if _, err := d.MakePartitions(t.Context(), polled, polled); err != nil {
			t.Fatal(err)
		}
		sample := ingest.Sample{AgentID: 101, Period: period, Poll: ingest.Poll{PolledAt: polled, Outcome: ingest.Observed, Status: idle}}
		if err := d.RecordByHand(t.Context(), []ingest.Sample{sample}); err != nil {
			t.Fatal(err)
		}
	}
	const told = "SELECT concat_ws(' ', derivation_id, agent_id, to_char(bin_start_at, 'HH24:MI')) FROM bi_v1.meta_deletions"
	const day = "SELECT derivation_id FROM bi_v1.fct_agent_days WHERE local_date = '2026-11-16'"
	byHand(at(8, 59, 58), 10*time.Second) // covers three seconds of the next quarter-hour
	d.keepDays(t, at(24, 0, 0), utc)
	expect(t, "quarter-hours", 2, d.count(t, "SELECT count(*) FROM bi_v1.fct_agent_quarter_hours"))
	before := d.count(t, day)
	byHand(at(8, 59, 59), time.Second) // ends half a second after it
	for range 2 {
		d.deriveDirty(t, at(24, 0, 0))
	}
	expect(t, "quarter-hours left", 1, d.count(t, "SELECT count(*) FROM bi_v1.fct_agent_quarter_hours"))
	after := d.count(t, "SELECT max(derivation_id) FROM talktime.derivations WHERE deleted_rows = 1")
	expect(t, "deletions", 1, len(all[string](t, d, told)))
	if got := d.count(t, day); got != after || got <= before {
		t.Errorf("the day's watermark is %d, was %d; the derivation that deleted is %d", got, before, after)
	}
	d.keepDays(t, at(24, 0, 0), utc)
	expect(t, "the day's watermark, kept", after, d.count(t, day))
}
