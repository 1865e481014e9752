package store_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/sql/store"
)

// tenDays fills the ten days before monday with samples that nothing is derived
// from, for there are no ticks.
func (d database) tenDays(t testing.TB) {
	t.Helper()
	d.exec(t, "SELECT talktime.make_partitions($1, $2)", monday.AddDate(0, 0, -10), monday)
	d.exec(t, `INSERT INTO talktime.samples (polled_at, agent_id, period_ms, outcome)
		SELECT at, 101, 1000, 'unreachable' FROM generate_series($1::timestamptz, $2, '1 min') AS at`, monday.AddDate(0, 0, -10), monday.Add(-time.Minute))
	d.exec(t, "INSERT INTO talktime.derivations SELECT 1, t, t - interval '1 day', date_trunc('day', t), t, 0, 0, 0, 0 FROM (SELECT $1::timestamptz) AS h (t)", monday.AddDate(0, 0, 1))
}

// busy is a recorder and a reader of a database that do nothing but store rounds
// and read, one after the other, until stop. A lock they do not get within limit is an
// error.
type busy struct {
	stop  chan struct{}
	doing sync.WaitGroup

	mu      sync.Mutex
	took    []time.Duration // each round and each look
	failed  error
	started int // who has done something
}

func (d database) keepBusy(t testing.TB, limit string) *busy {
	t.Helper()
	url := d.url + "&application_name=busy&lock_timeout=" + limit
	recorder := database{openStore(t, url), url, d.pool}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	b := &busy{stop: make(chan struct{})}
	due := monday
	team := agentRange(101, 1100)
	for _, do := range []func() error{
		func() error {
			due = due.Add(10 * time.Second)
			tick, samples := roundAt(due, team, idle)
			return recorder.Record(t.Context(), tick, samples)
		},
		func() error {
			_, err := conn.Exec(t.Context(), "SELECT (SELECT count(*) FROM talktime.samples), (SELECT count(*) FROM talktime.quarter_hours), (SELECT count(*) FROM talktime.segments)")
			return err
		},
	} {
		b.doing.Go(func() { b.repeat(do) })
	}
	return b
}

func (b *busy) repeat(do func() error) {
	for isFirst := true; ; isFirst = false {
		select {
		case <-b.stop:
			return
		default:
		}
		began := time.Now()
		err := do()
		b.mu.Lock()
		b.took = append(b.took, time.Since(began))
		if err != nil && b.failed == nil {
			b.failed = err
		}
		if isFirst {
			b.started++
		}
		b.mu.Unlock()
	}
}

// await waits until both have done something.
func (b *busy) await() {
	for started := 0; started < 2; {
		b.mu.Lock()
		started = b.started
		b.mu.Unlock()
	}
}

// end stops them and returns how long the longest round or look took.
func (b *busy) end(t testing.TB) time.Duration {
	t.Helper()
	close(b.stop)
	b.doing.Wait()
	if b.failed != nil {
		t.Error(b.failed)
	}
	return slices.Max(b.took)
}

// maintainUnderReport makes the partitions of a week and drops those of eight days,
// while a long report reads the tables for as long as the first of them is leaving.
func (d database) maintainUnderReport(t testing.TB) {
	t.Helper()
	endReport := d.reading(t, "SELECT count(*) FROM talktime.samples, talktime.quarter_hours, talktime.segments")
	d.makeWanted(t, monday)
	var told []string
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		told = d.retain(t, store.Retaining{Retention: twoDays, Now: monday})
	}()
	d.awaitLeaving(t, ended)
	endReport()
	if <-ended; len(told) != 8 {
		t.Errorf("dropped are %q, want eight days", told)
	}
}

// No round and no look waits 50 ms for a lock while partitions are made and dropped
// under a long report.
func TestNobodyWaitsForMaintenance(t *testing.T) {
	d := newDatabase(t)
	d.tenDays(t)
	b := d.keepBusy(t, "50")
	b.await()
	d.maintainUnderReport(t)
	b.end(t)
}
