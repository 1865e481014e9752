package store_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"talktime/sql/store"
)

// database is a migrated, empty database of a test's own: a store on it, and
// connections of the test's own to look behind the store.
type database struct {
	*store.Store
	url  string
	pool *pgxpool.Pool
}

func newDatabase(t testing.TB) database {
	t.Helper()
	return openDatabase(t, newURL(t))
}

func openDatabase(t testing.TB, url string) database {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return database{openStore(t, url), url, pool}
}

// exec runs a statement.
func (d database) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := d.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// count returns the one number a query gives.
func (d database) count(t testing.TB, sql string) int {
	t.Helper()
	return one[int](t, d, sql)
}

// one returns the one value a query gives.
func one[T any](t testing.TB, d database, sql string, args ...any) T {
	t.Helper()
	rows, err := d.pool.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	value, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// all returns the rows of a query with one column.
func all[T any](t testing.TB, d database, sql string, args ...any) []T {
	t.Helper()
	rows, err := d.pool.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return values
}

// holdAdvisory takes an advisory lock on a connection of its own, so that
// statements of others that need it stop there. release lets them go on.
func (d database) holdAdvisory(t testing.TB, lock string) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock(hashtext($1))", lock); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := conn.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitBlocked returns the server process that waits for a lock in this
// database, as soon as there is one.
func (d database) awaitBlocked(t testing.TB) (pid int) {
	t.Helper()
	for {
		waiting := all[int](t, d, `SELECT pid FROM pg_stat_activity
			WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`)
		if len(waiting) > 0 {
			return waiting[0]
		}
	}
}
