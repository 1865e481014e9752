package store_test

import (
	"slices"
	"testing"
	"time"
)

// What a poll takes on disk as runs, beside what it took as a sample, each with its
// index: a whole day of 200 agents at most at 10 s, in states of 156 s on average, one poll in
// a hundred failed. The time is that of making a quarter-hour's runs.
func BenchmarkRuns(b *testing.B) {
	d := newDatabase(b)
	f := newFloor(min(benchSize(b, "TALKTIME_BENCH_DAY_AGENTS", 200), 200))
	f.fill(b, d, at(0, 0, 0), at(24, 0, 0))
	asRuns, polls := d.bytesOfRuns(b, at(0, 0, 0), at(24, 0, 0))
	d.exec(b, "VACUUM talktime.samples")
	asSamples := one[int64](b, d, "SELECT pg_total_relation_size('talktime.samples_20261116')")
	var took []time.Duration
	for b.Loop() {
		d.exec(b, "TRUNCATE talktime.sample_runs")
		took = append(took, timed(b, func() error { return d.MakeRuns(b.Context(), at(8, 0, 0), at(8, 15, 0)) }))
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op") // emptying the table is in it
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms")
	b.ReportMetric(float64(asRuns)/float64(polls), "bytes/poll")
	b.ReportMetric(float64(asSamples)/float64(polls), "baseline-bytes/poll")
	b.ReportMetric(10, "bar-bytes/poll")
}
