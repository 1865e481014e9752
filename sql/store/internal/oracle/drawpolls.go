package oracle

import (
	"slices"

	"pgregory.net/rapid"
)

// pair is what the gateway says of an agent, or that it is not signed in.
type pair struct {
	code    int32
	working bool
	absent  bool
}

// drawPair makes any pair: the documented codes, unknown ones, working with any.
func drawPair() *rapid.Generator[pair] {
	return rapid.OneOf(
		rapid.SampledFrom([]pair{
			{code: 4},
			{code: 7, working: true},
			{code: 5},
			{code: 7},
			{code: 3},
			{code: 8},
			{code: 9},
			{code: 2},
			{absent: true},
			{code: 6},
			{code: 3, working: true},
			{code: 9, working: true},
		}),
		rapid.Custom(func(t *rapid.T) pair {
			return pair{
				code:    rapid.SampledFrom([]int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 42, -1, 1<<15 - 1}).Draw(t, "code"),
				working: rapid.Bool().Draw(t, "working"),
			}
		}),
	)
}

// failures are the outcomes that do not say where the agent was.
var failures = []string{
	"unreachable", "unauthorized", "gateway_error", "bad_request", "bad_reply", skipped,
}

const (
	skipped = "skipped"
	lost    = "" // nothing was stored
)

// life is what an agent does, over and over again, and how the polls of it go.
type life struct {
	moments []moment
	phase   int64   // of its polls in a round, in thousandths of p
	runs    [][]run // by schedule
}

// moment is a stretch of an agent's true life.
type moment struct {
	length int64
	pair   pair
}

func drawLife(t *rapid.T) life {
	moments := rapid.Custom(func(t *rapid.T) moment {
		return moment{
			length: 1 + 1000*rapid.Int64Range(0, 900).Draw(t, "seconds"),
			pair:   drawPair().Draw(t, "pair"),
		}
	})
	return life{
		moments: rapid.SliceOfN(moments, 1, 12).Draw(t, "moments"),
		phase:   rapid.Int64Range(0, 800).Draw(t, "phase"),
		runs:    rapid.SliceOfN(drawRuns(), drawnSchedules, drawnSchedules).Draw(t, "runs by schedule"),
	}
}

func (l life) pairAt(at int64) pair {
	total := int64(0)
	for _, m := range l.moments {
		total += m.length
	}
	at %= total
	for _, m := range l.moments {
		if at < m.length {
			return m.pair
		}
		at -= m.length
	}
	panic("an instant is outside the whole of a life")
}

// run is what becomes of some successive polls of a schedule.
type run struct {
	polls   int
	outcome string
	slip    int64 // lateness, in thousandths of what the deadline leaves
}

// drawRuns makes runs; the polls after the last one are observed on time.
func drawRuns() *rapid.Generator[[]run] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) run {
		return run{
			polls:   rapid.IntRange(1, 40).Draw(t, "polls"),
			outcome: rapid.OneOf(rapid.Just(Observed), rapid.Just(lost), rapid.SampledFrom(failures)).Draw(t, "outcome"),
			slip:    rapid.Int64Range(0, 1000).Draw(t, "slip"),
		}
	}), 0, 10)
}

// polls makes the agent's samples for the taken ticks of all its schedules.
func (l life) polls(agent int32, schedules []Schedule) []Sample {
	shared := sharedPolls(agent, schedules)
	polled := map[int64]bool{}
	var samples []Sample
	for i, s := range schedules {
		if !slices.Contains(s.Agents, agent) {
			continue
		}
		runs := slices.Clone(l.runs[i])
		for _, tick := range s.Ticks {
			if tick.Status == Missed || polled[tick.Due] {
				continue
			}
			polled[tick.Due] = true
			now := run{outcome: Observed}
			if len(runs) > 0 {
				now = runs[0]
				if runs[0].polls--; runs[0].polls == 0 {
					runs = runs[1:]
				}
			}
			poll := shared[tick.Due]
			last := poll.deadline - 1
			at := min(tick.Due+poll.period*l.phase/1000, last)
			at += (last - at) * now.slip / 1000
			if now.outcome == skipped {
				at = last
			}
			if now.outcome != lost {
				samples = append(samples, sampleOf(agent, at, poll.period, now.outcome, l.pairAt(at)))
			}
		}
	}
	return samples
}

// sharedPoll is the one poll of all the schedules due at an instant.
type sharedPoll struct{ period, deadline int64 }

// sharedPolls gives them by due instant: the smallest p, the earliest deadline.
func sharedPolls(agent int32, schedules []Schedule) map[int64]sharedPoll {
	polls := map[int64]sharedPoll{}
	for _, s := range schedules {
		if !slices.Contains(s.Agents, agent) {
			continue
		}
		for i, tick := range s.Ticks {
			poll := sharedPoll{tick.Period, tick.Due + tick.Period}
			if i+1 < len(s.Ticks) {
				poll.deadline = min(poll.deadline, s.Ticks[i+1].Due)
			}
			if other, found := polls[tick.Due]; found {
				poll.period = min(poll.period, other.period)
				poll.deadline = min(poll.deadline, other.deadline)
			}
			polls[tick.Due] = poll
		}
	}
	return polls
}

// drawByHand makes samples that no tick asked for: anywhere, by a border, or in
// or beside the millisecond of another one of the same agent.
func drawByHand(t *rapid.T, agents []int32, samples []Sample, zero, end int64) []Sample {
	agents = slices.Concat(agents, []int32{4712}) // who is never due
	anywhere := rapid.Int64Range(zero-maxPeriod, end+maxPeriod)
	border := rapid.Map(rapid.Int64Range(0, (end-zero)/QuarterHour), func(bins int64) int64 { return zero + bins*QuarterHour })
	aside := rapid.SampledFrom([]int64{0, 1, -1, 3, 5000, -5000})

	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Sample {
		agent := rapid.SampledFrom(agents).Draw(t, "agent")
		period := rapid.OneOf(drawPeriod(), rapid.Int64Range(1, 3)).Draw(t, "period")
		outcome := rapid.OneOf(rapid.Just(Observed), rapid.SampledFrom(failures)).Draw(t, "outcome")
		at := rapid.OneOf(anywhere, border).Draw(t, "polled") + aside.Draw(t, "aside")
		if len(samples) > 0 && rapid.Bool().Draw(t, "by another") {
			other := rapid.SampledFrom(samples).Draw(t, "other")
			agent = other.AgentID
			at = other.PolledAt + aside.Draw(t, "distance")
		}
		return sampleOf(agent, at, period, outcome, drawPair().Draw(t, "pair"))
	}), 0, 6).Draw(t, "by hand")
}

// sampleOf makes a sample; the pair counts if the outcome is Observed.
func sampleOf(agent int32, at, period int64, outcome string, p pair) Sample {
	s := Sample{AgentID: agent, PolledAt: at, Period: period, Outcome: outcome}
	switch {
	case outcome != Observed:
	case p.absent:
		s.Outcome = NotSignedIn
	default:
		s.State, s.Working = &p.code, &p.working
	}
	return s
}
