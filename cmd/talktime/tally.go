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
	reach   func() reach // of the gateway now

	mu          sync.Mutex
	rounds      int
	polls       map[ingest.Outcome]int
	lag         time.Duration // the longest from the end of a round to its being stored
	unreachable bool          // the last round got through to nobody
	cut         ingest.Tick   // the latest with polls that its deadline cut off
}

func newTally(clock ingest.Clock, reach func() reach, log *slog.Logger) (*tally, error) {
	minutes, err := ingest.NewJobTimes("0 * * * * *", "UTC")
	return &tally{clock: clock, log: log, minutes: minutes, reach: reach, polls: map[ingest.Outcome]int{}}, err
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
	if tick.Polls[ingest.Skipped] > 0 {
		t.cut = tick
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
	t.tellCut()
	t.rounds, t.lag, t.cut = 0, 0, ingest.Tick{}
	clear(t.polls)
}

// tellCut says why polls were cut off where replies are too slow for the round.
func (t *tally) tellCut() {
	polls := 0
	for _, n := range t.cut.Polls {
		polls += n
	}
	if err := t.reach().check(polls, t.cut.Period); polls > 0 && err != nil {
		t.log.Warn("a round does not fit into its period; agents are skipped", "schedule", t.cut.Schedule, "due_at", t.cut.DueAt,
			"skipped", t.cut.Polls[ingest.Skipped], "why", err)
	}
}

// noLedger keeps no runs: telling is not worth a row.
type noLedger struct{}

func (noLedger) JobRan(context.Context, ingest.JobRun) error { return nil }
