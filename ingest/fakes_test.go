package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"talktime/ingest"
)

// bubbleClock is the clock of a synctest bubble; ahead sets it forward or back
// while it runs, and the bubble's own time goes on evenly.
type bubbleClock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *bubbleClock) Reading() (shown time.Time, elapsed time.Duration) {
	return c.Now(), time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) // where bubbles begin
}

func (c *bubbleClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead).UTC().Round(0)
}

func (c *bubbleClock) step(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += by
}

func (c *bubbleClock) SleepUntil(ctx context.Context, t time.Time) error {
	for {
		left := t.Sub(c.Now())
		if left <= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(left, time.Second)):
		}
	}
}

// pass lets a bubble's time pass.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // costs no time and hides no race
}

// gateway is a Poller. It notes what it is asked and whether two polls of one
// agent ever overlap.
type gateway struct {
	clock ingest.Clock
	// reply says how long a poll takes and what comes of it; nil: at once, idle.
	reply func(agent ingest.AgentID) (time.Duration, ingest.Outcome)
	deaf  bool // takes its time even if ctx ends

	mu      sync.Mutex
	agents  ingest.AgentSet
	asked   map[ingest.AgentID][]time.Time
	flying  map[ingest.AgentID]bool
	most    int // polls in flight at most
	overlap error
}

func newGateway(clock ingest.Clock, agents ingest.AgentSet) *gateway {
	return &gateway{
		clock: clock, agents: agents,
		asked: map[ingest.AgentID][]time.Time{}, flying: map[ingest.AgentID]bool{},
	}
}

func (g *gateway) Agents() ingest.AgentSet {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.agents
}

func (g *gateway) setAgents(agents ingest.AgentSet) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.agents = agents
}

func (g *gateway) Poll(ctx context.Context, agent ingest.AgentID) ingest.Poll {
	sent := g.clock.Now()
	g.mu.Lock()
	if g.flying[agent] {
		g.overlap = fmt.Errorf("two polls of agent %d at %v", agent, sent)
	}
	g.flying[agent] = true
	g.most = max(g.most, len(g.flying))
	g.asked[agent] = append(g.asked[agent], sent)
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.flying, agent)
	}()

	poll := ingest.Poll{Outcome: ingest.Observed, Status: ingest.Status{AgentState: 4}}
	if g.reply != nil {
		var takes time.Duration
		takes, poll.Outcome = g.reply(agent)
		done := ctx.Done()
		if g.deaf {
			done = nil
		}
		if takes > 0 {
			select {
			case <-done:
				deadline, _ := ctx.Deadline()
				at := g.clock.Now()
				if !at.Before(deadline) {
					at = deadline.Add(-time.Millisecond)
				}
				return ingest.Poll{PolledAt: at, Outcome: ingest.Skipped}
			case <-time.After(takes):
			}
		}
	}
	poll.PolledAt = sent.Add(g.clock.Now().Sub(sent) / 2)
	return poll
}

// key names a tick.
type key struct {
	schedule string
	due      time.Time
}

// memory is a Recorder that keeps everything and checks its promises.
type memory struct {
	mu       sync.Mutex
	declared []declared
	ticks    map[key]ingest.Tick
	order    []key // of taken ticks
	samples  map[key][]ingest.Sample
	broken   func() error // what every call returns; nil: works
	faults   []error
}

type declared struct {
	at        time.Time
	schedules []ingest.Schedule
}

func newMemory() *memory {
	return &memory{ticks: map[key]ingest.Tick{}, samples: map[key][]ingest.Sample{}}
}

func (m *memory) trouble(ctx context.Context) error {
	if m.broken == nil {
		return ctx.Err()
	}
	return m.broken()
}

func (m *memory) Declare(ctx context.Context, d ingest.Declaration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.trouble(ctx); err != nil {
		return err
	}
	m.declared = append(m.declared, declared{d.At, d.Schedules})
	return nil
}

