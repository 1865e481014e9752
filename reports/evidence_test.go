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

// Two agents, two days that differ: by hand sqrt(2 · (5907.95² + 5877.44²)).
// The two quarter-hours of the second day are one agent-day.
func TestVariancesAddOverAgentsAndDays(t *testing.T) {
	var source bins
	for _, agent := range []ingest.AgentID{101, 102} {
		first := bin{agent: agent, start: instant(t, "2026-11-16T08:00:00Z")}
		first.sums.MS[reports.Talk], first.sums.MS[reports.Available] = 450_000, 450_000
		first.sums.Edge[reports.Talk] = 40_000
		first.sums.ChangeMS, first.sums.ChangeSq = 40_000, 40_000*10_000

		// Together 720 s of 900 s, 20 s of edges, d = 20 s.
		second := bin{agent: agent, start: instant(t, "2026-11-17T08:00:00Z")}
		second.sums.MS[reports.Talk], second.sums.MS[reports.Unscheduled] = 720_000, 180_000
		third := bin{agent: agent, start: instant(t, "2026-11-17T08:15:00Z")}
		third.sums.MS[reports.Available], third.sums.MS[reports.Unscheduled] = 180_000, 720_000
		third.sums.Edge[reports.Talk] = 20_000
		third.sums.ChangeMS, third.sums.ChangeSq = 20_000, 20_000*20_000
		source.rows = append(source.rows, first, second, third)
	}
	w := reports.Window{Span: reports.Span{From: instant(t, "2026-11-16T00:00:00Z"), To: instant(t, "2026-11-18T00:00:00Z")}, Zone: time.UTC}
	source.horizon = w.To
	for _, by := range groupings {
		got := summarize(t, &source, request(t, w, by))
		if stderr, _ := got.total.StdErr(reports.Evidence(reports.Talk)); math.Abs(stderr-11785.428739) > 1e-4 {
			t.Errorf("--by %s: standard error %f", by, stderr)
		}
		if by == "none" && got.rows[0].Variance != got.total.Variance {
			t.Errorf("the only row's variance is %v, the total's %v", got.rows[0].Variance, got.total.Variance)
		}
	}
}
