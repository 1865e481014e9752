package store_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
	"talktime/sql/store/internal/oracle"
)

// kept is a sink that keeps every row.
type kept[R any] struct{ rows []R }

func (k *kept[R]) Begin(reports.Meta) error { return nil }
func (k *kept[R]) Row(row *R) error         { k.rows = append(k.rows, *row); return nil }
func (k *kept[R]) End() error               { return nil }

func windowOf(from, to time.Time, agents ingest.AgentSet) reports.Request {
	return reports.Request{Report: "test", Window: reports.Window{Span: reports.Span{From: from.UTC(), To: to.UTC()}, Zone: time.UTC}, Agents: agents}
}

func timelineOf(t must, s reports.SegmentSource, request reports.Request) []reports.Episode {
	t.Helper()
	var sink kept[reports.Episode]
	if err := reports.Timeline(context.Background(), s, request, &sink); err != nil {
		t.Fatalf("%v", err)
	}
	return sink.rows
}

func sessionsOf(t must, s reports.SegmentSource, request reports.Request) []reports.Session {
	t.Helper()
	var sink kept[reports.Session]
	if err := reports.Sessions(context.Background(), s, request, &sink); err != nil {
		t.Fatalf("%v", err)
	}
	return sink.rows
}

// In any window the timeline's seconds are the quarter-hours', measure by
// measure; the episodes in it are those of all time, whole; and so are the
// sessions.
func TestTimelineOfAnyWindow(t *testing.T) {
	t.Parallel()
	bench := newDeriveBench(t)
	rapid.Check(t, func(r *rapid.T) {
		c := oracle.Draw(r)
		bench.derive(r, c)
		snapshot, err := bench.store.Snapshot(bench.ctx)
		if err != nil {
			r.Fatalf("%v", err)
		}
		defer snapshot.Close(bench.ctx)
		first, last := reachOf(c)
		all := windowOf(first, last, ingest.AgentSet{})
		allEpisodes, allSessions := timelineOf(r, snapshot, all), sessionsOf(r, snapshot, all)

		bins := int(last.Sub(first) / store.QuarterHour)
		from := first.Add(store.QuarterHour * time.Duration(rapid.IntRange(0, bins-1).Draw(r, "from")))
		to := from.Add(store.QuarterHour * time.Duration(rapid.IntRange(1, bins).Draw(r, "bins")))
		request := windowOf(from, to, ingest.AgentSet{})
		if rapid.Bool().Draw(r, "some") {
			request.Agents = ingest.NewAgentSet(agentsOf(c)[0], 60000)
		}
		episodes := timelineOf(r, snapshot, request)
		checkSums(r, snapshot, request, episodes)
		whole := func(e reports.Episode) bool { return e.IsObserved() }
		want := within(allEpisodes, func(e reports.Episode) bool {
			return whole(e) && e.Within(request.Window.Span) > 0 && isAsked(request, e.Agent)
		})
		if diff := gocmp.Diff(want, within(episodes, whole)); diff != "" {
			r.Fatalf("episodes from %s to %s (-of all time +of the window):\n%s", from, to, diff)
		}
		wantSessions := within(allSessions, func(s reports.Session) bool {
			return s.FirstStaffed.Before(to) && s.LastStaffed.After(from) && isAsked(request, s.Agent)
		})
		if diff := gocmp.Diff(wantSessions, sessionsOf(r, snapshot, request)); diff != "" {
			r.Fatalf("sessions from %s to %s (-of all time +of the window):\n%s", from, to, diff)
		}
	})
}

func within[R any](rows []R, isWanted func(R) bool) []R {
	return slices.Collect(func(yield func(R) bool) {
		for _, row := range rows {
			if isWanted(row) && !yield(row) {
				return
			}
		}
	})
}

func isAsked(request reports.Request, agent ingest.AgentID) bool {
	return request.Agents.IsEmpty() || request.Agents.Contains(agent)
}

// checkSums compares each agent's time by measure with the report states, and
// that no time is told twice or not at all.
func checkSums(t must, snapshot *store.Snapshot, request reports.Request, episodes []reports.Episode) {
	t.Helper()
	sums := map[ingest.AgentID]*[reports.Measures]int64{}
	told := map[ingest.AgentID]time.Time{}
	for _, e := range episodes {
		if sums[e.Agent] == nil {
			sums[e.Agent], told[e.Agent] = new([reports.Measures]int64), request.Window.From
		}
		sums[e.Agent][e.Measure] += e.Within(request.Window.Span)
		if e.From.After(told[e.Agent]) || e.From.Before(told[e.Agent]) && told[e.Agent] != request.Window.From {
			t.Fatalf("agent %d: what begins at %s follows what ends at %s", e.Agent, e.From, told[e.Agent])
		}
		told[e.Agent] = e.To
	}
	var sink total
	request.Grouping = reports.Grouping{ByAgent: true}
	if _, err := reports.Summarize(context.Background(), snapshot, request, &sink); err != nil {
		t.Fatalf("%v", err)
	}
	facts, err := snapshot.Facts(context.Background(), request.Window.From, request.Window.To)
	if err != nil {
		t.Fatalf("%v", err)
	}
	// The quarter-hour that holds the horizon is in the report, not in the
	// timeline.
	isClosed := !request.Window.To.After(facts.Horizon.Truncate(store.QuarterHour))
	for agent, row := range sink {
		sum := sums[agent]
		if sum == nil {
			sum = &[reports.Measures]int64{reports.Unscheduled: request.Window.Milliseconds()}
		}
		if isClosed && *sum != row {
			t.Fatalf("agent %d: the timeline sums to %v, the quarter-hours to %v", agent, *sum, row)
		}
	}
	for agent, sum := range sums {
		var ms int64
		for _, part := range sum {
			ms += part
		}
		if ms != request.Window.Milliseconds() {
			t.Fatalf("agent %d: the timeline tells %d ms of %d", agent, ms, request.Window.Milliseconds())
		}
	}
}

