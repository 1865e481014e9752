package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
	"talktime/ingest/gatewaysim"
)

// gatewayFault is a way for a gateway to fail, and what the polls it strikes
// come to.
type gatewayFault struct {
	name        string
	fault       string                 // as talktime gateway --fault reads it
	certificate gatewaysim.Certificate // strikes everyone
	isGone      bool                   // nobody listens any more
	timeout     time.Duration          // of a request; 0 is less than the round has
	outcome     ingest.Outcome
	retcode     string
}

var gatewayFaults = []gatewayFault{
	{name: "gone", isGone: true, outcome: ingest.Unreachable},
	{name: "certificate expired", certificate: gatewaysim.CertificateExpired, outcome: ingest.Unreachable},
	{name: "certificate for another name", certificate: gatewaysim.CertificateWrongName, outcome: ingest.Unreachable},
	{name: "certificate of an unknown authority", certificate: gatewaysim.CertificateUnknownCA, outcome: ingest.Unreachable},
	{name: "slow", fault: "latency=200ms", outcome: ingest.Observed},
	{name: "too slow", fault: "latency=1m", outcome: ingest.Unreachable},
	{name: "too slow for the round", fault: "latency=1m", timeout: time.Minute, outcome: ingest.Skipped},
	{name: "half-open", fault: "timeout", outcome: ingest.Unreachable},
	{name: "half-open past the round", fault: "timeout", timeout: time.Minute, outcome: ingest.Skipped},
	{name: "stalls", fault: "stall", outcome: ingest.Unreachable},
	{name: "stalls past the round", fault: "stall", timeout: time.Minute, outcome: ingest.Skipped},
	{name: "endless body", fault: "endless", outcome: ingest.Unreachable},
	{name: "endless body past the round", fault: "endless", timeout: time.Minute, outcome: ingest.Skipped},
	{name: "oversized body", fault: "oversize", outcome: ingest.BadReply},
	{name: "cut", fault: "cut", outcome: ingest.BadReply},
	{name: "reset", fault: "reset", outcome: ingest.BadReply},
	{name: "HTML", fault: "html", outcome: ingest.BadReply},
	{name: "garbage", fault: "garbage", outcome: ingest.BadReply},
	{name: "redirect", fault: "redirect", outcome: ingest.BadReply},
	{name: "HTTP 500", fault: "http500", outcome: ingest.BadReply},
	{name: "HTTP 502", fault: "http502", outcome: ingest.BadReply},
	{name: "HTTP 503", fault: "http503", outcome: ingest.BadReply},
	{name: "wrong GUID", fault: "wrongguid", outcome: ingest.Unauthorized, retcode: "000-003"},
	{name: "no right", fault: "000-003", outcome: ingest.Unauthorized, retcode: "000-003"},
	{name: "unknown error", fault: "000-000", outcome: ingest.GatewayError, retcode: "000-000"},
	{name: "switched over", fault: "000-004", outcome: ingest.GatewayError, retcode: "000-004"},
	{name: "repeated call", fault: "000-007", outcome: ingest.GatewayError, retcode: "000-007"},
	{name: "internal error", fault: "100-007", outcome: ingest.GatewayError, retcode: "100-007"},
}

// Each fault, of the whole gateway and of one agent, maps to its outcome, and
// none holds up the round: it is over at its deadline, and the agents whom the
// fault does not strike are observed.
func TestGatewayFaults(t *testing.T) {
	t.Parallel()
	var plays []faultPlay
	for _, f := range gatewayFaults {
		plays = append(plays, faultPlay{f, ingest.AgentRange{First: 101, Last: 104}})
		if f.fault != "" {
			plays = append(plays, faultPlay{f, ingest.AgentRange{First: 103, Last: 103}})
		}
	}
	// All play side by side, a quarter of them at each second. Time passes as on any machine, and a busy one may be too
	// slow for sound replies too: what failed is tried again, with fewer beside it.
	for try := 1; len(plays) > 0; try++ {
		wrong := make([]error, len(plays))
		var running sync.WaitGroup
		for i, p := range plays {
			running.Go(func() { wrong[i] = p.play(t, fmt.Sprintf("%d/4 * * * * *", i%4)) })
		}
		running.Wait()
		var again []faultPlay
		for i, err := range wrong {
			switch {
			case err == nil:
			case try < 5:
				t.Logf("try %d: %v", try, err)
				again = append(again, plays[i])
			default:
				t.Error(err)
			}
		}
		plays = again
	}

	for _, kind := range gatewaysim.FaultKinds() {
		if kind != gatewaysim.FaultUnasked && !slices.ContainsFunc(gatewayFaults, func(f gatewayFault) bool {
			played, err := gatewaysim.ParseFaults(f.fault)
			return err == nil && len(played) == 1 && played[0].Kind == kind
		}) {
			t.Errorf("%s is not tried", kind)
		}
	}
}

