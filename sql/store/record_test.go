package store_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/sql/store"
)

// ticks lists the stored ticks in words.
func (d database) ticks(t *testing.T) []string {
	t.Helper()
	return all[string](t, d, `
		SELECT format('%s %s %s p=%s agents=%s polls=%s', schedule, to_char(due_at, 'HH24:MI:SS'), status, period_ms, agents,
		              observed + not_signed_in + unauthorized + bad_request + gateway_error + unreachable + bad_reply + skipped)
		FROM talktime.ticks JOIN talktime.agent_sets USING (agent_set_id) ORDER BY schedule, due_at`)
}

func (d database) samples(t *testing.T) int {
	t.Helper()
	return d.count(t, "SELECT count(*) FROM talktime.samples")
}

func (d database) dirty(t *testing.T) int {
	t.Helper()
	return d.count(t, "SELECT count(*) FROM talktime.dirty")
}

func TestRecordTwiceKeepsOnce(t *testing.T) {
	d := newDatabase(t)
	tick, samples := roundAt(at(8, 0, 0), agentRange(101, 103), talking)
	d.record(t, tick, samples)
	d.record(t, tick, samples)

	// Another program's round for the same tick is no better: the first stands.
	other, others := roundAt(at(8, 0, 0), agentRange(101, 110), idle)
	other.Period = 5 * time.Second
	if err := openStore(t, d.url).Record(t.Context(), other, others); err != nil {
		t.Fatal(err)
	}

	want := []string{"office 08:00:00 taken p=10000 agents={[101,104)} polls=3"}
	if diff := cmp.Diff(want, d.ticks(t)); diff != "" {
		t.Errorf("ticks (-want +got):\n%s", diff)
	}
	if n := d.count(t, "SELECT count(*) FROM talktime.samples WHERE agent_state = 7"); n != 3 || d.samples(t) != 3 {
		t.Errorf("%d samples are stored, %d of the first round, want 3", d.samples(t), n)
	}
	if n := d.dirty(t); n != 1 {
		t.Errorf("%d marks were made, want 1", n)
	}
}

