package ccgateway_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

// moody is a gateway that is down or not.
type moody struct {
	isDown atomic.Bool
	asked  atomic.Int32
	ill    http.HandlerFunc // what it does while down
}

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.asked.Add(1)
	if m.isDown.Load() {
		m.ill(w, r)
		return
	}
	_, _ = io.WriteString(w, idle)
}

// turn makes it down in another way.
func (m *moody) turn(ill http.HandlerFunc) {
	m.ill = ill
	m.isDown.Store(true)
}

// newMoody is a gateway, down at first, before a client that has GUIDs of
// agents 101 to 400.
func newMoody(t testing.TB, ill http.HandlerFunc) (*moody, *bench) {
	m := &moody{ill: ill}
	m.isDown.Store(true)
	return m, newBench(t, m.ServeHTTP, func(s *setup) { s.guids = guidsFor(300) })
}

// pollAll polls agents one after the other and counts the outcomes.
func (b *bench) pollAll(ctx context.Context, first, last ingest.AgentID) map[ingest.Outcome]int {
	counts := map[ingest.Outcome]int{}
	for agent := first; agent <= last; agent++ {
		counts[b.Poll(ctx, agent).Outcome]++
	}
	return counts
}

func (b *bench) expectCounts(t *testing.T, want ccgateway.Counts) {
	t.Helper()
	if got := b.Counts(); got != want {
		t.Errorf("counts are %+v, want %+v", got, want)
	}
}

// What counts as down: sixteen requests in a row without an answer.
func TestDownGatewayIsNotAsked(t *testing.T) {
	for _, c := range []struct {
		name    string
		ill     http.HandlerFunc
		outcome ingest.Outcome
	}{
		{"hangs up", sends(""), ingest.Unreachable},
		{"HTTP 503", status(503, "<html>"), ingest.BadReply},
		{"a proxy's HTML", says("<html>"), ingest.BadReply},
		{"redirects", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, ingest.BadReply},
		{"cut bodies", sends("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), ingest.BadReply},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, b := newMoody(t, c.ill)
			ctx, _ := tickUntil(t, noon.Add(10*time.Second))
			got := b.pollAll(ctx, 101, 160)
			want := map[ingest.Outcome]int{ingest.Unreachable: 44}
			want[c.outcome] += 16
			if got[ingest.Unreachable] != want[ingest.Unreachable] || got[c.outcome] != want[c.outcome] {
				t.Errorf("got %v, want %v", got, want)
			}
			if n := m.asked.Load(); n != 16 {
				t.Errorf("asked %d times", n)
			}
			b.expectCounts(t, ccgateway.Counts{Requests: 16, HeldBack: 44, Down: true, Openings: 1})
			if n := strings.Count(b.log.String(), `msg="gateway is down`); n != 1 {
				t.Errorf("told %d times", n)
			}
		})
	}
}

// What does not: anything in the interface's words, and one agent's trouble.
func TestGatewayThatIsNotDown(t *testing.T) {
	t.Run("retcodes", func(t *testing.T) {
		for _, retcode := range []string{"000-002", "000-003", "000-004", "000-007", "100-006", "100-007", "100-008", "999-999"} {
			_, b := newMoody(t, says(failure(retcode)))
			b.pollAll(t.Context(), 101, 140)
			if c := b.Counts(); c.Down || c.HeldBack > 0 || c.Requests < 40 {
				t.Errorf("%s: %+v", retcode, c)
			}
		}
	})
	t.Run("one agent", func(t *testing.T) {
		_, b := newMoody(t, status(500, ""))
		for range 40 {
			b.Poll(t.Context(), 101)
		}
		b.expectCounts(t, ccgateway.Counts{Requests: 40})
	})
	t.Run("an answer in sixteen", func(t *testing.T) {
		m, b := newMoody(t, status(500, ""))
		for agent := range ingest.AgentID(96) {
			m.isDown.Store(agent%16 != 0)
			b.Poll(t.Context(), 101+agent)
		}
		b.expectCounts(t, ccgateway.Counts{Requests: 96})
	})
}

