package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
)

// Once a minute the log says why polls were cut off, if it is that replies are too
// slow for so many.
func TestTallyTellsOfRoundsThatDoNotFit(t *testing.T) {
	const told = `level=WARN msg="a round does not fit into its period; agents are skipped" schedule=office due_at=2026-11-16T08:00:00.000Z skipped=4000 ` +
		`why="10,000 agents × 90 ms / 64 in flight = 14 s > 10 s: raise gateway.concurrency to at least 100 (90 ms is what replies take now)"`
	var log bytes.Buffer
	latency := 90 * time.Millisecond
	tally, err := newTally(newWallClock(), func() reach { return reach{64, 0, latency, "what replies take now"} }, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	round := func(skipped int) {
		tick := ingest.Tick{Schedule: "office", DueAt: time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC), Period: 10 * time.Second}
		tick.Polls[ingest.Observed], tick.Polls[ingest.Skipped] = 10_000-skipped, skipped
		tally.add(tick)
	}
	expect := func(step string, want int) {
		t.Helper()
		tally.tell()
		if got := strings.Count(log.String(), told); got != want || strings.Count(log.String(), "WARN") != want {
			t.Errorf("%s: told %d times, want %d:\n%s", step, got, want, &log)
		}
		log.Reset()
	}
	round(4000)
	round(4000)
	round(0)
	expect("too slow", 1)
	round(0)
	expect("none is skipped", 0)
	latency = 45 * time.Millisecond
	round(4000)
	expect("skipped for another reason", 0)
}
