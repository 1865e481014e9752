package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
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
the schedules do not have. It prints how many agents ended in each outcome and
were in each state, and ends with exit code 3 where some could not be observed.`,
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
		round := ingest.Recording{
			Schedules: c.schedules, Clock: a.clock, Poller: poller,
			Concurrency: c.gateway.concurrency, Log: a.log,
		}
		samples, err := round.SampleNow(ctx)
		if err != nil {
			return err
		}
		// What was asked before an interrupt is kept and told.
		if err := s.RecordByHand(context.WithoutCancel(ctx), samples); err != nil {
			return err
		}
		counts := countSamples(samples)
		meanings, err := s.Meanings(context.WithoutCancel(ctx), slices.Collect(maps.Keys(counts.states)))
		if err != nil {
			return err
		}
		if err := counts.write(a.stdout, meanings); err != nil {
			return err
		}
		if counts.unobserved > 0 {
			return withExit(exitPartial, fmt.Errorf("%d of %d agents could not be observed", counts.unobserved, len(samples)))
		}
		return nil
	})
}

// sampleCounts counts the agents of a round.
type sampleCounts struct {
	outcomes   map[ingest.Outcome]int
	states     map[ingest.Status]int // of the observed
	unobserved int
}

func countSamples(samples []ingest.Sample) sampleCounts {
	c := sampleCounts{outcomes: map[ingest.Outcome]int{}, states: map[ingest.Status]int{}}
	for _, s := range samples {
		c.outcomes[s.Outcome]++
		if s.Outcome == ingest.Observed {
			c.states[s.Status]++
		}
		if !s.Outcome.IsObservation() {
			c.unobserved++
		}
	}
	return c
}

// write prints a table of the outcomes, then one of the states observed.
func (c sampleCounts) write(w io.Writer, meanings []store.Meaning) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-13s  %6s\n", "outcome", "agents")
	for _, o := range ingest.Outcomes() {
		if n := c.outcomes[o]; n > 0 {
			fmt.Fprintf(&b, "%-13s  %6d\n", o, n)
		}
	}
	if len(meanings) > 0 {
		fmt.Fprintf(&b, "\n%-13s  %6s  %s\n", "measure", "agents", "state")
	}
	for _, m := range meanings {
		fmt.Fprintf(&b, "%-13s  %6d  %d %s\n", m.Measure, c.states[m.Status], m.Status.AgentState, m.Label)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
