package operations

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

// Recorder is what a Board asks about the recorder it stands for. The functions
// answer at once: they wait for neither gateway nor database nor a file. What is
// nil is not shown.
type Recorder struct {
	Schedules func() []ingest.Schedule
	GUIDs     func() ccgateway.GUIDs
	Gateway   func() ccgateway.Counts
	Steps     func() ingest.StepCounts
	Polls     func() ingest.PollCounts
	Spool     func() ingest.SpoolSize
	// SpoolLimit is how many bytes the spool may take.
	SpoolLimit int64
}

// answers are a Recorder's, of about one instant. A Board asks for them without
// its lock, so that an answer that takes long holds up nobody who tells it
// something.
type answers struct {
	schedules []ingest.Schedule
	guids     *ccgateway.GUIDs // nil where nobody tells
	gateway   *ccgateway.Counts
	steps     *ingest.StepCounts
	polls     *ingest.PollCounts
	spool     *ingest.SpoolSize
	spoolMost int64 // bytes it may take
}

func (r Recorder) ask() answers {
	a := answers{
		guids: toldBy(r.GUIDs), gateway: toldBy(r.Gateway), steps: toldBy(r.Steps),
		polls: toldBy(r.Polls), spool: toldBy(r.Spool), spoolMost: r.SpoolLimit,
	}
	if r.Schedules != nil {
		a.schedules = r.Schedules()
	}
	return a
}

// toldBy asks where there is somebody to ask.
func toldBy[T any](ask func() T) *T {
	if ask == nil {
		return nil
	}
	return new(ask())
}

// ask asks the recorder. b.mu is not held.
func (b *Board) ask() answers {
	b.mu.Lock()
	r := b.recorder
	b.mu.Unlock()
	return r.ask()
}

// What a recorder answers. What comes of one answer is of one instant.
var (
	countDue = described("polls_due_total",
		"Polls of rounds that were taken, and of those found in the spool: at every scrape those stored, spooled and refused together.")
	countStored  = described("polls_stored_total", "Polls that are stored in the database.")
	gaugeSpooled = described("polls_spooled", "Polls that wait in the spool to be stored.")
	countRefused = described("polls_refused_total", "Polls lost because neither the database nor the spool took them.")

	gaugeSpoolBytes  = described("spool_bytes", "Size of what waits in the spool.")
	gaugeSpoolLimit  = described("spool_limit_bytes", "What may wait in the spool at most: spool.max_bytes.")
	gaugeSpoolRounds = described("spool_rounds", "Rounds that wait in the spool to be stored.")
	gaugeSpoolAge    = described("spool_age_seconds", "How long ago what has waited longest in the spool was due; 0 while it is empty.")

	countRequests = described("gateway_requests_total", "Requests made to the gateway: every attempt, probes included.")
	countHeldBack = described("gateway_requests_held_back_total", "Requests not made because the gateway was down.")
	gaugeDown     = described("gateway_down", "1 while the gateway counts as down and is only probed.")
	countOutages  = described("gateway_outages_total", "How often the gateway was found down.")
	gaugeSkew     = described("gateway_clock_skew_seconds", "How far the gateway's clock is ahead of ours, negative behind, by the Date of its last reply.")
	countSkews    = described("gateway_clock_skews_total", "How often the gateway's clock was found to differ anew.")

	countSteps = described("clock_steps_total", "How often the machine's clock was set, or slept, while this recorder ran.", labelDirection)
	gaugeStep  = described("clock_last_step_seconds", "How far the machine's clock was set the last time, negative back; 0 where never.")

	gaugeGUIDs        = described("guids_held", "Agents with a GUID.")
	gaugeGUIDsMissing = described("guids_missing", "Agents of the schedules without a GUID: their polls are unauthorized.")
	gaugeGUIDsExpired = described("guids_expired", "GUIDs too old for the gateway to know them still. Always 0 with AUTHMODE 1, where they last.")
	gaugeGUIDsOldest  = described("guids_oldest_timestamp_seconds", "When the oldest of the GUIDs held appeared.")
	gaugeGUIDsNewest  = described("guids_newest_timestamp_seconds", "When the latest of the GUIDs held appeared.")
	gaugeAgentsDue    = described("agents_due", "Agents a schedule polls at its due instants.", labelSchedule)
)

// collect sends what the recorder answered.
func (a answers) collect(now time.Time, out chan<- prometheus.Metric) {
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	if polls := a.polls; polls != nil {
		send(countDue, counter, float64(polls.Due))
		send(countStored, counter, float64(polls.Stored))
		send(gaugeSpooled, gauge, float64(polls.Spooled))
		send(countRefused, counter, float64(polls.Refused))
	}
	if size := a.spool; size != nil {
		send(gaugeSpoolBytes, gauge, float64(size.Bytes))
		send(gaugeSpoolLimit, gauge, float64(a.spoolMost))
		send(gaugeSpoolRounds, gauge, float64(size.Rounds))
		age := time.Duration(0)
		if !size.Oldest.IsZero() {
			age = now.Sub(size.Oldest)
		}
		send(gaugeSpoolAge, gauge, seconds(age))
	}
	if g := a.gateway; g != nil {
		send(countRequests, counter, float64(g.Requests))
		send(countHeldBack, counter, float64(g.HeldBack))
		send(gaugeDown, gauge, zeroOrOne(g.Down))
		send(countOutages, counter, float64(g.Openings))
		send(gaugeSkew, gauge, g.ClockSkew.Seconds())
		send(countSkews, counter, float64(g.ClockSkews))
	}
	if steps := a.steps; steps != nil {
		send(countSteps, counter, float64(steps.Forward), "forward")
		send(countSteps, counter, float64(steps.Back), "back")
		send(gaugeStep, gauge, steps.Last.Seconds())
	}
	if guids := a.guids; guids != nil {
		send(gaugeGUIDs, gauge, float64(guids.Agents.Len()))
		send(gaugeGUIDsMissing, gauge, float64(missing(a.schedules, guids.Agents)))
		send(gaugeGUIDsExpired, gauge, float64(guids.Expired))
		if !guids.Oldest.IsZero() {
			send(gaugeGUIDsOldest, gauge, timestamp(guids.Oldest))
			send(gaugeGUIDsNewest, gauge, timestamp(guids.Newest))
		}
		for _, s := range a.schedules {
			due := s.Agents()
			if s.All() {
				due = guids.Agents
			}
			send(gaugeAgentsDue, gauge, float64(due.Len()), s.Name())
		}
	}
}

// missing counts the agents the schedules name and nobody holds a GUID of. A
// schedule for all agents with a GUID names none.
func missing(schedules []ingest.Schedule, held ingest.AgentSet) (count int) {
	var named []ingest.AgentRange
	for _, s := range schedules {
		if !s.All() {
			named = append(named, s.Agents().Ranges()...)
		}
	}
	for agent := range ingest.NewAgentSetOfRanges(named...).All() {
		if !held.Contains(agent) {
			count++
		}
	}
	return count
}
