package store_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

// aNight records three agents from monday 22:30 to 01:30: each minute, some of it
// each five minutes as well, with failed polls, holes, a round by hand and the same
// round once more, and derives it.
func (d database) aNight(t testing.TB) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 6))
	team := agentRange(101, 103)
	states := []ingest.Status{talking, idle, {AgentState: 5}}
	pairs := append(slices.Clone(states), ingest.Status{AgentState: 4, IsWorking: true}, ingest.Status{AgentState: 77})
	round := func(schedule string, due time.Time, period time.Duration) {
		tick, samples := roundAt(due, team, idle)
		tick.Schedule, tick.Period = schedule, period
		for i := range samples {
			s := &samples[i]
			s.Period, s.PolledAt = period, due.Add(time.Duration(random.IntN(9000))*time.Millisecond)
			if random.IntN(4) == 0 {
				states[i] = pairs[random.IntN(len(pairs))]
			}
			s.Status = states[i]
			switch random.IntN(12) {
			case 0:
				s.Outcome, s.Retcode, s.Status = ingest.GatewayError, "000-004", ingest.Status{}
			case 1:
				s.Outcome, s.Status = ingest.Unreachable, ingest.Status{}
			case 2:
				s.Outcome, s.Status = ingest.NotSignedIn, ingest.Status{}
			}
		}
		d.record(t, tick, samples)
		if random.IntN(20) == 0 {
			if err := d.RecordByHand(t.Context(), samples); err != nil {
				t.Fatal(err)
			}
		}
	}
	for due := at(22, 30, 0); due.Before(at(25, 30, 0)); due = due.Add(time.Minute) {
		if random.IntN(15) > 0 {
			round("dense", due, time.Minute)
		}
		if due.Minute()%5 == 2 && due.After(at(23, 20, 0)) {
			round("sparse", due.Add(17*time.Second), 5*time.Minute)
		}
	}
	d.deriveDirty(t, at(60, 0, 0))
}

// compacting is what may be compacted eight days later: monday.
func compacting() store.Compacting {
	return store.Compacting{Now: at(8*24, 0, 0), After: store.Age{Days: 7}, Settle: 15 * time.Minute}
}

// compact compacts and returns what was told.
func compact(ctx context.Context, m *store.Maintenance, c store.Compacting) (told []store.Compacted, err error) {
	c.Told = func(one store.Compacted) { told = append(told, one) }
	err = m.Compact(ctx, c)
	return told, err
}

// read are all samples that count.
func (d database) read(t testing.TB) []string {
	t.Helper()
	return all[string](t, d, `
		SELECT format('%s %s %s %s %s %s %s', agent_id, polled_at, period_ms, agent_state, is_working, outcome, retcode)
		FROM talktime.every_sample AS s
		ORDER BY agent_id, polled_at, s::text`)
}

// derivedRows are the rows of quarter_hours and segments, with what tells when they were derived.
func (d database) derivedRows(t testing.TB) []string {
	t.Helper()
	return all[string](t, d, `
		SELECT q::text FROM talktime.quarter_hours AS q UNION ALL SELECT s::text FROM talktime.segments AS s ORDER BY 1`)
}

