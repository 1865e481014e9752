package ccgateway

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"talktime/ingest"
)

// method is the interface's name in logs (page "Getting Agent Status", "Method
// Name in Logs").
const method = "getAgentStatus"

const (
	warnEvery = time.Minute
	maxKinds  = 64
)

// journal writes the log lines about polls: each poll and each attempt asked
// again at debug level, and of each kind of failure (outcome and retcode) the
// first at warn level, then one a minute at most. Round summaries are for
// whoever makes rounds. Skipped polls and observations are no failures; polls
// held back from a gateway that is down are told by the breaker.
type journal struct {
	clock ingest.Clock
	log   *slog.Logger

	mu     sync.Mutex
	warned map[kind]time.Time
}

type kind struct {
	outcome ingest.Outcome
	retcode string
}

func newJournal(clock ingest.Clock, log *slog.Logger) *journal {
	return &journal{clock: clock, log: log, warned: map[kind]time.Time{}}
}

// attempt tells of an attempt that will be followed by another.
func (j *journal) attempt(ctx context.Context, agent ingest.AgentID, a answer, attempt int) {
	j.write(ctx, slog.LevelDebug, "attempt failed, asking again", agent, a, attempt)
}

// poll tells how a poll ended.
func (j *journal) poll(ctx context.Context, agent ingest.AgentID, a answer, attempts int) {
	switch {
	case a.Outcome.IsObservation():
		j.write(ctx, slog.LevelDebug, "poll answered", agent, a, attempts)
	case a.Outcome != ingest.Skipped && !a.held && j.isNews(kind{a.Outcome, a.Retcode}):
		j.write(ctx, slog.LevelWarn, "poll failed; more of this kind are told once a minute", agent, a, attempts)
	default:
		j.write(ctx, slog.LevelDebug, "poll failed", agent, a, attempts)
	}
}

// isNews reports whether a kind of failure was not told within the last minute.
// Retcodes are the gateway's to choose, so the kinds of one minute are bounded;
// those beyond are no news.
func (j *journal) isNews(k kind) bool {
	now := j.clock.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	maps.DeleteFunc(j.warned, func(_ kind, told time.Time) bool { return now.Sub(told).Abs() >= warnEvery })
	if _, told := j.warned[k]; told || len(j.warned) == maxKinds {
		return false
	}
	j.warned[k] = now
	return true
}

func (j *journal) write(ctx context.Context, level slog.Level, text string, agent ingest.AgentID, a answer, attempt int) {
	if !j.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", method),
		slog.Int("agent", int(agent)),
		slog.String("outcome", a.Outcome.String()),
		slog.String("retcode", a.Retcode),
		slog.Int("attempt", attempt),
	}
	if a.why != "" {
		attrs = append(attrs, slog.String("why", a.why))
	}
	j.log.LogAttrs(ctx, level, text, attrs...)
}
