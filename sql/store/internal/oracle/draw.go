package oracle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// What Draw may not exceed.
const (
	drawnAgents    = 4
	drawnSchedules = 3
	drawnBins      = 8
	drawnTicks     = 720 // of one schedule: eight quarter-hours at 10 s
	maxPeriod      = int64(time.Hour / time.Millisecond)
)

// Random returns the case that a seed stands for. Its Expect is empty.
func Random(seed int) Case {
	c := rapid.Custom(Draw).Example(seed)
	c.Name = fmt.Sprintf("seed %d", seed)
	return c
}

// Draw makes a random case of up to four agents over up to eight quarter-hours:
// overlapping schedules of any period with nights, changes of period and missed
// or unstored ticks; polls that come late, fail in every way, are skipped or
// lost; samples taken by hand at any instant; duplicates; rows in any order; a
// horizon anywhere. Expect is empty.
//
// It keeps what the store guarantees and nothing more: a schedule has at most
// one tick per due instant; p is 1 ms to 1 h; two schedules due at once share
// one poll with the smallest p; a tick's poll ends before the schedule's next
// due instant. p is the distance metrics.md §1 says, except for some ticks and
// all samples taken by hand, where it is anything.
//
// The draws are few and coarse (runs, not polls), and zeroes mean plain cases,
// so that a failure shrinks to something short.
func Draw(t *rapid.T) Case {
	zero := rapid.SampledFrom([]int64{
		time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli(),
		time.Date(2026, 3, 1, 23, 15, 0, 0, time.UTC).UnixMilli(), // midnight falls inside
	}).Draw(t, "zero")
	begin := zero + drawSeconds(899).Draw(t, "begin")
	end := zero + QuarterHour*rapid.Int64Range(1, drawnBins).Draw(t, "bins")

	lives := rapid.SliceOfN(rapid.Custom(drawLife), 1, drawnAgents).Draw(t, "lives")
	agents := []int32{101, 205, 4711, 59999}[:len(lives)]
	var c Case
	c.Schedules = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Schedule {
		return drawSchedule(t, agents, begin, end)
	}), 1, drawnSchedules).Draw(t, "schedules")
	for i := range c.Schedules {
		c.Schedules[i].Name = string(rune('a' + i))
	}
	for i, agent := range agents {
		c.Samples = append(c.Samples, lives[i].polls(agent, c.Schedules)...)
	}
	c.Samples = append(c.Samples, drawByHand(t, agents, c.Samples, zero, end)...)
	c.Horizon = drawHorizon(t, c, zero, end)
	c.Samples = drawOrder(t, c.Samples)
	return c
}

// drawSchedule makes stretches of ticks, some of them missed or not stored, for
// some of the agents.
func drawSchedule(t *rapid.T, agents []int32, begin, end int64) Schedule {
	var s Schedule
	left := rapid.SliceOfNDistinct(rapid.SampledFrom(agents), 0, len(agents)-1, rapid.ID).Draw(t, "agents not due")
	for _, agent := range agents {
		if !slices.Contains(left, agent) {
			s.Agents = append(s.Agents, agent)
		}
	}

	due := begin + drawSeconds(900).Draw(t, "first due")
	period := drawPeriod().Draw(t, "period")
	for i := range rapid.IntRange(1, 5).Draw(t, "stretches") {
		if i > 0 {
			due += drawNight(period).Draw(t, "night")
			period = rapid.OneOf(rapid.Just(period), drawPeriod()).Draw(t, "next period")
		}
		for range rapid.IntRange(1, drawnTicks).Draw(t, "ticks") {
			if due >= end || len(s.Ticks) == drawnTicks {
				break
			}
			s.Ticks = append(s.Ticks, Tick{due, period, Taken})
			due += period
		}
	}
	setPeriods(s.Ticks)

	if n := len(s.Ticks); n > 0 {
		for range rapid.IntRange(0, 2).Draw(t, "odd periods") {
			i := rapid.IntRange(0, n-1).Draw(t, "tick")
			s.Ticks[i].Period = rapid.Int64Range(1, maxPeriod).Draw(t, "odd period")
		}
		for range rapid.IntRange(0, 2).Draw(t, "runs missed") {
			from := rapid.IntRange(0, n-1).Draw(t, "first missed")
			to := min(n, from+rapid.IntRange(1, 60).Draw(t, "missed"))
			for i := range s.Ticks[from:to] {
				s.Ticks[from+i].Status = Missed
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "ticks not stored") == 3 {
			from := rapid.IntRange(0, n-1).Draw(t, "first not stored")
			to := min(n, from+rapid.IntRange(1, 4).Draw(t, "not stored"))
			s.Ticks = slices.Delete(s.Ticks, from, to)
		}
	}
	return s
}

// drawSeconds makes a length up to some whole seconds, often none.
func drawSeconds(longest int64) *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.Just(int64(0)),
		rapid.Map(rapid.Int64Range(0, longest), func(s int64) int64 { return 1000 * s }),
	)
}

