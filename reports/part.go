package reports

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"talktime/ingest"
)

// part is a stretch of an agent's time in the window that was one person's, by
// one name and in one team.
type part struct {
	Part
	person, name, team string
	rank               int // order of the persons who held the agent id in the window
	unit               int // number of its week or month, where parts are cut at those
}

// parts cuts the agents' time in the window where the id or its team changes
// hands, and leaves out what the report is not of. A quarter-hour belongs to
// the person and team at its start. Where nothing asks for persons and teams
// every agent is one part.
func (r *Request) parts(facts *Facts) []part {
	agents := r.Agents
	if agents.IsEmpty() {
		agents = facts.Agents
	}
	whole := !r.Grouping.ByAgent && !r.Grouping.ByTeam && len(r.Teams) == 0
	var teams map[string]string
	if !whole && !r.TeamAsOf.IsZero() {
		teams = facts.Roster.teamsAt(r.TeamAsOf)
	}
	var parts []part
	for agent := range agents.All() {
		if whole {
			parts = append(parts, part{Part: Part{Agent: agent, Span: r.Window.Span}})
			continue
		}
		for _, p := range partsOf(agent, facts.Roster.of(agent), r.Window.Span) {
			if teams != nil && p.person != "" {
				p.team = teams[p.person]
			}
			if r.wantsTeam(p.team) {
				parts = append(parts, p)
			}
		}
	}
	if r.Grouping.cutsAtUnits() {
		return cutAt(r.Window.Spans(r.Grouping.Unit), parts)
	}
	return parts
}

// cutsAtUnits reports whether the parts of a grid are cut at weeks or months:
// where another key, or the agents that a row sums, would stand between the days
// of one row.
func (g Grouping) cutsAtUnits() bool {
	keys := g.keys()
	return g.Unit > Day && (!g.ByAgent || keys[len(keys)-1] != keyUnit)
}

func cutAt(units []Span, parts []part) []part {
	var cut []part
	for _, p := range parts {
		first := sort.Search(len(units), func(i int) bool { return units[i].To.After(p.From) })
		for i := first; i < len(units) && units[i].overlaps(p.Span); i++ {
			piece := p
			piece.Span, piece.unit = units[i].intersect(p.Span), i
			cut = append(cut, piece)
		}
	}
	return cut
}

func (r *Request) wantsTeam(team string) bool {
	return len(r.Teams) == 0 || slices.Contains(r.Teams, cmp.Or(team, NoTeam))
}

// partsOf cuts a span at the ends of an agent's tenures.
func partsOf(agent ingest.AgentID, tenures []Tenure, span Span) []part {
	var parts []part
	ranks := map[string]int{}
	cut := func(from, to time.Time, t Tenure) {
		if !from.Before(to) {
			return
		}
		rank, known := ranks[t.Person]
		if !known {
			rank = len(ranks)
			ranks[t.Person] = rank
		}
		parts = append(parts, part{Part{Agent: agent, Span: Span{from, to}}, t.Person, t.Name, t.Team, rank, 0})
	}
	at := span.From
	for _, t := range tenures {
		from := earliest(latest(t.From, span.From), span.To)
		to := span.To
		if !t.To.IsZero() {
			to = earliest(latest(t.To, span.From), span.To)
		}
		cut(at, from, Tenure{})
		cut(from, to, t)
		at = latest(at, to)
	}
	cut(at, span.To, Tenure{})
	return parts
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// order sorts parts as the grouping's rows come and numbers their runs. Within a
// run all keys are the same, or those before a unit of time of a day or less.
func (g Grouping) order(parts []part) {
	before, all := g.keys(), g.keys()
	for i, k := range all {
		if k == keyUnit && g.Unit <= Day {
			before = all[:i]
		}
	}
	if (g.Unit == NoUnit || g.Unit > Day) && !g.ByAgent {
		before = append(before, keyAgentID)
	}
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(compareBy(all, &a, &b), cmp.Compare(a.Agent, b.Agent), a.From.Compare(b.From))
	})
	for i := 1; i < len(parts); i++ {
		parts[i].Run = parts[i-1].Run
		if compareBy(before, &parts[i-1], &parts[i]) != 0 {
			parts[i].Run++
		}
	}
}

// compareBy compares parts by keys. What is in no team comes last; units of a day
// or less tell no parts apart.
func compareBy(keys []key, a, b *part) int {
	for _, k := range keys {
		var c int
		switch k {
		case keyAgent:
			c = cmp.Or(cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.rank, b.rank))
		case keyAgentID:
			c = cmp.Compare(a.Agent, b.Agent)
		case keyTeam:
			c = compareTeams(a.team, b.team)
		case keyUnit:
			c = cmp.Compare(a.unit, b.unit)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func compareTeams(a, b string) int {
	if (a == "") != (b == "") {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}
