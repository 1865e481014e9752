package oracle

import (
	"cmp"
	"slices"
)

// stand is what a tick knows of one agent: the instants of its observations,
// or, where there is none, the instant x at which it stands and why it has none.
type stand struct {
	period       int64
	observations []int64 // ascending
	x            int64
	cause        int // Failed or RecorderDown
}

// linked: the due instants are at most 2.5 times the larger p apart.
func linked(a, b Tick) bool { return 2*(b.Due-a.Due) <= 5*max(a.Period, b.Period) }

// claims gives the spans that the ticks of one schedule claim for a cause
// (metrics.md §1). Ticks are those with this agent, samples are this agent's,
// whichever schedule they came from. Spans may reach over observed time, which
// is never claimed.
func claims(ticks []Tick, samples []Sample) []span {
	ticks, samples = slices.Clone(ticks), slices.Clone(samples)
	slices.SortFunc(ticks, func(a, b Tick) int { return cmp.Compare(a.Due, b.Due) })
	slices.SortFunc(samples, func(a, b Sample) int { return cmp.Compare(a.PolledAt, b.PolledAt) })

	stands := make([]stand, len(ticks))
	for i, t := range ticks {
		end := t.Due + t.Period
		if i+1 < len(ticks) && linked(t, ticks[i+1]) {
			end = ticks[i+1].Due
		}
		stands[i] = standOf(t, end, samples)
	}

	var spans []span
	for i, s := range stands {
		if len(s.observations) > 0 {
			continue
		}
		from := s.x - s.period/2
		if i > 0 && linked(ticks[i-1], ticks[i]) {
			if seen := stands[i-1].observations; len(seen) > 0 {
				from = seen[len(seen)-1]
			} else {
				from = halfway(stands[i-1].x, s.x)
			}
		}
		to := s.x + s.period - s.period/2
		if i+1 < len(stands) && linked(ticks[i], ticks[i+1]) {
			if seen := stands[i+1].observations; len(seen) > 0 {
				to = seen[0]
			} else {
				to = halfway(s.x, stands[i+1].x)
			}
		}
		spans = append(spans, span{from, to, s.cause})
	}
	return spans
}

// standOf looks at the samples a tick has: those polled from its due instant to
// end. Samples ascend in time.
func standOf(t Tick, end int64, samples []Sample) stand {
	s := stand{period: t.Period, x: t.Due, cause: RecorderDown}
	first, _ := slices.BinarySearchFunc(samples, t.Due, func(s Sample, due int64) int { return cmp.Compare(s.PolledAt, due) })
	for _, sample := range samples[first:] {
		if sample.PolledAt >= end {
			break
		}
		switch sample.Outcome {
		case Observed, NotSignedIn:
			s.observations = append(s.observations, sample.PolledAt)
		default:
			s.x = max(s.x, sample.PolledAt)
			s.cause = Failed
		}
	}
	return s
}
