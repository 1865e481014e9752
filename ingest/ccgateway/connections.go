package ccgateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// restLimit is how long a connection may lie idle: between once and twice as long.
const restLimit = 90 * time.Second

// connections are those to the gateway. Requests take them in turn, and a new one
// is made where none is free; so there are never more than requests at once.
type connections struct {
	address string // host:port
	dialer  net.Dialer
	secure  *tls.Config
	made    atomic.Uint64

	mu     sync.Mutex
	idle   []*connection // the one used last is taken first
	look   *time.Timer   // at those that rest; nil while none is idle
	closed bool          // none is kept any longer
}

func newConnections(address, serverName string, secure *tls.Config, timeout time.Duration) *connections {
	secure.ServerName = serverName
	return &connections{address: address, dialer: net.Dialer{Timeout: timeout}, secure: secure}
}

// exchange sends a request and reads its reply. A connection that the gateway has
// closed while it was idle does not count: the request goes out on another one.
func (cs *connections) exchange(ctx context.Context, x *exchange, request []byte, body *bytes.Buffer) (reply, error) {
	for {
		c := cs.take()
		isNew := c == nil
		if isNew {
			var err error
			if c, err = cs.dial(ctx); err != nil {
				return reply{}, err
			}
		}
		r, isGood, err := c.exchange(ctx, x, request, body)
		if isGood {
			cs.keep(c)
		} else {
			c.close()
		}
		if err == nil || isNew || x.began || ctx.Err() != nil {
			return r, err
		}
	}
}

// dial makes a connection and verifies who is at its other end.
func (cs *connections) dial(ctx context.Context) (*connection, error) {
	plain, err := cs.dialer.DialContext(ctx, "tcp", cs.address)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(plain, cs.secure)
	err = secure.HandshakeContext(ctx)
	if err == nil {
		var c *connection
		if c, err = newConnection(plain, secure); err == nil {
			cs.made.Add(1)
			return c, nil
		}
	}
	_ = plain.Close() // the error is why
	return nil, err
}

// take returns a connection that is free, nil if there is none.
func (cs *connections) take() *connection {
	for {
		cs.mu.Lock()
		last := len(cs.idle) - 1
		if last < 0 {
			cs.mu.Unlock()
			return nil
		}
		c := cs.idle[last]
		cs.idle[last] = nil
		cs.idle = cs.idle[:last]
		cs.mu.Unlock()
		if c.isQuiet() {
			return c
		}
		c.close()
	}
}

// keep frees a connection for the next request.
func (cs *connections) keep(c *connection) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		c.close()
		return
	}
	c.rests = false
	cs.idle = append(cs.idle, c)
	if cs.look == nil {
		cs.look = time.AfterFunc(restLimit, cs.dismiss)
	}
}

// dismiss closes the connections that nobody took since it looked the last time.
func (cs *connections) dismiss() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	awake := cs.idle[:0]
	for _, c := range cs.idle {
		if c.rests {
			c.close()
			continue
		}
		c.rests = true
		awake = append(awake, c)
	}
	clear(cs.idle[len(awake):])
	cs.idle, cs.look = awake, nil
	if len(awake) > 0 && !cs.closed {
		cs.look = time.AfterFunc(restLimit, cs.dismiss)
	}
}

// close closes all that are idle, and the others when they would be.
func (cs *connections) close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	for _, c := range cs.idle {
		c.close()
	}
	cs.idle = nil
	if cs.look != nil {
		cs.look.Stop()
	}
}
