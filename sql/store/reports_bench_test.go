package store_test

import (
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
)

// Everyone's state now: 60,000 agents polled every 10 s, ten rounds stored.
func BenchmarkAtNow(b *testing.B) {
	d := newDatabase(b)
	now := at(8, 1, 37)
	benchSamples(b, d, now, "observed")
	b.ReportAllocs()
	for b.Loop() {
		benchAt(b, d, now, reports.Talk)
	}
}

// The same a minute back, with samples on either side.
func BenchmarkAtAnInstant(b *testing.B) {
	d := newDatabase(b)
	benchSamples(b, d, at(8, 1, 37), "observed")
	for b.Loop() {
		benchAt(b, d, at(8, 0, 53), reports.Talk)
	}
}

// The worst case: the gateway is down, so that every agent's cause is looked for.
func BenchmarkAtNowWithoutAGateway(b *testing.B) {
	d := newDatabase(b)
	benchSamples(b, d, at(8, 1, 37), "unreachable")
	for b.Loop() {
		benchAt(b, d, at(8, 1, 32), reports.Failed)
	}
}

func benchAt(b *testing.B, d database, at time.Time, want reports.Measure) {
	b.Helper()
	snapshot := d.snapshot(b)
	defer snapshot.Close(b.Context())
	states, err := statesAt(b.Context(), snapshot, at, ingest.AgentSet{})
	if err != nil {
		b.Fatal(err)
	}
	if len(states) != 59_899 || states[100].Measure != want {
		b.Fatalf("%d states, one is %s", len(states), states[100].Measure)
	}
}

// benchSamples stores rounds each 10 s of 08:00 up to now, everybody alike.
func benchSamples(b *testing.B, d database, now time.Time, outcome string) {
	b.Helper()
	everyone := agentRange(101, 59_999)
	d.declare(b, at(7, 0, 0), office(b, everyone))
	if _, err := d.MakePartitions(b.Context(), monday, now); err != nil {
		b.Fatal(err)
	}
	d.exec(b, `INSERT INTO talktime.ticks (schedule, due_at, period_ms, agent_set_id, status)
		SELECT 'office', due, 10000, (SELECT min(agent_set_id) FROM talktime.agent_sets), 'taken' FROM generate_series($1::timestamptz, $2, '10 s') AS due`,
		at(8, 0, 0), now.Add(-5*time.Second))
	d.exec(b, `INSERT INTO talktime.samples (polled_at, agent_id, period_ms, agent_state, is_working, outcome)
		SELECT due + agent * interval '100 microseconds', agent, 10000, CASE WHEN $3 = 'observed' THEN 7 END, CASE WHEN $3 = 'observed' THEN true END, $3::text::talktime.outcome
		FROM generate_series($1::timestamptz, $2, '10 s') AS due, generate_series(101, 59999) AS agent`,
		at(8, 0, 0), now.Add(-5*time.Second), outcome)
	d.exec(b, "VACUUM ANALYZE talktime.samples")
}

// One agent's day among 2,000 agents of 193 episodes a day; its first and its last
// episode reach over midnight.
func BenchmarkTimelineOfADay(b *testing.B) {
	benchWindow(b, ingest.NewAgentSet(1042), func(s *store.Snapshot, day reports.Request) int { return len(timelineOf(b, s, day)) }, 193)
}

// Three days are one session.
func BenchmarkSessionsOfADay(b *testing.B) {
	benchWindow(b, ingest.NewAgentSet(1042), func(s *store.Snapshot, day reports.Request) int { return len(sessionsOf(b, s, day)) }, 1)
}

func benchWindow(b *testing.B, agents ingest.AgentSet, report func(*store.Snapshot, reports.Request) int, want int) {
	b.Helper()
	d := benchSegments(b)
	snapshot := d.snapshot(b)
	defer snapshot.Close(b.Context())
	day := windowOf(monday.AddDate(0, 0, 1), monday.AddDate(0, 0, 2), agents)
	for b.Loop() {
		if rows := report(snapshot, day); rows != want {
			b.Fatalf("%d rows, want %d", rows, want)
		}
	}
}

// benchSegments stores three days of segments, five minutes each, every third
// going on over a quarter-hour's border.
func benchSegments(b *testing.B) database {
	b.Helper()
	d := newDatabase(b)
	if _, err := d.MakePartitions(b.Context(), monday, monday.AddDate(0, 0, 3)); err != nil {
		b.Fatal(err)
	}
	d.exec(b, `INSERT INTO talktime.derivations VALUES (1, $2, $1, $2, $2, 0, 0, 0, 0)`, monday, monday.AddDate(0, 0, 3))
	d.exec(b, `INSERT INTO talktime.segments (agent_id, bin_start_at, from_at, to_at, started_after, started_before, ended_after, ended_before, agent_state, is_working, measure, derivation_id)
		SELECT agent, bin, bin + part * interval '5 min', bin + (part + 1) * interval '5 min',
		       CASE WHEN part > 0 THEN bin END, CASE WHEN part > 0 THEN bin END, CASE WHEN part < 2 THEN bin END, CASE WHEN part < 2 THEN bin END,
		       CASE part WHEN 1 THEN 7 ELSE 4 END, part = 1, CASE part WHEN 1 THEN 'talk' ELSE 'available' END::talktime.measure, 1
		FROM generate_series(101, 2100) AS agent, generate_series($1::timestamptz, $2, '15 min') AS bin, generate_series(0, 2) AS part`,
		monday, monday.AddDate(0, 0, 3).Add(-time.Minute))
	d.exec(b, "VACUUM ANALYZE talktime.segments")
	return d
}
