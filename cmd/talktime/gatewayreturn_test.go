package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
	"talktime/ingest/gatewaysim"
)

// A gateway that goes away is found out and only probed, and the first tick due
// after its return is recorded whole. A machine too busy to answer its own polls
// in 0.7 s may need more than one such outage to show it.
func TestGatewayReturns(t *testing.T) {
	t.Parallel()
	const agents = 40
	r := &returning{t: t, agents: agents, options: gatewaysim.Options{
		Play:   gatewaysim.Play{Seed: 1, Zone: time.UTC},
		Agents: ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 100 + agents}),
		Clock:  newWallClock(), MachineTime: time.Now(),
	}}
	var err error
	dir := t.TempDir()
	if r.options.Authority, err = gatewaysim.KeepAuthority(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	if r.gateway, err = gatewaysim.Start(r.options); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.gateway.Close() }()
	r.options.Listen = strings.TrimPrefix(r.gateway.URL(), "https://") // the same place from now on
	if err := r.gateway.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	if r.client, err = clientOf(r.gateway, dir, faultTimeout); err != nil {
		t.Fatal(err)
	}
	defer r.client.Close()
	schedule, err := ingest.NewSchedule("steady", "*/3 * * * * *", "UTC", r.options.Agents, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	r.stop = stop
	err = ingest.Recording{
		Schedules: []ingest.Schedule{schedule}, Clock: newWallClock(), Poller: r.client, Recorder: &keptRounds{},
		Log: slog.New(slog.DiscardHandler), OnRound: r.told,
	}.Run(ctx)
	if err != nil || !r.returned {
		t.Errorf("the gateway did not go and return: %v", err)
	}
}

// returning is a gateway that goes away after its first round and returns after
// one it was only probed in.
type returning struct {
	t       *testing.T
	agents  int
	options gatewaysim.Options
	gateway *gatewaysim.Gateway
	client  *ccgateway.Client
	stop    func()

	goneAt    time.Time
	startedAt time.Time // when it was back
	before    ccgateway.Counts
	returned  bool // a round was due after that
}

// told follows the rounds.
func (r *returning) told(tick ingest.Tick) {
	observed := tick.Polls[ingest.Observed] + tick.Polls[ingest.NotSignedIn]
	counts := r.client.Counts()
	requests := counts.Requests - r.before.Requests
	wasDown := r.before.Down
	r.before = counts
	switch {
	case r.goneAt.IsZero():
		if observed != r.agents || counts.Down {
			r.t.Logf("before: %d observed, counts %+v", observed, counts)
			return
		}
		if err := r.gateway.Close(); err != nil {
			r.t.Error(err)
		}
		r.goneAt = time.Now()
	case tick.DueAt.Before(r.goneAt): // it was under way
	case r.startedAt.IsZero():
		if observed > 0 || !counts.Down {
			r.t.Errorf("while it is gone: %d observed, counts %+v", observed, counts)
		}
		if !wasDown {
			return
		}
		if requests < 2 || requests > 8 { // two at first, one each half second of 2.85 s
			r.t.Errorf("a gateway that is gone was asked %d times in a round", requests)
		}
		var err error
		if r.gateway, err = gatewaysim.Start(r.options); err != nil {
			r.t.Error(err)
			r.stop()
		}
		r.startedAt = time.Now()
	case tick.DueAt.After(r.startedAt):
		if observed != r.agents || counts.Down {
			r.t.Logf("after its return: %d observed, counts %+v", observed, counts)
			r.goneAt, r.startedAt = time.Time{}, time.Time{} // once more
			return
		}
		r.returned = true
		r.stop()
	}
}
