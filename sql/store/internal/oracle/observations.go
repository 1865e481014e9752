package oracle

import (
	"cmp"
	"slices"
)

// observation is where an agent was at an instant; period is its p.
type observation struct {
	at, period int64
	code       int32
	working    bool
}

// state is the measure of the pair (metrics.md §2).
func (o observation) state() int {
	if o.working {
		return Talk
	}
	switch o.code {
	case 7:
		return Reserved
	case 5:
		return ACW
	case 4, 6:
		return Available
	case 3:
		return Busy
	case 8:
		return Rest
	case 9:
		return PreRest
	case 2:
		return SignedOut
	default:
		return Other
	}
}

// isConflict: working, with a code in which nobody works (metrics.md §5).
func (o observation) isConflict() bool {
	return o.working && o.code != 7 && o.code != 3 && o.code != 9
}

// observationsOf returns an agent's observations in order of time, one per
// millisecond: talk before others, then the higher code, with the smallest p.
func observationsOf(samples []Sample) []observation {
	var all []observation
	for _, s := range samples {
		switch s.Outcome {
		case Observed:
			all = append(all, observation{s.PolledAt, s.Period, *s.State, *s.Working})
		case NotSignedIn:
			all = append(all, observation{s.PolledAt, s.Period, 2, false})
		}
	}
	slices.SortFunc(all, func(a, b observation) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		if a.working != b.working {
			if a.working {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.code, a.code)
	})
	var kept []observation
	for _, o := range all {
		if n := len(kept); n > 0 && kept[n-1].at == o.at {
			kept[n-1].period = min(kept[n-1].period, o.period)
			continue
		}
		kept = append(kept, o)
	}
	return kept
}

// withinHold: the gap is at most 2.5 times the larger p (metrics.md §1).
func withinHold(a, b observation) bool {
	return 2*(b.at-a.at) <= 5*max(a.period, b.period)
}

// halfway between two instants, rounded down.
func halfway(a, b int64) int64 { return a + (b-a)/2 }

// span is a stretch of time, [from, to), in one measure.
type span struct {
	from, to int64
	measure  int
}

// coverage gives the spans the observations cover: from the midpoint of the gap
// before to the midpoint of the gap after, half a period where the gap is too
// long or there is none (metrics.md §1, rules 1 to 4).
func coverage(observations []observation) []span {
	var spans []span
	for i, o := range observations {
		from := o.at - o.period/2
		if i > 0 && withinHold(observations[i-1], o) {
			from = halfway(observations[i-1].at, o.at)
		}
		to := o.at + o.period/2
		if i+1 < len(observations) && withinHold(o, observations[i+1]) {
			to = halfway(o.at, observations[i+1].at)
		}
		spans = append(spans, span{from, to, o.state()})
	}
	return spans
}

// change is a gap, [from, to), at whose ends two states were seen.
type change struct {
	from, to int64
	old, new int
}

// changes gives the gaps of rule 2 (metrics.md §1).
func changes(observations []observation) []change {
	var all []change
	for i := 1; i < len(observations); i++ {
		a, b := observations[i-1], observations[i]
		if withinHold(a, b) && a.state() != b.state() {
			all = append(all, change{a.at, b.at, a.state(), b.state()})
		}
	}
	return all
}

// edge is an interval, [from, to), within which a state or group may have begun
// or ended at any instant.
type edge struct{ from, to int64 }

// edges gives the edges of one kind of evidence: the changes between a state of
// its own and another, and beside each credit of one of its states the p on the
// side where nothing is known (metrics.md §5).
func edges(observations []observation, kind int) []edge {
	var all []edge
	for _, c := range changes(observations) {
		if belongsTo(c.old, kind) != belongsTo(c.new, kind) {
			all = append(all, edge{c.from, c.to})
		}
	}
	for i, o := range observations {
		if !belongsTo(o.state(), kind) {
			continue
		}
		if i == 0 || !withinHold(observations[i-1], o) {
			all = append(all, edge{o.at - o.period, o.at})
		}
		if i == len(observations)-1 || !withinHold(o, observations[i+1]) {
			all = append(all, edge{o.at, o.at + o.period})
		}
	}
	return all
}

// talkEntries gives the starts of coverage of the talk observations that have
// no talk before them within hold (metrics.md §5).
func talkEntries(observations []observation) []int64 {
	var starts []int64
	spans := coverage(observations)
	for i, o := range observations {
		if o.state() != Talk {
			continue
		}
		if i == 0 || observations[i-1].state() != Talk || !withinHold(observations[i-1], o) {
			starts = append(starts, spans[i].from)
		}
	}
	return starts
}
