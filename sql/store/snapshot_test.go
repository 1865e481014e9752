package store_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
)

// quarterHour is one stored row.
type quarterHour struct {
	agent    ingest.AgentID
	start    time.Time
	sums     reports.Sums
	revision int
	isFinal  bool
}

// drawQuarterHours draws rows of some agents and quarter-hours.
func drawQuarterHours(r *rapid.T) []quarterHour {
	var rows []quarterHour
	for agent := ingest.AgentID(101); agent < 105; agent++ {
		for start := at(22, 0, 0); start.Before(at(26, 0, 0)); start = start.Add(store.QuarterHour) {
			if !rapid.Bool().Draw(r, "has a row") {
				continue
			}
			row := quarterHour{agent: agent, start: start, revision: rapid.IntRange(1, 9).Draw(r, "revision")}
			rest := int64(900_000)
			for m := range row.sums.MS[:reports.Pending] {
				row.sums.MS[m] = rapid.Int64Range(0, rest).Draw(r, "ms")
				rest -= row.sums.MS[m]
			}
			row.sums.MS[reports.Pending] = rest
			row.isFinal = rest == 0
			for e := range reports.Evidences {
				row.sums.Low[e] = rapid.Int64Range(0, 900_000).Draw(r, "low")
				row.sums.Reach[e] = rapid.Int64Range(0, 900_000).Draw(r, "reach")
				row.sums.Edge[e] = rapid.Int64Range(0, 9_000_000).Draw(r, "edge")
			}
			row.sums.ChangeMS = rapid.Int64Range(0, 9_000_000).Draw(r, "change")
			row.sums.ChangeSq = row.sums.ChangeMS * row.sums.ChangeMS
			row.sums.TalkEntries = rapid.Int64Range(0, 900).Draw(r, "entries")
			row.sums.Conflicts = rapid.Int64Range(0, 900).Draw(r, "conflicts")
			rows = append(rows, row)
		}
	}
	return rows
}

// putQuarterHours replaces what is in the table.
func (d database) putQuarterHours(t must, rows []quarterHour) {
	t.Helper()
	ctx := context.Background()
	columns := []string{"agent_id", "bin_start_at"}
	for m := range reports.Measure(reports.Measures) {
		columns = append(columns, m.String()+"_ms")
	}
	for e := range reports.Evidence(reports.Evidences) {
		columns = append(columns, e.String()+"_low_ms", e.String()+"_reach_ms", e.String()+"_edge_ms")
	}
	columns = append(columns, "change_ms", "change_sq", "talk_entries", "conflicts", "revision", "is_final", "updated_at", "derivation_id")
	source := pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		row := rows[i]
		values := []any{row.agent, row.start}
		for _, ms := range row.sums.MS {
			values = append(values, ms)
		}
		for e := range reports.Evidences {
			values = append(values, row.sums.Low[e], row.sums.Reach[e], row.sums.Edge[e])
		}
		return append(values, row.sums.ChangeMS, row.sums.ChangeSq, row.sums.TalkEntries, row.sums.Conflicts,
			row.revision, row.isFinal, row.start, 1), nil
	})
	if _, err := d.pool.Exec(ctx, "TRUNCATE talktime.quarter_hours"); err != nil {
		t.Fatalf("%v", err)
	}
	if _, err := d.pool.CopyFrom(ctx, pgx.Identifier{"talktime", "quarter_hours"}, columns, source); err != nil {
		t.Fatalf("%v", err)
	}
}

// sumCells is Cells in plain Go.
func sumCells(rows []quarterHour, q reports.Query) []reports.Cell {
	type key struct{ part, span int }
	cells := map[key]*reports.Cell{}
	for _, row := range rows {
		holds := func(s reports.Span) bool { return !row.start.Before(s.From) && row.start.Before(s.To) }
		k := key{
			slices.IndexFunc(q.Parts, func(p reports.Part) bool { return p.Agent == row.agent && holds(p.Span) }),
			slices.IndexFunc(q.Spans, holds),
		}
		if k.part < 0 || k.span < 0 {
			continue
		}
		if cells[k] == nil {
			cells[k] = &reports.Cell{Part: k.part, Span: k.span}
		}
		c := cells[k]
		c.Sums.Add(&row.sums)
		c.Bins++
		if row.isFinal {
			c.FinalBins++
		}
		if row.start.After(c.LastBin) {
			c.LastBin = row.start
		}
		c.Revision = max(c.Revision, row.revision)
	}
	var sorted []reports.Cell
	for _, c := range cells {
		sorted = append(sorted, *c)
	}
	slices.SortFunc(sorted, func(a, b reports.Cell) int {
		return cmp.Or(cmp.Compare(q.Parts[a.Part].Run, q.Parts[b.Part].Run), cmp.Compare(a.Span, b.Span), cmp.Compare(a.Part, b.Part))
	})
	return sorted
}

