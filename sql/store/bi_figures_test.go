package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
)

// csvRows is a sink that writes each row's columns, as the CSV formats have them.
type csvRows struct {
	columns []reports.Column
	rows    []string
}

func (s *csvRows) Begin(m reports.Meta) error { s.columns = m.Columns(); return nil }
func (s *csvRows) End(*reports.Row) error     { return nil }

func (s *csvRows) Row(r *reports.Row) error {
	var fields []string
	for _, c := range s.columns {
		fields = append(fields, c.Name+"="+c.Text(r))
	}
	s.rows = append(s.rows, strings.Join(fields, " "))
	return nil
}

func reportRows(t must, d database, request reports.Request) csvRows {
	t.Helper()
	snapshot := d.snapshot(t)
	defer snapshot.Close(context.Background())
	var sink csvRows
	if _, err := reports.Summarize(context.Background(), snapshot, request, &sink); err != nil {
		t.Fatalf("%v", err)
	}
	return sink
}

// viewRows reads the same columns from a view, written alike.
func viewRows(t must, d database, columns []reports.Column, from string, args ...any) []string {
	t.Helper()
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	rows, err := d.pool.Query(context.Background(), "SELECT "+strings.Join(names, ", ")+" FROM "+from, args...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	read, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		fields := make([]string, len(values))
		for i, value := range values {
			fields[i] = names[i] + "=" + valueText(columns[i], value)
		}
		return strings.Join(fields, " "), err
	})
	if err != nil {
		t.Fatalf("%s: %v", from, err)
	}
	return read
}

// valueText writes a value of a view as a report's CSV does.
func valueText(c reports.Column, value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', 3, 64)
	case time.Time:
		if strings.HasSuffix(c.Name, "_date") {
			return v.Format(time.DateOnly)
		}
		return v.UTC().Format(time.RFC3339)
	default:
		return fmt.Sprint(v)
	}
}

// layOut lays calendars out around monday.
func (d database) layOut(t must, now time.Time, calendars ...reports.Calendar) {
	t.Helper()
	if err := d.LayOutCalendars(context.Background(), now, "talktime test", calendars); err != nil {
		t.Fatalf("%v", err)
	}
}

// randomCentre fills the database with quarter-hours of any content up to a
// horizon that cuts one, and with a roster whose tenures begin anywhere. Days are
// kept for the calendars given.
func randomCentre(r *rapid.T, d database, within reports.Span, calendars ...reports.Calendar) {
	r.Helper()
	if _, err := d.MakePartitions(context.Background(), within.From, within.To); err != nil {
		r.Fatal(err)
	}
	bins := int(within.To.Sub(within.From) / store.QuarterHour)
	last := within.From.Add(time.Duration(rapid.IntRange(2, bins-1).Draw(r, "last bin")) * store.QuarterHour)
	horizon := last.Add(time.Duration(rapid.Int64Range(1, 900_000).Draw(r, "horizon in it")) * time.Millisecond)
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 0))
	agents := agentRange(101, 103)
	rows := anyQuarterHours(random, agents, reports.Span{From: within.From, To: last}, rapid.SampledFrom([]float64{0.05, 0.6}).Draw(r, "density"))
	for i := range rows {
		// What evidence says lies within what there is to be said, as derived.
		value := func(e reports.Evidence) int64 { return rows[i].sums.Value(e) }
		for e := range reports.Evidence(reports.Evidences) {
			rows[i].sums.Low[e] = min(rows[i].sums.Low[e], value(e))
			rows[i].sums.Reach[e] = max(rows[i].sums.Reach[e], value(e)-rows[i].sums.Low[e])
		}
		if random.IntN(3) == 0 {
			rows[i].sums.Edge, rows[i].sums.ChangeMS, rows[i].sums.ChangeSq = [reports.Evidences]int64{}, 0, 0
		}
	}
	pending := quarterHour{agent: 102, start: last, revision: 1}
	pending.sums.MS[reports.Pending] = last.Add(store.QuarterHour).Sub(horizon).Milliseconds()
	pending.sums.MS[reports.Talk] = 900_000 - pending.sums.MS[reports.Pending]
	d.putQuarterHours(r, append(rows, pending))
	d.forgetDays(r)

	if _, err := d.pool.Exec(context.Background(), "TRUNCATE talktime.agent_history, talktime.agents, talktime.derivations"); err != nil {
		r.Fatal(err)
	}
	var lines []reports.Tenure
	for _, agent := range []ingest.AgentID{101, 102} {
		at := within.From.Add(-48 * time.Hour)
		for i := range rapid.IntRange(0, 4).Draw(r, "tenures") {
			at = at.Add(time.Duration(rapid.IntRange(1, 200).Draw(r, "after")) * store.QuarterHour)
			lines = append(lines, line(agent, fmt.Sprintf("Ann %d", i), rapid.SampledFrom([]string{"", "Sales", "Support"}).Draw(r, "team"), at))
		}
	}
	d.importRoster(r, lines, false)
	d.keepDays(r, horizon, calendars...)
	if _, err := d.pool.Exec(context.Background(), "INSERT INTO talktime.derivations VALUES (2, $1, $1, $1, $1, 0, 0, 0, 0)", horizon); err != nil {
		r.Fatal(err)
	}
}