// A round of 4 s is over 3.8 s after it was due; a poll that would not let go
// would hold it a minute.
const (
	faultDeadline = 3800 * time.Millisecond
	faultTimeout  = 1500 * time.Millisecond
	faultSlack    = 10 * time.Second // for a busy machine
)

// faultPlay is a fault and whom it strikes.
type faultPlay struct {
	gatewayFault
	struck ingest.AgentRange
}

// play records one round of agents 101 to 104, each 4 s by a cron rule, and
// returns all that is wrong with it.
func (f faultPlay) play(t *testing.T, cron string) error {
	var wrong []error
	fail := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%s, agents %d-%d: "+format, append([]any{f.name, f.struck.First, f.struck.Last}, args...)...))
	}
	tick, samples, err := f.record(t, cron)
	if err != nil {
		fail("%w", err)
	}
	if late := tick.FinishedAt.Sub(tick.DueAt.Add(faultDeadline)); late > faultSlack {
		fail("the round ended %s after its deadline", late)
	}
	if len(samples) != 4 {
		fail("%d samples", len(samples))
	}
	for _, s := range samples {
		isStruck := f.struck.First <= s.AgentID && s.AgentID <= f.struck.Last
		if isStruck && f.outcome != ingest.Observed {
			if s.Outcome != f.outcome || s.Retcode != f.retcode {
				fail("agent %d is %s %q", s.AgentID, s.Outcome, s.Retcode)
			}
		} else if !s.Outcome.IsObservation() {
			fail("agent %d is %s %q", s.AgentID, s.Outcome, s.Retcode)
		}
	}
	return errors.Join(wrong...)
}

// record takes a round by the real recorder and client.
func (f faultPlay) record(t *testing.T, cron string) (ingest.Tick, []ingest.Sample, error) {
	none := func(err error) (ingest.Tick, []ingest.Sample, error) { return ingest.Tick{}, nil, err }
	clock, agents := newWallClock(), ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 104})
	faults, err := gatewaysim.ParseFaults(f.fault)
	if err != nil {
		return none(err)
	}
	for i := range faults {
		faults[i].Agents = f.struck
	}
	g, err := gatewaysim.Start(gatewaysim.Options{
		Play: gatewaysim.Play{Seed: 1, Zone: time.UTC}, Agents: agents,
		Clock: clock, MachineTime: clock.Now(), Faults: faults, Certificate: f.certificate,
	})
	if err != nil {
		return none(err)
	}
	defer g.Close()
	dir := t.TempDir()
	if err := g.WriteFiles(dir); err != nil {
		return none(err)
	}
	if f.isGone {
		if err := g.Close(); err != nil {
			return none(err)
		}
	}
	client, err := clientOf(g, dir, cmp.Or(f.timeout, faultTimeout))
	if err != nil {
		return none(err)
	}
	defer client.Close()
	schedule, err := ingest.NewSchedule("steady", cron, "UTC", agents, false)
	if err != nil {
		return none(err)
	}
	var kept keptRounds
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err = ingest.Recording{
		Schedules: []ingest.Schedule{schedule}, Clock: clock, Poller: client, Recorder: &kept, Log: slog.New(slog.DiscardHandler),
		OnRound: func(ingest.Tick) { stop() },
	}.Run(ctx)
	if err != nil {
		return none(err)
	}
	return kept.ticks[0], kept.samples[0], nil
}

// clientOf is a client of a gateway whose files lie in dir.
func clientOf(g *gatewaysim.Gateway, dir string, timeout time.Duration) (*ccgateway.Client, error) {
	clock, quiet := newWallClock(), slog.New(slog.DiscardHandler)
	book, err := ccgateway.OpenBook(filepath.Join(dir, gatewaysim.GUIDFile), ingest.DefaultMaxAgentID, clock, quiet)
	if err != nil {
		return nil, err
	}
	return ccgateway.New(ccgateway.Config{
		BaseURL: g.URL(), CAFile: filepath.Join(dir, gatewaysim.CAFile), Timeout: timeout, Concurrency: 64,
		AuthMode: ccgateway.AuthModeStatic, MaxAgentID: ingest.DefaultMaxAgentID,
	}, book, clock, quiet)
}

// keptRounds is a Recorder that keeps rounds in memory.
type keptRounds struct {
	ticks   []ingest.Tick
	samples [][]ingest.Sample
}

func (k *keptRounds) Declare(context.Context, ingest.Declaration) error { return nil }

func (k *keptRounds) Record(_ context.Context, tick ingest.Tick, samples []ingest.Sample) error {
	k.ticks, k.samples = append(k.ticks, tick), append(k.samples, samples)
	return nil
}

func (k *keptRounds) RecordMissed(context.Context, []ingest.Tick) error { return nil }
