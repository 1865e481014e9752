package store_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
)

// anyQuarterHours makes rows in the share of an agent's quarter-hours that density
// says.
func anyQuarterHours(random *rand.Rand, agents ingest.AgentSet, span reports.Span, density float64) []quarterHour {
	var rows []quarterHour
	for agent := range agents.All() {
		for start := span.From; start.Before(span.To); start = start.Add(store.QuarterHour) {
			if random.Float64() >= density {
				continue
			}
			row := quarterHour{agent: agent, start: start, revision: 1 + random.IntN(9), isFinal: random.IntN(2) == 0}
			rest := int64(900_000)
			for m := range row.sums.MS[:reports.Pending] {
				row.sums.MS[m] = random.Int64N(rest + 1)
				rest -= row.sums.MS[m]
			}
			row.sums.MS[reports.Unscheduled] += rest
			for e := range reports.Evidences {
				row.sums.Low[e], row.sums.Reach[e], row.sums.Edge[e] = random.Int64N(900_000), random.Int64N(900_000), random.Int64N(9_000_000)
			}
			row.sums.ChangeMS = random.Int64N(9_000_000)
			row.sums.ChangeSq = row.sums.ChangeMS * row.sums.ChangeMS
			row.sums.TalkEntries, row.sums.Conflicts = random.Int64N(900), random.Int64N(900)
			rows = append(rows, row)
		}
	}
	return rows
}

// The changes of clocks that days are tried on. A day without change stands beside
// each.
var clockChanges = []struct{ zone, date string }{
	{"Europe/Berlin", "2026-03-29"},
	{"Europe/Berlin", "2026-10-25"},
	{"America/New_York", "2026-03-08"},
	{"America/New_York", "2026-11-01"},
	{"Australia/Lord_Howe", "2026-04-05"},
	{"Australia/Lord_Howe", "2026-10-04"},
	{"Pacific/Chatham", "2026-04-05"},
	{"Pacific/Chatham", "2026-09-27"},
	{"America/Santiago", "2026-04-04"},
	{"America/Santiago", "2026-09-06"},
	{"Asia/Kathmandu", "2026-11-16"},
}

// The same query with and without kept days gives identical cells: of days and
// other units, of windows that cut days, in zones that are kept and ones that are
// not, and after quarter-hours changed.
func TestKeptDaysChangeNothing(t *testing.T) {
	d := newDatabase(t)
	rapid.Check(t, func(r *rapid.T) {
		change := rapid.SampledFrom(clockChanges).Draw(r, "change")
		keeping := calendar(r, change.zone, rapid.SampledFrom([]string{"00:00", "00:00", "02:30", "04:00", "23:30"}).Draw(r, "start"))
		middle, err := keeping.ParseWindow(change.date, "", time.Time{})
		if err != nil {
			r.Fatal(err)
		}
		within := reports.Span{From: middle.From.Add(-30 * time.Hour), To: middle.To.Add(30 * time.Hour)}
		if _, err := d.MakePartitions(context.Background(), within.From, within.To); err != nil {
			r.Fatal(err)
		}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 0))
		rows := anyQuarterHours(random, agentRange(101, 103), within, rapid.SampledFrom([]float64{0.02, 0.3}).Draw(r, "density"))
		d.putQuarterHours(r, rows)
		d.forgetDays(r)

		read := keeping
		if rapid.IntRange(0, 3).Draw(r, "another zone") == 0 {
			read = calendar(r, "Europe/London", "00:00")
		}
		w := reports.Window{Zone: read.Zone, DayStart: read.DayStart}
		w.From = within.From.Add(store.QuarterHour * time.Duration(rapid.IntRange(0, 200).Draw(r, "from")))
		w.To = w.From.Add(store.QuarterHour * time.Duration(rapid.IntRange(1, 300).Draw(r, "quarter-hours")))
		if rapid.Bool().Draw(r, "whole days") {
			w.Span = middle.Span
		}
		q := reports.Query{
			Spans: w.Spans(rapid.SampledFrom([]reports.Unit{reports.Day, reports.Day, reports.NoUnit, reports.Hours, reports.QuarterHours}).Draw(r, "unit")),
			Parts: drawPeople(r, w.Span),
		}
		look := func() ([]reports.Cell, ingest.AgentSet) {
			snapshot := d.snapshot(r)
			defer snapshot.Close(context.Background())
			facts, err := snapshot.Facts(context.Background(), w.From, w.To)
			if err != nil {
				r.Fatal(err)
			}
			return readCells(r, snapshot, q), facts.Agents
		}
		cells, agents := look()
		if diff := gocmp.Diff(sumCells(rows, q), cells); diff != "" {
			r.Fatalf("cells without kept days (-summed +read):\n%s", diff)
		}
		d.keepDays(r, within.To, keeping)
		keptCells, keptAgents := look()
		if diff := gocmp.Diff(cells, keptCells); diff != "" {
			r.Fatalf("cells (-without +with kept days):\n%s", diff)
		}
		if agents.String() != keptAgents.String() {
			r.Fatalf("agents are %s without and %s with kept days", agents, keptAgents)
		}
	})
}