// Every row of the wide views is the row that a report prints, column by column:
// over clock changes, at the horizon, where an agent id or a team changes hands, on
// days that are kept and ones that are not, in every zone.
func TestFiguresAreTheReports(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	calendars := []reports.Calendar{calendar(t, "Europe/Berlin", "00:00"), calendar(t, "Australia/Lord_Howe", "04:00"), calendar(t, "America/Santiago", "23:30")}
	dates := []string{"2026-03-29", "2026-10-25", "2026-04-04", "2026-10-03", "2026-09-06", "2026-06-10"}
	year := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := d.RecordMissed(t.Context(), []ingest.Tick{missedAt(year, agentRange(101, 103))}); err != nil { // calendars begin with it
		t.Fatal(err)
	}
	d.exec(t, "TRUNCATE talktime.dirty")
	d.layOut(t, year.AddDate(0, 11, 0), calendars...)
	rapid.Check(t, func(r *rapid.T) {
		date, err := time.Parse(time.DateOnly, rapid.SampledFrom(dates).Draw(r, "date"))
		if err != nil {
			r.Fatal(err)
		}
		within := reports.Span{From: date.Add(-30 * time.Hour), To: date.Add(54 * time.Hour)}
		c := rapid.SampledFrom(calendars).Draw(r, "zone")
		randomCentre(r, d, within, []reports.Calendar{c}[:rapid.IntRange(0, 1).Draw(r, "keeps days")]...)

		request := reports.Request{Report: "test", Grouping: reports.Grouping{ByAgent: true, Unit: reports.QuarterHours}}
		request.Window = reports.Window{Span: within, Zone: calendars[0].Zone, DayStart: calendars[0].DayStart}
		compareWithView(r, d, request, "bi_v1.fct_agent_quarter_hours ORDER BY agent_id, bin_start_at")

		request.Window, err = c.ParseWindow(date.AddDate(0, 0, -3).Format(time.DateOnly), date.AddDate(0, 0, 4).Format(time.DateOnly), date)
		if err != nil {
			r.Fatal(err)
		}
		request.Grouping = reports.Grouping{ByAgent: true, ByTeam: true, Unit: reports.Day, UnitFirst: true, TeamAfter: 2}
		compareWithView(r, d, request, "bi_v1.fct_agent_days WHERE time_zone = $1 ORDER BY local_date, agent_id, part_start_at", c.Zone.String())
		checkLong(r, d)
	})
}

// compareWithView compares the rows of a report that have quarter-hours with those
// of a view.
func compareWithView(t must, d database, request reports.Request, from string, args ...any) {
	t.Helper()
	report := reportRows(t, d, request)
	want := within(report.rows, func(row string) bool { return !strings.Contains(row, " revision=0 ") })
	if diff := gocmp.Diff(want, viewRows(t, d, report.columns, from, args...)); diff != "" {
		t.Fatalf("%s (-report +view):\n%s", from, diff)
	}
}

// checkLong compares the long view with the wide one, by the names of measures.
func checkLong(t must, d database) {
	t.Helper()
	const differing = `
		SELECT count(*) FILTER (WHERE (l.agent_name, l.team, l.local_date, l.ms, l.low_ms, l.high_ms, l.reach_ms, l.revision)
		           IS DISTINCT FROM (w.agent_name, w.team, w.local_date, (j ->> (measure || '_ms'))::bigint, (j ->> (measure || '_low_ms'))::bigint,
		                             (j ->> (measure || '_high_ms'))::bigint, (j ->> (measure || '_reach_ms'))::bigint, w.revision)
		           OR l.seconds <> l.ms / 1000::float8 OR l.low_seconds <> l.low_ms / 1000::float8 OR l.high_seconds <> l.high_ms / 1000::float8)
		       + abs(count(DISTINCT measure) * (SELECT count(*) FROM talktime.quarter_hours) - count(*))
		FROM bi_v1.fct_agent_state_quarter_hours AS l
		FULL JOIN bi_v1.fct_agent_quarter_hours AS w USING (agent_id, bin_start_at)
		CROSS JOIN LATERAL to_jsonb(w) AS j`
	var n int
	if err := d.pool.QueryRow(context.Background(), differing).Scan(&n); err != nil {
		t.Fatalf("%v", err)
	}
	if n > 0 {
		t.Fatalf("%d rows are not the same in the long view and the wide one", n)
	}
}

// Unobserved quarter-hours are rows: a recorder that is down is not silence.
func TestDenseGrid(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.layOut(t, monday, calendar(t, "Europe/Berlin", "00:00"))
	if err := d.RecordMissed(t.Context(), missedTicks(at(8, 0, 0), at(9, 0, 0))); err != nil {
		t.Fatal(err)
	}
	d.deriveDirty(t, at(9, 0, 0))
	// The first tick claims half a period before it.
	expect(t, "seconds without a recorder by local time", []string{"08:45 5", "09:00 900", "09:15 900", "09:30 900", "09:45 895"},
		all[string](t, d, `SELECT local_time || ' ' || recorder_down_seconds FROM bi_v1.fct_agent_quarter_hours
			WHERE agent_id = 101 AND bin_start_at < $1 ORDER BY bin_start_at`, at(9, 0, 0)))
	expect(t, "coverage of the day", []float64{0}, all[float64](t, d, "SELECT coverage_pct FROM bi_v1.fct_agent_days WHERE agent_id = 101"))
}

func missedTicks(from, to time.Time) []ingest.Tick {
	var ticks []ingest.Tick
	for due := from; due.Before(to); due = due.Add(10 * time.Second) {
		ticks = append(ticks, missedAt(due, agentRange(101, 102)))
	}
	return ticks
}
