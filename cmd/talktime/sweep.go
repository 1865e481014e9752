package main

import (
	"errors"
	"fmt"
	"math"
	"syscall"
	"time"

	"talktime/ingest"
)

// reach is how much a recorder can ask of its gateway.
type reach struct {
	concurrency int
	maxRate     int           // requests a second, 0 for no limit
	latency     time.Duration // of a reply
	known       string        // where the latency is from, in words
}

// reachOf is what a configuration lets a recorder ask.
func reachOf(c *config) reach {
	return reach{c.gateway.concurrency, c.gateway.maxRate, c.gateway.latency, "gateway.latency"}
}

// A round that can just be made in its period has no time for retries, for replies
// that are late, or for the margin before the next one: what is advised leaves a
// tenth.
const roomInPeriod = 0.9

// check returns nil where a round of so many polls can be made in its period, else
// the arithmetic and what to do.
func (r reach) check(polls int, period time.Duration) error {
	if r.maxRate > 0 {
		took := time.Duration(float64(polls) / float64(r.maxRate) * float64(time.Second))
		if took > period {
			return fmt.Errorf("%s / %s a second = %s: raise gateway.max_rate to at least %s, or to 0 for no limit", agentsInAll(polls), grouped(r.maxRate),
				exceeds(took, period), grouped(roundUp(float64(polls)/(roomInPeriod*period.Seconds()))))
		}
	}
	took := r.sweep(polls)
	if took <= period {
		return nil
	}
	arithmetic := fmt.Sprintf("%s × %s / %s in flight = %s", agentsInAll(polls), tellSpan(r.latency), grouped(r.concurrency), exceeds(took, period))
	enough := roundUp(float64(polls) * r.latency.Seconds() / (roomInPeriod * period.Seconds()))
	if enough > mostConcurrency {
		return fmt.Errorf("%s: no gateway.concurrency is enough, poll less often or fewer agents (%s is %s)", arithmetic, tellSpan(r.latency), r.known)
	}
	return fmt.Errorf("%s: raise gateway.concurrency to at least %s (%s is %s)", arithmetic, grouped(enough), tellSpan(r.latency), r.known)
}

// sweep is how long so many polls take.
func (r reach) sweep(polls int) time.Duration {
	return time.Duration(float64(polls) * float64(r.latency) / float64(r.concurrency))
}

func agentsInAll(n int) string {
	if n == 1 {
		return "1 agent"
	}
	return grouped(n) + " agents"
}

// roundUp gives a number that is advised no more digits than it deserves.
func roundUp(n float64) int { return 10 * int(math.Ceil(n/10)) }

// exceeds words that one time is longer than another, with as many digits as that
// takes.
func exceeds(took, period time.Duration) string {
	told := tellSpan(took)
	if took < period+period/10 {
		told = fmt.Sprintf("%.4g s", took.Seconds())
	}
	return told + " > " + tellSpan(period)
}

// tellSpan words a time that is worked with: 45 ms, 1.5 s, 42 s.
func tellSpan(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", d.Seconds()*1000)
	case d < 10*time.Second && d%time.Second != 0:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// checkSweeps finds the schedules whose rounds cannot be made in their shortest
// period, or not beside those due at the same instants. held are the agents with a GUID: the others are not asked about.
func (r reach) checkSweeps(schedules []ingest.Schedule, held ingest.AgentSet, now time.Time) error {
	var faults []error
	for _, s := range schedules {
		if err := r.check(pollsOf(s, held), shortestPeriod(s, now)); err != nil {
			faults = append(faults, fmt.Errorf("schedule %q: %w", s.Name(), err))
		}
	}
	if len(faults) == 0 {
		return r.checkTogether(schedules, held, now)
	}
	return errors.Join(faults...)
}

// pollsOf returns how many agents a round of a schedule asks about.
func pollsOf(s ingest.Schedule, held ingest.AgentSet) (polls int) {
	if s.All() {
		return held.Len()
	}
	for agent := range s.Agents().All() {
		if held.Contains(agent) {
			polls++
		}
	}
	return polls
}

// shortestPeriod returns the shortest period of a schedule, for which those of the
// next hundred due instants stand.
func shortestPeriod(s ingest.Schedule, now time.Time) time.Duration {
	shortest, due := ingest.MaxPeriod, now
	for range 100 {
		if due = s.Next(due); due.IsZero() {
			break
		}
		shortest = min(shortest, s.Period(due))
	}
	return shortest
}

// checkReach finds what a configuration asks for beyond what can be done, where
// these agents have a GUID.
func (a *app) checkReach(c *config, held ingest.AgentSet) error {
	r := reachOf(c)
	return errors.Join(r.checkSweeps(c.schedules, held, a.clock.Now()), r.checkOpenFiles(openFilesLimit()))
}

// filesBeside is how many files and connections a recorder has open beside those to
// the gateway, at most: database, spool, log, whoever reads its metrics.
const filesBeside = 64

// checkOpenFiles finds that a process that may have so many files open is not let
// have as many connections as the configuration asks for.
func (r reach) checkOpenFiles(limit uint64) error {
	if need := uint64(r.concurrency + filesBeside); need > limit {
		return fmt.Errorf("gateway.concurrency %d takes %d open files with all else, and this process may have %d: raise LimitNOFILE of its systemd unit or `ulimit -n`, or lower gateway.concurrency",
			r.concurrency, need, limit)
	}
	return nil
}

// openFilesLimit is how many files this process may have open. Go raises it to the
// most that its user may have.
func openFilesLimit() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return math.MaxUint64 // not known: connections will tell
	}
	return limit.Cur
}