// wholeParts asks for all of some agents' time in a span, agent by agent.
func wholeParts(span reports.Span, agents ingest.AgentSet) []reports.Part {
	var parts []reports.Part
	for agent := range agents.All() {
		parts = append(parts, reports.Part{Agent: agent, Span: span, Run: len(parts)})
	}
	return parts
}

func (d database) snapshot(t must) *store.Snapshot {
	t.Helper()
	snapshot, err := d.Snapshot(context.Background())
	if err != nil {
		t.Fatalf("%v", err)
	}
	return snapshot
}

func readCells(t must, s *store.Snapshot, q reports.Query) []reports.Cell {
	t.Helper()
	var cells []reports.Cell
	for cell, err := range s.Cells(context.Background(), q) {
		if err != nil {
			t.Fatalf("%v", err)
		}
		cells = append(cells, cell)
	}
	return cells
}

// drawParts cuts the time of some agents, in a random order of parts and runs.
func drawParts(r *rapid.T) []reports.Part {
	var parts []reports.Part
	for agent := ingest.AgentID(100); agent < 106; agent++ {
		from := at(21, 0, 0)
		for range rapid.IntRange(0, 3).Draw(r, "parts") {
			from = from.Add(store.QuarterHour * time.Duration(rapid.IntRange(0, 6).Draw(r, "unasked")))
			to := from.Add(store.QuarterHour * time.Duration(rapid.IntRange(1, 12).Draw(r, "part")))
			parts = append(parts, reports.Part{Agent: agent, Span: reports.Span{From: from, To: to}})
			from = to
		}
	}
	parts = rapid.Permutation(parts).Draw(r, "order")
	for i := 1; i < len(parts); i++ {
		parts[i].Run = parts[i-1].Run + rapid.IntRange(0, 1).Draw(r, "new run")
	}
	return parts
}

// Cells are what the rows sum to, for any spans, parts and runs, in their order.
func TestCells(t *testing.T) {
	d := newDatabase(t)
	if _, err := d.MakePartitions(t.Context(), monday, at(26, 0, 0)); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(r *rapid.T) {
		rows := drawQuarterHours(r)
		d.putQuarterHours(r, rows)
		var q reports.Query
		start := at(21, 30, 0).Add(store.QuarterHour * time.Duration(rapid.IntRange(0, 8).Draw(r, "first")))
		for range rapid.IntRange(0, 5).Draw(r, "spans") {
			end := start.Add(store.QuarterHour * time.Duration(rapid.IntRange(1, 8).Draw(r, "quarter-hours")))
			q.Spans = append(q.Spans, reports.Span{From: start, To: end})
			start = end
		}
		q.Parts = drawParts(r)

		snapshot := d.snapshot(r)
		defer snapshot.Close(context.Background())
		if diff := gocmp.Diff(sumCells(rows, q), readCells(r, snapshot, q)); diff != "" {
			r.Fatalf("cells (-summed +read):\n%s", diff)
		}
	})
}

// A reader may stop in the middle, and go on with the same snapshot.
func TestCellsStopped(t *testing.T) {
	d := newDatabase(t)
	d.recordRounds(t, at(8, 0, 0), at(8, 15, 0), agentRange(101, 110), talking)
	d.deriveDirty(t, at(8, 15, 0))
	snapshot := d.snapshot(t)
	defer snapshot.Close(t.Context())
	hour := reports.Span{From: at(8, 0, 0), To: at(9, 0, 0)}
	q := reports.Query{Spans: []reports.Span{hour}, Parts: wholeParts(hour, agentRange(101, 110))}
	for cell, err := range snapshot.Cells(t.Context(), q) {
		if err != nil || cell.Part != 0 {
			t.Fatalf("the first cell is of part %d, error %v", cell.Part, err)
		}
		break
	}
	if n := len(readCells(t, snapshot, q)); n != 10 {
		t.Errorf("%d cells are read after stopping once, want 10", n)
	}

	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, err := range snapshot.Cells(stopped, q) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("reading with a cancelled context returned %v", err)
		}
	}
}

