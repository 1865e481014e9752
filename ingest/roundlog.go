package ingest

import (
	"sync"
	"time"
)

// pollMethod is the method's name in log lines about polls (gateway.md).
const pollMethod = "getAgentStatus"

// finished counts a round's outcomes and has it stored.
func (l *loop) finished(r *round) {
	r.tick.FinishedAt = wholeMilliseconds(r.own(l.rounds.clock.Now()))
	if r.tick.FinishedAt.Before(r.tick.StartedAt) { // a step back too small or too new to be known
		r.tick.FinishedAt = r.tick.StartedAt
	}
	counts := []any{"method", pollMethod, "schedule", r.tick.Schedule, "due_at", r.tick.DueAt, "polls", len(r.samples)}
	for _, s := range r.samples {
		r.tick.Polls[s.Outcome]++
	}
	failed := 0
	for _, o := range Outcomes() {
		if n := r.tick.Polls[o]; n > 0 {
			counts = append(counts, o.String(), n)
			if !o.IsObservation() {
				failed += n
			}
		}
	}
	switch {
	case failed == 0:
		l.log.Debug("round finished", counts...)
	case l.warned.isDue(r.tick.Schedule, r.tick.DueAt):
		l.log.Warn("polls failed", counts...)
	default:
		l.log.Debug("polls failed", counts...)
	}
	l.onFinished(r.tick)
	l.storing.add(r)
}

// warnEvery is how often failing rounds of one schedule are warned of: a gateway
// that is away for a night on a schedule of one second is no 30,000 lines.
const warnEvery = time.Minute

// warnings knows when each schedule was last warned of.
type warnings struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// isDue reports whether a warning of the schedule at that instant is wanted, and
// takes it as given.
func (w *warnings) isDue(schedule string, at time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last, ok := w.last[schedule]; ok && at.Sub(last).Abs() < warnEvery {
		return false
	}
	if w.last == nil {
		w.last = map[string]time.Time{}
	}
	w.last[schedule] = at
	return true
}
