package sftp

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// line is a connection that knows whether the other end is alive.
type line struct {
	net.Conn
	heard  atomic.Int64 // how often something came
	silent atomic.Bool  // cut because nothing came
	closed chan struct{}
	once   sync.Once
}

func newLine(conn net.Conn) *line { return &line{Conn: conn, closed: make(chan struct{})} }

func (l *line) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if n > 0 {
		l.heard.Add(1)
	}
	return n, err
}

func (l *line) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Conn.Close()
}

// looks is how often a time-out's silence is looked at. The first silent look
// asks the other end whether it is alive, which is also what keeps firewalls
// from forgetting the connection.
const looks = 3

// watch cuts the line when nothing at all came for the time-out. What is sent
// proves nothing: it may fill a buffer on this side.
func (l *line) watch(client *ssh.Client, timeout time.Duration) {
	look := time.NewTicker(timeout / looks)
	defer look.Stop()
	heard, quiet := l.heard.Load(), 0
	for {
		select {
		case <-l.closed:
			return
		case <-look.C:
		}
		if now := l.heard.Load(); now != heard {
			heard, quiet = now, 0
			continue
		}
		if quiet++; quiet == looks {
			l.silent.Store(true)
			_ = l.Close()
			return
		}
		if quiet == 1 {
			go l.isAlive(client)
		}
	}
}

// isAlive asks the other end for an answer, whatever it is, and waits for it or
// the end of the line.
func (l *line) isAlive(client *ssh.Client) bool {
	_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
	return err == nil
}

// lost returns what is to be said of a line that was cut.
func (l *line) lost(err error) error {
	if l.silent.Load() {
		return fmt.Errorf("the server fell silent: %w", err)
	}
	return fmt.Errorf("the connection was lost: %w", err)
}