// Compacted days hold the same samples in a fraction of the room, their partitions
// are gone, and all of them derives what stands.
func TestCompact(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.aNight(t)
	samples, rows := d.read(t), d.derivedRows(t)
	m := d.maintain(t)

	c := compacting()
	c.Now = c.Now.Add(-1)
	if told, err := compact(t.Context(), m, c); err != nil || len(told) > 0 {
		t.Errorf("before it is old enough compacting told %+v, %v", told, err)
	}
	c.Now = c.Now.Add(24 * time.Hour)
	c.IsDryRun = true
	if told, err := compact(t.Context(), m, c); err != nil || len(told) != 1 || told[0].Bytes == 0 || told[0].Partition != dayOf(0) {
		t.Errorf("a dry run told %+v, %v", told, err)
	}
	never := c
	never.After, never.IsDryRun = store.Age{}, false
	if told, err := compact(t.Context(), m, never); err != nil || len(told) > 0 {
		t.Errorf("switched off, compacting told %+v, %v", told, err)
	}
	expect(t, "compacted days", 0, d.count(t, "SELECT count(*) FROM talktime.compactions"))

	c.IsDryRun, c.Now = false, c.Now.Add(24*time.Hour)
	var steps []store.CompactStep
	c.Step = func(_ time.Time, step store.CompactStep) { steps = append(steps, step) }
	told, err := compact(t.Context(), m, c)
	if err != nil || len(told) != 2 {
		t.Fatalf("compacting told %+v, %v", told, err)
	}
	for n, day := range told {
		if day.Partition != dayOf(n) || day.Why != "" || day.Runs >= day.Polls || day.Bytes == 0 || day.RunBytes == 0 {
			t.Errorf("compacting told %+v", day)
		}
	}
	expect(t, "polls", len(samples), int(told[0].Polls+told[1].Polls))
	day := []store.CompactStep{store.RunsMade, store.FiguresCompared, store.DaySwitched, store.SamplesDetached, store.SamplesDropped}
	expect(t, "steps", slices.Concat(day, day), steps)
	expect(t, "partitions", 0, d.count(t, "SELECT count(*) FROM pg_class WHERE relname IN ('samples_20261116', 'samples_20261117')"))
	expect(t, "samples", samples, d.read(t))
	compared := all[int](t, d, "SELECT compared_rows::int FROM talktime.compactions ORDER BY day")
	if slices.Min(compared) < 6*3 {
		t.Errorf("of the days %v rows were compared", compared)
	}

	derived, err := d.DeriveRange(t.Context(), at(20, 0, 0), at(28, 0, 0), deriving(at(60, 0, 0)))
	if err != nil || derived.Inserted+derived.Updated+derived.Deleted > 0 {
		t.Errorf("deriving from runs did %+v, %v", derived, err)
	}
	expect(t, "rows", rows, d.derivedRows(t))
	if verified, differences := d.verify(t, at(20, 0, 0), at(28, 0, 0)); len(differences) > 0 || verified.Rows == 0 {
		t.Errorf("verified %+v, differing %v", verified, differences)
	}
	if told, err := compact(t.Context(), m, c); err != nil || len(told) > 0 {
		t.Errorf("compacting once more told %+v, %v", told, err)
	}
	expect(t, "lost days", 0, d.count(t, "SELECT count(*) FROM talktime.lost_samples"))

	var dropped []string
	err = m.Retain(t.Context(), store.Retaining{
		Retention: store.Retention{Samples: store.Age{Days: 8}}, Now: c.Now.Add(24 * time.Hour),
		Told: func(one store.Dropped) { dropped = append(dropped, one.Name+one.Why) },
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "dropped by retention", []string{"samples_20261116", "samples_20261117"}, dropped)
	expect(t, "samples after retention", 0, len(d.read(t)))
	expect(t, "rows", rows, d.derivedRows(t))
}

// What comes late for a compacted day, or one that is being compacted, is kept and
// counted as if it had come in time.
func TestLateForACompactedDay(t *testing.T) {
	t.Parallel()
	d, timely := newDatabase(t), newDatabase(t)
	d.aNight(t)
	timely.aNight(t)
	m := d.maintain(t)
	late := func(d database, due time.Time) {
		tick, samples := roundAt(due, agentRange(101, 104), talking)
		tick.Schedule = "late"
		samples[3].Outcome, samples[3].Retcode, samples[3].Status = ingest.BadRequest, "000-002", ingest.Status{}
		d.record(t, tick, samples)
		d.record(t, tick, samples) // as after an uncertain error
	}
	c := compacting()
	c.Step = func(_ time.Time, step store.CompactStep) {
		if step == store.FiguresCompared {
			late(d, at(23, 50, 30))
		}
	}
	left := func(why string) {
		t.Helper()
		if told, err := compact(t.Context(), m, c); err != nil || len(told) != 1 || told[0].Why != why {
			t.Fatalf("compacting told %+v, %v, want that it is left because %s", told, err, why)
		}
	}
	left("samples of it came meanwhile")
	c.Step = nil
	left("some of it waits to be derived")
	d.deriveDirty(t, at(60, 0, 0))
	if told, err := compact(t.Context(), m, c); err != nil || len(told) != 1 || told[0].Why != "" {
		t.Fatalf("compacting told %+v, %v", told, err)
	}

	byHand := []ingest.Sample{
		{AgentID: 102, Period: time.Minute, Poll: ingest.Poll{PolledAt: at(23, 59, 59).Add(999 * time.Millisecond), Outcome: ingest.NotSignedIn}},
		{AgentID: 102, Period: time.Minute, Poll: ingest.Poll{PolledAt: at(24, 0, 0), Outcome: ingest.NotSignedIn}},
	}
	late(timely, at(23, 50, 30))
	for _, d := range []database{d, timely} {
		late(d, at(23, 40, 20))
		if err := d.RecordByHand(t.Context(), byHand); err != nil {
			t.Fatal(err)
		}
		d.deriveDirty(t, at(60, 0, 0))
	}
	expect(t, "samples", timely.read(t), d.read(t))
	figures, _ := d.cells(t)
	want, _ := timely.cells(t)
	expect(t, "figures", want, figures)

	d.exec(t, "DROP TABLE talktime.sample_runs_20261116")
	lost := d.count(t, "SELECT count(*) FROM talktime.lost_samples")
	late(d, at(23, 41, 20))
	expect(t, "lost days before and after runs were dropped by hand", []int{0, 1}, []int{lost, d.count(t, "SELECT count(*) FROM talktime.lost_samples")})
	expect(t, "samples of a round after that", 4, d.count(t, "SELECT count(*) FROM talktime.run_samples"))
}

// Days whose runs or figures are not what they should be stay as they are, loudly.
func TestCompactRefuses(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.aNight(t)
	m := d.maintain(t)
	tests := map[string]struct {
		after       store.CompactStep // when it is spoilt; before all where it is empty
		spoil, mend string
		want        string
	}{
		"a figure that stands": {
			"", "UPDATE talktime.quarter_hours SET change_sq = change_sq + 1 WHERE agent_id = 102 AND bin_start_at = '2026-11-16 23:30Z'",
			"UPDATE talktime.quarter_hours SET change_sq = change_sq - 1 WHERE agent_id = 102 AND bin_start_at = '2026-11-16 23:30Z'",
			"from its runs 1 figures of the quarter-hour 2026-11-16T23:30:00Z come out otherwise, the first agent 102's change_sq",
		},
		"a segment that stands": {
			"", "UPDATE talktime.segments SET to_at = to_at - interval '1 ms' WHERE agent_id = 101 AND from_at = (SELECT min(from_at) FROM talktime.segments WHERE agent_id = 101)",
			"UPDATE talktime.segments SET to_at = to_at + interval '1 ms' WHERE agent_id = 101 AND from_at = (SELECT min(from_at) FROM talktime.segments WHERE agent_id = 101)",
			"from its runs 1 figures of the quarter-hour",
		},
		"a run": {
			store.RunsMade, "UPDATE talktime.sample_runs SET agent_state = 8, is_working = false WHERE agent_id = 101 AND agent_state = 5",
			"DELETE FROM talktime.sample_runs",
			"from its runs",
		},
		"an instant that is not in whole milliseconds": {
			"", "UPDATE talktime.samples SET polled_at = polled_at + interval '1 microsecond' WHERE agent_id = 103 AND polled_at BETWEEN '2026-11-16 22:31Z' AND '2026-11-16 22:32Z'",
			"UPDATE talktime.samples SET polled_at = polled_at - interval '1 microsecond' WHERE agent_id = 103 AND polled_at BETWEEN '2026-11-16 22:31Z' AND '2026-11-16 22:32Z'",
			"the samples from 2026-11-16T22:30:00Z to 2026-11-16T22:45:00Z are not in runs as they are in talktime.samples; the day is left as it was",
		},
	}
	samples, rows := d.read(t), d.derivedRows(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := compacting()
			c.Step = func(_ time.Time, step store.CompactStep) {
				if step == test.after {
					d.exec(t, test.spoil)
				}
			}
			if test.after == "" {
				d.exec(t, test.spoil)
			}
			told, err := compact(t.Context(), m, c)
			if err == nil || !strings.HasPrefix(err.Error(), "compact the samples of 2026-11-16: ") || !strings.Contains(err.Error(), test.want) || len(told) > 0 {
				t.Errorf("compacting told %+v and returned %v, want %q", told, err, test.want)
			}
			expect(t, "compacted days", 0, d.count(t, "SELECT count(*) FROM talktime.compactions"))
			d.exec(t, test.mend)
			expect(t, "samples", samples, d.read(t))
			expect(t, "rows", rows, d.derivedRows(t))
		})
	}
	if told, err := compact(t.Context(), m, compacting()); err != nil || len(told) != 1 {
		t.Errorf("when all was mended compacting told %+v, %v", told, err)
	}
}

