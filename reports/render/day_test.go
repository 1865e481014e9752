package render_test

import (
	"context"
	"iter"
	"time"

	"talktime/ingest"
	"talktime/reports"
)

// day is a source of believable quarter-hours from 07:00 to 17:00 UTC of any
// day: 101 to 106, of whom 104 is polled badly and 106 never signs in. Equal
// questions get equal answers.
type day struct {
	horizon time.Time
	dirty   int
	nobody  bool // has no agents at all
	roster  reports.Roster
}

func (d day) Facts(context.Context, time.Time, time.Time) (reports.Facts, error) {
	if d.nobody {
		return reports.Facts{}, nil
	}
	return reports.Facts{
		Horizon: d.horizon,
		Agents:  ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 106}),
		Schedules: []reports.ScheduleFact{
			{Name: "office", Cron: "*/10 * 8-17 * * MON-SAT", Zone: "Europe/Berlin", Agents: "101-106"},
		},
		Periods: []time.Duration{10 * time.Second},
		Dirty:   d.dirty,
		Roster:  d.roster,
	}, nil
}

func (d day) Cells(_ context.Context, q reports.Query) iter.Seq2[reports.Cell, error] {
	return func(yield func(reports.Cell, error) bool) {
		for first := 0; first < len(q.Parts); {
			end := first
			for end < len(q.Parts) && q.Parts[end].Run == q.Parts[first].Run {
				end++
			}
			for span := range q.Spans {
				for part := first; part < end; part++ {
					if cell := d.cell(q, part, span); cell.Bins > 0 && !yield(cell, nil) {
						return
					}
				}
			}
			first = end
		}
	}
}

// cell sums the quarter-hours that a part and a span have in common.
func (d day) cell(q reports.Query, part, span int) reports.Cell {
	cell := reports.Cell{Part: part, Span: span, Revision: 1}
	p := q.Parts[part]
	for at := q.Spans[span].From; at.Before(q.Spans[span].To); at = at.Add(reports.QuarterHour) {
		if hour := at.Hour(); hour < 7 || hour > 16 || !at.Before(d.horizon) || at.Before(p.From) || !at.Before(p.To) {
			continue
		}
		sums := quarterHour(p.Agent, at, d.horizon)
		cell.Sums.Add(&sums)
		cell.Bins++
		cell.LastBin = at
		if sums.MS[reports.Pending] == 0 {
			cell.FinalBins++
		}
	}
	return cell
}

// quarterHour makes up one row: a state's share of the time, with changes of
// 10 s each.
func quarterHour(agent ingest.AgentID, at, horizon time.Time) reports.Sums {
	seed := uint64(agent)*1_000_003 + uint64(at.Unix()/900)
	random := func(n int64) int64 {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int64(seed>>33) % n
	}
	var s reports.Sums
	left := reports.QuarterHour.Milliseconds()
	take := func(m reports.Measure, ms int64) {
		ms = min(ms, left)
		s.MS[m] += ms
		left -= ms
	}
	take(reports.Pending, max(0, at.Add(reports.QuarterHour).Sub(horizon).Milliseconds()))
	switch {
	case agent == 106:
		take(reports.SignedOut, left)
	case at.Hour() == 7 && at.Minute() == 0, at.Hour() == 16 && at.Minute() == 45:
		take(reports.SignedOut, 300_000+random(400_000))
	case at.Hour() == 11 && at.Minute()%30 == int(agent%2)*15:
		take(reports.PreRest, random(40_000))
		take(reports.Rest, 700_000+random(150_000))
	}
	if agent == 104 {
		take(reports.Failed, random(300_000))
	}
	if agent == 102 && at.Hour() == 9 && at.Minute() < 30 {
		take(reports.RecorderDown, 137_501)
	}
	if agent == 103 && random(8) == 0 {
		take(reports.Busy, random(500_000))
	}
	if agent == 105 && random(30) == 0 {
		take(reports.Other, 20_000)
	}
	take(reports.Talk, 300_000+random(350_000))
	take(reports.Reserved, random(30_000))
	take(reports.ACW, 60_000+random(80_000))
	take(reports.Available, left)

	for e := range reports.Evidence(reports.Evidences) {
		value := s.Value(e)
		edges := min(4, value/20_000)
		s.Edge[e] = edges * 10_000
		s.Reach[e] = edges * 10_000
		s.Low[e] = value - edges*5_000
	}
	s.ChangeMS, s.ChangeSq = 120_000, 120_000*10_000
	s.TalkEntries = min(3, s.MS[reports.Talk]/60_000)
	return s
}