// A request cut off by its tick counts where it was out for half a second.
func TestSilenceUntilTheDeadline(t *testing.T) {
	for out, isDown := range map[time.Duration]bool{500 * time.Millisecond: true, 499 * time.Millisecond: false} {
		t.Run(out.String(), func(t *testing.T) {
			var end func()
			var b *bench
			_, b = newMoody(t, func(_ http.ResponseWriter, r *http.Request) {
				b.clock.advance(out)
				end()
				<-r.Context().Done()
			})
			for agent := range ingest.AgentID(16) {
				var ctx context.Context
				ctx, end = tickUntil(t, b.clock.Now().Add(out))
				if got := b.Poll(ctx, 101+agent); got.Outcome != ingest.Skipped {
					t.Fatalf("got %+v", got)
				}
			}
			if got := b.Counts().Down; got != isDown {
				t.Errorf("down is %v", got)
			}
		})
	}
}

// While it is down each tick begins with two probes, and one more leaves each
// half second. An answer ends it, and it is told once each way.
func TestProbes(t *testing.T) {
	m, b := newMoody(t, status(503, ""))
	first, _ := tickUntil(t, noon.Add(10*time.Second))
	b.pollAll(first, 101, 120)
	expect := func(step string, probes int32) {
		t.Helper()
		if n := m.asked.Swap(0); n != probes {
			t.Errorf("%s: asked %d times, want %d", step, n, probes)
		}
	}
	expect("until it is down", 16)
	b.clock.advance(499 * time.Millisecond)
	b.pollAll(first, 121, 140)
	expect("0.499 s later", 0)
	b.clock.advance(time.Millisecond)
	b.pollAll(first, 141, 160)
	expect("half a second later", 1)

	second, _ := tickUntil(t, noon.Add(20*time.Second))
	b.pollAll(second, 101, 140)
	expect("another tick", 2)
	b.pollAll(first, 161, 170)
	expect("the tick before, again", 0)
	b.clock.advance(-10 * time.Second)
	b.pollAll(second, 141, 150)
	expect("a clock set back", 1)

	b.clock.advance(20 * time.Second)
	m.isDown.Store(false)
	third, _ := tickUntil(t, noon.Add(30*time.Second))
	if got := b.pollAll(third, 101, 140); got[ingest.Observed] != 40 {
		t.Errorf("back again: %v", got)
	}
	expect("back again", 40)
	b.expectCounts(t, ccgateway.Counts{Requests: 60, HeldBack: 100, Openings: 1})

	var told []string
	for line := range strings.Lines(b.log.String()) {
		if _, line, _ = strings.Cut(strings.TrimSpace(line), " "); strings.Contains(line, `msg="gateway `) {
			told = append(told, line)
		}
	}
	want := []string{
		`level=WARN msg="gateway is down; it is only probed until it answers" method=getAgentStatus unanswered=16 why="HTTP status 503"`,
		`level=INFO msg="gateway answers again" method=getAgentStatus down_for=10.5s held_back=100`,
	}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("told\n%s", strings.Join(told, "\n"))
	}
	if n := strings.Count(b.log.String(), "level=WARN"); n != 2 { // the other is the first bad reply
		t.Errorf("%d warnings:\n%s", n, b.log)
	}
}

// A gateway that comes and goes is told of once a minute.
func TestComingAndGoing(t *testing.T) {
	m, b := newMoody(t, status(503, ""))
	for i := range 10 {
		ctx, _ := tickUntil(t, noon.Add(time.Duration(i+2)*9*time.Second))
		m.isDown.Store(true)
		b.pollAll(ctx, 101, 120)
		m.isDown.Store(false)
		b.clock.advance(9 * time.Second)
		b.pollAll(ctx, 101, 102)
	}
	if got := b.Counts(); got.Openings != 10 || got.Down {
		t.Errorf("got %+v", got)
	}
	for text, want := range map[string]int{
		`level=WARN msg="gateway is down`: 2, `level=INFO msg="gateway answers`: 2, `msg="gateway `: 20,
	} {
		if n := strings.Count(b.log.String(), text); n != want {
			t.Errorf("%q %d times, want %d", text, n, want)
		}
	}
}

