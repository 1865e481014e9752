package ccgateway_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"talktime/ingest"
)

const talking = `{"message":"","retcode":"0","result":{"agentState":7,"isWorking":true}}`

// rawReply is a whole reply as it goes over the wire.
func rawReply(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// counted counts the connections a bench's gateway accepts.
func counted(opened *atomic.Int32) func(*setup) {
	return func(s *setup) {
		s.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
	}
}

// observe polls an agent and wants a status.
func (b *bench) observe(t *testing.T, agent ingest.AgentID, want ingest.Status) {
	t.Helper()
	if got := b.Poll(t.Context(), agent); got.Outcome != ingest.Observed || got.Status != want {
		t.Errorf("agent %d: %+v, want %+v", agent, got, want)
	}
}

var isIdle, isTalking = ingest.Status{AgentState: 4}, ingest.Status{AgentState: 7, IsWorking: true}

// What a gateway says unasked behind a reply is nobody's answer.
func TestSaidUnasked(t *testing.T) {
	for name, more := range map[string]string{
		"a whole reply": rawReply(talking), "half of one": rawReply(talking)[:40], "a byte": "H",
	} {
		t.Run(name, func(t *testing.T) {
			open := make(chan net.Conn, 3)
			b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/102/") {
					_, _ = io.WriteString(w, idle)
					return
				}
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				open <- conn
				_, _ = io.WriteString(conn, rawReply(talking)+more)
			}, func(s *setup) { s.guids = "101,a\n102,b\n" })
			for range 3 {
				b.observe(t, 101, isTalking)
				b.observe(t, 102, isIdle)
			}
			close(open)
			for conn := range open {
				_ = conn.Close()
			}
		})
	}
}

// A connection that was closed while it was idle costs no poll, whether that is
// seen before the request is sent or after.
func TestClosedWhileIdle(t *testing.T) {
	t.Run("at once", func(t *testing.T) {
		b := newBench(t, sends(rawReply(idle)))
		for range 20 {
			b.observe(t, 101, isIdle)
		}
		if n := b.Counts().Requests; n != 20 || b.Connections() != 20 {
			t.Errorf("%d requests over %d connections, want 20", n, b.Connections())
		}
	})
	t.Run("when it is used again", func(t *testing.T) {
		var mu sync.Mutex
		seen := map[string]bool{}
		b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			again := seen[r.RemoteAddr]
			seen[r.RemoteAddr] = true
			mu.Unlock()
			if again {
				sends("")(w, r)
				return
			}
			_, _ = io.WriteString(w, idle)
		})
		for range 20 {
			b.observe(t, 101, isIdle)
		}
		if n := b.Connections(); n != 20 {
			t.Errorf("%d connections, want 20", n)
		}
	})
}

// Interim replies are passed over.
func TestInterimReplies(t *testing.T) {
	b := newBench(t, sends("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"+rawReply(talking)))
	b.observe(t, 101, isTalking)
}

// Who is not asked for long is hung up on, and so is everybody after Close.
func TestConnectionsRest(t *testing.T) {
	var opened atomic.Int32
	b := newBench(t, says(idle), counted(&opened))
	expect := func(step string, want int32) {
		t.Helper()
		if b.observe(t, 101, isIdle); opened.Load() != want {
			t.Errorf("%s: %d connections, want %d", step, opened.Load(), want)
		}
	}
	expect("at first", 1)
	b.Rest()
	expect("used between two looks", 1)
	b.Rest()
	expect("used between two looks again", 1)
	b.Rest()
	b.Rest()
	expect("idle from one look to the next", 2)
	b.Close()
	expect("closed", 3)
	expect("closed, and none is kept", 4)
}
