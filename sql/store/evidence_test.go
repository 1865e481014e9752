package store_test

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
)

var long = flag.Bool("long", false, "TestEvidence simulates thirty times as many days; see its figures with -v")

// TestEvidence holds figures against the truth (metrics.md §5). Agents of known
// lives are polled, the oracle derives their quarter-hours, as TestOracle proves
// the database to do, and a report sums them. Totals must be unbiased at any
// period. For periods up to the mean call the 95 % interval must hold the truth
// 88 to 100 % of the time without being idly wide, for one agent's day and for
// a team's of 50.
//
//	go test ./sql/store -run TestEvidence -long -v
func TestEvidence(t *testing.T) {
	days := 2
	if *long {
		days = 60
	}
	var trials []*trial
	const s = time.Second
	for _, call := range []time.Duration{60 * s, 180 * s, 300 * s} {
		for _, period := range []time.Duration{10 * s, 30 * s, 60 * s, 120 * s, 300 * s} {
			for _, failing := range []int{0, 10, 20} {
				trials = append(trials, &trial{setting: setting{period, call, failing}})
			}
		}
	}
	t.Run("setting", func(t *testing.T) {
		for _, trial := range trials {
			t.Run(trial.name(), func(t *testing.T) {
				t.Parallel()
				trial.run(t, days)
				trial.judge(t)
			})
		}
	})
	for _, e := range judged {
		var agents, teams tally
		for _, trial := range trials {
			if trial.period <= trial.call {
				agents.merge(trial.agents[e])
				teams.merge(trial.teams[e])
			}
		}
		if !agents.holds() || !teams.holds() {
			t.Errorf("%v: the interval holds the truth of %.1f %% of agents' days and %.1f %% of teams'", e, agents.held(), teams.held())
		}
		if agents.bounded() < 99 || teams.bounded() < 99 {
			t.Errorf("%v: the bounds hold the truth of %.1f %% of agents' days and %.1f %% of teams'", e, agents.bounded(), teams.bounded())
		}
		t.Logf("%v, periods up to the call: agents %v, teams %v\n%s", e, &agents, &teams, table(e, trials))
	}
}

// judged is what the simulated agents do.
var judged = []reports.Evidence{
	reports.Evidence(reports.Talk), reports.Evidence(reports.ACW), reports.Evidence(reports.Available), reports.Handle,
}

// trial is one setting tried out.
type trial struct {
	setting
	agents, teams [reports.Evidences]tally
}

func (s setting) name() string {
	return fmt.Sprintf("call %v, every %v, %d %% failed", s.call, s.period, s.failing)
}

// run reports some days of a team.
func (t *trial) run(tb testing.TB, days int) {
	tb.Helper()
	const teamSize = 50
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range days {
		day := monday.AddDate(0, 0, i)
		team := make(team, teamSize)
		for i := range team {
			team[i] = t.simulate(ingest.AgentID(101+i), day)
			if seen, want := team[i].cell.Sums.Observed(), team[i].truth[reports.Staffed]; seen != want {
				tb.Fatalf("the oracle observed %d ms, the polls %d ms", seen, want)
			}
		}
		next := 0
		total, err := reports.Summarize(tb.Context(), team, reports.Request{
			Window:   reports.Window{Span: reports.Span{From: day, To: day.AddDate(0, 0, 1)}, Zone: time.UTC},
			Grouping: reports.Grouping{ByAgent: true},
		}, eachRow(func(row *reports.Row) {
			for _, e := range judged {
				t.agents[e].add(row, e, team[next].truth[e])
			}
			next++
		}))
		if err != nil {
			tb.Fatal(err)
		}
		for _, e := range judged {
			t.teams[e].add(&total, e, team.truth(e))
		}
	}
}

// judge fails the test where a figure is not as good as metrics.md §5 says.
func (t *trial) judge(tb testing.TB) {
	tb.Helper()
	for _, e := range judged {
		for who, y := range map[string]*tally{"agents": &t.agents[e], "teams": &t.teams[e]} {
			if !y.isUnbiased() {
				tb.Errorf("%v of %s is biased: %v", e, who, y)
			}
			if t.period > t.call {
				continue // nothing is promised of the interval there
			}
			if !y.holds() {
				tb.Errorf("the interval of %v of %s holds the truth too seldom: %v", e, who, y)
			}
			if y.isTooWide() {
				tb.Errorf("the interval of %v of %s is too wide: %v", e, who, y)
			}
		}
	}
}

// table writes what all trials came to.
func table(e reports.Evidence, trials []*trial) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%5s %6s %6s  %-74s  %s\n", "call", "period", "failed", e.String()+", one agent's day", "a team's day")
	for _, t := range trials {
		fmt.Fprintf(&b, "%4.0fs %5.0fs %5d%%  %v  %v\n", t.call.Seconds(), t.period.Seconds(), t.failing, &t.agents[e], &t.teams[e])
	}
	return b.String()
}

// team is a day of some agents, as a source of reports of that day.
type team []agentDay

// Facts says that all is derived.
func (t team) Facts(_ context.Context, _, to time.Time) (reports.Facts, error) {
	agents := make([]ingest.AgentID, len(t))
	for i := range t {
		agents[i] = t[i].agent
	}
	return reports.Facts{Horizon: to, Agents: ingest.NewAgentSet(agents...)}, nil
}

// Cells yields the agents' days in order of agents.
func (t team) Cells(context.Context, reports.Query) iter.Seq2[reports.Cell, error] {
	return func(yield func(reports.Cell, error) bool) {
		for i := range t {
			cell := t[i].cell
			cell.Part = i
			if !yield(cell, nil) {
				return
			}
		}
	}
}

func (t team) truth(e reports.Evidence) (ms int64) {
	for i := range t {
		ms += t[i].truth[e]
	}
	return ms
}

// eachRow is a sink that looks at each row.
type eachRow func(*reports.Row)

func (eachRow) Begin(reports.Meta) error     { return nil }
func (see eachRow) Row(r *reports.Row) error { see(r); return nil }
func (eachRow) End(*reports.Row) error       { return nil }