// drawPeople asks for some agents' time in the window, of which some changes hands
// within, in one run, agent by agent or part by part.
func drawPeople(r *rapid.T, window reports.Span) []reports.Part {
	runs := rapid.SampledFrom([]string{"one", "of an agent", "of a part"}).Draw(r, "runs")
	var parts []reports.Part
	add := func(agent ingest.AgentID, from, to time.Time) {
		part := reports.Part{Agent: agent, Span: reports.Span{From: from, To: to}}
		switch runs {
		case "of an agent":
			part.Run = int(agent)
		case "of a part":
			part.Run = len(parts)
		}
		parts = append(parts, part)
	}
	quarters := int(window.Milliseconds() / store.QuarterHour.Milliseconds())
	for _, agent := range rapid.SampledFrom([][]ingest.AgentID{{101, 102, 103}, {102, 103, 105}}).Draw(r, "agents") {
		cut := window.From
		if rapid.IntRange(0, 9).Draw(r, "changes hands") == 0 {
			cut = cut.Add(store.QuarterHour * time.Duration(rapid.IntRange(0, quarters-1).Draw(r, "when")))
		}
		if window.From.Before(cut) {
			add(agent, window.From, cut)
		}
		add(agent, cut, window.To)
	}
	return parts
}

// Every kind of local day is kept whole, under one key, and is the sum of its
// quarter-hours.
func TestDaysOverClockChanges(t *testing.T) {
	for _, c := range []struct {
		zone, start, date string
		want              int // quarter-hours
	}{
		{"Europe/Berlin", "00:00", "2026-03-29", 92},
		{"Europe/Berlin", "00:00", "2026-10-25", 100},
		{"Europe/Berlin", "04:00", "2026-10-24", 100},
		{"Europe/Berlin", "04:00", "2026-10-25", 96},
		{"America/New_York", "00:00", "2026-03-08", 92},
		{"America/New_York", "00:00", "2026-11-01", 100},
		{"Australia/Lord_Howe", "00:00", "2026-04-05", 98},
		{"Australia/Lord_Howe", "00:00", "2026-10-04", 94},
		{"Pacific/Chatham", "00:00", "2026-04-05", 100},
		{"Pacific/Chatham", "00:00", "2026-09-27", 92},
		{"America/Santiago", "00:00", "2026-04-04", 100},
		{"America/Santiago", "00:00", "2026-09-06", 92},
		{"America/Santiago", "23:30", "2026-04-04", 100},
		{"Asia/Kathmandu", "00:00", "2026-11-16", 96},
		{"Asia/Kathmandu", "05:45", "2026-11-16", 96},
	} {
		t.Run(c.zone+" "+c.start+" "+c.date, func(t *testing.T) {
			d := newDatabase(t)
			keeping := calendar(t, c.zone, c.start)
			day, err := keeping.ParseWindow(c.date, "", time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			around := reports.Span{From: day.From.Add(-48 * time.Hour), To: day.To.Add(48 * time.Hour)}
			if _, err := d.MakePartitions(t.Context(), around.From, around.To); err != nil {
				t.Fatal(err)
			}
			rows := anyQuarterHours(rand.New(rand.NewPCG(1, 2)), agentRange(101, 102), around, 1)
			d.putQuarterHours(t, rows)
			d.keepDays(t, around.To, keeping)

			expect(t, "quarter-hours of each agent", []int{c.want, c.want},
				all[int](t, d, "SELECT quarter_hours FROM talktime.days WHERE local_date = $1::text::date ORDER BY agent_id", c.date))
			expect(t, "days that do not touch the next", 0, d.count(t, `SELECT count(*) FROM (
				SELECT to_at, lead(from_at) OVER (ORDER BY local_date) AS next_at FROM talktime.kept_days) AS k WHERE to_at <> next_at`))
			snapshot := d.snapshot(t)
			defer snapshot.Close(t.Context())
			q := reports.Query{Spans: reports.Window{Span: around, Zone: day.Zone, DayStart: day.DayStart}.Spans(reports.Day), Parts: wholeParts(around, agentRange(101, 102))}
			expect(t, "cells", sumCells(rows, q), readCells(t, snapshot, q))
		})
	}
}
