package ccgateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"talktime/ingest"
)

// Bounds of what is read of one reply. The documented one has about 100 bytes
// of body.
const (
	maxBody   = 64 << 10
	maxHeader = 16 << 10
)

// bodies holds buffers for replies.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// attempt makes one request and says what came of it.
func (c *Client) attempt(ctx context.Context, agent ingest.AgentID, g *guid) answer {
	now := c.clock.Now()
	x := exchange{clock: c.clock, asked: now, sent: now}
	attemptCtx, cancel := context.WithTimeout(undated{ctx}, c.cfg.Timeout)
	defer cancel()

	body := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(body)
	body.Reset()
	reply, err := c.ask(attemptCtx, &x, agent, g, body)
	received := c.clock.Now()

	if err == nil {
		c.skew.see(ctx, x.date, x.sent, received)
	}
	if err != nil && ctx.Err() != nil || reachesDeadline(ctx, received) {
		a := c.skipped(ctx)
		switch {
		case err == nil:
			a.sign = answered
		case received.Sub(x.asked) >= silence:
			a.sign = unheard
		}
		return a
	}
	a := answer{
		Poll: ingest.Poll{PolledAt: beforeDeadline(ctx, x.sent.Add(received.Sub(x.sent)/2))},
		sign: unheard,
	}
	switch {
	case err == nil:
		a.to, a.sign = g, answered
		a.Outcome = outcomeOf(reply, c.cfg.AuthMode, g, received)
	case attemptCtx.Err() != nil:
		a.Outcome, a.why = ingest.Unreachable, fmt.Sprintf("no whole reply within %s", c.cfg.Timeout)
	case x.began.Load():
		a.Outcome, a.why = ingest.BadReply, badReplyWords(err)
	default:
		a.Outcome, a.why = ingest.Unreachable, err.Error()
	}
	if a.Outcome == ingest.Observed {
		a.Status = reply.Status
	} else {
		a.Retcode = reply.Retcode
	}
	return a
}

// exchange is one request on its way.
type exchange struct {
	clock ingest.Clock
	asked time.Time
	sent  time.Time   // when the request had its connection; before that, asked
	began atomic.Bool // the first byte of a reply is here
	date  string      // the reply's Date header
}

// oddReply is a reply that came and cannot be used. Its text is our own.
type oddReply string

func (e oddReply) Error() string { return string(e) }

// badReplyWords tells what was wrong with a reply. Errors of net/http quote
// what the gateway sent, so only our own are told in full.
func badReplyWords(err error) string {
	if odd, ok := errors.AsType[oddReply](err); ok {
		return odd.Error()
	}
	return fmt.Sprintf("reply cut off, not HTTP, or its header over %d bytes", maxHeader)
}

// ask sends "Getting Agent Status" and reads its reply into body.
func (c *Client) ask(ctx context.Context, x *exchange, agent ingest.AgentID, g *guid, body *bytes.Buffer) (Reply, error) {
	trace := httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { x.sent = x.clock.Now() },
		GotFirstResponseByte: func() { x.began.Store(true) },
	}
	req, err := c.request(httptrace.WithClientTrace(ctx, &trace), agent, g)
	if err != nil {
		return Reply{}, err
	}
	for _, cookie := range c.sessions.cookiesOf(agent, g) {
		cookie.addTo(req)
	}

	// RoundTrip rather than http.Client: it follows no redirect.
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return Reply{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // the reply is read or given up
	if date := resp.Header["Date"]; len(date) > 0 {
		x.date = date[0]
	}
	if len(resp.Header["Set-Cookie"]) > 0 {
		c.sessions.keep(agent, g, resp.Cookies(), c.clock.Now())
	}
	if _, err := body.ReadFrom(io.LimitReader(resp.Body, maxBody+1)); err != nil {
		return Reply{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return Reply{}, oddReply(fmt.Sprintf("HTTP status %d", resp.StatusCode))
	}
	if body.Len() > maxBody {
		return Reply{}, oddReply(fmt.Sprintf("body over %d bytes", maxBody))
	}
	reply, err := Decode(body.Bytes())
	if err != nil {
		return Reply{}, oddReply(err.Error())
	}
	return reply, nil
}

// request is "Getting Agent Status" for an agent.
func (c *Client) request(ctx context.Context, agent ingest.AgentID, g *guid) (*http.Request, error) {
	url := c.base + strconv.Itoa(int(agent)) + "/agentstatus"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header["Content-Type"] = []string{"application/json; charset=UTF-8"}
	req.Header["Guid"] = []string{g.text.Reveal()}
	req.Header["User-Agent"] = []string{"talktime"}
	return req, nil
}

// undated is a context that does not tell its deadline. The tick's deadline is
// an instant of the Client's clock, and the standard library would hold it
// against the machine's.
type undated struct{ context.Context }

func (undated) Deadline() (time.Time, bool) { return time.Time{}, false }
