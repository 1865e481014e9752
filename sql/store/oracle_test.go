package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/sql/store"
	"talktime/sql/store/internal/oracle"
)

// TestVectors derives the 216 cases of testdata/vectors in the database and
// compares every row and column, then again with the samples in another order
// and stored twice.
func TestVectors(t *testing.T) {
	t.Parallel()
	bench := newDeriveBench(t)
	for _, file := range []string{"hand", "random"} {
		cases, err := oracle.ReadCases("testdata/vectors/" + file + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			t.Run(c.Name, func(t *testing.T) {
				if diff := oracle.Diff(bench.derive(t, c), c.Expect); diff != "" {
					t.Errorf("%s\n%s", c.Why, diff)
				}
				if diff := cmp.Diff(oracle.Segments(c), bench.segments(t), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s\nsegments, -oracle +database:\n%s", c.Why, diff)
				}
				slices.Reverse(c.Samples)
				c.Samples = append(c.Samples, c.Samples...)
				if diff := oracle.Diff(bench.derive(t, c), c.Expect); diff != "" {
					t.Errorf("the samples reversed and stored twice changed the figures:\n%s", diff)
				}
			})
		}
	}
}

// TestOracle derives random cases in the database and in the oracle.
func TestOracle(t *testing.T) {
	t.Parallel()
	bench := newDeriveBench(t)
	rapid.Check(t, func(r *rapid.T) {
		c := oracle.Draw(r)
		if diff := oracle.Diff(bench.derive(r, c), oracle.Derive(c)); diff != "" {
			r.Fatalf("the database and the oracle differ:\n%s", diff)
		}
		if diff := cmp.Diff(oracle.Segments(c), bench.segments(r), cmpopts.EquateEmpty()); diff != "" {
			r.Fatalf("segments, -oracle +database:\n%s", diff)
		}
	})
}

// TestOracleAsItComes stores random cases tick by tick, some late, derives what
// is dirty in between up to a growing horizon, and compares what stands in the
// end.
func TestOracleAsItComes(t *testing.T) {
	t.Parallel()
	bench := newDeriveBench(t)
	rapid.Check(t, func(r *rapid.T) {
		c := oracle.Draw(r)
		_, end := reachOf(c)
		arrivals := bench.arrivals(r, c)
		bench.empty(r)
		horizon := time.Time{}
		for i, arrival := range arrivals {
			arrival.store(r)
			if i < len(arrivals)-1 && !rapid.Bool().Draw(r, "derive now") {
				continue
			}
			// Whatever is stored later with an earlier instant comes late.
			horizon = latest(horizon, arrival.from)
			bench.deriveDirty(r, horizon)
		}
		c.Horizon = end.Add(4 * time.Hour).UnixMilli()
		bench.deriveDirty(r, time.UnixMilli(c.Horizon))
		if diff := oracle.Diff(bench.rows(r), oracle.Derive(c)); diff != "" {
			r.Fatalf("deriving as it came and the oracle differ:\n%s", diff)
		}
		if diff := cmp.Diff(oracle.Segments(c), bench.segments(r), cmpopts.EquateEmpty()); diff != "" {
			r.Fatalf("segments derived as it came, -oracle +database:\n%s", diff)
		}
		if open := bench.count(r, "SELECT count(*) FROM talktime.quarter_hours WHERE NOT is_final"); open > 0 {
			r.Fatalf("%d rows are not final long after the last tick", open)
		}
		if dirty := bench.count(r, "SELECT count(*) FROM talktime.dirty"); dirty > 0 {
			r.Fatalf("%d marks were left", dirty)
		}
	})
}

// deriveBench is a store that cases are loaded into one after the other.
type deriveBench struct {
	store *store.Store
	conn  *pgx.Conn
	url   string
	ctx   context.Context
}

func newDeriveBench(t *testing.T) *deriveBench {
	t.Helper()
	url := newURL(t)
	b := &deriveBench{store: openStore(t, url), url: url, ctx: t.Context()}
	var err error
	if b.conn, err = pgx.Connect(b.ctx, url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.conn.Close(context.WithoutCancel(b.ctx)) })
	if _, err := b.conn.Exec(b.ctx, `CREATE FUNCTION pg_temp.ms(timestamptz) RETURNS bigint LANGUAGE sql AS
		'SELECT coalesce((extract(epoch FROM $1) * 1000)::bigint, 0)'`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.MakePartitions(b.ctx, benchDay, benchDay.AddDate(0, 0, benchDays-1)); err != nil {
		t.Fatal(err)
	}
	return b
}

// The days that the cases lie in.
const benchDays = 7

var benchDay = time.Date(2026, 2, 27, 0, 0, 0, 0, time.UTC)

