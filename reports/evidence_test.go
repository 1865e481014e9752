package reports_test

import (
	"math"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
)

// One quarter-hour of an agent that was half the time in talk, half available.
// By hand, in seconds, with C = 900, p = q = 1/2, 4 changes of 10 s:
// f = 40/900, x = -ln(1 - f/(1/2)) = 0.0930904, coth(x/2) - 2/x = 0.0155128,
// var = 900 · 1/4 · 10 · 0.0155128 = 34.9039, standard error 5.908 s.
func TestStandardErrorByHand(t *testing.T) {
	for name, c := range map[string]struct {
		sums func(*reports.Sums)
		e    reports.Evidence
		want float64 // ms
	}{
		"few changes": {func(s *reports.Sums) {
			s.MS[reports.Talk], s.MS[reports.Available] = 450_000, 450_000
			s.Edge[reports.Talk] = 40_000
			s.ChangeMS, s.ChangeSq = 40_000, 40_000*10_000
		}, reports.Evidence(reports.Talk), 5907.949541},
		"more changes than a signal can have: binomial": {func(s *reports.Sums) {
			s.MS[reports.Talk], s.MS[reports.Available] = 450_000, 450_000
			s.Edge[reports.Talk] = 600_000
			s.ChangeMS, s.ChangeSq = 600_000, 600_000*60_000
		}, reports.Evidence(reports.Talk), 107450.927550},
		"very few changes: d²/12 each": {func(s *reports.Sums) {
			s.MS[reports.Talk], s.MS[reports.Available] = 450_000, 450_000
			s.Edge[reports.Talk] = 1
			s.ChangeMS, s.ChangeSq = 1, 1
		}, reports.Evidence(reports.Talk), math.Sqrt(1.0 / 12)},
		"talk is judged within logged-in time": {func(s *reports.Sums) {
			s.MS[reports.Talk], s.MS[reports.Available], s.MS[reports.Rest] = 360_000, 360_000, 180_000
			s.Edge[reports.Talk] = 60_000
			s.ChangeMS, s.ChangeSq = 60_000, 60_000*20_000
		}, reports.Evidence(reports.Talk), 10456.212327},
		"so is handle": {func(s *reports.Sums) {
			s.MS[reports.ACW], s.MS[reports.Available], s.MS[reports.Rest] = 360_000, 360_000, 180_000
			s.Edge[reports.Handle] = 60_000
			s.ChangeMS, s.ChangeSq = 60_000, 60_000*20_000
		}, reports.Handle, 10456.212327},
		"rest is judged within observed time": {func(s *reports.Sums) {
			s.MS[reports.Rest], s.MS[reports.SignedOut] = 450_000, 450_000
			s.Edge[reports.Rest] = 40_000
			s.ChangeMS, s.ChangeSq = 40_000, 40_000*10_000
		}, reports.Evidence(reports.Rest), 5907.949541},
		"no change seen": {func(s *reports.Sums) { s.MS[reports.Talk] = 900_000 }, reports.Evidence(reports.Talk), 0},
		"all of the base": {func(s *reports.Sums) {
			s.MS[reports.Talk], s.Edge[reports.Talk] = 900_000, 10_000
			s.ChangeMS, s.ChangeSq = 10_000, 10_000*10_000
		}, reports.Evidence(reports.Talk), 0},
		"changes of others only": {func(s *reports.Sums) {
			s.MS[reports.Talk], s.MS[reports.Available] = 450_000, 450_000
			s.ChangeMS, s.ChangeSq = 10_000, 10_000*10_000
		}, reports.Evidence(reports.Talk), 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := bin{agent: 101, start: instant(t, "2026-11-16T08:00:00Z")}
			c.sums(&b.sums)
			b.sums.MS[reports.Unscheduled] = 900_000 - b.sums.Total()
			w := reports.Window{Span: reports.Span{From: b.start, To: b.start.Add(reports.QuarterHour)}, Zone: time.UTC}
			row := summarize(t, &bins{rows: []bin{b}, horizon: w.To}, request(t, w, "agent")).rows[0]
			got, seen := row.StdErr(c.e)
			if math.Abs(got-c.want) > 1e-5 || seen != (c.want > 0) {
				t.Errorf("standard error %f, %v, want %f", got, seen, c.want)
			}
		})
	}
}

// Two agents, two days: four variances of 5.908 s add up to twice that error.
func TestVariancesAddOverAgentsAndDays(t *testing.T) {
	var source bins
	for _, start := range []string{"2026-11-16T08:00:00Z", "2026-11-17T08:00:00Z"} {
		for _, agent := range []ingest.AgentID{101, 102} {
			b := bin{agent: agent, start: instant(t, start)}
			b.sums.MS[reports.Talk], b.sums.MS[reports.Available] = 450_000, 450_000
			b.sums.Edge[reports.Talk] = 40_000
			b.sums.ChangeMS, b.sums.ChangeSq = 40_000, 40_000*10_000
			source.rows = append(source.rows, b)
		}
	}
	w := reports.Window{Span: reports.Span{From: instant(t, "2026-11-16T00:00:00Z"), To: instant(t, "2026-11-18T00:00:00Z")}, Zone: time.UTC}
	source.horizon = w.To
	for _, by := range groupings {
		total := summarize(t, &source, request(t, w, by)).total
		if got, _ := total.StdErr(reports.Evidence(reports.Talk)); math.Abs(got-2*5907.949541) > 1e-4 {
			t.Errorf("--by %s: standard error %f", by, got)
		}
	}
}
