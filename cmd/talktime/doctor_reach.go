package main

import (
	"strings"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

// reach checks that rounds can be made in their periods, as record does.
func (d *doctor) reach(c *config, file ccgateway.GUIDFile) {
	const check = "rounds"
	if c.gateway.url == "" || file.Agents.IsEmpty() {
		return // told already
	}
	now, r := d.clock.Now(), reachOf(c)
	d.tooMuch(check, r.checkSweeps(c.schedules, file.Agents, now))
	d.tooMuch("open files", r.checkOpenFiles(openFilesLimit()))
	if d.asksTooMuch {
		return
	}
	longest, period := time.Duration(0), time.Duration(0)
	for _, s := range c.schedules {
		took, p := max(r.sweep(pollsOf(s, file.Agents)), r.latency), shortestPeriod(s, now)
		if period == 0 || took.Seconds()/p.Seconds() > longest.Seconds()/period.Seconds() {
			longest, period = took, p
		}
	}
	if period > 0 {
		d.ok(check, "take %s of %s, where a reply takes %s (gateway.latency)", tellSpan(longest), tellSpan(period), tellSpan(r.latency))
	}
}

// tooMuch tells what is asked for beyond what can be done.
func (d *doctor) tooMuch(check string, err error) {
	if err == nil {
		return
	}
	d.asksTooMuch = true
	for fault := range strings.Lines(err.Error()) {
		d.fail(check, "", "%s", strings.TrimSpace(fault))
	}
}

// reachAsSeen warns where rounds would not fit if replies took as long as the one
// that was seen.
func (d *doctor) reachAsSeen(x ccgateway.Examination, c *config, file ccgateway.GUIDFile) {
	r := reachOf(c)
	if x.Outcome == ingest.Unreachable || x.Latency <= r.latency || d.asksTooMuch {
		return
	}
	r.latency, r.known = x.Latency, "what the reply just now took"
	if err := r.checkSweeps(c.schedules, file.Agents, d.clock.Now()); err != nil {
		d.warn("rounds", "see what replies take in the long run, and set gateway.latency to that", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