// must is what testing.T and rapid.T share here.
type must interface {
	Helper()
	Fatalf(format string, args ...any)
}

// derive loads the case into the emptied store and derives all it can reach.
func (b *deriveBench) derive(t must, c oracle.Case) []oracle.Row {
	t.Helper()
	b.load(t, c)
	from, to := reachOf(c)
	horizon := time.UnixMilli(c.Horizon)
	if _, err := b.store.DeriveRange(b.ctx, from, to, store.Deriving{Now: horizon, Settled: store.Settled{Horizon: horizon}}); err != nil {
		t.Fatalf("%v", err)
	}
	return b.rows(t)
}

// load stores the case in the emptied store.
func (b *deriveBench) load(t must, c oracle.Case) {
	t.Helper()
	b.empty(t)
	for _, arrival := range b.arrivals(nil, c) {
		arrival.store(t)
	}
}

func (b *deriveBench) deriveDirty(t must, horizon time.Time) {
	t.Helper()
	d := store.Deriving{Now: horizon.Add(time.Hour), Settle: 15 * time.Minute, Settled: store.Settled{Horizon: horizon}}
	if _, err := b.store.DeriveDirty(b.ctx, d); err != nil {
		t.Fatalf("%v", err)
	}
}

// empty takes everything back but the reference tables and agent sets.
func (b *deriveBench) empty(t must) {
	t.Helper()
	if _, err := b.conn.Exec(b.ctx, `TRUNCATE talktime.ticks, talktime.hand_rounds, talktime.samples, talktime.sample_runs, talktime.compactions,
		talktime.quarter_hours, talktime.gone_quarter_hours, talktime.segments, talktime.dirty, talktime.derivations`); err != nil {
		t.Fatalf("%v", err)
	}
}

func (b *deriveBench) count(t must, query string) (n int) {
	t.Helper()
	if err := b.conn.QueryRow(b.ctx, query).Scan(&n); err != nil {
		t.Fatalf("%v", err)
	}
	return n
}

// rows reads the derived rows back, by agent and bin.
func (b *deriveBench) rows(t must) []oracle.Row {
	t.Helper()
	return b.rowsWhere(t, "true")
}

func (b *deriveBench) rowsWhere(t must, condition string) []oracle.Row {
	t.Helper()
	columns := "agent_id, (extract(epoch FROM bin_start_at) * 1000)::bigint"
	for _, name := range oracle.MeasureNames {
		columns += ", " + name + "_ms"
	}
	for _, kind := range []string{"low", "reach", "edge"} {
		for _, name := range oracle.EvidenceNames {
			columns += fmt.Sprintf(", %s_%s_ms", name, kind)
		}
	}
	rows, err := b.conn.Query(b.ctx, "SELECT "+columns+
		", change_ms, change_sq, conflicts, talk_entries FROM talktime.quarter_hours WHERE "+condition+" ORDER BY agent_id, bin_start_at")
	if err != nil {
		t.Fatalf("%v", err)
	}
	read, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r oracle.Row, err error) {
		fields := []any{&r.AgentID, &r.Bin}
		for i := range r.MS {
			fields = append(fields, &r.MS[i])
		}
		for _, evidence := range []*oracle.Evidence{&r.Low, &r.Reach, &r.Edge} {
			for i := range evidence {
				fields = append(fields, &evidence[i])
			}
		}
		return r, row.Scan(append(fields, &r.ChangeMS, &r.ChangeSq, &r.Conflicts, &r.TalkEntries)...)
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return read
}

// segments reads the derived segments back, by agent and time.
func (b *deriveBench) segments(t must) []oracle.Segment {
	t.Helper()
	rows, err := b.conn.Query(b.ctx, `
		SELECT agent_id, pg_temp.ms(bin_start_at), pg_temp.ms(from_at), pg_temp.ms(to_at), pg_temp.ms(started_after), pg_temp.ms(started_before), pg_temp.ms(ended_after), pg_temp.ms(ended_before),
		       coalesce(agent_state, 0), coalesce(is_working, false), coalesce(measure::text, cause::text)
		FROM talktime.segments ORDER BY agent_id, from_at`)
	if err != nil {
		t.Fatalf("%v", err)
	}
	read, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s oracle.Segment, err error) {
		var measure string
		err = row.Scan(&s.AgentID, &s.Bin, &s.From, &s.To, &s.StartedAfter, &s.StartedBefore, &s.EndedAfter, &s.EndedBefore,
			&s.Code, &s.Working, &measure)
		s.Measure = slices.Index(oracle.MeasureNames[:], measure)
		return s, err
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return read
}

// arrival is one thing stored at a time: ticks of a schedule, or samples.
type arrival struct {
	from  time.Time // the earliest due instant or polled_at
	store func(t must)
}