// A partition that holds more than was made runs is not dropped.
func TestCompactKeepsWhatIsNotInRuns(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.aNight(t)
	c := compacting()
	c.Step = func(_ time.Time, step store.CompactStep) {
		if step == store.DaySwitched { // by a program that knows nothing of runs
			d.exec(t, "INSERT INTO talktime.samples VALUES ('2026-11-16 23:00:01Z', 101, 1000, 4, false, 'observed', NULL)")
		}
	}
	told, err := compact(t.Context(), d.maintain(t), c)
	const want = "drop partition samples_20261116: it holds 301 samples, and 300 were made runs: look in talktime."
	if err == nil || !strings.Contains(err.Error(), want) || len(told) > 0 {
		t.Errorf("compacting told %+v and returned %v, want %q", told, err, want)
	}
	expect(t, "samples set aside", 301, d.count(t, "SELECT count(*) FROM talktime.samples_20261116"))
}

// A report that reads on holds up nobody but the end of compacting, and what is cut
// short there is gone on with.
func TestCompactBesideALongReport(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.aNight(t)
	samples := d.read(t)
	endReport := d.reading(t, "SELECT count(*) FROM talktime.samples")
	m := d.maintain(t)
	ctx, cut := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := compact(ctx, m, compacting())
		ended <- err
	}()
	for d.count(t, "SELECT count(*) FROM pg_inherits WHERE inhdetachpending") == 0 {
		continue
	}
	// The day is switched; readers and writers go on beside the one who waits.
	expect(t, "samples", samples, d.read(t))
	tick, fresh := roundAt(at(30, 0, 0), agentRange(101, 103), talking)
	d.record(t, tick, fresh)
	tick, late := roundAt(at(23, 0, 30), agentRange(101, 103), talking)
	tick.Schedule = "late"
	d.record(t, tick, late)
	d.deriveDirty(t, at(60, 0, 0))
	cut()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("cut short, compacting returned %v", err)
	}
	m.Close(t.Context())
	expect(t, "samples", len(samples)+6, len(d.read(t)))
	endReport()
	if _, err := compact(t.Context(), d.maintainSoon(t), compacting()); err != nil {
		t.Errorf("gone on with, compacting returned %v", err)
	}
	expect(t, "partitions", 0, d.count(t, "SELECT count(*) FROM pg_class WHERE relname = 'samples_20261116'"))
	expect(t, "samples", len(samples)+6, len(d.read(t)))
	if _, differences := d.verify(t, at(20, 0, 0), at(28, 0, 0)); len(differences) > 0 {
		t.Errorf("differing %v", differences)
	}
}

