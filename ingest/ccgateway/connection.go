package ccgateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// maxInterim bounds the interim replies (HTTP 1xx) before the one that counts.
const maxInterim = 5

// longAgo as a deadline makes reading and writing end at once.
var longAgo = time.Unix(1, 0)

// errLongHeader ends the reading of a reply.
var errLongHeader = errors.New("header too long")

// connection is one to the gateway, with one request at a time. It writes the
// request and reads the reply in the caller's goroutine: net/http's transport hands
// each poll to two others, which is half of what it takes.
type connection struct {
	secure *tls.Conn
	wire   syscall.RawConn // under it
	in     *bufio.Reader   // of Read
	left   int             // how many bytes Read may still return
	rests  bool            // was idle when connections looked the last time
}

// reply is the HTTP of one, beside its body.
type reply struct {
	status int
	header http.Header
}

func newConnection(plain net.Conn, secure *tls.Conn) (*connection, error) {
	c := &connection{secure: secure}
	var err error
	if tcp, ok := plain.(*net.TCPConn); ok {
		c.wire, err = tcp.SyscallConn()
	}
	c.in = bufio.NewReader(c)
	return c, err
}

// Read gives the reply's bytes to the connection's own reader.
func (c *connection) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errLongHeader
	}
	n, err := c.secure.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// exchange sends the request and reads the reply, of its body at most maxBody and
// one more byte. isGood says that another request may follow.
func (c *connection) exchange(ctx context.Context, x *exchange, request []byte, body *bytes.Buffer) (r reply, isGood bool, err error) {
	release := context.AfterFunc(ctx, func() { _ = c.secure.SetDeadline(longAgo) })
	x.sent = x.clock.Now()
	r, isGood, err = c.ask(x, request, body)
	return r, release() && isGood, err
}

func (c *connection) ask(x *exchange, request []byte, body *bytes.Buffer) (r reply, isGood bool, err error) {
	if _, err := c.secure.Write(request); err != nil {
		return r, false, err
	}
	c.left = maxHeader
	if _, err := c.in.Peek(1); err != nil {
		return r, false, err
	}
	x.began = true
	resp, err := c.response() //nolint:bodyclose // closing it would read it to its end, which may never come
	if err != nil {
		return r, false, err
	}
	c.left = math.MaxInt
	if _, err := body.ReadFrom(io.LimitReader(resp.Body, maxBody+1)); err != nil {
		return r, false, err
	}
	isGood = !resp.Close && body.Len() <= maxBody && resp.StatusCode >= http.StatusOK && c.saysNoMore()
	return reply{resp.StatusCode, resp.Header}, isGood, nil
}

// response reads a reply's header.
func (c *connection) response() (resp *http.Response, err error) {
	for range maxInterim {
		resp, err = http.ReadResponse(c.in, nil)
		if err != nil || resp.StatusCode >= http.StatusOK || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
	return resp, nil
}

// saysNoMore reports whether the gateway sent nothing behind the reply, as far as
// it is read. What it says unasked would be taken for the answer to the next
// request, about another agent.
func (c *connection) saysNoMore() bool {
	if c.in.Buffered() > 0 || c.secure.SetReadDeadline(longAgo) != nil {
		return false
	}
	var more [1]byte
	_, err := c.secure.Read(more[:]) // only what TLS has read already
	return errors.Is(err, os.ErrDeadlineExceeded) && c.secure.SetReadDeadline(time.Time{}) == nil
}

// isQuiet reports whether the gateway has said nothing since, and not hung up.
func (c *connection) isQuiet() bool {
	quiet := false
	err := c.wire.Read(func(fd uintptr) bool {
		var more [1]byte
		_, err := syscall.Read(int(fd), more[:])
		quiet = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && quiet
}

func (c *connection) close() { _ = c.secure.Close() } // nothing is left to say on it
