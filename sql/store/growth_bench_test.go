package store_test

import (
	"fmt"
	"testing"
	"time"

	"talktime/reports"
)

// growthSizes are the numbers of agents whose figures the README puts side by side.
var growthSizes = []int{1000, 5000, 20_000, 59_899}

// What there is to pay for so many agents at 10 s, in states that last 156 s on
// average: seconds to derive a quarter-hour, seconds of a report of a day by agent, and
// the bytes of an agent's day in each table, indexes included. The bytes are those of
// one quarter-hour 96 times, of samples 8,640 rounds and of ticks really as many.
// .ci/bench makes a table of all sizes.
func BenchmarkGrowth(b *testing.B) {
	most := benchSize(b, "TALKTIME_BENCH_AGENTS", 5000)
	for _, agents := range growthSizes {
		agents = min(agents, most)
		b.Run(fmt.Sprintf("%d_agents", agents), func(b *testing.B) { growthOf(b, agents) })
		if agents == most {
			return
		}
	}
}

func growthOf(b *testing.B, agents int) {
	b.Helper()
	f := newDeriveFloor(b, agents)
	polls := f.count(b, "SELECT count(*) FROM talktime.samples")
	f.exec(b, "SELECT talktime.make_partition('sample_runs', $1, $1::timestamptz + interval '24 hours', 'day')", monday)
	if err := f.MakeRuns(b.Context(), f.from, f.to); err != nil {
		b.Fatal(err)
	}
	f.exec(b, "VACUUM talktime.sample_runs")
	var derived, reported time.Duration
	bytes := map[string]float64{}
	const quarterHours, rounds = 96, 8640
	for b.Loop() {
		f.forget(b)
		f.exec(b, "TRUNCATE talktime.days, talktime.kept_days")
		derived += f.derive(b, f.to.Add(2*time.Minute))
		f.exec(b, "VACUUM ANALYZE talktime.quarter_hours, talktime.segments")
		for table, times := range map[string]float64{
			"samples":     rounds * float64(agents) / float64(polls),
			"sample_runs": quarterHours, "quarter_hours": quarterHours, "segments": quarterHours,
		} {
			bytes[table] = float64(f.bytesOf(b, table)) * times / float64(agents)
		}
		day := deriving(monday.AddDate(0, 0, 2)) // and makes the quarter-hour final
		day.Calendars = append(day.Calendars, calendar(b, "UTC", "00:00"))
		f.deriveWith(b, day)
		f.exec(b, "VACUUM ANALYZE talktime.days")
		if days := f.count(b, "SELECT count(*) FROM talktime.days"); days != agents {
			b.Fatalf("%d days are kept, want %d", days, agents)
		}
		bytes["days"] = float64(f.bytesOf(b, "days")) / float64(agents)
		reported += timed(b, func() error {
			snapshot := f.snapshot(b)
			defer snapshot.Close(b.Context())
			request := windowOf(monday, monday.AddDate(0, 0, 1), f.all())
			request.Grouping = reports.Grouping{ByAgent: true}
			_, err := reports.Summarize(b.Context(), snapshot, request, discard{})
			return err
		})
	}
	f.exec(b, `INSERT INTO talktime.ticks (schedule, due_at, period_ms, agent_set_id, status, started_at, finished_at, observed)
		SELECT schedule, due_at + n * interval '10 s', period_ms, agent_set_id, status, started_at, finished_at, observed
		FROM talktime.ticks, generate_series(1, $1) AS n WHERE due_at = $2 ON CONFLICT DO NOTHING`, rounds, f.from)
	bytes["ticks"] = float64(f.bytesOf(b, "ticks")) / float64(agents)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(derived.Seconds()/float64(b.N), "s-derive")
	b.ReportMetric(reported.Seconds()/float64(b.N), "s-report")
	for table, size := range bytes {
		b.ReportMetric(size, "B/agent-day-"+table)
	}
}

// bytesOf is what a table takes with its partitions and indexes.
func (d database) bytesOf(t testing.TB, table string) int {
	t.Helper()
	return d.count(t, fmt.Sprintf(`
		SELECT pg_total_relation_size('talktime.%[1]s') + coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('talktime.%[1]s') WHERE isleaf AND level > 0), 0)`, table))
}
