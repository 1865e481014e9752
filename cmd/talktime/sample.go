package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"talktime/ingest"
	"talktime/sql/store"
)

func (a *app) sampleCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sample",
		Short: "Take one round of every schedule now",
		Long: `sample polls the agents of every configured schedule once, now, and stores what
they said. The samples count as observations; no tick is written for an instant
the schedules do not have. It prints how many agents ended in each outcome, and
ends with exit code 3 where some could not be observed.`,
		Example: `  talktime sample
  talktime sample --config talktime.yaml --log-level debug`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.sample(cmd.Context()) },
	}
}

func (a *app) sample(ctx context.Context) error {
	c, err := a.loadConfig(forPolling)
	if err != nil {
		return err
	}
	poller, err := a.openPoller(c)
	if err != nil {
		return err
	}
	defer poller.Close()
	return a.withStore(ctx, c, func(s *store.Store) error {
		recording := ingest.Recording{
			Schedules: c.schedules, Clock: a.clock, Poller: poller,
			Concurrency: c.gateway.concurrency, Log: a.log,
		}
		samples, err := recording.SampleNow(ctx)
		if err != nil {
			return err
		}
		if err := s.RecordByHand(context.WithoutCancel(ctx), samples); err != nil {
			return err
		}
		line, unseen := countOutcomes(samples)
		if _, err := fmt.Fprintln(a.stdout, line); err != nil {
			return err
		}
		if unseen > 0 {
			return withExit(exitPartial, fmt.Errorf("%d of %d agents could not be observed", unseen, len(samples)))
		}
		return nil
	})
}

// countOutcomes words how many samples ended in each outcome, and counts those
// that say nothing of where the agent was.
func countOutcomes(samples []ingest.Sample) (line string, unseen int) {
	counts := make(map[ingest.Outcome]int)
	for _, s := range samples {
		counts[s.Outcome]++
		if !s.Outcome.IsObservation() {
			unseen++
		}
	}
	parts := []string{fmt.Sprintf("agents %d", len(samples))}
	for _, o := range ingest.Outcomes() {
		if counts[o] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", o, counts[o]))
		}
	}
	return strings.Join(parts, ", "), unseen
}
