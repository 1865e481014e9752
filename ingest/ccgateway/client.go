package ccgateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"talktime/ingest"
)

// Client asks a CC-Gateway for the status of agents. It is safe for use by any
// number of goroutines.
type Client struct {
	cfg         Config
	headers     string // of every request, and its version
	book        *Book
	clock       ingest.Clock
	journal     *journal
	connections *connections
	pace        *pace
	sessions    *sessions
	breaker     *breaker
	skew        *skew
	requests    atomic.Uint64
	latency     latency
}

// New makes a client. Every fault of cfg is in the one error. Nothing is sent
// before the first poll.
func New(cfg Config, book *Book, clock ingest.Clock, log *slog.Logger) (*Client, error) {
	roots, err := cfg.check()
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	secure := &tls.Config{
		RootCAs:            roots,
		MinVersion:         tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}
	return &Client{
		cfg:         cfg,
		headers:     " HTTP/1.1\r\nHost: " + base.Host + "\r\nUser-Agent: talktime\r\nContent-Type: application/json; charset=UTF-8\r\n",
		book:        book,
		clock:       clock,
		journal:     newJournal(clock, log),
		connections: newConnections(base.Host, base.Hostname(), secure, cfg.Timeout),
		pace:        newPace(cfg, clock),
		sessions:    newSessions(),
		breaker:     newBreaker(clock, log),
		skew:        newSkew(log),
	}, nil
}

// Close drops the connections kept. Call it after the last poll.
func (c *Client) Close() { c.connections.close() }

// Connections returns how many connections were made so far, TLS included. A client
// that polls each minute or more often makes no more than are needed at once.
func (c *Client) Connections() uint64 { return c.connections.made.Load() }

// Agents returns the agents with a GUID now.
func (c *Client) Agents() ingest.AgentSet { return c.book.Agents() }

// Poll asks for the status of one agent. It never fails: trouble is an outcome,
// by the table "Outcomes of a poll".
//
// ctx's deadline is the tick's, an instant of the Client's clock; ctx must end
// when that clock gets there. A poll still out then is given up: skipped,
// PolledAt 1 ms before the deadline (metrics.md §1). It is skipped too, at the
// instant it ends, when ctx ends early. Every other PolledAt is the midpoint
// between request and reply of the last attempt, or between request and giving
// up, and always before the deadline.
//
// A GatewayError is asked again after a pause, up to three times; nothing else
// is. An attempt in flight at the deadline makes the poll skipped, whatever an
// earlier attempt was answered, for the last attempt is the poll's. Between
// attempts the last answer stands, and it is returned at once when the next
// pause would reach the deadline.
//
// While the gateway is down all polls but a few probes are unreachable without
// a request, see Counts. A tick begins with two probes, and one more leaves each
// half second; its other polls wait for them a moment, at the beginning a second
// at most, and are made after all if one is answered.
//
// Two polls of one agent are never out at once: the second waits for the first.
// An agent without a GUID is unauthorized, one outside the range of agent ids a
// bad_request, both without a request.
func (c *Client) Poll(ctx context.Context, agent ingest.AgentID) ingest.Poll {
	a, attempts := c.poll(ctx, agent)
	if a.to != nil {
		a.to.fresh.Store(false)
	}
	c.journal.poll(ctx, agent, a, attempts)
	return a.Poll
}

// answer is what came of an attempt.
type answer struct {
	ingest.Poll
	to  *guid  // the GUID the gateway answered to; nil if it did not answer
	why string // what went wrong, in words of our own; empty if nothing did

	sign sign // what it says of the gateway
	held bool // held back: told once for all, not poll by poll
}

// poll returns the last attempt's answer and how many attempts were made.
func (c *Client) poll(ctx context.Context, agent ingest.AgentID) (answer, int) {
	if agent < ingest.MinAgentID || agent > c.cfg.MaxAgentID {
		why := fmt.Sprintf("outside %d-%d", ingest.MinAgentID, c.cfg.MaxAgentID)
		return c.unasked(ctx, ingest.BadRequest, why), 0
	}
	if err := c.sessions.enter(ctx, agent); err != nil {
		return c.skipped(ctx), 0
	}
	defer c.sessions.leave(agent)

	pauses := newPauses()
	var last answer
	for attempt := 1; ; attempt++ {
		g := c.book.guid(agent)
		if g == nil {
			return c.unasked(ctx, ingest.Unauthorized, "no GUID held"), attempt - 1
		}
		trial, admitted := c.breaker.admit(ctx)
		if !admitted {
			if attempt == 1 {
				return c.heldBack(ctx), 0
			}
			return last, attempt - 1
		}
		if err := c.pace.take(ctx); err != nil || c.isOver(ctx) {
			if err == nil {
				c.pace.giveBack()
			}
			c.breaker.done(ctx, trial, agent, noSign, "")
			if attempt == 1 {
				return c.skipped(ctx), 0
			}
			return last, attempt - 1
		}
		c.requests.Add(1)
		last = c.attempt(ctx, agent, g)
		c.pace.giveBack()
		c.breaker.done(ctx, trial, agent, last.sign, last.why)
		if last.Outcome != ingest.GatewayError || attempt == maxAttempts {
			return last, attempt
		}
		c.journal.attempt(ctx, agent, last, attempt)
		resume := c.clock.Now().Add(pauses.after(last.Retcode))
		if reachesDeadline(ctx, resume) || c.clock.SleepUntil(ctx, resume) != nil {
			return last, attempt
		}
	}
}

// isOver reports whether the poll's time is up.
func (c *Client) isOver(ctx context.Context) bool {
	return ctx.Err() != nil || reachesDeadline(ctx, c.clock.Now())
}

// skipped is the answer of a poll given up.
func (c *Client) skipped(ctx context.Context) answer {
	at := c.clock.Now()
	if deadline, ok := ctx.Deadline(); ok && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		at = deadline
	}
	return answer{
		Poll: ingest.Poll{PolledAt: beforeDeadline(ctx, at), Outcome: ingest.Skipped},
		why:  "given up",
	}
}

// unasked is the answer of a poll that needs no request.
func (c *Client) unasked(ctx context.Context, outcome ingest.Outcome, why string) answer {
	if c.isOver(ctx) {
		return c.skipped(ctx)
	}
	return answer{
		Poll: ingest.Poll{PolledAt: beforeDeadline(ctx, c.clock.Now()), Outcome: outcome},
		why:  why,
	}
}

// heldBack is the answer of a poll that a gateway known to be down is spared.
func (c *Client) heldBack(ctx context.Context) answer {
	a := c.unasked(ctx, ingest.Unreachable, "not asked, the gateway is down")
	a.held = true
	return a
}

// beforeDeadline gives an instant the form of a PolledAt: UTC, whole
// milliseconds, before the deadline.
func beforeDeadline(ctx context.Context, at time.Time) time.Time {
	if reachesDeadline(ctx, at) {
		deadline, _ := ctx.Deadline()
		at = deadline.Add(-time.Millisecond)
	}
	return at.UTC().Truncate(time.Millisecond)
}

// reachesDeadline reports whether an instant is not before ctx's deadline.
func reachesDeadline(ctx context.Context, at time.Time) bool {
	deadline, ok := ctx.Deadline()
	return ok && !at.Before(deadline)
}
