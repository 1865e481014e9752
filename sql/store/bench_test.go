package store_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

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

// A floor is a contact centre's agents as a recorder sees them: each with a
// phase of its own within the period, in states that last 156 s on average.
type floor struct {
	random *rand.Rand
	agents []*deskAgent
}

type deskAgent struct {
	id     ingest.AgentID
	phase  time.Duration
	status ingest.Status
}

// deskStates are what an agent's next state is drawn from.
var deskStates = []ingest.Status{
	{AgentState: 4}, {AgentState: 4}, {AgentState: 7}, talking, talking, talking, {AgentState: 5}, {AgentState: 3}, {AgentState: 8}, {AgentState: 2},
}

const meanState = 156 * time.Second

func newFloor(agents int) *floor {
	f := &floor{random: rand.New(rand.NewPCG(20, 26))}
	for i := range agents {
		f.agents = append(f.agents, &deskAgent{
			id: ingest.AgentID(101 + i), status: deskStates[f.random.IntN(len(deskStates))],
			phase: time.Duration(i) * 8 * time.Second / time.Duration(agents), // a round is spread over 80 % of its period
		})
	}
	return f
}

// round polls the floor at a due instant of a 10 s schedule. One poll in a
// hundred fails.
func (f *floor) round(due time.Time) (ingest.Tick, []ingest.Sample) {
	tick, _ := roundAt(due, agentRange(101, ingest.AgentID(100+len(f.agents))), idle)
	tick.Polls[ingest.Observed] = 0
	samples := make([]ingest.Sample, len(f.agents))
	for i, a := range f.agents {
		if f.random.Float64() < tick.Period.Seconds()/meanState.Seconds() {
			for was := a.status; a.status == was; {
				a.status = deskStates[f.random.IntN(len(deskStates))]
			}
		}
		jitter := time.Duration(f.random.IntN(50)) * time.Millisecond
		poll := ingest.Poll{PolledAt: due.Add(a.phase + jitter), Outcome: ingest.Observed, Status: a.status}
		if f.random.IntN(100) == 0 {
			poll = ingest.Poll{PolledAt: poll.PolledAt, Outcome: ingest.GatewayError, Retcode: "000-004"}
		}
		tick.Polls[poll.Outcome]++
		samples[i] = ingest.Sample{AgentID: a.id, Period: tick.Period, Poll: poll}
	}
	return tick, samples
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

// Deriving one quarter-hour of 5,000 agents at 10 s that was not derived before,
// against the bare sum of lead() over the same rows.
func BenchmarkDerive(b *testing.B) {
	const agents = 5000
	from, to := at(8, 0, 0), at(8, 15, 0)
	d := newDatabase(b)
	f := newFloor(agents)
	for due := from.Add(-2 * time.Minute); due.Before(to.Add(2 * time.Minute)); due = due.Add(10 * time.Second) {
		tick, samples := f.round(due)
		d.record(b, tick, samples)
	}
	d.exec(b, "VACUUM ANALYZE talktime.samples, talktime.ticks")
	conn, err := pgx.Connect(b.Context(), d.url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close(b.Context()) })
	// The settings are those of the transaction that derives.
	if _, err := conn.Exec(b.Context(), "SET work_mem = '128MB'; SET jit = off"); err != nil {
		b.Fatal(err)
	}
	compare(b,
		func() time.Duration {
			d.exec(b, "TRUNCATE talktime.quarter_hours, talktime.derivations, talktime.dirty")
			return timed(b, func() error {
				derived, err := d.DeriveRange(b.Context(), from, to, deriving(to.Add(2*time.Minute)))
				if err == nil && derived.Inserted != agents {
					b.Fatalf("%d rows were derived, want %d", derived.Inserted, agents)
				}
				return err
			})
		},
		func() time.Duration {
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
		})
}
