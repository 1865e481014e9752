package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"talktime/reports"
	"talktime/sql/store"
)

// maintain takes the right to maintain for the length of a test.
func (d database) maintain(t testing.TB) *store.Maintenance {
	t.Helper()
	m, err := d.Maintain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.WithoutCancel(t.Context())) })
	return m
}

// dayOf returns the partition of samples for monday and n days more.
func dayOf(n int) store.Partition {
	from := monday.AddDate(0, 0, n)
	return store.Partition{Table: "samples", Name: "samples_" + from.Format("20060102"), Span: reports.Span{From: from, To: from.AddDate(0, 0, 1)}}
}

// partitionNames returns the tables of samples that there are, attached or not.
func (d database) partitionNames(t testing.TB) string {
	t.Helper()
	return one[string](t, d, `SELECT coalesce(string_agg(c.relname || CASE WHEN i.inhrelid IS NULL THEN ' apart' WHEN i.inhdetachpending THEN ' leaving' ELSE '' END, ', ' ORDER BY c.relname), '')
		FROM pg_class AS c LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid WHERE c.relname LIKE 'samples\_2%' AND c.relkind = 'r'`)
}

// Wherever dropping a partition was cut off, dropping it again ends it.
func TestDropGoesOnWhereItWasCutOff(t *testing.T) {
	for name, before := range map[string]struct {
		cut       func(t *testing.T, d database)
		partition store.Partition
		there     string // before
	}{
		"attached": {func(*testing.T, database) {}, dayOf(0), "samples_20261116, samples_20261117"},
		"leaving":  {func(t *testing.T, d database) { d.leaving(t, dayOf(0)) }, dayOf(0), "samples_20261116 leaving, samples_20261117"},
		"another is leaving": {
			func(t *testing.T, d database) { d.leaving(t, dayOf(1)) }, dayOf(0), "samples_20261116, samples_20261117 leaving",
		},
		"apart": {func(t *testing.T, d database) {
			d.exec(t, "ALTER TABLE talktime.samples DETACH PARTITION talktime.samples_20261116")
		}, dayOf(0), "samples_20261116 apart, samples_20261117"},
		"gone": {func(t *testing.T, d database) { d.exec(t, "DROP TABLE talktime.samples_20261116") }, dayOf(0), "samples_20261117"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			d.exec(t, "SELECT talktime.make_partitions($1, $2)", monday, monday.AddDate(0, 0, 1))
			before.cut(t, d)
			if got := d.partitionNames(t); got != before.there {
				t.Fatalf("at first there are %s, want %s", got, before.there)
			}
			m := d.maintain(t)
			for range 2 { // the second time there is nothing to do
				if err := m.Drop(t.Context(), before.partition); err != nil {
					t.Fatal(err)
				}
			}
			want := "samples_20261117"
			if name == "another is leaving" {
				want += " apart" // whoever began it knows what it is for
			}
			if got := d.partitionNames(t); got != want {
				t.Errorf("there are %s, want %s", got, want)
			}
		})
	}
}

// leaving leaves a partition as a detaching leaves it that was cut off while a
// reader kept it waiting.
func (d database) leaving(t testing.TB, p store.Partition) {
	t.Helper()
	stop := d.reading(t, "SELECT count(*) FROM talktime."+p.Table)
	defer stop()
	conn, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), "SET lock_timeout = '1ms'"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.PgConn().Exec(t.Context(), "ALTER TABLE talktime."+p.Table+" DETACH PARTITION talktime."+p.Name+" CONCURRENTLY").ReadAll(); err == nil {
		t.Fatal("a partition was detached under a reader")
	}
}

// reading begins a transaction that has run a query, and goes on until stop.
func (d database) reading(t testing.TB, query string) (stop func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err == nil {
		_, err = tx.Exec(t.Context(), query)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = conn.Close(context.WithoutCancel(t.Context())) }
}

// awaitLeaving waits until a partition is on its way out, or fails where whoever takes
// it out has ended before.
func (d database) awaitLeaving(t testing.TB, ended <-chan struct{}) {
	t.Helper()
	for d.count(t, "SELECT count(*) FROM pg_inherits WHERE inhdetachpending") == 0 {
		select {
		case <-ended:
			t.Fatal("no partition was on its way out under a reader")
		default:
		}
	}
}

// One program maintains at a time; one that died does not keep others from it.
func TestOneMaintains(t *testing.T) {
	d := newDatabase(t)
	first := d.maintain(t)
	if _, err := d.Maintain(t.Context()); !errors.Is(err, store.ErrMaintained) {
		t.Errorf("two maintain at once, the second with error %v", err)
	}
	d.exec(t, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
	for { // the server gives the lock up in a moment
		second, err := d.Maintain(t.Context())
		if errors.Is(err, store.ErrMaintained) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		second.Close(t.Context())
		break
	}
	if err := first.Drop(t.Context(), dayOf(0)); err == nil {
		t.Error("one that lost its connection drops partitions")
	}
}

// Who does not own the tables may change none, and is told who does.
func TestMaintainIsTheOwners(t *testing.T) {
	d := newDatabase(t)
	_, err := openStore(t, d.newRole(t)).Maintain(t.Context())
	if !errors.Is(err, store.ErrNotOwner) {
		t.Errorf("another role maintains with error %v", err)
	}
}

// While a report reads, its partition stays; when it has ended, dropping goes on.
// What is read meanwhile, and by whom, is not disturbed.
func TestDropWaitsForReaders(t *testing.T) {
	d := newDatabase(t)
	d.makeWanted(t, at(8, 0, 0))
	stop := d.reading(t, "SELECT count(*) FROM talktime.samples")
	m := d.maintain(t)
	dropped, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		dropped <- m.Drop(context.WithoutCancel(t.Context()), dayOf(0))
	}()
	d.awaitLeaving(t, ended)
	tick, samples := roundAt(at(32, 0, 0), agentRange(101, 110), idle) // into another partition
	d.record(t, tick, samples)
	if n := d.count(t, "SELECT count(*) FROM talktime.samples"); n != 10 {
		t.Errorf("%d samples are read while a partition leaves, want 10", n)
	}
	select {
	case err := <-dropped:
		t.Fatalf("dropped under a reader, with error %v", err)
	default:
	}
	stop()
	if err := <-dropped; err != nil {
		t.Error(err)
	}
	if n := d.count(t, "SELECT count(*) FROM pg_class WHERE relname = 'samples_20261116'"); n != 0 {
		t.Error("the partition is still there")
	}
}