func (m *memory) Record(ctx context.Context, tick ingest.Tick, samples []ingest.Sample) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.trouble(ctx); err != nil {
		return err
	}
	k := key{tick.Schedule, tick.DueAt}
	if old, stored := m.ticks[k]; stored && old.Status == ingest.Taken {
		m.faults = append(m.faults, fmt.Errorf("tick %v taken twice", k))
	}
	if tick.Status != ingest.Taken {
		m.faults = append(m.faults, fmt.Errorf("tick %v recorded as %v", k, tick.Status))
	}
	m.ticks[k], m.samples[k] = tick, samples
	m.order = append(m.order, k)
	return nil
}

func (m *memory) RecordMissed(ctx context.Context, ticks []ingest.Tick) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.trouble(ctx); err != nil {
		return err
	}
	for _, t := range ticks {
		k := key{t.Schedule, t.DueAt}
		if t.Status != ingest.Missed {
			m.faults = append(m.faults, fmt.Errorf("missed tick %v is %v", k, t.Status))
		}
		if _, stored := m.ticks[k]; !stored {
			m.ticks[k] = t
		}
	}
	return nil
}

// check returns what is wrong with what was recorded in [from, to): a due
// instant without a tick, a tick that was not due, an agent due at an instant
// without exactly one sample there, a sample outside its tick, ticks of one
// schedule out of order. A shared poll may be lost with the missed tick that
// had it.
func (m *memory) check(schedules []ingest.Schedule, from, to time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	faults := slices.Clone(m.faults)
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	due := map[key]bool{}
	owed := map[time.Time]map[ingest.AgentID]time.Duration{} // smallest p of the taken ticks due
	lost := map[time.Time][]ingest.AgentSet{}
	for _, s := range schedules {
		for at := range s.Due(from, to) {
			k := key{s.Name(), at}
			due[k] = true
			tick, stored := m.ticks[k]
			if !stored {
				fault("no tick %v", k)
				continue
			}
			if tick.Period != s.Period(at) {
				fault("tick %v has period %v", k, tick.Period)
			}
			if tick.Status == ingest.Missed {
				lost[at] = append(lost[at], tick.Agents)
				continue
			}
			if owed[at] == nil {
				owed[at] = map[ingest.AgentID]time.Duration{}
			}
			for a := range tick.Agents.All() {
				if p, ok := owed[at][a]; !ok || tick.Period < p {
					owed[at][a] = tick.Period
				}
			}
		}
	}
	latest := map[string]time.Time{}
	for _, k := range m.order {
		if !k.due.After(latest[k.schedule]) {
			fault("tick %v after %v", k, latest[k.schedule])
		}
		latest[k.schedule] = k.due
	}
	for k, tick := range m.ticks {
		if !due[k] {
			fault("tick %v was not due", k)
		}
		if tick.Status == ingest.Missed {
			continue
		}
		polls := 0
		for _, n := range tick.Polls {
			polls += n
		}
		if polls != len(m.samples[k]) {
			fault("tick %v counts %d polls of %d samples", k, polls, len(m.samples[k]))
		}
		for _, s := range m.samples[k] {
			if p, ok := owed[k.due][s.AgentID]; !ok || p != s.Period {
				fault("tick %v: agent %d is not due here with period %v", k, s.AgentID, s.Period)
			}
			delete(owed[k.due], s.AgentID)
			if s.PolledAt.Before(k.due) || !s.PolledAt.Before(k.due.Add(tick.Period)) || s.PolledAt.Nanosecond()%1e6 != 0 {
				fault("tick %v: agent %d polled at %v", k, s.AgentID, s.PolledAt)
			}
		}
	}
	for at, agents := range owed {
		for a := range agents {
			if !slices.ContainsFunc(lost[at], func(set ingest.AgentSet) bool { return set.Contains(a) }) {
				fault("agent %d has no sample at %v", a, at)
			}
		}
	}
	return errors.Join(faults...)
}

// count returns how many ticks have the status.
func (m *memory) count(status ingest.TickStatus) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, t := range m.ticks {
		if t.Status == status {
			n++
		}
	}
	return n
}

var quiet = slog.New(slog.DiscardHandler)
