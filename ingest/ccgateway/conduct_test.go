package ccgateway_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"talktime/ingest"
)

func TestConnectionsAreKept(t *testing.T) {
	var opened atomic.Int32
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/102/") {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = io.WriteString(w, idle)
	}, func(s *setup) {
		s.guids = "101,a\n102,b\n"
		s.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
	})
	for range 20 {
		b.Poll(t.Context(), 101)
		b.Poll(t.Context(), 102)
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for polls one after the other", n)
	}
}

// No more requests are out at once than Concurrency, and no more connections.
func TestConcurrency(t *testing.T) {
	const agents, limit = 40, 4
	var out, most, opened atomic.Int32
	full := make(chan struct{})
	var fill sync.Once
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		n := out.Add(1)
		for {
			seen := most.Load()
			if n <= seen || most.CompareAndSwap(seen, n) {
				break
			}
		}
		if n == limit {
			fill.Do(func() { close(full) })
		}
		<-full // the first ones wait until as many as may are here
		out.Add(-1)
		_, _ = io.WriteString(w, idle)
	}, func(s *setup) {
		s.cfg.Concurrency = limit
		s.guids = guidsFor(agents)
		s.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
	})
	var polls sync.WaitGroup
	for i := range agents {
		polls.Go(func() {
			if got := b.Poll(t.Context(), ingest.AgentID(101+i)); got.Outcome != ingest.Observed {
				t.Errorf("got %+v", got)
			}
		})
	}
	polls.Wait()
	if most.Load() != limit || opened.Load() > limit {
		t.Errorf("at most %d requests at once over %d connections, want %d", most.Load(), opened.Load(), limit)
	}
}

// A second poll of one agent waits for the first, or for its own deadline.
func TestOnePollOfAnAgentAtOnce(t *testing.T) {
	here, release := make(chan struct{}), make(chan struct{})
	var out, asked atomic.Int32
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		if out.Add(1) > 1 {
			t.Error("two polls of one agent at once")
		}
		if asked.Add(1) == 1 {
			close(here)
		}
		<-release
		out.Add(-1)
		_, _ = io.WriteString(w, idle)
	})
	var polls sync.WaitGroup
	for range 5 {
		polls.Go(func() {
			if got := b.Poll(t.Context(), 101); got.Outcome != ingest.Observed {
				t.Errorf("got %+v", got)
			}
		})
	}
	<-here
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := b.Poll(ctx, 101); got.Outcome != ingest.Skipped {
		t.Errorf("got %+v", got)
	}
	close(release)
	polls.Wait()
	if asked.Load() != 5 {
		t.Errorf("asked %d times", asked.Load())
	}
}

// max_rate counts requests on the Client's clock; 50 ms of them may leave
// together.
func TestMaxRate(t *testing.T) {
	b := newBench(t, says(idle), func(s *setup) { s.cfg.MaxRate = 100 })
	for range 105 {
		b.Poll(t.Context(), 101)
	}
	if took := b.clock.Now().Sub(noon); took < 999*time.Millisecond || took > 1001*time.Millisecond {
		t.Errorf("105 polls at 100 per second took %s, want 1 s after the first five", took)
	}
}

// A poll that never got its turn is skipped, and its place under max_rate goes
// to another.
func TestEndedWhileWaitingForItsTurn(t *testing.T) {
	t.Run("under max_rate", func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		b := newBench(t, says(idle), func(s *setup) {
			s.cfg.MaxRate = 1
			s.clock = clockEnds{s.clock.(*clock), end}
		})
		if got := b.Poll(ctx, 101); got.Outcome != ingest.Observed {
			t.Errorf("first: %+v", got)
		}
		if got := b.Poll(ctx, 101); got.Outcome != ingest.Skipped {
			t.Errorf("second: %+v", got)
		}
		b.clock.advance(time.Second)
		if got := b.Poll(t.Context(), 101); got.Outcome != ingest.Observed {
			t.Errorf("a second later: %+v", got)
		}
	})
	t.Run("for a slot", func(t *testing.T) {
		here, release := make(chan struct{}), make(chan struct{})
		b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/102/") {
				t.Error("102 was asked for")
			}
			close(here)
			<-release
			_, _ = io.WriteString(w, idle)
		}, func(s *setup) {
			s.cfg.Concurrency = 1
			s.guids = "101,a\n102,b\n"
		})
		var first sync.WaitGroup
		first.Go(func() { b.Poll(t.Context(), 101) })
		<-here
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if got := b.Poll(ctx, 102); got.Outcome != ingest.Skipped {
			t.Errorf("got %+v", got)
		}
		close(release)
		first.Wait()
	})
}

// Cookies stick to the agent's session: sent back while its GUID stays, not to
// others, not after the GUID changed, and no more of them than a few.
func TestCookies(t *testing.T) {
	var sent string
	set := []string{"node=n1; Path=/; HttpOnly"}
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Get("Cookie")
		for _, c := range set {
			w.Header().Add("Set-Cookie", c)
		}
		set = nil
		_, _ = io.WriteString(w, idle)
	}, func(s *setup) { s.guids = "101,a\n102,b\n" })
	expect := func(step string, agent ingest.AgentID, want string) {
		t.Helper()
		if b.Poll(t.Context(), agent); sent != want {
			t.Errorf("%s: sent %q, want %q", step, sent, want)
		}
	}
	expect("at first", 101, "")
	expect("set", 101, "node=n1")
	expect("another agent", 102, "")
	set = []string{"node=n2", "route=r", "old=x; Max-Age=0", "older=x; Expires=Thu, 01 Jan 1970 00:00:10 GMT"}
	expect("before the change", 101, "node=n1")
	expect("changed", 101, "node=n2; route=r")
	set = []string{"node=; Max-Age=0"}
	expect("before the removal", 101, "node=n2; route=r")
	expect("removed", 101, "route=r")
	b.replace(t, "101,a\n102,b2\n")
	expect("another's GUID changed", 101, "route=r")
	b.replace(t, "101,a2\n102,b2\n")
	expect("GUID changed", 101, "")

	for i := range 20 {
		set = append(set, strings.Repeat("n", i+1)+"="+strings.Repeat("v", 450))
	}
	expect("before many", 101, "")
	if b.Poll(t.Context(), 101); strings.Count(sent, "=") != 8 {
		t.Errorf("kept %q, want the first eight", sent)
	}
	set = []string{"huge=" + strings.Repeat("v", 4096), "nnnnnnnn=v"}
	b.Poll(t.Context(), 101)
	if b.Poll(t.Context(), 101); strings.Contains(sent, "huge") || !strings.HasSuffix(sent, "; nnnnnnnn=v") {
		t.Errorf("kept %q, want no huge one, and the eighth anew", sent)
	}
}

// Latency follows what replies take on a standing connection, slowly.
func TestLatency(t *testing.T) {
	var b *bench
	takes := 40 * time.Millisecond
	b = newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		b.clock.advance(takes)
		_, _ = io.WriteString(w, idle)
	})
	expect := func(step string, want time.Duration) {
		t.Helper()
		if got := b.Latency().Round(time.Millisecond); got != want {
			t.Errorf("%s: %s, want %s", step, got, want)
		}
	}
	expect("before the first", 0)
	b.Poll(t.Context(), 101)
	expect("the first", 40*time.Millisecond)
	takes = 296 * time.Millisecond
	b.Poll(t.Context(), 101)
	expect("one is slow", 41*time.Millisecond)
	for range 2000 {
		b.Poll(t.Context(), 101)
	}
	expect("all are slow", 296*time.Millisecond)
}
