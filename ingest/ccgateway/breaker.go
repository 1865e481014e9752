package ccgateway

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"talktime/ingest"
)

// When a gateway counts as down, and how it is probed until it answers.
const (
	downAfter = 16 // requests in a row without an answer

	// A request that its tick's deadline cut off counts as one without an answer
	// if it was out this long; a younger one says nothing. Without this a gateway
	// that accepts and keeps silent would never be found out on schedules whose
	// period is below the time-out.
	silence = 500 * time.Millisecond

	// A tick's first requests are probes: two, for the agent of one may be what
	// is slow. Later in the tick one leaves each probeEvery.
	tickProbes = 2
	probeEvery = 500 * time.Millisecond

	// The tick's other polls wait for probes: a quarter of the time left to the
	// tick, at most a second for the first ones, and less for later ones, so that
	// waiting takes a fifth of the tick at most.
	patienceParts = 4
	firstPatience = time.Second
	laterPatience = probeEvery / 5
)

// breaker keeps requests from a gateway that is down. It opens after 16
// requests in a row without an answer, and any answer closes it.
//
// An answer is a reply that says something in the interface's words, whatever
// its retcode. No answer are time-outs, refused connections, failures of TLS,
// and replies that say nothing, such as a proxy's page of HTML or HTTP 503 for
// everyone. A gateway that answers but fails (GatewayError) is not down: the
// pauses between attempts look after it. Requests for one agent in a row count
// once: one agent in trouble says nothing of the gateway.
//
// While it is open, a tick begins with probes, and more follow. Its other polls
// wait for one that is on its way, but not long: so what is left of the tick in
// which the gateway is back is polled, and one that keeps silent does not hold
// up the round. Then polls are held back at once.
type breaker struct {
	clock ingest.Clock
	log   *slog.Logger

	state              atomic.Int32 // calm, doubtful or down
	heldBack, openings atomic.Uint64

	mu         sync.Mutex
	unanswered int                  // requests in a row
	agent      ingest.AgentID       // of the last of them
	trials     map[time.Time]*trial // of ticks, by their deadlines; while down
	probed     time.Time            // when the last probe left
	since      time.Time            // when it opened
	heldBefore uint64               // heldBack at that time
	warned     time.Time            // when an opening was last told at warn level
}

const (
	calm     int32 = iota // the last request was answered
	doubtful              // it was not
	down                  // open
)

// trial is a tick's latest probes of a gateway that is down.
type trial struct {
	left, out int             // probes still to leave, and those on their way
	over      context.Context // ends when nobody needs to wait for them any longer
	end       context.CancelFunc
}

func newBreaker(clock ingest.Clock, log *slog.Logger) *breaker {
	return &breaker{clock: clock, log: log, trials: map[time.Time]*trial{}}
}

// admit says whether a request may leave in ctx's tick, and may wait for the
// tick's probes to know. After true the caller must call done with the same
// trial, which is nil for all requests but probes.
func (b *breaker) admit(ctx context.Context) (*trial, bool) {
	if b.state.Load() != down {
		return nil, true
	}
	t, isProbe := b.trialOf(ctx)
	if isProbe {
		return t, true
	}
	select {
	case <-t.over.Done():
	case <-ctx.Done():
	}
	if b.state.Load() == down || ctx.Err() != nil {
		b.heldBack.Add(1)
		return nil, false
	}
	return nil, true
}

// trialOf returns what a poll of ctx's tick must wait for, or that it is a
// probe itself.
func (b *breaker) trialOf(ctx context.Context) (t *trial, isProbe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load() != down { // it was until just now
		return nil, true
	}
	now := b.clock.Now()
	deadline, _ := ctx.Deadline()
	t = b.trials[deadline]
	switch {
	case t == nil:
		t = b.begin(deadline, now, tickProbes, firstPatience)
	case t.left == 0 && now.Sub(b.probed).Abs() >= probeEvery: // Abs: the clock may be set back
		t.end()
		t = b.begin(deadline, now, 1, laterPatience)
	case t.left == 0:
		return t, false
	}
	t.left--
	t.out++
	b.probed = now
	return t, true
}

// begin starts a tick's trial and forgets those of ticks that are over.
func (b *breaker) begin(deadline, now time.Time, probes int, patience time.Duration) *trial {
	maps.DeleteFunc(b.trials, func(of time.Time, t *trial) bool {
		if of.After(now) {
			return false
		}
		t.end()
		return true
	})
	// Of the machine's time, as an attempt's own time-out is.
	over, end := context.WithTimeout(context.Background(), min(deadline.Sub(now)/patienceParts, patience))
	t := &trial{left: probes, over: over, end: end}
	b.trials[deadline] = t
	return t
}

// sign is what a request's end says of the gateway.
type sign uint8

const (
	noSign   sign = iota // it did not leave, or was cut off early
	answered             // in the interface's words
	unheard              // nothing came, or nothing that makes sense
)

// done tells what became of a request that was let through, and why it was
// unheard.
func (b *breaker) done(ctx context.Context, t *trial, agent ingest.AgentID, s sign, why string) {
	if t == nil && (s == noSign || s == answered && b.state.Load() == calm) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case s == answered:
		b.hear(ctx)
	case s == unheard && b.state.Load() != down:
		b.miss(ctx, agent, why)
	}
	if t != nil {
		if t.out--; t.out == 0 && t.left == 0 {
			t.end()
		}
	}
}

// hear closes the breaker.
func (b *breaker) hear(ctx context.Context) {
	b.unanswered = 0
	if b.state.Swap(calm) != down {
		return
	}
	for _, t := range b.trials {
		t.end()
	}
	clear(b.trials)
	level := slog.LevelDebug
	if b.warned.Equal(b.since) {
		level = slog.LevelInfo
	}
	b.log.Log(ctx, level, "gateway answers again", "method", method,
		"down_for", b.clock.Now().Sub(b.since).Round(time.Millisecond), "held_back", b.heldBack.Load()-b.heldBefore)
}

// miss counts a request without an answer, and opens the breaker when there
// are enough of them.
func (b *breaker) miss(ctx context.Context, agent ingest.AgentID, why string) {
	if b.unanswered > 0 && agent == b.agent {
		return
	}
	b.unanswered++
	b.agent = agent
	b.state.Store(doubtful)
	if b.unanswered < downAfter {
		return
	}
	now := b.clock.Now()
	b.since, b.heldBefore, b.probed = now, b.heldBack.Load(), now
	b.openings.Add(1)
	b.state.Store(down)
	deadline, _ := ctx.Deadline()
	b.begin(deadline, now, 0, 0).end() // this tick knows

	// A gateway that comes and goes is told once a minute.
	level := slog.LevelDebug
	if now.Sub(b.warned).Abs() >= warnEvery {
		level, b.warned = slog.LevelWarn, now
	}
	b.log.Log(ctx, level, "gateway is down; it is only probed until it answers", "method", method,
		"unanswered", b.unanswered, "why", why)
}
