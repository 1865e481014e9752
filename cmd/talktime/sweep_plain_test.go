package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"talktime/ingest"
)

// plainSweep is the least that a sweep can be in Go with its own TLS: a goroutine
// for each connection, which writes the one request there is, reads the reply into
// a buffer that stays, and looks for two values. It has no time-outs, no retries,
// no cookies, takes no other form of the reply and keeps nothing.
type plainSweep struct {
	b     *testing.B
	lines []*plainLine
	asks  [][]byte // requests of all agents
}

type plainLine struct {
	conn  net.Conn
	reply [4096]byte
}

func newPlainSweep(b *testing.B, c *centreProcess) *plainSweep {
	b.Helper()
	pem, err := os.ReadFile(c.caFile)
	if err != nil {
		b.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	host := strings.TrimPrefix(c.url, "https://")
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		b.Fatal(err)
	}
	guids, err := os.ReadFile(c.guids)
	if err != nil {
		b.Fatal(err)
	}
	p := &plainSweep{b: b}
	for line := range strings.Lines(string(guids)) {
		id, guid, _ := strings.Cut(strings.TrimSpace(line), ",")
		if _, err := strconv.Atoi(id); err != nil {
			continue // the header
		}
		p.asks = append(p.asks, fmt.Appendf(nil, "GET /agentgateway/resource/onlineagent/%s/agentstatus HTTP/1.1\r\nHost: %s\r\n"+
			"User-Agent: talktime\r\nContent-Type: application/json; charset=UTF-8\r\nGuid: %s\r\n\r\n", id, host, guid))
	}
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}}
	for range sweepConcurrency {
		conn, err := dialer.DialContext(b.Context(), "tcp", host)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		p.lines = append(p.lines, &plainLine{conn: conn})
	}
	return p
}

// sweep asks for every agent once and returns how many were seen.
func (p *plainSweep) sweep() int {
	var next, seen atomic.Int64
	var out sync.WaitGroup
	for _, line := range p.lines {
		out.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(p.asks)); i = next.Add(1) - 1 {
				_, observed, err := line.ask(p.asks[i])
				if err != nil {
					p.b.Error(err)
					return
				}
				if observed {
					seen.Add(1)
				}
			}
		})
	}
	out.Wait()
	return int(seen.Load())
}

var (
	headerEnd = []byte("\r\n\r\n")
	length    = []byte("\r\nContent-Length: ")
	state     = []byte(`"agentState":`)
	isTrue    = []byte(`"isWorking":true`)
	signedOut = []byte(`"retcode":"100-00`)
)

// ask sends a request and reads its reply. observed says that it tells where the
// agent is.
func (l *plainLine) ask(request []byte) (status ingest.Status, observed bool, err error) {
	if _, err := l.conn.Write(request); err != nil {
		return status, false, err
	}
	have, whole := 0, -1
	for whole < 0 || have < whole {
		n, err := l.conn.Read(l.reply[have:])
		if err != nil {
			return status, false, err
		}
		have += n
		if whole >= 0 {
			continue
		}
		if end := bytes.Index(l.reply[:have], headerEnd); end >= 0 {
			at := bytes.Index(l.reply[:end], length)
			if at < 0 || !bytes.HasPrefix(l.reply[:], []byte("HTTP/1.1 200")) {
				return status, false, errors.New("a reply without a length or with another status")
			}
			whole = end + len(headerEnd) + digits(l.reply[at+len(length):end+2])
		}
	}
	_, told, isTold := bytes.Cut(l.reply[:have], state)
	if !isTold {
		return status, bytes.Contains(l.reply[:have], signedOut), nil
	}
	status.AgentState = int32(digits(told))
	status.IsWorking = bytes.Contains(told, isTrue)
	return status, true, nil
}

// digits reads digits up to anything else.
func digits(b []byte) (n int) {
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}