// total keeps the measures of each agent.
type total map[ingest.AgentID][reports.Measures]int64

func (s *total) Begin(reports.Meta) error { *s = total{}; return nil }
func (s *total) Row(r *reports.Row) error { (*s)[r.Agent] = r.MS; return nil }
func (s *total) End(*reports.Row) error   { return nil }

// An agent signed in for days unchanged is one episode, with the whole of the
// middle day in it.
func TestThreeDaysUnchanged(t *testing.T) {
	d := newDatabase(t)
	from, to := at(12, 0, 0), at(12, 0, 0).AddDate(0, 0, 3)
	d.putSamples(t, from, to, idle)
	snapshot := d.snapshot(t)
	defer snapshot.Close(t.Context())
	day := windowOf(monday.AddDate(0, 0, 1), monday.AddDate(0, 0, 2), ingest.AgentSet{})
	episodes := timelineOf(t, snapshot, day)
	if len(episodes) != 1 {
		t.Fatalf("%d rows, want one episode: %+v", len(episodes), episodes)
	}
	e := episodes[0]
	if ms := e.Within(day.Window.Span); ms != 86_400_000 || e.Measure != reports.Available || e.IsOpen {
		t.Errorf("%d ms of %s, open %v; want 86400000 of available", ms, e.Measure, e.IsOpen)
	}
	if want := from.Add(-5 * time.Second); !e.From.Equal(want) || !e.To.Equal(to.Add(-5*time.Second)) {
		t.Errorf("it lasts from %s to %s, want %s to %s", e.From, e.To, want, to.Add(-5*time.Second))
	}
	sessions := sessionsOf(t, snapshot, day)
	if len(sessions) != 1 || !sessions[0].SuspectedLeftSignedIn || !sessions[0].FirstStaffed.Equal(e.From) || !sessions[0].LastStaffed.Equal(e.To) {
		t.Errorf("sessions are %+v", sessions)
	}
}

// A recorder that was down for a weekend shows as that, to the second.
func TestWeekendWithoutARecorder(t *testing.T) {
	d := newDatabase(t)
	stopped, started := at(10, 0, 0), at(10, 0, 0).AddDate(0, 0, 2)
	d.putSamples(t, at(9, 0, 0), stopped, talking)
	d.putSamples(t, started, started.Add(time.Hour), talking)
	snapshot := d.snapshot(t)
	defer snapshot.Close(t.Context())
	rows := timelineOf(t, snapshot, windowOf(at(9, 0, 0), started.Add(45*time.Minute), ingest.AgentSet{}))
	if len(rows) != 3 || rows[1].Measure != reports.RecorderDown {
		t.Fatalf("the rows are %+v", rows)
	}
	// Half a period after the last sample to half a period before the next.
	if down := rows[1]; !down.From.Equal(stopped.Add(-5*time.Second)) || !down.To.Equal(started.Add(-5*time.Second)) {
		t.Errorf("the recorder was down from %s to %s", down.From, down.To)
	}
	if !rows[0].IsCutByGap() || !rows[2].IsCutByGap() {
		t.Error("the episodes beside the hole are not cut by a gap")
	}
}

// putSamples stores a sample each 10 s of [from, to) of agent 101, and ticks of
// all the time since monday, and derives it all.
func (d database) putSamples(t testing.TB, from, to time.Time, status ingest.Status) {
	t.Helper()
	if _, err := d.MakePartitions(t.Context(), monday, to.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	d.exec(t, `INSERT INTO talktime.agent_sets (agents, fingerprint) VALUES ('{[101,102)}', 'of this test') ON CONFLICT DO NOTHING`)
	d.exec(t, `INSERT INTO talktime.ticks (schedule, due_at, period_ms, agent_set_id, status)
		SELECT 'office', due, 10000, agent_set_id, 'missed' FROM talktime.agent_sets, generate_series($1::timestamptz, $2, '10 s') AS due
		WHERE fingerprint = 'of this test' ON CONFLICT DO NOTHING`, monday, to.Add(-time.Second))
	d.exec(t, `INSERT INTO talktime.samples (polled_at, agent_id, period_ms, agent_state, is_working, outcome)
		SELECT at, 101, 10000, $3, $4, 'observed' FROM generate_series($1::timestamptz, $2, '10 s') AS at`,
		from, to.Add(-time.Second), status.AgentState, status.IsWorking)
	if _, err := d.DeriveRange(t.Context(), monday, to.Add(time.Hour), deriving(to.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
}

// A reader of segments may stop in the middle.
func TestSegmentsStopped(t *testing.T) {
	d := newDatabase(t)
	d.recordRounds(t, at(8, 0, 0), at(8, 31, 0), agentRange(101, 103), talking)
	d.deriveDirty(t, at(8, 30, 0))
	snapshot := d.snapshot(t)
	defer snapshot.Close(t.Context())
	next, stop := iter.Pull2(snapshot.Segments(t.Context(), reports.SegmentQuery{Span: reports.Span{From: monday, To: at(9, 0, 0)}}))
	if s, err, ok := next(); !ok || err != nil || s.Agent != 101 {
		t.Errorf("the first segment is %+v, %v", s, err)
	}
	stop()
	if rows := timelineOf(t, snapshot, windowOf(at(8, 0, 0), at(8, 30, 0), ingest.AgentSet{})); len(rows) != 3 {
		t.Errorf("%d rows after stopping once, want 3", len(rows))
	}
}
