package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// deriveBar is how many times the bare sum of lead() deriving may take, and
// deriveBarMS how long on a machine of two cores, of 59,899 agents at 10 s.
const (
	deriveBar   = 2.5
	deriveBarMS = 30_000
)

// deriveFloor is a quarter-hour of samples at 10 s, with some on either side, and
// the bare sum of lead() over a part of them.
type deriveFloor struct {
	database
	*floor
	conn     *pgx.Conn
	from, to time.Time
}

func newDeriveFloor(b *testing.B, agents int) deriveFloor {
	b.Helper()
	f := deriveFloor{database: newDatabase(b), floor: newFloor(agents), from: at(8, 0, 0), to: at(8, 15, 0)}
	f.fill(b, f.database, f.from.Add(-2*time.Minute), f.to.Add(2*time.Minute))
	f.exec(b, "VACUUM ANALYZE talktime.samples, talktime.ticks")
	f.conn = connectBare(b, f.url)
	return f
}

// connectBare opens a connection with the settings of the transaction that derives.
func connectBare(b *testing.B, url string) *pgx.Conn {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close(context.WithoutCancel(b.Context())) })
	if _, err := conn.Exec(b.Context(), "SET work_mem = '128MB'; SET jit = off"); err != nil {
		b.Fatal(err)
	}
	return conn
}

// forget empties everything derived.
func (f *deriveFloor) forget(b *testing.B) {
	b.Helper()
	f.exec(b, "TRUNCATE talktime.quarter_hours, talktime.segments, talktime.derivations, talktime.dirty")
}

// derive brings the quarter-hour up to the horizon. Every agent has a row.
func (f *deriveFloor) derive(b *testing.B, horizon time.Time) time.Duration {
	b.Helper()
	return timed(b, func() error {
		derived, err := f.DeriveRange(b.Context(), f.from, f.to, deriving(horizon))
		if rows := derived.Inserted + derived.Updated; err == nil && rows != int64(len(f.agents)) {
			b.Fatalf("%d rows were derived, want %d", rows, len(f.agents))
		}
		return err
	})
}

// lead is the bare sum of the samples before `to`.
func (f *deriveFloor) lead(b *testing.B, to time.Time) time.Duration {
	b.Helper()
	return lead(b, f.conn, f.from, to)
}

// lead is the time it takes to sum how long each agent was in each state, as plainly
// as SQL can: by lead() over the samples of a window.
func lead(b *testing.B, conn *pgx.Conn, from, to time.Time) time.Duration {
	b.Helper()
	return timed(b, func() error {
		_, err := conn.Exec(b.Context(), `
			SELECT agent_id, agent_state, is_working, sum(next_at - polled_at)
			FROM (
				SELECT agent_id, agent_state, is_working, polled_at, lead(polled_at) OVER (PARTITION BY agent_id ORDER BY polled_at) AS next_at
				FROM talktime.samples WHERE polled_at >= $1 AND polled_at < $2
			) AS s
			GROUP BY agent_id, agent_state, is_working`, from, to)
		return err
	})
}

// Deriving one quarter-hour that was not derived before, its segments included,
// against the bare sum of lead() over the same rows.
func BenchmarkDerive(b *testing.B) {
	f := newDeriveFloor(b, benchSize(b, "TALKTIME_BENCH_AGENTS", 5000))
	compare(b,
		func() time.Duration {
			f.forget(b)
			return f.derive(b, f.to.Add(2*time.Minute))
		},
		func() time.Duration { return f.lead(b, f.to) })
	b.ReportMetric(deriveBar, "bar")
	b.ReportMetric(deriveBarMS, "bar-ms")
}

// Bringing a quarter-hour that is nearly over from one minute to the next, every
// row of which changes, against the bare sum over its rows so far.
func BenchmarkRefresh(b *testing.B) {
	f := newDeriveFloor(b, benchSize(b, "TALKTIME_BENCH_AGENTS", 5000))
	compare(b,
		func() time.Duration {
			f.forget(b)
			f.derive(b, f.to.Add(-2*time.Minute))
			return f.derive(b, f.to.Add(-time.Minute))
		},
		func() time.Duration { return f.lead(b, f.to.Add(-time.Minute)) })
	b.ReportMetric(deriveBar, "bar")
	b.ReportMetric(deriveBarMS, "bar-ms")
}

// Storing a round each second while a quarter-hour is derived, the slowest of each
// derivation, against storing one with nothing beside it. A round of 10 s has its last poll
// after 8 s: what is stored within the rest keeps up.
func BenchmarkRecordBesideDerive(b *testing.B) {
	const atMostMS = 2000
	f := newDeriveFloor(b, benchSize(b, "TALKTIME_BENCH_AGENTS", 5000))
	due := f.to.Add(2 * time.Minute)
	record := func() time.Duration {
		tick, samples := f.round(due)
		due = due.Add(10 * time.Second)
		return timed(b, func() error { return f.Record(b.Context(), tick, samples) })
	}
	compare(b,
		func() time.Duration {
			f.forget(b)
			derived := make(chan error, 1)
			go func() {
				_, err := f.DeriveRange(b.Context(), f.from, f.to, deriving(f.to.Add(2*time.Minute)))
				derived <- err
			}()
			next := time.NewTicker(time.Second)
			defer next.Stop()
			for took := record(); ; took = max(took, record()) {
				select {
				case err := <-derived:
					if err != nil {
						b.Fatal(err)
					}
					return took
				case <-next.C:
				}
			}
		},
		record)
	b.ReportMetric(atMostMS, "bar-ms")
}

// Deriving one quarter-hour in which nobody was seen for half a minute, as around a
// recorder that was started again: every agent has a hole.
func BenchmarkDeriveHoles(b *testing.B) {
	f := newDeriveFloor(b, benchSize(b, "TALKTIME_BENCH_AGENTS", 5000))
	f.exec(b, "DELETE FROM talktime.samples WHERE polled_at >= $1 AND polled_at < $2", at(8, 7, 0), at(8, 7, 30))
	f.exec(b, "VACUUM ANALYZE talktime.samples")
	compare(b,
		func() time.Duration {
			f.forget(b)
			return f.derive(b, f.to.Add(2*time.Minute))
		},
		func() time.Duration { return f.lead(b, f.to) })
	b.ReportMetric(deriveBarMS, "bar-ms")
}
