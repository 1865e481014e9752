package store_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

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
			phase: (time.Duration(i) * 8 * time.Second / time.Duration(agents)).Truncate(time.Millisecond), // a round is spread over 80 % of its period
		})
	}
	return f
}

// round polls the floor at a due instant of a 10 s schedule. One poll in a
// hundred fails.
func (f *floor) round(due time.Time) (ingest.Tick, []ingest.Sample) {
	tick, _ := roundAt(due, f.all(), idle)
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

// all is everybody on the floor.
func (f *floor) all() ingest.AgentSet {
	return agentRange(101, ingest.AgentID(100+len(f.agents)))
}

// fillAtOnce is how many samples one COPY of fill brings.
const fillAtOnce = 200_000

// fill stores the rounds of [from, to) as a recorder leaves them, in a tenth of
// the time: many rounds at once.
func (f *floor) fill(t testing.TB, d database, from, to time.Time) {
	t.Helper()
	if _, err := d.MakePartitions(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	tick, samples := f.round(from)
	d.record(t, tick, samples) // makes the set of agents
	rounds := make(chan roundsToFill, 1)
	go func() {
		defer close(rounds)
		for due := from.Add(tick.Period); due.Before(to); {
			var next roundsToFill
			for samples = nil; due.Before(to) && len(samples) < fillAtOnce; due = due.Add(tick.Period) {
				tick, polled := f.round(due)
				samples = append(samples, polled...)
				next.due = append(next.due, due)
				next.observed, next.failed = append(next.observed, tick.Polls[ingest.Observed]), append(next.failed, tick.Polls[ingest.GatewayError])
			}
			next.rows = store.EncodeCopy(samples)
			select {
			case rounds <- next:
			case <-t.Context().Done():
				return
			}
		}
	}()
	conn, err := d.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for next := range rounds {
		d.exec(t, `INSERT INTO talktime.ticks (schedule, due_at, period_ms, agent_set_id, status, started_at, finished_at, observed, gateway_error)
			SELECT schedule, due, period_ms, agent_set_id, status, due, due + interval '9 s', seen, failed
			FROM talktime.ticks, unnest($2::timestamptz[], $3::int[], $4::int[]) AS t (due, seen, failed) WHERE due_at = $1`,
			from, next.due, next.observed, next.failed)
		if _, err := conn.Conn().PgConn().CopyFrom(t.Context(), bytes.NewReader(next.rows), "COPY talktime.samples FROM STDIN BINARY"); err != nil {
			t.Fatal(err)
		}
	}
}

// roundsToFill are rounds that follow each other: their ticks, and all samples as
// COPY takes them.
type roundsToFill struct {
	due              []time.Time
	observed, failed []int
	rows             []byte
}