// What a snapshot shows belongs together, whatever is declared, recorded and
// derived meanwhile.
func TestSnapshotStands(t *testing.T) {
	d := newDatabase(t)
	team := agentRange(101, 103)
	d.declare(t, at(8, 0, 0), office(t, team))
	d.recordRounds(t, at(8, 0, 0), at(8, 10, 0), team, talking)
	d.deriveDirty(t, at(8, 10, 0))

	type shown struct {
		Cells []reports.Cell
		Facts reports.Facts
	}
	look := func(s *store.Snapshot) shown {
		facts, err := s.Facts(t.Context(), monday, at(24, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		day := reports.Span{From: monday, To: at(24, 0, 0)}
		return shown{readCells(t, s, reports.Query{Spans: []reports.Span{day}, Parts: wholeParts(day, agentRange(101, 104))}), facts}
	}
	snapshot := d.snapshot(t)
	defer snapshot.Close(t.Context())
	before := look(snapshot)

	d.declare(t, at(8, 10, 0), office(t, agentRange(101, 104)))
	d.recordRounds(t, at(8, 10, 0), at(8, 20, 0), agentRange(101, 104), idle)
	d.deriveDirty(t, at(8, 20, 0))
	tick, samples := roundAt(at(8, 20, 0), agentRange(101, 104), idle)
	tick.Period = time.Minute
	d.record(t, tick, samples)

	if diff := gocmp.Diff(before, look(snapshot)); diff != "" {
		t.Errorf("the snapshot moved (-before +after):\n%s", diff)
	}
	fresh := d.snapshot(t)
	defer fresh.Close(t.Context())
	if gocmp.Equal(before, look(fresh)) {
		t.Error("a new snapshot shows nothing of what was derived since")
	}
}

func TestFacts(t *testing.T) {
	d := newDatabase(t)
	facts := func(from, to time.Time) reports.Facts {
		t.Helper()
		snapshot := d.snapshot(t)
		defer snapshot.Close(t.Context())
		facts, err := snapshot.Facts(t.Context(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		return facts
	}
	if diff := gocmp.Diff(reports.Facts{}, facts(monday, at(24, 0, 0))); diff != "" {
		t.Errorf("facts of an empty database (-want +got):\n%s", diff)
	}

	team := agentRange(101, 103)
	d.declare(t, at(8, 0, 0), office(t, team), newSchedule(t, "hourly", "0 0 * * * *", "Europe/Berlin", ingest.NewAgentSet(200)))
	d.recordRounds(t, at(8, 0, 0), at(8, 15, 0), team, talking)
	tick, samples := roundAt(at(8, 0, 0), ingest.NewAgentSet(200), idle)
	tick.Schedule, tick.Period = "hourly", time.Hour
	d.record(t, tick, samples)
	d.deriveDirty(t, at(8, 15, 0))
	d.declare(t, at(10, 0, 0), office(t, team))
	d.exec(t, "TRUNCATE talktime.dirty") // marks that wait for the horizon
	d.exec(t, `INSERT INTO talktime.dirty (from_at, to_at, period_ms) VALUES
		('2026-11-16 08:00Z', '2026-11-16 08:20Z', 10000), ('2026-11-16 08:10Z', '2026-11-16 08:40Z', 10000)`)

	officeFact := reports.ScheduleFact{Name: "office", Cron: "*/10 * * * * *", Zone: "UTC", Agents: "101-103"}
	hourlyFact := reports.ScheduleFact{Name: "hourly", Cron: "0 0 * * * *", Zone: "Europe/Berlin", Agents: "200"}
	for name, test := range map[string]struct {
		from, to time.Time
		want     reports.Facts
	}{
		"the day": {monday, at(24, 0, 0), reports.Facts{
			Agents: ingest.NewAgentSet(101, 102, 103, 200), Schedules: []reports.ScheduleFact{hourlyFact, officeFact},
			Periods: []time.Duration{10 * time.Second, time.Hour}, Dirty: 3,
		}},
		"before anybody was polled": {monday, at(7, 30, 0), reports.Facts{}},
		"one quarter-hour":          {at(8, 30, 0), at(8, 45, 0), reports.Facts{Schedules: []reports.ScheduleFact{hourlyFact, officeFact}, Dirty: 1}},
		"after one was closed":      {at(10, 0, 0), at(11, 0, 0), reports.Facts{Schedules: []reports.ScheduleFact{officeFact}}},
	} {
		t.Run(name, func(t *testing.T) {
			test.want.Horizon = at(8, 15, 0)
			if diff := gocmp.Diff(test.want, facts(test.from, test.to)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}
