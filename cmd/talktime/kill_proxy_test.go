package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy stands between the program and a server it talks to over TCP, and does
// to their connections what networks do on bad days.
type proxy struct {
	listener net.Listener
	dial     func() (net.Conn, error)
	reads    bool // the client speaks Postgres' protocol: pass it on message by message

	accepting sync.WaitGroup
	pumping   sync.WaitGroup

	mu       sync.Mutex
	passages map[*passage]bool
	lag      time.Duration // every piece waits so long
	held     chan struct{} // pieces wait until it is closed
	shut     bool          // new connections are reset
	trap     trap

	sprung chan struct{} // closed when the trap was
}

// trap is what befalls a certain message, once.
type trap int

const (
	noTrap     trap = iota
	midCopy         // half of the next CopyData message goes through, then the connection is reset
	lostCommit      // the next COMMIT after a COPY reaches the server and its answer never comes back
)

// passage is one connection through the proxy.
type passage struct {
	proxy          *proxy
	client, server net.Conn
	copied         bool        // in the transaction under way
	swallow        atomic.Bool // the server's next answer is lost, and the connection with it
	ended          chan struct{}
	endOnce        sync.Once
}

// newProxy passes on what comes to address to what dial reaches.
func newProxy(t *testing.T, dial func() (net.Conn, error)) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, dial: dial, passages: map[*passage]bool{}, held: make(chan struct{})}
	close(p.held)
	p.accepting.Go(p.accept)
	t.Cleanup(func() {
		_ = p.listener.Close() // ends accept
		p.accepting.Wait()
		p.calm()
		p.resetAll()
		p.pumping.Wait()
	})
	return p
}

// newPostgresProxy is a proxy that knows the client's messages.
func newPostgresProxy(t *testing.T, dial func() (net.Conn, error)) *proxy {
	t.Helper()
	p := newProxy(t, dial)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads = true
	return p
}

// address is host:port to connect to.
func (p *proxy) address() string { return p.listener.Addr().String() }

// calm ends whatever trouble there is; what was held goes on.
func (p *proxy) calm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lag, p.shut, p.trap = 0, false, noTrap
	p.release()
}

func (p *proxy) release() {
	select {
	case <-p.held:
	default:
		close(p.held)
	}
}

// delay lets every piece of bytes come so much later.
func (p *proxy) delay(lag time.Duration) { p.set(func() { p.lag = lag }) }

// stall lets connections stand and nothing come through.
func (p *proxy) stall() {
	p.set(func() {
		p.release()
		p.held = make(chan struct{})
	})
}

// refuse resets every connection, those to come too.
func (p *proxy) refuse() {
	p.set(func() { p.shut = true })
	p.resetAll()
}

// lay lays a trap for the next message it is for. sprung is closed when that
// has come.
func (p *proxy) lay(trap trap) (sprung <-chan struct{}) {
	p.set(func() { p.trap, p.sprung = trap, make(chan struct{}) })
	return p.sprung
}

func (p *proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// resetAll ends every connection the hard way, cutAll the polite one.
func (p *proxy) resetAll() { p.each((*passage).reset) }
func (p *proxy) cutAll()   { p.each((*passage).end) }

func (p *proxy) each(do func(*passage)) {
	p.mu.Lock()
	var passages []*passage
	for way := range p.passages {
		passages = append(passages, way)
	}
	p.mu.Unlock()
	for _, way := range passages {
		do(way)
	}
}

// springs reports which trap a message sets off. It is gone then.
func (way *passage) springs(message []byte) trap {
	isCopy, isCommit := message[0] == 'd', message[0] == 'Q' && bytes.EqualFold(message[5:], []byte("commit\x00"))
	isRound := isCommit && way.copied
	way.copied = isCopy || way.copied && !isCommit
	p := way.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trap == midCopy && isCopy || p.trap == lostCommit && isRound {
		sprung := p.trap
		p.trap = noTrap
		close(p.sprung)
		return sprung
	}
	return noTrap
}

// accept passages every client with the server; one it cannot reach is none.
func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		way := &passage{proxy: p, client: client, ended: make(chan struct{})}
		p.mu.Lock()
		shut, reads := p.shut, p.reads
		p.mu.Unlock()
		if !shut {
			way.server, err = p.dial()
		}
		if shut || err != nil {
			way.reset()
			continue
		}
		p.set(func() { p.passages[way] = true })
		up := way.pump
		if reads {
			up = way.pumpMessages
		}
		p.pumping.Go(func() { _ = up(way.server, way.client); way.end() }) // any error ends the passage
		p.pumping.Go(func() { _ = way.pump(way.client, way.server); way.end() })
	}
}

// end closes both sides.
func (way *passage) end() {
	way.endOnce.Do(func() {
		close(way.ended)
		_ = way.client.Close() // whoever is there notices or has gone
		if way.server != nil {
			_ = way.server.Close()
		}
		way.proxy.set(func() { delete(way.proxy.passages, way) })
	})
}

// reset closes both sides and throws away what is under way.
func (way *passage) reset() {
	for _, side := range []net.Conn{way.client, way.server} {
		if tcp, ok := side.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // fails where the other side was faster
		}
	}
	way.end()
}

var errSprung = errors.New("the trap was sprung")

// pump passes bytes on as they come.
func (way *passage) pump(to, from net.Conn) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && way.swallow.Load() && from == way.server {
			way.reset()
			return errSprung
		}
		if err == nil || n > 0 {
			err = errors.Join(err, way.write(to, buffer[:n]))
		}
		if err != nil {
			return err
		}
	}
}

// pumpMessages passes on what a Postgres client says: a first message of four
// bytes of length and its rest, then messages that have a letter before that.
func (way *passage) pumpMessages(to, from net.Conn) error {
	reader := bufio.NewReader(from)
	for letter := 0; ; letter = 1 {
		head, err := reader.Peek(letter + 4)
		if err != nil {
			return err
		}
		message := make([]byte, letter+int(binary.BigEndian.Uint32(head[letter:])))
		if _, err := io.ReadFull(reader, message); err != nil {
			return err
		}
		if letter == 1 {
			switch way.springs(message) {
			case midCopy:
				_ = way.write(to, message[:len(message)/2])
				way.reset()
				return errSprung
			case lostCommit:
				way.swallow.Store(true)
			case noTrap:
			}
		}
		if err := way.write(to, message); err != nil {
			return err
		}
	}
}

// write waits as long as there is trouble and passes a piece on.
func (way *passage) write(to net.Conn, piece []byte) error {
	way.proxy.mu.Lock()
	lag, held := way.proxy.lag, way.proxy.held
	way.proxy.mu.Unlock()
	select {
	case <-held:
	case <-way.ended:
		return net.ErrClosed
	}
	if lag > 0 {
		select {
		case <-time.After(lag):
		case <-way.ended:
			return net.ErrClosed
		}
	}
	_, err := to.Write(piece)
	return err
}