// maintainSoon maintains as soon as the server has heard that another one is gone.
func (d database) maintainSoon(t testing.TB) *store.Maintenance {
	t.Helper()
	for {
		m, err := d.Maintain(t.Context())
		if err == nil {
			t.Cleanup(func() { m.Close(context.WithoutCancel(t.Context())) })
			return m
		}
		if !errors.Is(err, store.ErrMaintained) {
			t.Fatal(err)
		}
	}
}

// At ten seconds and states of 156 s on average, with one poll in a hundred failed, a
// poll takes ten bytes at most, index included.
func TestBytesOfAPoll(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	f := newFloor(300)
	for due := at(8, 0, 0); due.Before(at(8, 30, 0)); due = due.Add(10 * time.Second) {
		tick, samples := f.round(due)
		d.record(t, tick, samples)
	}
	bytes, polls := d.bytesOfRuns(t, at(8, 0, 0), at(8, 30, 0))
	if perPoll := float64(bytes) / float64(polls); polls != 300*180 || perPoll > 10 || perPoll < 5 {
		t.Errorf("%d polls take %d bytes, %.1f each", polls, bytes, perPoll)
	}
}

// keepAsRuns keeps a day's samples as runs at once, without a look at figures.
func (d database) keepAsRuns(t testing.TB, day time.Time) {
	t.Helper()
	next := day.AddDate(0, 0, 1)
	d.exec(t, "SELECT talktime.make_partition('sample_runs', $1, $2, 'day')", day, next)
	if err := d.MakeRuns(t.Context(), day, next); err != nil {
		t.Fatal(err)
	}
	d.exec(t, "INSERT INTO talktime.compactions VALUES (($1::timestamptz AT TIME ZONE 'UTC')::date, $1, 0, 0, 0, 0, 0)", day)
	d.exec(t, "DELETE FROM talktime.samples WHERE polled_at >= $1 AND polled_at < $2", day, next)
}

// bytesOfRuns makes the runs of a part of a day and returns what they take.
func (d database) bytesOfRuns(t testing.TB, from, to time.Time) (bytes, polls int64) {
	t.Helper()
	d.exec(t, "SELECT talktime.make_partition('sample_runs', $1, $1::timestamptz + interval '24 hours', 'day')", from.Truncate(24*time.Hour))
	if err := d.MakeRuns(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	d.exec(t, "VACUUM talktime.sample_runs_day") // makes the summary of the index
	return one[int64](t, d, "SELECT pg_total_relation_size('talktime.sample_runs_day')"),
		one[int64](t, d, "SELECT sum(polls) FROM talktime.sample_runs_day")
}
