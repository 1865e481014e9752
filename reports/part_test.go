package reports_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
)

// teamGroupings keep rows apart by team, at every place among the other words.
var teamGroupings = []string{
	"team", "team,agent", "agent,team", "team,15m", "60m,team", "day,team", "team,day",
	"team,week", "month,team", "team,week,agent", "agent,week,team", "week,agent,team", "team,agent,month",
	"team,agent,day", "team,60m,agent", "agent,team,day", "agent,day,team", "day,team,agent", "30m,agent,team",
}

// drawRoster draws tenures of the agents of drawBins around a window: some
// known late, some given to others and back, some nobody's for a while.
func drawRoster(t *rapid.T, w reports.Window) reports.Roster {
	var roster reports.Roster
	quarters := int(w.Milliseconds() / reports.QuarterHour.Milliseconds())
	for _, agent := range []ingest.AgentID{101, 103, 105} {
		first := rapid.IntRange(-5, quarters+5).Draw(t, "first tenure")
		for i := range rapid.IntRange(0, 4).Draw(t, "tenures") {
			from := w.From.Add(time.Duration(first) * reports.QuarterHour)
			if i > 0 {
				roster[len(roster)-1].To = from
			}
			tenure := reports.Tenure{Agent: agent, From: from}
			if name := rapid.SampledFrom([]string{"", "Ann", "Bob", "Ann"}).Draw(t, "name"); name != "" {
				tenure.Person = name + rapid.SampledFrom([]string{"", agentText(agent)}).Draw(t, "person")
				tenure.Name = tenure.Person
				tenure.Team = rapid.SampledFrom([]string{"", "Sales", "Support"}).Draw(t, "team")
			}
			roster = append(roster, tenure)
			first += rapid.IntRange(1, 1+quarters/2).Draw(t, "quarter-hours held")
		}
	}
	return roster
}

func agentText(agent ingest.AgentID) string { return fmt.Sprint(int(agent)) }

// tenureAt looks for the tenure of a quarter-hour, one by one.
func tenureAt(roster reports.Roster, agent ingest.AgentID, at time.Time) reports.Tenure {
	for _, t := range roster {
		if t.Agent == agent && !at.Before(t.From) && (t.To.IsZero() || at.Before(t.To)) {
			return t
		}
	}
	return reports.Tenure{}
}

// Whatever the roster, and whichever team counts: every row accounts for its
// time, and rows by anything sum to the same total, with the same error.
func TestRostersChangeNoTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWindow(t, 200)
		source := drawBins(t, w)
		bare := summarize(t, source, request(t, w, "none")).total
		source.roster = drawRoster(t, w)
		now := w.From.Add(time.Duration(rapid.IntRange(-10, 210).Draw(t, "now")) * reports.QuarterHour)
		for _, asOf := range []time.Time{{}, now} {
			for _, by := range slices.Concat(groupings, teamGroupings) {
				r := request(t, w, by)
				r.TeamAsOf = asOf
				got := summarize(t, source, r)
				var sum reports.Sums
				var time int64
				for _, row := range got.rows {
					if row.Residual() != 0 || row.Time == 0 || row.Time > row.Span.Milliseconds()*int64(row.Agents) {
						t.Fatalf("--by %s: a row of %d agents accounts for %d ms of %v and leaves %d", by, row.Agents, row.Time, row.Span, row.Residual())
					}
					sum.Add(&row.Sums)
					time += row.Time
				}
				for i := range max(1, len(got.rows)) - 1 {
					if compareRows(by, &got.rows[i], &got.rows[i+1]) >= 0 {
						t.Fatalf("--by %s: row %+v is followed by %+v", by, got.rows[i], got.rows[i+1])
					}
				}
				if sum != bare.Sums || got.total.Sums != bare.Sums || time != bare.Time || got.total.Time != bare.Time || got.total.Agents != bare.Agents {
					t.Fatalf("--by %s: rows sum to %v in %d ms, the total is %v, without a roster %v in %d ms", by, sum.MS, time, got.total.MS, bare.MS, bare.Time)
				}
				for e, v := range got.total.Variance {
					if math.Abs(v-bare.Variance[e]) > 1e-9*v {
						t.Fatalf("--by %s: variance %d is %g, without a roster %g", by, e, v, bare.Variance[e])
					}
				}
			}
		}
	})
}