// drawNight makes the time without ticks after a stretch, beyond its period:
// any, or just enough that the ticks on both sides are or are not linked.
func drawNight(period int64) *rapid.Generator[int64] {
	return rapid.OneOf(
		drawSeconds(3600),
		rapid.Map(rapid.Int64Range(-1, 1), func(ms int64) int64 { return period*3/2 + ms }),
	)
}

// setPeriods gives each tick the smaller of the distances to its neighbours, at
// most one hour. A tick without any keeps its own.
func setPeriods(ticks []Tick) {
	for i := range ticks {
		p := maxPeriod
		if len(ticks) == 1 {
			p = min(p, ticks[i].Period)
		}
		if i > 0 {
			p = min(p, ticks[i].Due-ticks[i-1].Due)
		}
		if i+1 < len(ticks) {
			p = min(p, ticks[i+1].Due-ticks[i].Due)
		}
		ticks[i].Period = p
	}
}

func drawPeriod() *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.SampledFrom([]int64{10_000, 1000, 5000, 7000, 30_000, 60_000, 300_000, 900_000, maxPeriod}),
		rapid.SampledFrom([]int64{9999, 7001, 1001, 62_790, 192_193}),
		rapid.Int64Range(1000, maxPeriod),
	)
}

// drawHorizon puts it past everything, before everything, on a border, at
// any instant, or beside a tick or sample.
func drawHorizon(t *rapid.T, c Case, zero, end int64) int64 {
	const day = 96 * QuarterHour
	beside := []int64{zero}
	for _, s := range c.Schedules {
		for _, tick := range s.Ticks {
			beside = append(beside, tick.Due)
		}
	}
	for _, s := range c.Samples {
		beside = append(beside, s.PolledAt)
	}
	return rapid.OneOf(
		rapid.Just(end+day),
		rapid.Just(end+day), // twice as often
		rapid.Just(zero-day),
		rapid.Map(rapid.Int64Range(0, (end-zero)/QuarterHour), func(bins int64) int64 { return zero + bins*QuarterHour }),
		rapid.Int64Range(zero, end),
		rapid.Custom(func(t *rapid.T) int64 {
			return rapid.SampledFrom(beside).Draw(t, "instant") +
				rapid.SampledFrom([]int64{0, 1, -1, 5000, -5000, 4000}).Draw(t, "distance")
		}),
		rapid.SampledFrom(beside), // twice as often
	).Draw(t, "horizon")
}

// drawOrder stores some samples twice and shuffles them; order 0 leaves them be.
func drawOrder(t *rapid.T, samples []Sample) []Sample {
	if len(samples) == 0 {
		return samples
	}
	again := rapid.SliceOfN(rapid.IntRange(0, len(samples)-1), 0, 4).Draw(t, "stored again")
	for _, i := range again {
		samples = append(samples, samples[i])
	}
	if order := rapid.Uint64Range(0, 1000).Draw(t, "order"); order > 0 {
		random := rand.New(rand.NewPCG(order, order))
		random.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
	}
	return samples
}
