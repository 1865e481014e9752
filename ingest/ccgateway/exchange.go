package ccgateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"talktime/ingest"
)

// Bounds of what is read of one reply. The documented one has about 100 bytes
// of body.
const (
	maxBody   = 64 << 10
	maxHeader = 16 << 10
)

// sheet is what a request and the reply's body are written on.
type sheet struct {
	request []byte
	body    bytes.Buffer
}

var sheets = sync.Pool{New: func() any { return new(sheet) }}

// attempt makes one request and says what came of it.
func (c *Client) attempt(ctx context.Context, agent ingest.AgentID, g *guid) answer {
	now := c.clock.Now()
	x := exchange{clock: c.clock, asked: now, sent: now}
	attemptCtx, cancel := context.WithTimeout(undated{ctx}, c.cfg.Timeout)
	defer cancel()

	on := sheets.Get().(*sheet)
	defer sheets.Put(on)
	reply, err := c.ask(attemptCtx, &x, agent, g, on)
	received := c.clock.Now()

	if err == nil {
		c.skew.see(ctx, x.date, x.sent, received)
		c.latency.add(received.Sub(x.sent))
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
	case x.began:
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
	sent  time.Time // when the request had its connection; before that, asked
	began bool      // the first byte of a reply is here
	date  string    // the reply's Date header
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

// ask sends "Getting Agent Status" and reads its reply.
func (c *Client) ask(ctx context.Context, x *exchange, agent ingest.AgentID, g *guid, on *sheet) (Reply, error) {
	on.body.Reset()
	on.request = c.appendRequest(on.request[:0], agent, g)
	r, err := c.connections.exchange(ctx, x, on.request, &on.body)
	if err != nil {
		return Reply{}, err
	}
	x.date = r.header.Get("Date")
	if len(r.header["Set-Cookie"]) > 0 {
		set := (&http.Response{Header: r.header}).Cookies()
		c.sessions.keep(agent, g, set, c.clock.Now())
	}
	if r.status != http.StatusOK {
		return Reply{}, oddReply(fmt.Sprintf("HTTP status %d", r.status))
	}
	if on.body.Len() > maxBody {
		return Reply{}, oddReply(fmt.Sprintf("body over %d bytes", maxBody))
	}
	status, err := Decode(on.body.Bytes())
	if err != nil {
		return Reply{}, oddReply(err.Error())
	}
	return status, nil
}

// appendRequest writes "Getting Agent Status" for an agent. Nothing of it needs
// escaping: GUIDs are checked when they are read, cookies when they are sent.
func (c *Client) appendRequest(b []byte, agent ingest.AgentID, g *guid) []byte {
	b = append(b, "GET /agentgateway/resource/onlineagent/"...)
	b = strconv.AppendInt(b, int64(agent), 10)
	b = append(b, "/agentstatus"...)
	b = append(b, c.headers...)
	b = append(append(append(b, "Guid: "...), g.text.Reveal()...), "\r\n"...)
	if kept := c.sessions.cookiesOf(agent, g); len(kept) > 0 {
		r := http.Request{Header: http.Header{}}
		for _, cookie := range kept {
			cookie.addTo(&r)
		}
		b = append(append(append(b, "Cookie: "...), r.Header.Get("Cookie")...), "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// undated is a context that does not tell its deadline. The tick's deadline is
// an instant of the Client's clock, and the standard library would hold it
// against the machine's.
type undated struct{ context.Context }

func (undated) Deadline() (time.Time, bool) { return time.Time{}, false }
