package spool

import "talktime/ingest"

// A sample's first byte: its outcome, and which of its other values follow.
const (
	outcomeBits   = 0x07
	flagWorking   = 0x08
	flagState     = 0x10
	flagRetcode   = 0x20
	flagPeriod    = 0x40 // other than the tick's
	sampleAtLeast = 3    // bytes
)

// encodeRound writes a taken tick and its samples: agents and instants as
// distances to the sample before, retcodes as numbers of a table.
func encodeRound(w *writer, t ingest.Tick, samples []ingest.Sample) {
	w.int(t.Epoch)
	w.text(t.Schedule)
	w.uint(uint64(t.Period.Milliseconds()))
	w.agents(t.Agents)
	w.since(t.DueAt, t.StartedAt)
	w.since(t.DueAt, t.FinishedAt)

	number := map[string]uint64{}
	var retcodes []string
	for _, s := range samples {
		if _, known := number[s.Retcode]; !known && s.Retcode != "" {
			number[s.Retcode] = uint64(len(retcodes))
			retcodes = append(retcodes, s.Retcode)
		}
	}
	w.uint(uint64(len(retcodes)))
	for _, code := range retcodes {
		w.text(code)
	}
	agent, polled := ingest.AgentID(0), t.DueAt
	for _, s := range samples {
		flags := byte(s.Outcome) & outcomeBits
		if s.Status.IsWorking {
			flags |= flagWorking
		}
		if s.Status.AgentState != 0 {
			flags |= flagState
		}
		if s.Retcode != "" {
			flags |= flagRetcode
		}
		if s.Period != t.Period {
			flags |= flagPeriod
		}
		w.b = append(w.b, flags)
		w.int(int64(s.AgentID) - int64(agent))
		w.since(polled, s.PolledAt)
		if flags&flagState != 0 {
			w.int(int64(s.Status.AgentState))
		}
		if flags&flagRetcode != 0 {
			w.uint(number[s.Retcode])
		}
		if flags&flagPeriod != 0 {
			w.uint(uint64(s.Period.Milliseconds()))
		}
		agent, polled = s.AgentID, s.PolledAt
	}
}

func decodeRound(r *reader, h head) (ingest.Tick, []ingest.Sample) {
	t := ingest.Tick{
		DueAt: h.at, Epoch: r.int(), Schedule: r.text(), Period: r.duration(), Agents: r.agents(),
		StartedAt: r.instant(h.at), FinishedAt: r.instant(h.at),
	}
	retcodes := make([]string, r.count(1))
	for i := range retcodes {
		retcodes[i] = r.text()
	}
	if h.polls > int64(len(r.b)/sampleAtLeast) {
		r.fail("more samples than bytes")
		return t, nil
	}
	samples := make([]ingest.Sample, h.polls)
	agent, polled := ingest.AgentID(0), t.DueAt
	for i := range samples {
		s := &samples[i]
		flags := r.byte()
		s.AgentID = r.agent(agent)
		s.PolledAt = r.instant(polled)
		s.Outcome = ingest.Outcome(flags & outcomeBits)
		s.Status.IsWorking = flags&flagWorking != 0
		s.Period = t.Period
		if flags&flagState != 0 {
			s.Status.AgentState = r.int32()
		}
		if flags&flagRetcode != 0 {
			s.Retcode = r.oneOf(retcodes)
		}
		if flags&flagPeriod != 0 {
			s.Period = r.duration()
		}
		agent, polled = s.AgentID, s.PolledAt
		t.Polls[s.Outcome]++
	}
	return t, samples
}

func encodeDeclaration(w *writer, d ingest.Declaration) {
	w.int(d.Epoch)
	w.uint(uint64(len(d.Schedules)))
	for _, s := range d.Schedules {
		w.text(s.Name())
		w.text(s.Cron())
		w.text(s.Zone())
		w.agents(s.Agents())
		w.bool(s.All())
	}
}

func decodeDeclaration(r *reader, h head) *ingest.Declaration {
	d := &ingest.Declaration{At: h.at, Epoch: r.int()}
	d.Schedules = make([]ingest.Schedule, r.count(5))
	for i := range d.Schedules {
		name, cron, zone, agents, all := r.text(), r.text(), r.text(), r.agents(), r.bool()
		if r.err != nil {
			break
		}
		d.Schedules[i], r.err = ingest.NewSchedule(name, cron, zone, agents, all)
	}
	return d
}