func TestRecordAtOnce(t *testing.T) {
	d := newDatabase(t)
	const programs = 4
	var running sync.WaitGroup
	errs := make([]error, programs)
	for i := range programs {
		s := openStore(t, d.url)
		tick, samples := roundAt(at(8, 0, 0), agentRange(101, ingest.AgentID(101+i)), talking)
		running.Go(func() { errs[i] = s.Record(t.Context(), tick, samples) })
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	observed := d.count(t, "SELECT observed FROM talktime.ticks")
	if n := d.samples(t); n != observed {
		t.Errorf("the tick counts %d samples, %d are stored", observed, n)
	}
}

func TestTakenReplacesMissed(t *testing.T) {
	d := newDatabase(t)
	missed := []ingest.Tick{missedAt(at(8, 0, 0), agentRange(101, 103)), missedAt(at(8, 0, 10), agentRange(101, 103))}
	for range 2 {
		if err := d.RecordMissed(t.Context(), missed); err != nil {
			t.Fatal(err)
		}
	}
	tick, samples := roundAt(at(8, 0, 0), agentRange(101, 102), talking)
	d.record(t, tick, samples)
	if err := d.RecordMissed(t.Context(), missed); err != nil {
		t.Fatal(err)
	}

	want := []string{
		"office 08:00:00 taken p=10000 agents={[101,103)} polls=2",
		"office 08:00:10 missed p=10000 agents={[101,104)} polls=0",
	}
	if diff := cmp.Diff(want, d.ticks(t)); diff != "" {
		t.Errorf("ticks (-want +got):\n%s", diff)
	}
	if n := d.samples(t); n != 2 {
		t.Errorf("%d samples are stored, want 2", n)
	}
	// One for the two missed, one for the taken; storing nothing marks nothing.
	if n := d.dirty(t); n != 2 {
		t.Errorf("%d marks were made, want 2", n)
	}
}

func TestRecordMissedOfNothing(t *testing.T) {
	d := newDatabase(t)
	if err := d.RecordMissed(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// What cannot be stored leaves nothing behind, nor in the program's memory:
// what can is stored next.
func TestRecordFailsWhole(t *testing.T) {
	d := newDatabase(t)
	agents := agentRange(101, 2000)
	tick, samples := roundAt(at(8, 0, 0), agents, talking)
	broken := append([]ingest.Sample{}, samples...)
	broken[len(broken)-1].Outcome = 200
	err := d.Record(t.Context(), tick, broken)
	want := "record tick 2026-11-16T08:00:00Z of office with 1900 samples: "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Record returned %v, want %s…", err, want)
	}

	worse := []ingest.Tick{missedAt(at(8, 0, 0), agentRange(101, 150)), missedAt(at(8, 0, 10), agentRange(101, 150))}
	worse[1].Period = 0
	if err := d.RecordMissed(t.Context(), worse); err == nil {
		t.Error("RecordMissed stored a tick without a period")
	}
	if ticks, n, marks := d.ticks(t), d.samples(t), d.dirty(t); len(ticks) > 0 || n > 0 || marks > 0 {
		t.Errorf("%d samples, %d marks and the ticks %q were left", n, marks, ticks)
	}

	d.record(t, tick, samples)
	worse[1].Period = worse[0].Period
	if err := d.RecordMissed(t.Context(), worse); err != nil {
		t.Error(err)
	}
	if n := d.samples(t); n != len(samples) {
		t.Errorf("%d samples are stored, want %d", n, len(samples))
	}
}

// The connection dies while the server is in the middle of the samples.
func TestRecordKilledInTheMiddle(t *testing.T) {
	d := newDatabase(t)
	if _, err := d.MakePartitions(t.Context(), monday, monday); err != nil {
		t.Fatal(err)
	}
	d.exec(t, `CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN PERFORM pg_advisory_xact_lock(hashtext('stop here')); RETURN NEW; END $$`)
	d.exec(t, `CREATE TRIGGER stop BEFORE INSERT ON talktime.samples FOR EACH ROW
		WHEN (NEW.agent_id = 5000) EXECUTE FUNCTION stop_here()`)
	release := d.holdAdvisory(t, "stop here")

	tick, samples := roundAt(at(8, 0, 0), agentRange(101, 10_100), talking)
	failed := make(chan error, 1)
	go func() { failed <- d.Record(t.Context(), tick, samples) }()
	d.exec(t, "SELECT pg_terminate_backend($1)", d.awaitBlocked(t))
	if err := <-failed; err == nil {
		t.Fatal("Record returned no error though its connection was killed")
	}
	release()
	if ticks, n, marks := d.ticks(t), d.samples(t), d.dirty(t); len(ticks) > 0 || n > 0 || marks > 0 {
		t.Errorf("%d samples, %d marks and the ticks %q were left", n, marks, ticks)
	}

	d.record(t, tick, samples)
	if n := d.samples(t); n != len(samples) {
		t.Errorf("%d samples are stored, want %d", n, len(samples))
	}
}

func TestRecordCountsOutcomes(t *testing.T) {
	d := newDatabase(t)
	tick, _ := roundAt(at(8, 0, 0), agentRange(101, 136), talking)
	var want []int32
	for i, o := range ingest.Outcomes() {
		tick.Polls[o] = i + 1
		want = append(want, int32(i+1))
	}
	d.record(t, tick, nil)
	got := one[[]int32](t, d, `SELECT ARRAY[observed, not_signed_in, unauthorized, bad_request,
		gateway_error, unreachable, bad_reply, skipped] FROM talktime.ticks`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("polls by outcome (-want +got):\n%s", diff)
	}
	from, to := one[time.Time](t, d, "SELECT started_at FROM talktime.ticks"), one[time.Time](t, d, "SELECT finished_at FROM talktime.ticks")
	if !from.Equal(tick.StartedAt) || !to.Equal(tick.FinishedAt) {
		t.Errorf("the round is stored as [%s, %s], want [%s, %s]", from, to, tick.StartedAt, tick.FinishedAt)
	}
}

// Days without a partition get one, and no day gets one that needs none: not
// even where a clock jumped in the middle of a round.
func TestRecordMakesPartitions(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	tests := map[string]struct {
		polled []time.Time
		want   []string
	}{
		"a day":               {[]time.Time{at(8, 0, 0)}, []string{"samples_20261116"}},
		"over midnight":       {[]time.Time{at(23, 59, 59), at(24, 0, 0)}, []string{"samples_20261116", "samples_20261117"}},
		"over new year":       {[]time.Time{day(2027, 1, 1).Add(-time.Millisecond), day(2027, 1, 1)}, []string{"samples_20261231", "samples_20270101"}},
		"a leap day":          {[]time.Time{day(2028, 2, 29).Add(12 * time.Hour)}, []string{"samples_20280229"}},
		"far past and future": {[]time.Time{day(1970, 1, 1), at(8, 0, 0), day(2199, 12, 31)}, []string{"samples_19700101", "samples_20261116", "samples_21991231"}},
		"in the zone's day": {
			[]time.Time{time.Date(2026, 11, 17, 0, 30, 0, 0, time.FixedZone("CET", 3600))}, []string{"samples_20261116"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			for by, record := range map[string]func([]ingest.Sample) error{
				"tick": func(s []ingest.Sample) error {
					tick, _ := roundAt(test.polled[0], agentRange(101, 199), idle)
					return d.Record(t.Context(), tick, s)
				},
				"hand": func(s []ingest.Sample) error { return d.RecordByHand(t.Context(), s) },
			} {
				var samples []ingest.Sample
				for i, polledAt := range test.polled {
					_, s := roundAt(polledAt, agentRange(ingest.AgentID(101+i), ingest.AgentID(101+i)), idle)
					samples = append(samples, s...)
				}
				if err := record(samples); err != nil {
					t.Fatalf("by %s: %v", by, err)
				}
				got := all[string](t, d, "SELECT relid::text FROM pg_partition_tree('talktime.samples') WHERE isleaf ORDER BY 1")
				for i := range got {
					got[i] = strings.TrimPrefix(got[i], "talktime.")
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("by %s: partitions (-want +got):\n%s", by, diff)
				}
			}
			if n := d.samples(t); n != 2*len(test.polled) {
				t.Errorf("%d samples are stored, want %d", n, 2*len(test.polled))
			}
		})
	}
}

func TestMakePartitionsAhead(t *testing.T) {
	d := newDatabase(t)
	for _, want := range []int{8 + 2, 0} { // eight days, and their month of quarter-hours and segments
		if made, err := d.MakePartitions(t.Context(), at(8, 0, 0), at(8, 0, 0).AddDate(0, 0, 7)); err != nil || made != want {
			t.Errorf("%d partitions were made with error %v, want %d", made, err, want)
		}
	}
	// A partition answers to all that its table does.
	plan := strings.Join(all[string](t, d, "EXPLAIN (COSTS OFF) SELECT FROM talktime.samples WHERE polled_at >= '2026-11-18 08:00Z' AND polled_at < '2026-11-18 09:00Z'"), "\n")
	if !strings.Contains(plan, "samples_20261118") || strings.Contains(plan, "samples_20261117") {
		t.Errorf("an hour is not read from its own day's partition:\n%s", plan)
	}
	for _, table := range []string{"samples", "quarter_hours"} {
		short := all[string](t, d, `SELECT relid::text FROM pg_partition_tree('talktime.`+table+`') WHERE isleaf AND
			(SELECT count(*) FROM pg_index WHERE indrelid = relid) <> (SELECT count(*) FROM pg_index WHERE indrelid = 'talktime.`+table+`'::regclass)`)
		if len(short) > 0 {
			t.Errorf("partitions lack an index of %s: %s", table, short)
		}
	}
}

func TestRecordByHand(t *testing.T) {
	d := newDatabase(t)
	if err := d.RecordByHand(t.Context(), nil); err != nil {
		t.Error(err)
	}
	_, samples := roundAt(at(8, 0, 7), agentRange(101, 103), talking)
	samples[0].PolledAt, samples[0].Period = at(8, 0, 3), time.Minute
	if err := d.RecordByHand(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
	if ticks, n := d.ticks(t), d.samples(t); len(ticks) > 0 || n != 3 {
		t.Errorf("%d samples and the ticks %q are stored, want 3 and none", n, ticks)
	}
	got := all[string](t, d, `SELECT format('%s p=%s', to_char(from_at, 'HH24:MI:SS'), period_ms) FROM talktime.dirty`)
	if diff := cmp.Diff([]string{"08:00:03 p=60000"}, got); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	if latest := one[time.Time](t, d, "SELECT max(to_at) FROM talktime.dirty"); latest.Before(at(8, 0, 7)) {
		t.Errorf("the mark ends at %s, before the last sample", latest)
	}
}

// drawSamples draws what a recorder could store: each agent once, everything
// else at will.
func drawSamples(r *rapid.T) []ingest.Sample {
	outcomes := ingest.Outcomes()
	codes := rapid.OneOf(rapid.Int32Range(0, 9), rapid.SampledFrom([]int32{42, -1, math.MinInt16, math.MaxInt16}))
	retcodes := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`\d{3}-\d{3}`), rapid.StringMatching(`[^\x00]{1,40}`))
	samples := make([]ingest.Sample, rapid.IntRange(1, 40).Draw(r, "samples"))
	for i := range samples {
		s := &samples[i]
		s.AgentID = ingest.AgentID(101 + i)
		s.Period = time.Duration(rapid.Int64Range(1, 3_600_000).Draw(r, "period")) * time.Millisecond
		s.PolledAt = at(23, 0, 0).Add(time.Duration(rapid.Int64Range(0, 7_200_000).Draw(r, "after 23:00")) * time.Millisecond)
		s.Outcome = rapid.SampledFrom(outcomes).Draw(r, "outcome")
		if s.Outcome == ingest.Observed {
			s.Status = ingest.Status{AgentState: codes.Draw(r, "state"), IsWorking: rapid.Bool().Draw(r, "working")}
		} else {
			s.Retcode = retcodes.Draw(r, "retcode")
		}
	}
	return samples
}

// What is stored is read back as it was, and the bytes sent are those the
// server itself would send.
func TestSamplesRoundTrip(t *testing.T) {
	d := newDatabase(t)
	conn, err := d.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	const columns = "polled_at, agent_id, period_ms, agent_state, is_working, outcome, retcode"
	due := monday
	rapid.Check(t, func(r *rapid.T) {
		samples := drawSamples(r)
		if _, err := conn.Exec(t.Context(), "TRUNCATE talktime.samples"); err != nil {
			r.Fatal(err)
		}
		due = due.Add(time.Second)
		tick, _ := roundAt(due, agentRange(101, 140), idle)
		if err := d.Record(t.Context(), tick, samples); err != nil {
			r.Fatal(err)
		}

		rows, err := conn.Query(t.Context(), "SELECT "+columns+" FROM talktime.samples ORDER BY agent_id")
		if err != nil {
			r.Fatal(err)
		}
		got, err := pgx.CollectRows(rows, scanSample)
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(samples, got); diff != "" {
			r.Fatalf("samples (-stored +read):\n%s", diff)
		}

		var sent bytes.Buffer
		if _, err := conn.Conn().PgConn().CopyTo(t.Context(), &sent,
			"COPY (SELECT "+columns+" FROM talktime.samples ORDER BY agent_id) TO STDOUT BINARY"); err != nil {
			r.Fatal(err)
		}
		if !bytes.Equal(sent.Bytes(), store.EncodeCopy(samples)) {
			r.Fatalf("the server writes\n%x\nthe store\n%x", sent.Bytes(), store.EncodeCopy(samples))
		}
	})
}

func scanSample(row pgx.CollectableRow) (s ingest.Sample, err error) {
	var period int64
	var state *int32
	var working *bool
	var outcome string
	var retcode *string
	err = row.Scan(&s.PolledAt, &s.AgentID, &period, &state, &working, &outcome, &retcode)
	s.PolledAt, s.Period, s.Outcome = s.PolledAt.UTC(), time.Duration(period)*time.Millisecond, outcomeOf(outcome)
	if state != nil {
		s.Status.AgentState = *state
	}
	if working != nil {
		s.Status.IsWorking = *working
	}
	if retcode != nil {
		s.Retcode = *retcode
	}
	return s, err
}
