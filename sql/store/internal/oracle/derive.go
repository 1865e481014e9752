package oracle

import (
	"maps"
	"slices"
)

// Derive calculates the quarter-hours of a case, ordered by agent and bin. It
// does not look at Expect and does not change the case.
func Derive(c Case) []Row {
	agents := map[int32]bool{}
	for _, s := range c.Samples {
		agents[s.AgentID] = true
	}
	for _, s := range c.Schedules {
		for _, agent := range s.Agents {
			agents[agent] = true
		}
	}
	var rows []Row
	for _, agent := range slices.Sorted(maps.Keys(agents)) {
		rows = append(rows, deriveAgent(agent, c)...)
	}
	return rows
}

// history is what is stored of one agent, and what follows from it before it is
// cut into quarter-hours.
type history struct {
	agent        int32
	horizon      int64
	due          []int64 // of all the agent's ticks
	observations []observation
	coverage     []span
	claims       []span // of all the agent's schedules
	changes      []change
	edges        [evidence][]edge
	talkEntries  []int64
}

func deriveAgent(agent int32, c Case) []Row {
	h := historyOf(agent, c)

	// Only these bins can have a row: those with a due tick and those that
	// coverage or a claim reaches into.
	bins := map[int64]bool{}
	for _, due := range h.due {
		bins[binOf(due)] = true
	}
	for _, s := range slices.Concat(h.coverage, h.claims) {
		for bin := binOf(s.from); bin < s.to; bin += QuarterHour {
			bins[bin] = true
		}
	}

	var rows []Row
	for _, bin := range slices.Sorted(maps.Keys(bins)) {
		if row := h.row(bin); h.exists(row) {
			rows = append(rows, row)
		}
	}
	return rows
}

func historyOf(agent int32, c Case) history {
	var samples []Sample
	for _, s := range c.Samples {
		if s.AgentID == agent {
			samples = append(samples, s)
		}
	}
	h := history{agent: agent, horizon: c.Horizon, observations: observationsOf(samples)}
	for _, s := range c.Schedules {
		if !slices.Contains(s.Agents, agent) {
			continue
		}
		for _, t := range s.Ticks {
			h.due = append(h.due, t.Due)
		}
		h.claims = append(h.claims, claims(s.Ticks, samples)...)
	}
	h.coverage = coverage(h.observations)
	h.changes = changes(h.observations)
	for kind := range h.edges {
		h.edges[kind] = edges(h.observations, kind)
	}
	h.talkEntries = talkEntries(h.observations)
	return h
}

// binOf gives the start of the quarter-hour that holds an instant.
func binOf(at int64) int64 { return at - at%QuarterHour }

// exists applies metrics.md §4: there is a row where a tick was due before the
// horizon or where something was observed, failed or missed. From the horizon
// on there is neither.
func (h history) exists(row Row) bool {
	for _, due := range h.due {
		if binOf(due) == row.Bin && due < h.horizon {
			return true
		}
	}
	for measure := Talk; measure <= RecorderDown; measure++ {
		if row.MS[measure] != 0 {
			return true
		}
	}
	return false
}

// row calculates one quarter-hour, whether it is to exist or not.
func (h history) row(bin int64) Row {
	row := Row{AgentID: h.agent, Bin: bin}
	h.addTime(&row)

	for kind := range h.edges {
		for _, e := range h.edges[kind] {
			from, to := max(e.from, bin), min(e.to, bin+QuarterHour, h.horizon)
			row.Reach[kind] += max(0, to-from)
		}
	}
	counts := func(at int64) bool { return binOf(at) == bin && at < h.horizon }
	for _, c := range h.changes {
		if !counts(c.to) {
			continue
		}
		g := c.to - c.from
		row.ChangeMS += g
		row.ChangeSq += g * g
		for kind := range row.Edge {
			if belongsTo(c.old, kind) != belongsTo(c.new, kind) {
				row.Edge[kind] += g
			}
		}
	}
	for _, o := range h.observations {
		if o.isConflict() && counts(o.at) {
			row.Conflicts++
		}
	}
	for _, start := range h.talkEntries {
		if counts(start) {
			row.TalkEntries++
		}
	}
	return row
}

// addTime shares the quarter-hour out among the measures, and adds to Low what
// lies outside the edges. It cuts the quarter-hour at every instant where
// anything begins or ends and looks at each piece on its own.
func (h history) addTime(row *Row) {
	end := row.Bin + QuarterHour
	coverage, claims := overlapping(h.coverage, row.Bin, end), overlapping(h.claims, row.Bin, end)

	cuts := []int64{row.Bin, end, h.horizon}
	for _, s := range slices.Concat(coverage, claims) {
		cuts = append(cuts, s.from, s.to)
	}
	var edges [evidence][]edge
	for kind := range edges {
		for _, e := range h.edges[kind] {
			if e.from < end && row.Bin < e.to {
				edges[kind] = append(edges[kind], e)
				cuts = append(cuts, e.from, e.to)
			}
		}
	}
	slices.Sort(cuts)

	for i := 1; i < len(cuts); i++ {
		from, to := cuts[i-1], cuts[i]
		if from == to || from < row.Bin || to > end {
			continue
		}
		measure := h.measureAt(from, coverage, claims)
		row.MS[measure] += to - from
		if measure >= states {
			continue
		}
		for kind := range edges {
			inEdge := slices.ContainsFunc(edges[kind], func(e edge) bool { return e.from <= from && from < e.to })
			if belongsTo(measure, kind) && !inEdge {
				row.Low[kind] += to - from
			}
		}
	}
}

// measureAt says what an instant counts as: pending from the horizon on, else
// what was observed, else the cause claimed for it, `failed` before
// `recorder_down`, else unscheduled (metrics.md §1).
func (h history) measureAt(at int64, coverage, claims []span) int {
	if at >= h.horizon {
		return Pending
	}
	for _, s := range coverage {
		if s.from <= at && at < s.to {
			return s.measure
		}
	}
	measure := Unscheduled
	for _, s := range claims {
		if s.from <= at && at < s.to {
			if s.measure == Failed {
				return Failed
			}
			measure = RecorderDown
		}
	}
	return measure
}

// overlapping keeps the spans that share time with [from, to).
func overlapping(spans []span, from, to int64) []span {
	var kept []span
	for _, s := range spans {
		if s.from < to && from < s.to {
			kept = append(kept, s)
		}
	}
	return kept
}