// arrivals splits a case into what is stored one after the other. The samples
// go in without their ticks, as those taken by hand do: to derive that is the
// same. With r it comes in small parts in order of time, but for some that are
// late; without, in few large ones.
func (b *deriveBench) arrivals(r *rapid.T, c oracle.Case) []arrival {
	atOnce := func(n int, what string) int {
		if r == nil {
			return n
		}
		return rapid.IntRange(1, n).Draw(r, what+" at once")
	}
	var all []arrival
	for _, s := range c.Schedules {
		for rest := s.Ticks; len(rest) > 0; {
			n := atOnce(len(rest), "ticks")
			all = append(all, b.ticks(s, rest[:n]))
			rest = rest[n:]
		}
	}
	for rest := c.Samples; len(rest) > 0; {
		n := atOnce(len(rest), "samples")
		all = append(all, b.samples(rest[:n]))
		rest = rest[n:]
	}
	if r == nil {
		return all
	}
	slices.SortStableFunc(all, func(x, y arrival) int { return x.from.Compare(y.from) })
	for range rapid.IntRange(0, 3).Draw(r, "late ones") {
		if n := len(all); n > 1 {
			i := rapid.IntRange(0, n-2).Draw(r, "late")
			late := all[i]
			all = slices.Insert(slices.Delete(all, i, i+1), rapid.IntRange(i, n-1).Draw(r, "comes at"), late)
		}
	}
	return all
}

// ticks are stored by one statement: Record and RecordMissed have tests of their
// own, and cases hold hundreds of ticks.
func (b *deriveBench) ticks(s oracle.Schedule, ticks []oracle.Tick) arrival {
	var due, period []int64
	var status []string
	for _, tick := range ticks {
		due, period, status = append(due, tick.Due), append(period, tick.Period), append(status, tick.Status)
	}
	const store = `
		WITH new_set AS (
			INSERT INTO talktime.agent_sets (agents, fingerprint)
			SELECT range_agg(int4range(a, a, '[]')), md5(array_to_string($2::int[], ',')) FROM unnest($2::int[]) AS a
			ON CONFLICT (fingerprint) DO UPDATE SET fingerprint = excluded.fingerprint RETURNING agent_set_id)
		INSERT INTO talktime.ticks (schedule, due_at, period_ms, agent_set_id, status)
		SELECT $1, to_timestamp(due / 1000.0), period, agent_set_id, status::talktime.tick_status
		FROM new_set, unnest($3::bigint[], $4::bigint[], $5::text[]) AS t(due, period, status)`
	return arrival{time.UnixMilli(slices.Min(due)), func(t must) {
		t.Helper()
		if _, err := b.conn.Exec(b.ctx, store, s.Name, s.Agents, due, period, status); err != nil {
			t.Fatalf("%v", err)
		}
	}}
}

func (b *deriveBench) samples(samples []oracle.Sample) arrival {
	rows := make([]ingest.Sample, len(samples))
	from := time.Time{}
	for i, s := range samples {
		rows[i] = ingest.Sample{
			AgentID: ingest.AgentID(s.AgentID), Period: time.Duration(s.Period) * time.Millisecond,
			Poll: ingest.Poll{PolledAt: time.UnixMilli(s.PolledAt), Outcome: outcomeOf(s.Outcome)},
		}
		if s.State != nil {
			rows[i].Status = ingest.Status{AgentState: *s.State, IsWorking: *s.Working}
		}
		if from.IsZero() || rows[i].PolledAt.Before(from) {
			from = rows[i].PolledAt
		}
	}
	return arrival{from, func(t must) {
		t.Helper()
		if err := b.store.RecordByHand(b.ctx, rows); err != nil {
			t.Fatalf("%v", err)
		}
	}}
}

func outcomeOf(word string) ingest.Outcome {
	for _, o := range ingest.Outcomes() {
		if o.String() == word {
			return o
		}
	}
	panic("no outcome is called " + word)
}

// reachOf returns whole quarter-hours around everything the case can touch.
func reachOf(c oracle.Case) (from, to time.Time) {
	var instants []int64
	longest := int64(0)
	for _, s := range c.Schedules {
		for _, tick := range s.Ticks {
			instants = append(instants, tick.Due)
			longest = max(longest, tick.Period)
		}
	}
	for _, s := range c.Samples {
		instants = append(instants, s.PolledAt)
		longest = max(longest, s.Period)
	}
	if len(instants) == 0 {
		instants = []int64{c.Horizon}
	}
	margin := store.QuarterHour + 3*time.Duration(longest)*time.Millisecond
	from = time.UnixMilli(slices.Min(instants)).Add(-margin).Truncate(store.QuarterHour)
	return from, time.UnixMilli(slices.Max(instants)).Add(margin).Truncate(store.QuarterHour)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
