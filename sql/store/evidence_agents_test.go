package store_test

import (
	"math"
	"math/rand/v2"
	"time"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store/internal/oracle"
)

// setting is how simulated agents work and how they are polled.
type setting struct {
	period  time.Duration
	call    time.Duration // mean length of a talk visit
	failing int           // percent of polls that fail
}

// A simulated day of work. Its ticks fall due from its start; the agent's life
// reaches beyond both ends, as coverage does.
const (
	workBegins = 8 * time.Hour // after midnight UTC
	workLasts  = 8 * time.Hour
)

// agentDay is what one agent's day came to, polled and in truth.
type agentDay struct {
	agent ingest.AgentID
	cell  reports.Cell
	truth [reports.Evidences]int64 // ms within the time observed
}

// simulate lets an agent work for a day (its midnight UTC) and polls it. Equal
// arguments give equal days.
func (s setting) simulate(agent ingest.AgentID, day time.Time) agentDay {
	random := rand.New(rand.NewPCG(uint64(s.period)^uint64(s.failing), uint64(s.call)^uint64(agent)<<48^uint64(day.Unix())))
	begin := day.Add(workBegins).UnixMilli()
	end := begin + workLasts.Milliseconds()
	lived := s.live(random, begin, end)
	c := s.poll(random, agent, lived, begin, end)

	d := agentDay{agent: agent, cell: reports.Cell{Revision: 1}}
	for _, row := range oracle.Derive(c) {
		d.cell.Sums.Add(sumsOf(row))
		d.cell.LastBin = time.UnixMilli(row.Bin).UTC()
		d.cell.Bins++
		d.cell.FinalBins++
	}
	for _, seen := range observedTime(c.Samples) {
		for i, v := range lived[:len(lived)-1] {
			ms := max(0, min(seen[1], lived[i+1].from)-max(seen[0], v.from))
			d.truth[v.state] += ms
			d.truth[reports.Staffed] += ms
			if v.state == reports.Evidence(reports.Talk) || v.state == reports.Evidence(reports.ACW) {
				d.truth[reports.Handle] += ms
			}
		}
	}
	return d
}

// visit is the start of a stay in a state.
type visit struct {
	from  int64
	state reports.Evidence
}

// live makes an agent's true life: available, talk, wrap-up, over and over. It
// begins long before the day so that the day begins anywhere in it; the last
// visit only ends the one before.
func (s setting) live(random *rand.Rand, begin, end int64) []visit {
	mean := float64(s.call.Milliseconds())
	cycle := []struct {
		state reports.Evidence
		mean  float64
	}{
		{reports.Evidence(reports.Available), mean},
		{reports.Evidence(reports.Talk), mean},
		{reports.Evidence(reports.ACW), mean / 3},
	}
	length := func(mean float64) float64 { return mean * random.ExpFloat64() }
	if random.IntN(2) == 0 {
		length = func(mean float64) float64 { // log-normal, as hold and talk times are found to be
			const sigma = 0.8
			return mean * math.Exp(sigma*random.NormFloat64()-sigma*sigma/2)
		}
	}
	const margin = int64(2 * time.Hour / time.Millisecond)
	at := begin - margin
	var lived []visit
	for i := 0; at < end+margin; i++ {
		stay := cycle[i%len(cycle)]
		lived = append(lived, visit{at, stay.state})
		at += 1 + int64(length(stay.mean))
	}
	return append(lived, visit{from: at})
}

// poll asks where the agent is once a period: at an instant of the round that
// is the agent's own, a little later each time, and sometimes in vain.
func (s setting) poll(random *rand.Rand, agent ingest.AgentID, lived []visit, begin, end int64) oracle.Case {
	period := s.period.Milliseconds()
	phase := random.Int64N(period * 8 / 10)
	office := oracle.Schedule{Name: "office", Agents: []int32{int32(agent)}}
	c := oracle.Case{Horizon: end + 24*time.Hour.Milliseconds()}
	for due := begin; due < end; due += period {
		office.Ticks = append(office.Ticks, oracle.Tick{Due: due, Period: period, Status: oracle.Taken})
		sample := oracle.Sample{
			AgentID: int32(agent), Period: period, Outcome: "unreachable",
			PolledAt: due + phase + random.Int64N(period/20),
		}
		for len(lived) > 1 && lived[1].from <= sample.PolledAt {
			lived = lived[1:]
		}
		if random.IntN(100) >= s.failing {
			code := codes[lived[0].state]
			working := lived[0].state == reports.Evidence(reports.Talk)
			sample.Outcome, sample.State, sample.Working = oracle.Observed, &code, &working
		}
		c.Samples = append(c.Samples, sample)
	}
	c.Schedules = []oracle.Schedule{office}
	return c
}

// codes is the agentState of the simulated states.
var codes = map[reports.Evidence]int32{
	reports.Evidence(reports.Available): 4, reports.Evidence(reports.Talk): 7, reports.Evidence(reports.ACW): 5,
}

// observedTime returns the spans that count as observed, from metrics.md §1:
// between two observations where the gap is within hold, else half a period
// beside each.
func observedTime(samples []oracle.Sample) (spans [][2]int64) {
	last := int64(math.MinInt64)
	for _, s := range samples {
		if s.Outcome != oracle.Observed {
			continue
		}
		if n := len(spans); n > 0 && 2*(s.PolledAt-last) <= 5*s.Period {
			spans[n-1][1] = s.PolledAt + s.Period/2
		} else {
			spans = append(spans, [2]int64{s.PolledAt - s.Period/2, s.PolledAt + s.Period/2})
		}
		last = s.PolledAt
	}
	return spans
}

// sumsOf is an oracle's row in the words of reports; both count measures and
// evidence in the same order.
func sumsOf(row oracle.Row) *reports.Sums {
	return &reports.Sums{
		MS: row.MS, Low: row.Low, Reach: row.Reach, Edge: row.Edge,
		ChangeMS: row.ChangeMS, ChangeSq: row.ChangeSq, TalkEntries: row.TalkEntries, Conflicts: row.Conflicts,
	}
}