// compareRows compares two rows, the second after the first, by the words of a
// --by. Two persons of one agent id may come in any order.
func compareRows(by string, a, b *reports.Row) int {
	c := 0
	for word := range strings.SplitSeq(by, ",") {
		switch {
		case c != 0:
		case word == "agent" && a.Agent == b.Agent && a.Name != b.Name:
			c = -1
		case word == "agent":
			c = cmp.Compare(a.Agent, b.Agent)
		case word == "team" && (a.Team == "") != (b.Team == ""):
			c = cmp.Compare(b.Team, a.Team)
		case word == "team":
			c = cmp.Compare(a.Team, b.Team)
		default:
			c = a.Span.From.Compare(b.Span.From)
		}
	}
	return c
}

// teamTime is what a team's row must show.
type teamTime struct {
	Time, Talk, Pending int64
	Agents              int
}

// A quarter-hour belongs to the team valid at its start, or to its person's
// team now: the teams' rows against a count quarter-hour by quarter-hour.
func TestTeamsAgainstACount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWindow(t, 150)
		source := drawBins(t, w)
		source.roster = drawRoster(t, w)
		r := request(t, w, "team")
		if rapid.Bool().Draw(t, "as of now") {
			r.TeamAsOf = w.From.Add(time.Duration(rapid.IntRange(-10, 160).Draw(t, "now")) * reports.QuarterHour)
		}
		facts, err := source.Facts(context.Background(), w.From, w.To)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]teamTime{}
		members := map[string]map[ingest.AgentID]bool{}
		for agent := range facts.Agents.All() {
			for at := w.From; at.Before(w.To); at = at.Add(reports.QuarterHour) {
				tenure := tenureAt(source.roster, agent, at)
				team := tenure.Team
				if !r.TeamAsOf.IsZero() && tenure.Person != "" {
					team = teamNow(source.roster, tenure.Person, r.TeamAsOf)
				}
				sum := want[team]
				sum.Time += reports.QuarterHour.Milliseconds()
				row := slices.IndexFunc(source.rows, func(b bin) bool { return b.agent == agent && b.start.Equal(at) })
				if row >= 0 {
					sum.Talk += source.rows[row].sums.MS[reports.Talk]
					sum.Pending += source.rows[row].sums.MS[reports.Pending]
				} else {
					sum.Pending += max(0, min(reports.QuarterHour, at.Add(reports.QuarterHour).Sub(source.horizon))).Milliseconds()
				}
				if members[team] == nil {
					members[team] = map[ingest.AgentID]bool{}
				}
				members[team][agent] = true
				sum.Agents = len(members[team])
				want[team] = sum
			}
		}
		got := map[string]teamTime{}
		for _, row := range summarize(t, source, r).rows {
			got[row.Team] = teamTime{row.Time, row.MS[reports.Talk], row.MS[reports.Pending], row.Agents}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("teams (-counted +reported):\n%s", diff)
		}
		// Each team alone is the same row, and nothing else.
		for team, row := range want {
			alone := r
			alone.Teams = []string{cmp.Or(team, reports.NoTeam)}
			one := summarize(t, source, alone)
			if len(one.rows) != 1 || one.rows[0].Time != row.Time || one.total.Time != row.Time || one.total.MS[reports.Talk] != row.Talk || one.total.Agents != row.Agents {
				t.Fatalf("--team %q: %d rows, total %+v, want %+v", team, len(one.rows), one.total, row)
			}
		}
	})
}

// teamNow is the person's team in the latest tenure begun by now, else in the
// first to come.
func teamNow(roster reports.Roster, person string, now time.Time) string {
	var mine reports.Roster
	for _, t := range roster {
		if t.Person == person {
			mine = append(mine, t)
		}
	}
	slices.SortStableFunc(mine, func(a, b reports.Tenure) int { return a.From.Compare(b.From) })
	team, latest := mine[0].Team, mine[0].From
	for _, t := range mine {
		if !t.From.After(now) && t.From.After(latest) {
			team, latest = t.Team, t.From
		}
	}
	return team
}

