package ccgateway_test

import (
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"talktime/ingest"
)

// mute accepts connections and never says a word.
type mute struct {
	net.Listener
	done sync.WaitGroup

	accepted chan struct{} // one for each connection
}

func newMute(t testing.TB) *mute {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mute{Listener: listener, accepted: make(chan struct{}, 100_000)}
	m.done.Go(m.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		m.done.Wait()
	})
	return m
}

func (m *mute) serve() {
	for {
		conn, err := m.Accept()
		if err != nil {
			return
		}
		m.accepted <- struct{}{}
		m.done.Go(func() {
			for buf := make([]byte, 4096); err == nil; _, err = conn.Read(buf) {
			}
			_ = conn.Close()
		})
	}
}

// A gateway that accepts and keeps silent costs 60,000 agents' round a few
// time-outs, not one for each 64 of them.
func TestSilentGatewayAndManyAgents(t *testing.T) {
	const agents = 59_899
	m := newMute(t)
	b := newBench(t, says(idle), func(s *setup) {
		s.clock = machineClock{}
		s.cfg.BaseURL, s.cfg.Timeout, s.cfg.Concurrency = "https://"+m.Addr().String(), 300*time.Millisecond, 64
		s.guids = guidsFor(agents)
		s.log = slog.DiscardHandler
	})
	each, err := ingest.NewSchedule("minute", "0 * * * * *", "UTC", ingest.AgentSet{}, true)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	samples, err := ingest.Recording{
		Schedules: []ingest.Schedule{each}, Clock: machineClock{}, Poller: b, Concurrency: 64, Log: slog.New(slog.DiscardHandler),
	}.SampleNow(t.Context())
	took := time.Since(began)
	if err != nil || len(samples) != agents {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	outcomes := map[ingest.Outcome]int{}
	for _, s := range samples {
		outcomes[s.Outcome]++
	}
	c := b.Counts()
	t.Logf("%d polls in %s, %d requests over %d connections", agents, took, c.Requests, len(m.accepted))
	if outcomes[ingest.Unreachable] != agents {
		t.Errorf("outcomes %v", outcomes)
	}
	if c.Requests+c.HeldBack != agents || c.Requests > 200 || len(m.accepted) > int(c.Requests) || !c.Down {
		t.Errorf("counts %+v, %d connections", c, len(m.accepted))
	}
}

// However many polls there are, a gateway that keeps silent holds no more
// connections than may be.
func TestSilentGatewayAndItsConnections(t *testing.T) {
	const limit, polls = 8, 100
	m := newMute(t)
	b := newBench(t, says(idle), func(s *setup) {
		s.cfg.BaseURL, s.cfg.Timeout, s.cfg.Concurrency = "https://"+m.Addr().String(), time.Hour, limit
		s.guids = guidsFor(polls)
	})
	ctx, end := tickUntil(t, noon.Add(10*time.Second))
	var out sync.WaitGroup
	for agent := range ingest.AgentID(polls) {
		out.Go(func() {
			if got := b.Poll(ctx, 101+agent); got.Outcome != ingest.Skipped {
				t.Errorf("got %+v", got)
			}
		})
	}
	for range limit {
		<-m.accepted
	}
	end()
	out.Wait()
	if n := len(m.accepted); n > 0 {
		t.Errorf("%d connections too many", n)
	}
}