// The tick in which the gateway is back is polled whole: its polls wait for the
// first answer, and one agent in trouble does not stand for the gateway. They
// wait for a second at most, so a busy machine may need more than one try.
func TestTickWaitsForItsProbes(t *testing.T) {
	for try := range 20 {
		m, b := newMoody(t, status(503, ""))
		ctx, _ := tickUntil(t, noon.Add(10*time.Second))
		b.pollAll(ctx, 101, 116)

		here, release := make(chan struct{}, 8), make(chan struct{})
		var asked atomic.Int32
		m.turn(func(w http.ResponseWriter, r *http.Request) {
			here <- struct{}{}
			if asked.Add(1) == 1 {
				<-r.Context().Done() // this agent's reply never comes
				return
			}
			<-release
			_, _ = io.WriteString(w, idle)
		})
		ctx, end := tickUntil(t, noon.Add(20*time.Second))
		outcomes := make(chan ingest.Outcome, 8)
		for agent := range ingest.AgentID(8) {
			go func() { outcomes <- b.Poll(ctx, 101+agent).Outcome }()
		}
		<-here
		<-here
		close(release)
		got := map[ingest.Outcome]int{}
		for n := range 8 {
			if n == 7 {
				end() // only the one that hangs is left
			}
			got[<-outcomes]++
		}
		if got[ingest.Observed] == 7 && got[ingest.Skipped] == 1 && !b.Counts().Down {
			return
		}
		t.Logf("try %d: %v, counts %+v", try, got, b.Counts())
	}
	t.Error("some polls were always held back")
}

// Later probes are waited for too, though for 0.1 s only: on a busy machine it
// may take more than one try to see it.
func TestRestOfATickWaitsForItsProbe(t *testing.T) {
	for try := range 20 {
		m, b := newMoody(t, status(503, ""))
		ctx, _ := tickUntil(t, noon.Add(10*time.Second))
		b.pollAll(ctx, 101, 116)
		b.clock.advance(probeEvery)
		m.isDown.Store(false)
		var polls sync.WaitGroup
		var observed atomic.Int32
		for agent := range ingest.AgentID(8) {
			polls.Go(func() {
				if b.Poll(ctx, 101+agent).Outcome == ingest.Observed {
					observed.Add(1)
				}
			})
		}
		polls.Wait()
		if observed.Load() == 8 {
			return
		}
		t.Logf("try %d: %d of 8 observed", try, observed.Load())
	}
	t.Error("some polls were always held back")
}

const probeEvery = 500 * time.Millisecond

// A silent gateway does not hold a tick's polls up for long: they come out while
// the probes are still out.
func TestPatienceEnds(t *testing.T) {
	m, b := newMoody(t, status(503, ""))
	ctx, _ := tickUntil(t, noon.Add(10*time.Second))
	b.pollAll(ctx, 101, 116)

	here := make(chan struct{}, 2)
	m.turn(func(_ http.ResponseWriter, r *http.Request) {
		here <- struct{}{}
		<-r.Context().Done()
	})
	ctx, end := tickUntil(t, noon.Add(40*time.Millisecond)) // patience of 10 ms
	var probes sync.WaitGroup
	for agent := range ingest.AgentID(2) {
		probes.Go(func() {
			if got := b.Poll(ctx, 101+agent); got.Outcome != ingest.Skipped {
				t.Errorf("probe: %+v", got)
			}
		})
	}
	<-here
	<-here
	if got := b.pollAll(ctx, 103, 400); got[ingest.Unreachable] != 298 {
		t.Errorf("got %v", got)
	}
	end()
	probes.Wait()
	b.expectCounts(t, ccgateway.Counts{Requests: 18, HeldBack: 298, Down: true, Openings: 1})
}

// Polls that ask nothing are no probes: an agent without a GUID first in the
// tick does not take the place of one.
func TestPollsWithoutRequestAreNoProbes(t *testing.T) {
	m, b := newMoody(t, status(503, ""))
	ctx, _ := tickUntil(t, noon.Add(10*time.Second))
	b.pollAll(ctx, 101, 120)
	m.isDown.Store(false)
	ctx, _ = tickUntil(t, noon.Add(20*time.Second))
	for _, agent := range []ingest.AgentID{401, 402, 403} {
		if got := b.Poll(ctx, agent); got.Outcome != ingest.Unauthorized {
			t.Errorf("agent %d: %+v", agent, got)
		}
	}
	if got := b.Poll(ctx, 101); got.Outcome != ingest.Observed {
		t.Errorf("got %+v", got)
	}
}

// BenchmarkHeldBack is a poll of a gateway that is down.
func BenchmarkHeldBack(bm *testing.B) {
	_, b := newMoody(bm, status(503, ""))
	ctx, _ := tickUntil(bm, noon.Add(10*time.Second))
	b.pollAll(ctx, 101, 116)
	bm.ReportAllocs()
	for bm.Loop() {
		if got := b.Poll(ctx, 101); got.Outcome != ingest.Unreachable {
			bm.Fatal(got)
		}
	}
}
