package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"talktime/ingest"
)

// tally tells the log once a minute what a recorder did, and at once when the
// gateway is out of reach or back.
type tally struct {
	clock   ingest.Clock
	log     *slog.Logger
	minutes ingest.JobTimes

	mu          sync.Mutex
	rounds      int
	polls       map[ingest.Outcome]int
	lag         time.Duration // the longest from the end of a round to its being stored
	unreachable bool          // the last round got through to nobody
}

func newTally(clock ingest.Clock, log *slog.Logger) (*tally, error) {
	minutes, err := ingest.NewJobTimes("0 * * * * *", "UTC")
	return &tally{clock: clock, log: log, minutes: minutes, polls: map[ingest.Outcome]int{}}, err
}

// run tells until ctx ends, and then what is left to tell.
func (t *tally) run(ctx context.Context, clock ingest.Clock) {
	job := ingest.Job{Name: "tally", Times: t.minutes, Run: func(context.Context, time.Time) error { t.tell(); return nil }}
	ingest.RunJobs(ctx, clock, []ingest.Job{job}, noLedger{}, t.log)
	t.tell()
}

// add counts a round that is stored.
func (t *tally) add(tick ingest.Tick) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rounds++
	t.lag = max(t.lag, t.clock.Now().Sub(tick.FinishedAt))
	polls := 0
	for _, o := range ingest.Outcomes() {
		t.polls[o] += tick.Polls[o]
		polls += tick.Polls[o]
	}
	if polls == 0 {
		return
	}
	// A probe of a gateway that keeps silent is skipped at the round's end.
	unreachable := tick.Polls[ingest.Unreachable] > 0 && tick.Polls[ingest.Unreachable]+tick.Polls[ingest.Skipped] == polls
	switch {
	case unreachable && !t.unreachable:
		t.log.Warn("the gateway cannot be reached; recording goes on and counts its agents as failed", "schedule", tick.Schedule, "due_at", tick.DueAt)
	case !unreachable && t.unreachable:
		t.log.Info("the gateway is reached again", "schedule", tick.Schedule, "due_at", tick.DueAt)
	}
	t.unreachable = unreachable
}

// tell logs what was counted since the last time, if there was anything.
func (t *tally) tell() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rounds == 0 {
		return
	}
	line := []any{"rounds", t.rounds, "storing_lag", t.lag.Round(time.Millisecond)}
	for _, o := range ingest.Outcomes() {
		if n := t.polls[o]; n > 0 {
			line = append(line, o.String(), n)
		}
	}
	t.log.Info("recorded", line...)
	t.rounds, t.lag = 0, 0
	clear(t.polls)
}

// noLedger keeps no runs: telling is not worth a row.
type noLedger struct{}

func (noLedger) JobRan(context.Context, ingest.JobRun) error { return nil }
