package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"talktime/reports"
)

// growthSizes are the numbers of agents whose figures the README puts side by side.
var growthSizes = []int{1000, 5000, 20_000, 59_899}

// What an agent costs, by how many there are: deriving a quarter-hour and reporting
// it by agent, against the smallest size, and the bytes each table takes for an
// agent's day at 10 s.
func BenchmarkGrowth(b *testing.B) {
	most := benchSize(b, "TALKTIME_BENCH_AGENTS", 5000)
	var least float64
	for _, agents := range growthSizes {
		agents = min(agents, most)
		b.Run(fmt.Sprintf("%d_agents", agents), func(b *testing.B) {
			f := newDeriveFloor(b, agents)
			var derived, reported time.Duration
			var turns []time.Duration
			for b.Loop() {
				f.forget(b)
				turns = append(turns, f.derive(b, f.to.Add(2*time.Minute)))
				derived += turns[len(turns)-1]
				reported += timed(b, func() error {
					snapshot := f.snapshot(b)
					defer snapshot.Close(b.Context())
					request := windowOf(f.from, f.to, f.all())
					request.Grouping = reports.Grouping{ByAgent: true}
					_, err := reports.Summarize(b.Context(), snapshot, request, discard{})
					return err
				})
			}
			eachOf := func(took time.Duration) float64 { return took.Seconds() * 1e6 / float64(agents) }
			each := eachOf(derived / time.Duration(b.N))
			if least == 0 {
				least = each
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(each, "µs/agent")
			b.ReportMetric(least, "baseline-µs/agent")
			b.ReportMetric(each/least, "times")
			b.ReportMetric(eachOf(slices.Min(turns))/least, "times-p10")
			b.ReportMetric(eachOf(slices.Max(turns))/least, "times-p90")
			b.ReportMetric(derived.Seconds()/float64(b.N), "derive-s")
			b.ReportMetric(reported.Seconds()/float64(b.N), "report-s")
			const quarterHoursADay = 96
			for table, rounds := range map[string]int{"samples": 8640, "quarter_hours": quarterHoursADay, "segments": quarterHoursADay} {
				stored := 1
				if table == "samples" {
					stored = f.count(b, "SELECT count(*) FROM talktime.ticks")
				}
				bytes := f.count(b, fmt.Sprintf("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('talktime.%s') WHERE isleaf", table))
				b.ReportMetric(float64(bytes)/float64(agents)*float64(rounds)/float64(stored), table+"-B/agent-day")
			}
		})
		if agents == most {
			return
		}
	}
}
