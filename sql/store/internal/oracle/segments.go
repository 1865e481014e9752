package oracle

import (
	"maps"
	"slices"
)

// Segment is a stretch of one pair, or of one cause, inside one closed
// quarter-hour. Samples around its ends are 0 where the row has none.
type Segment struct {
	AgentID                     int32
	Bin, From, To               int64
	StartedAfter, StartedBefore int64
	EndedAfter, EndedBefore     int64
	Code                        int32
	Working                     bool
	Measure                     int // a state, Failed or RecorderDown
}

// stretch is consecutive observations of one pair within hold of each other.
type stretch struct {
	from, to      int64       // what they cover
	first, last   observation // of them
	before, after int64       // the observations within hold around them, 0 for none
}

// Segments calculates the segments of a case's closed quarter-hours, those that
// end at or before the horizon, ordered by agent and time.
func Segments(c Case) []Segment {
	agents := map[int32]bool{}
	for _, s := range c.Samples {
		agents[s.AgentID] = true
	}
	for _, s := range c.Schedules {
		for _, agent := range s.Agents {
			agents[agent] = true
		}
	}
	var segments []Segment
	for _, agent := range slices.Sorted(maps.Keys(agents)) {
		h := historyOf(agent, c)
		stretches := stretchesOf(h.observations, h.coverage)
		bins := map[int64]bool{}
		for _, s := range slices.Concat(h.coverage, h.claims) {
			for bin := binOf(s.from); bin < s.to; bin += QuarterHour {
				bins[bin] = true
			}
		}
		for _, bin := range slices.Sorted(maps.Keys(bins)) {
			if bin+QuarterHour <= h.horizon {
				segments = append(segments, h.segments(bin, stretches)...)
			}
		}
	}
	return segments
}

func stretchesOf(observations []observation, coverage []span) []stretch {
	var all []stretch
	for i, o := range observations {
		joined := i > 0 && withinHold(observations[i-1], o)
		if joined && observations[i-1].code == o.code && observations[i-1].working == o.working {
			all[len(all)-1].last, all[len(all)-1].to = o, coverage[i].to
			continue
		}
		s := stretch{from: coverage[i].from, to: coverage[i].to, first: o, last: o}
		if joined {
			s.before = observations[i-1].at
			all[len(all)-1].after = o.at
		}
		all = append(all, s)
	}
	return all
}

// segments cuts a quarter-hour at every instant where anything begins or ends,
// and joins neighbouring pieces of one stretch or of one cause.
func (h history) segments(bin int64, stretches []stretch) []Segment {
	end := bin + QuarterHour
	coverage, claims := overlapping(h.coverage, bin, end), overlapping(h.claims, bin, end)
	cuts := []int64{bin, end}
	for _, s := range slices.Concat(coverage, claims) {
		cuts = append(cuts, max(s.from, bin), min(s.to, end))
	}
	slices.Sort(cuts)

	var segments []Segment
	open := -2 // the stretch of the last segment, -1 for a cause
	for i := 1; i < len(cuts); i++ {
		from, to := cuts[i-1], cuts[i]
		if from == to {
			continue
		}
		measure := h.measureAt(from, coverage, claims)
		if measure >= Unscheduled {
			open = -2
			continue
		}
		number := slices.IndexFunc(stretches, func(s stretch) bool { return s.from <= from && from < s.to })
		if n := len(segments); n > 0 && open == number && segments[n-1].To == from && segments[n-1].Measure == measure {
			segments[n-1].To = to
			continue
		}
		open = number
		segment := Segment{AgentID: h.agent, Bin: bin, From: from, To: to, Measure: measure}
		if number >= 0 {
			segment.describe(stretches[number])
		}
		segments = append(segments, segment)
	}
	return segments
}

func (g *Segment) describe(s stretch) {
	g.Code, g.Working = s.first.code, s.first.working
	if s.from >= g.Bin {
		g.StartedAfter, g.StartedBefore = s.before, s.first.at
	}
	if s.to <= g.Bin+QuarterHour {
		g.EndedAfter, g.EndedBefore = s.last.at, s.after
	}
}
