package reports

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"talktime/ingest"
)

// variances returns the variance of each figure, in ms², of sums that belong to
// one agent and one local day or a part of it (metrics.md §5). It is 0 where
// no change was seen or the figure is all or nothing of its base.
//
// An agent is taken for a signal that is in a state or not and is looked at
// every d: the closed form goes from d²/12 per change, where looks are frequent,
// to the binomial p·q·d, where they are rare.
func (s *Sums) variances() [Evidences]float64 {
	var variances [Evidences]float64
	if s.ChangeMS == 0 {
		return variances
	}
	logged := float64(s.MS[Talk] + s.MS[Reserved] + s.MS[ACW] + s.MS[Available])
	observed := float64(s.Observed())
	d := float64(s.ChangeSq) / float64(s.ChangeMS)
	for e := range Evidence(Evidences) {
		base := observed
		if e <= Evidence(Available) || e == Handle {
			base = logged
		}
		variances[e] = variance(float64(s.Value(e)), base, float64(s.Edge[e]), d)
	}
	return variances
}

func variance(value, base, edge, d float64) float64 {
	if base == 0 || edge == 0 {
		return 0
	}
	p := value / base
	q := 1 - p
	if p*q <= 0 {
		return 0
	}
	f := edge / base
	x := -math.Log(max(1e-6, 1-f/(2*p*q)))
	bracket := x / 6
	if x >= 0.001 {
		bracket = 1/math.Tanh(x/2) - 2/x
	}
	return base * p * q * d * bracket
}

// agentDay is one agent on one local day (yyyymmdd).
type agentDay struct {
	agent ingest.AgentID
	date  int
}

// dayVariances adds up variances per agent and local day from slots of a day
// or less. It keeps the sums of one day, and of those days whose parts come at
// different times.
type dayVariances struct {
	date  int
	open  map[agentDay]*Sums // of that date
	cut   map[agentDay]*Sums
	total [Evidences]float64
}

func newDayVariances() dayVariances {
	return dayVariances{open: map[agentDay]*Sums{}, cut: map[agentDay]*Sums{}}
}

// add adds a slot to its agent's day. isCut says that other parts of the report
// may hold the rest of that day.
func (v *dayVariances) add(day agentDay, sums *Sums, isCut bool) {
	if day.date != v.date {
		v.settle(v.open)
		v.date = day.date
	}
	days := v.open
	if isCut {
		days = v.cut
	}
	if days[day] == nil {
		days[day] = new(Sums)
	}
	days[day].Add(sums)
}

// settle moves days into the total, in order of agents and dates so that equal
// input gives equal figures to the last bit.
func (v *dayVariances) settle(days map[agentDay]*Sums) {
	order := slices.SortedFunc(maps.Keys(days), func(a, b agentDay) int {
		return cmp.Or(cmp.Compare(a.agent, b.agent), cmp.Compare(a.date, b.date))
	})
	for _, day := range order {
		for e, variance := range days[day].variances() {
			v.total[e] += variance
		}
	}
	clear(days)
}

// close returns the sum over all days.
func (v *dayVariances) close() [Evidences]float64 {
	v.settle(v.open)
	v.settle(v.cut)
	return v.total
}
