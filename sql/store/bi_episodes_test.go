package store_test

import (
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
	"talktime/sql/store/internal/oracle"
)

// The views' episodes and sessions are those of reports, on every worked case.
func TestEpisodesOfVectors(t *testing.T) {
	t.Parallel()
	bench := newDeriveBench(t)
	bench.layOut(t)
	for _, file := range []string{"hand", "random"} {
		cases, err := oracle.ReadCases("testdata/vectors/" + file + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			t.Run(c.Name, func(t *testing.T) {
				bench.derive(t, c)
				first, last := reachOf(c)
				bench.compareEpisodes(t, first, last)
			})
		}
	}
}

// And on random cases, where some hours are derived and others are not, some are
// dropped, and pieces of one episode may not fit together.
func TestEpisodesOfAnything(t *testing.T) {
	t.Parallel()
	bench := newDeriveBench(t)
	bench.layOut(t)
	rapid.Check(t, func(r *rapid.T) {
		c := oracle.Draw(r)
		bench.derive(r, c)
		first, last := reachOf(c)
		bench.compareEpisodes(r, first, last)
		dropped := first.Add(time.Duration(rapid.IntRange(0, int(last.Sub(first)/store.QuarterHour)).Draw(r, "dropped")) * store.QuarterHour)
		bench.exec(r, "DELETE FROM talktime.segments WHERE bin_start_at = $1", dropped)
		bench.compareEpisodes(r, first, last)
		bench.exec(r, "UPDATE talktime.segments SET ended_after = NULL, ended_before = NULL WHERE to_at = $1", dropped)
		bench.exec(r, "UPDATE talktime.segments SET started_before = NULL, started_after = NULL WHERE from_at = $1", dropped.Add(store.QuarterHour))
		bench.compareEpisodes(r, first, last)
	})
}

// Sessions go over holes of ten minutes and not a millisecond longer, end with
// sign-outs, and are suspected of a forgotten one, as reports have it.
func TestSessionsOfAnything(t *testing.T) {
	t.Parallel()
	bench := newDeriveBench(t)
	bench.layOut(t)
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(r *rapid.T) {
		bench.empty(r)
		at := day.Add(time.Duration(rapid.IntRange(0, 12).Draw(r, "start")) * time.Hour)
		end := at
		for range rapid.IntRange(1, 30).Draw(r, "runs") {
			at = at.Add(time.Duration(rapid.SampledFrom([]int64{0, 0, 0, 1, 599_999, 600_000, 600_001, 3_600_000}).Draw(r, "hole")) * time.Millisecond)
			length := time.Duration(rapid.SampledFrom([]int64{1, 60_000, 900_000, 3_000_000, 14_400_000, 14_400_001, 40_000_000}).Draw(r, "length")) * time.Millisecond
			end = at.Add(length)
			bench.putRun(r, at, end, rapid.SampledFrom([]ingest.Status{talking, idle, idle, {AgentState: 2}}).Draw(r, "state"), rapid.Bool().Draw(r, "followed"))
			at = end
		}
		horizon := end.Truncate(store.QuarterHour).Add(time.Duration(rapid.SampledFrom([]int{0, 1, 1, 100}).Draw(r, "quarter-hours after")) * store.QuarterHour)
		bench.exec(r, "INSERT INTO talktime.derivations VALUES (1, $1, $1, $1, $1, 0, 0, 0, 0)", horizon)
		bench.compareEpisodes(r, day, horizon.Add(24*time.Hour))
	})
}

// putRun stores the segments of one run of a state, with samples at its very ends.
// With isFollowed a sample was there that showed the next state.
func (b *deriveBench) putRun(t must, from, to time.Time, status ingest.Status, isFollowed bool) {
	t.Helper()
	b.exec(t, `
		WITH run AS (SELECT $1::timestamptz AS from_at, $2::timestamptz AS to_at, $3::integer AS agent_state, $4::boolean AS is_working)
		INSERT INTO talktime.segments (agent_id, bin_start_at, from_at, to_at, started_before, ended_after, ended_before, agent_state, is_working, measure, derivation_id)
		SELECT 101, bin, greatest(bin, run.from_at), least(bin + interval '15 min', run.to_at),
		       CASE WHEN bin <= run.from_at THEN run.from_at END, CASE WHEN run.to_at <= bin + interval '15 min' THEN run.to_at END,
		       CASE WHEN run.to_at <= bin + interval '15 min' AND $5 THEN run.to_at END, agent_state, is_working, measure, 1
		FROM run JOIN talktime.state_measures USING (agent_state, is_working),
		     generate_series(date_bin('15 min', run.from_at, 'epoch'), run.to_at - interval '1 microsecond', '15 min') AS bin`,
		from, to, status.AgentState, status.IsWorking, isFollowed)
}

func (b *deriveBench) exec(t must, sql string, args ...any) {
	t.Helper()
	if _, err := b.conn.Exec(b.ctx, sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// layOut lays UTC's calendar out for the days of the cases.
func (b *deriveBench) layOut(t must) {
	t.Helper()
	now := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	if err := b.store.LayOutCalendars(b.ctx, now, "talktime test", []reports.Calendar{{Zone: time.UTC}}); err != nil {
		t.Fatalf("%v", err)
	}
}

// compareEpisodes compares the views with the reports of a window around all there
// is. Only the timeline cuts unobserved time, at the window.
func (b *deriveBench) compareEpisodes(t must, first, last time.Time) {
	t.Helper()
	snapshot, err := b.store.Snapshot(b.ctx)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer snapshot.Close(b.ctx)
	all := windowOf(first, last, ingest.AgentSet{})
	isTold := func(e reports.Episode) bool { return e.Measure <= reports.RecorderDown }
	compareColumns(t, b, "fct_agent_episodes ORDER BY agent_id, started_at", reports.Meta{Request: all}.EpisodeColumns(), within(timelineOf(t, snapshot, all), isTold))
	compareColumns(t, b, "fct_agent_sessions ORDER BY agent_id, first_staffed_at", reports.Meta{Request: all}.SessionColumns(), sessionsOf(t, snapshot, all))
}

// compareColumns compares a view with a report's columns. Instants in the view end
// in _at.
func compareColumns[R any](t must, b *deriveBench, view string, columns []reports.ColumnOf[R], rows []R) {
	t.Helper()
	var names, want []string
	for _, c := range columns {
		name := c.Name
		switch {
		case strings.HasSuffix(name, "_after"), strings.HasSuffix(name, "_before"):
			name = instantColumn(name + "_at")
		case strings.HasSuffix(name, "_at"):
			name = instantColumn(name)
		case c.Kind == reports.Decimal, c.Kind == reports.Seconds:
			name = "to_char(" + name + ", 'FM9999999990.000')"
		}
		names = append(names, "coalesce("+name+"::text, '')")
	}
	for i := range rows {
		var fields []string
		for _, c := range columns {
			fields = append(fields, c.Text(&rows[i]))
		}
		want = append(want, strings.Join(fields, ","))
	}
	read, err := b.conn.Query(b.ctx, "SELECT concat_ws(',', "+strings.Join(names, ", ")+") FROM bi_v1."+view)
	if err != nil {
		t.Fatalf("%v", err)
	}
	got, err := pgx.CollectRows(read, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", view, err)
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-report +view):\n%s", view, diff)
	}
}

// instantColumn writes an instant as machine formats do.
func instantColumn(name string) string {
	return "to_char(" + name + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}
