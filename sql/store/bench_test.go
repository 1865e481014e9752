package store_test

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

// Each benchmark runs its baseline in turn with what it measures and reports
// the ratio of the medians ("times"), how far the ratios of single turns spread
// (10th and 90th percentile), and the most it may be ("bar") where that is
// settled. Run them with .ci/bench, or a single one, with fewer agents, with
//
//	go test ./sql/store -run '^$' -bench Record -benchtime 20x

// benchSize returns a size that .ci/bench sets by a variable, such as
// TALKTIME_BENCH_AGENTS, or the given one where a benchmark is run by hand.
func benchSize(b *testing.B, variable string, byHand int) int {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return byHand
	}
	size, err := strconv.Atoi(text)
	if err != nil || size < 1 {
		b.Fatalf("%s is %q, want a number", variable, text)
	}
	return size
}

// compare runs both in turns until the benchmark ends. Each prepares by itself
// and returns how long what is to be measured took.
func compare(b *testing.B, product, baseline func() time.Duration) {
	b.Helper()
	var took, based, times []float64
	for b.Loop() {
		base := baseline().Seconds() * 1000
		mine := product().Seconds() * 1000
		took, based, times = append(took, mine), append(based, base), append(times, mine/base)
	}
	quantile := func(of []float64, q float64) float64 {
		slices.Sort(of)
		return of[int(q*float64(len(of)-1)+0.5)]
	}
	b.ReportMetric(0, "ns/op") // both together, and preparing: says nothing
	b.ReportMetric(quantile(took, 0.5), "ms")
	b.ReportMetric(quantile(based, 0.5), "baseline-ms")
	b.ReportMetric(quantile(took, 0.5)/quantile(based, 0.5), "times")
	b.ReportMetric(quantile(times, 0.1), "times-p10")
	b.ReportMetric(quantile(times, 0.9), "times-p90")
}

// timed returns how long do takes.
func timed(b *testing.B, do func() error) time.Duration {
	b.Helper()
	began := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

// Storing a round of a sample for each agent, against the bare binary COPY of the
// same rows, already encoded, into a heap without an index; and what the samples
// take on disk with their index.
func BenchmarkRecord(b *testing.B) {
	d := newDatabase(b)
	if _, err := d.MakePartitions(b.Context(), monday, monday); err != nil {
		b.Fatal(err)
	}
	d.exec(b, "CREATE TABLE heap (LIKE talktime.samples)")
	conn, err := d.pool.Acquire(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	f, due := newFloor(benchSize(b, "TALKTIME_BENCH_AGENTS", 10_000)), at(0, 0, 0)
	var tick ingest.Tick
	var samples []ingest.Sample
	compare(b,
		func() time.Duration {
			return timed(b, func() error { return d.Record(b.Context(), tick, samples) })
		},
		func() time.Duration {
			due = due.Add(10 * time.Second)
			tick, samples = f.round(due)
			rows := store.EncodeCopy(samples)
			return timed(b, func() error {
				_, err := conn.Conn().PgConn().CopyFrom(b.Context(), bytes.NewReader(rows), "COPY heap FROM STDIN BINARY")
				return err
			})
		})
	b.ReportMetric(2.0, "bar")
	var perSample float64
	err = d.pool.QueryRow(b.Context(), `
		SELECT sum(pg_total_relation_size(relid))::float8 / (SELECT count(*) FROM talktime.samples)
		FROM pg_partition_tree('talktime.samples') WHERE isleaf`).Scan(&perSample)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(perSample, "bytes/sample")
	b.ReportMetric(56, "bar-bytes/sample")
}
