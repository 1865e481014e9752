package operations

import "github.com/prometheus/client_golang/prometheus"

// Counts that others keep.
var (
	countRequests = described("gateway_requests_total", "Requests made to the gateway: every attempt, probes included.")
	countHeldBack = described("gateway_requests_held_back_total", "Requests not made because the gateway was down.")
	gaugeDown     = described("gateway_down", "1 while the gateway counts as down and is only probed.")
	countOutages  = described("gateway_outages_total", "How often the gateway was found down.")
	gaugeSkew     = described("gateway_clock_skew_seconds", "How far the gateway's clock is ahead of ours, negative behind, by the Date of its last reply.")
	countSkews    = described("gateway_clock_skews_total", "How often the gateway's clock was found to differ anew.")

	countSteps = described("clock_steps_total", "How often the machine's clock was set, or slept, while this recorder ran.", labelDirection)
	gaugeStep  = described("clock_last_step_seconds", "How far the machine's clock was set the last time, negative back; 0 where never.")
)

// collect sends what the recorder's own counts say. What comes of one answer is
// of one instant.
func (r Recorder) collect(out chan<- prometheus.Metric) {
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	if r.Gateway != nil {
		g := r.Gateway()
		send(countRequests, counter, float64(g.Requests))
		send(countHeldBack, counter, float64(g.HeldBack))
		send(gaugeDown, gauge, zeroOrOne(g.Down))
		send(countOutages, counter, float64(g.Openings))
		send(gaugeSkew, gauge, g.ClockSkew.Seconds())
		send(countSkews, counter, float64(g.ClockSkews))
	}
	if r.Steps != nil {
		steps := r.Steps()
		send(countSteps, counter, float64(steps.Forward), "forward")
		send(countSteps, counter, float64(steps.Back), "back")
		send(gaugeStep, gauge, steps.Last.Seconds())
	}
}