// An agent's day is one for the total's standard error, though two teams share
// it and one of them has another day in between.
func TestADayOfTwoTeamsIsOneDay(t *testing.T) {
	w := reports.Window{Span: reports.Span{From: instant(t, "2026-11-16T00:00:00Z"), To: instant(t, "2026-11-18T00:00:00Z")}, Zone: time.UTC}
	source := &bins{horizon: w.To}
	for i, start := range []string{"2026-11-16T08:00:00Z", "2026-11-16T14:00:00Z", "2026-11-17T08:00:00Z"} {
		b := bin{agent: 101, start: instant(t, start)}
		b.sums.MS[reports.Talk], b.sums.MS[reports.Available] = 300_000+int64(i)*200_000, 600_000-int64(i)*200_000
		b.sums.Edge[reports.Talk] = 40_000
		b.sums.ChangeMS, b.sums.ChangeSq = 40_000, 40_000*int64(10_000+5_000*i)
		source.rows = append(source.rows, b)
	}
	bare := summarize(t, source, request(t, w, "none")).total.Variance[reports.Talk]
	source.roster = reports.Roster{
		{Agent: 101, Person: "7", Name: "Ann", Team: "Support", From: w.From, To: instant(t, "2026-11-16T12:00:00Z")},
		{Agent: 101, Person: "7", Name: "Ann", Team: "Sales", From: instant(t, "2026-11-16T12:00:00Z")},
	}
	for _, by := range slices.Concat(groupings, teamGroupings) {
		got := summarize(t, source, request(t, w, by)).total.Variance[reports.Talk]
		if bare == 0 || math.Abs(got-bare) > 1e-9*bare {
			t.Errorf("--by %s: variance %g, without a roster %g", by, got, bare)
		}
	}
}

// A thousand agents change teams in the middle of a month, each at a
// quarter-hour of its own: exact sums, and one row at a time.
func TestAThousandMove(t *testing.T) {
	w := reports.Window{Span: reports.Span{From: instant(t, "2026-11-01T00:00:00Z"), To: instant(t, "2026-12-01T00:00:00Z")}, Zone: time.UTC}
	const agents = 1000
	source := always{horizon: w.To, agents: ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 100 + agents})}
	want := map[string]int64{}
	for agent := range source.agents.All() {
		moves := instant(t, "2026-11-15T00:00:00Z").Add(time.Duration(agent) * reports.QuarterHour)
		from, to := fmt.Sprintf("T%d", agent%7), fmt.Sprintf("T%d", agent%5)
		person := agentText(agent)
		source.roster = append(source.roster,
			reports.Tenure{Agent: agent, Person: person, Name: person, Team: from, From: w.From, To: moves},
			reports.Tenure{Agent: agent, Person: person, Name: person, Team: to, From: moves})
		want[from] += moves.Sub(w.From).Milliseconds()
		want[to] += w.To.Sub(moves).Milliseconds()
	}
	got := map[string]int64{}
	total := summarize(t, source, request(t, w, "team,week"))
	for _, row := range total.rows {
		if row.MS[reports.Talk] != row.Time {
			t.Fatalf("%s talked %d ms of %d", row.Team, row.MS[reports.Talk], row.Time)
		}
		got[row.Team] += row.Time
	}
	if !maps.Equal(got, want) || total.total.Time != agents*w.Milliseconds() {
		t.Errorf("got %v, want %v; total %d", got, want, total.total.Time)
	}
}

// always is a source of agents who never stop talking.
type always struct {
	horizon time.Time
	agents  ingest.AgentSet
	roster  reports.Roster
}

func (a always) Facts(context.Context, time.Time, time.Time) (reports.Facts, error) {
	return reports.Facts{Horizon: a.horizon, Agents: a.agents, Roster: a.roster}, nil
}

func (a always) Cells(_ context.Context, q reports.Query) iter.Seq2[reports.Cell, error] {
	return func(yield func(reports.Cell, error) bool) {
		for first := 0; first < len(q.Parts); {
			end := first
			for end < len(q.Parts) && q.Parts[end].Run == q.Parts[first].Run {
				end++
			}
			for i, span := range q.Spans {
				for part := first; part < end; part++ {
					from, to := span.From, span.To
					if p := q.Parts[part]; p.From.After(from) {
						from = p.From
					}
					if p := q.Parts[part]; p.To.Before(to) {
						to = p.To
					}
					if !from.Before(to) {
						continue
					}
					cell := reports.Cell{Part: part, Span: i, Bins: int(to.Sub(from) / reports.QuarterHour), LastBin: to.Add(-reports.QuarterHour)}
					cell.FinalBins = cell.Bins
					cell.Sums.MS[reports.Talk] = to.Sub(from).Milliseconds()
					if !yield(cell, nil) {
						return
					}
				}
			}
			first = end
		}
	}
}
