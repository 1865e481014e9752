package ccgateway_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

// The request is the page's, to the letter.
func TestRequest(t *testing.T) {
	var got *http.Request
	var body []byte
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, idle)
	}, func(s *setup) { s.guids = "101,JSESSIONID=" + guid101 + "\n" })
	b.Poll(t.Context(), 101)

	if line := got.Method + " " + got.RequestURI + " " + got.Proto; line != "GET /agentgateway/resource/onlineagent/101/agentstatus HTTP/1.1" {
		t.Error(line)
	}
	want := http.Header{
		"Content-Type": {"application/json; charset=UTF-8"},
		"Guid":         {guid101},
		"User-Agent":   {"talktime"},
	}
	for name, values := range got.Header {
		if !slices.Equal(values, want[name]) {
			t.Errorf("header %s: %q", name, values)
		}
		delete(want, name)
	}
	if len(want) > 0 || len(body) > 0 || got.ContentLength != 0 {
		t.Errorf("headers missing: %v, body %q", want, body)
	}
}

// PolledAt is the midpoint of request and reply, truncated to the millisecond.
func TestPolledAtIsTheMidpoint(t *testing.T) {
	var b *bench
	b = newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		b.clock.advance(101900 * time.Microsecond)
		_, _ = io.WriteString(w, idle)
	})
	b.clock.advance(300 * time.Microsecond)
	if got, want := b.Poll(t.Context(), 101).PolledAt, noon.Add(51*time.Millisecond); !got.Equal(want) || got.Location() != time.UTC {
		t.Errorf("got %s, want %s", got, want)
	}
}

// An attempt asked again is the poll's last word: its instant, its answer.
func TestRetryBringsTheAnswer(t *testing.T) {
	var asked atomic.Int32
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			_, _ = io.WriteString(w, failure("100-007"))
			return
		}
		_, _ = io.WriteString(w, idle)
	})
	got := b.Poll(t.Context(), 101)
	pauses := b.clock.pauses()
	if got.Outcome != ingest.Observed || got.Retcode != "" || len(pauses) != 2 || !got.PolledAt.Equal(b.clock.Now().Truncate(time.Millisecond)) {
		t.Errorf("got %+v after pauses %v", got, pauses)
	}
	for i, base := range []time.Duration{200 * time.Millisecond, 400 * time.Millisecond} {
		if p := pauses[i]; p < base/2 || p > base*3/2 {
			t.Errorf("pause %d of %s is not about %s", i, p, base)
		}
	}
}

func TestRepeatedCallSlowsDown(t *testing.T) {
	b := newBench(t, says(failure("000-007")))
	b.Poll(t.Context(), 101)
	pauses := b.clock.pauses()
	if len(pauses) != 3 || pauses[0] < 400*time.Millisecond || pauses[1] < 800*time.Millisecond {
		t.Errorf("pauses %v", pauses)
	}
}

// The last answer stands where the next pause would reach the deadline, and no
// time is waited for nothing.
func TestNoPausePastTheDeadline(t *testing.T) {
	b := newBench(t, says(failure("100-007")))
	ctx, _ := tickUntil(t, noon.Add(100*time.Millisecond)) // the least first pause
	got := b.Poll(ctx, 101)
	if want := (ingest.Poll{PolledAt: noon, Outcome: ingest.GatewayError, Retcode: "100-007"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(b.clock.pauses()) != 0 {
		t.Errorf("paused %v", b.clock.pauses())
	}
}

// clockEnds ends a context as soon as someone sleeps on the clock.
type clockEnds struct {
	*clock
	end func()
}

func (c clockEnds) SleepUntil(ctx context.Context, _ time.Time) error {
	c.end()
	<-ctx.Done()
	return ctx.Err()
}

func TestEndedBetweenAttemptsKeepsTheAnswer(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	b := newBench(t, says(failure("100-007")), func(s *setup) { s.clock = clockEnds{s.clock.(*clock), end} })
	if got := b.Poll(ctx, 101); got.Outcome != ingest.GatewayError || got.Retcode != "100-007" {
		t.Errorf("got %+v", got)
	}
}

// A poll still out at its tick's deadline is given up, 1 ms before it
// (metrics.md §1), whatever an earlier attempt was answered.
func TestDeadlineSkips(t *testing.T) {
	deadline := noon.Add(9 * time.Second)
	skipped := ingest.Poll{PolledAt: deadline.Add(-time.Millisecond), Outcome: ingest.Skipped}

	t.Run("in flight", func(t *testing.T) {
		ctx, end := tickUntil(t, deadline)
		var b *bench
		b = newBench(t, func(_ http.ResponseWriter, r *http.Request) {
			b.clock.advance(9 * time.Second)
			end()
			<-r.Context().Done()
		})
		if got := b.Poll(ctx, 101); got != skipped {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("in flight after a failed attempt", func(t *testing.T) {
		ctx, end := tickUntil(t, deadline)
		var asked atomic.Int32
		var b *bench
		b = newBench(t, func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 1 {
				_, _ = io.WriteString(w, failure("100-007"))
				return
			}
			b.clock.advance(9 * time.Second)
			end()
			<-r.Context().Done()
		})
		if got := b.Poll(ctx, 101); got != skipped || asked.Load() != 2 {
			t.Errorf("got %+v after %d requests", got, asked.Load())
		}
	})
	t.Run("an answer at the deadline is too late", func(t *testing.T) {
		ctx, _ := tickUntil(t, deadline)
		var b *bench
		b = newBench(t, func(w http.ResponseWriter, _ *http.Request) {
			b.clock.advance(9 * time.Second)
			_, _ = io.WriteString(w, idle)
		})
		if got := b.Poll(ctx, 101); got != skipped {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("an answer 1 ms before it is not", func(t *testing.T) {
		ctx, _ := tickUntil(t, deadline)
		var b *bench
		b = newBench(t, func(w http.ResponseWriter, _ *http.Request) {
			b.clock.advance(9*time.Second - time.Millisecond)
			_, _ = io.WriteString(w, idle)
		})
		if got := b.Poll(ctx, 101); got.Outcome != ingest.Observed || !got.PolledAt.Equal(noon.Add(4499*time.Millisecond)) {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("before it begins", func(t *testing.T) {
		b := newBench(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
		b.clock.advance(10 * time.Second)
		ctx, _ := tickUntil(t, deadline)
		for _, agent := range []ingest.AgentID{101, 102, 99} {
			if got := b.Poll(ctx, agent); got != skipped {
				t.Errorf("agent %d: %+v", agent, got)
			}
		}
	})
	t.Run("by the machine's clock", func(t *testing.T) {
		b := newBench(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		deadline := time.Now().Add(50 * time.Millisecond)
		ctx, cancel := context.WithDeadline(t.Context(), deadline)
		defer cancel()
		want := ingest.Poll{PolledAt: deadline.Add(-time.Millisecond).UTC().Truncate(time.Millisecond), Outcome: ingest.Skipped}
		if got := b.Poll(ctx, 101); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// Asked to leave at once, a poll is skipped at that instant.
func TestCancelledPollIsSkipped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := newBench(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if got := b.Poll(ctx, 101); got != (ingest.Poll{PolledAt: noon, Outcome: ingest.Skipped}) {
		t.Errorf("in flight: %+v", got)
	}
	if got := b.Poll(ctx, 101); got != (ingest.Poll{PolledAt: noon, Outcome: ingest.Skipped}) {
		t.Errorf("before: %+v", got)
	}
}

// An attempt's own time-out is the gateway's fault, wherever in the reply it
// comes, and is not asked again.
func TestTimeout(t *testing.T) {
	quick := func(s *setup) { s.cfg.Timeout = time.Second } // time for a handshake on a busy machine
	for name, start := range map[string]string{
		"no reply":    "",
		"header only": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
		"half a body": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"retcode\":",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			over := make(chan struct{})
			b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, start)
				<-over
				_ = conn.Close()
			}, quick)
			defer close(over)
			ctx, _ := tickUntil(t, noon.Add(9*time.Second))
			if got := b.Poll(ctx, 101); got != (ingest.Poll{PolledAt: noon, Outcome: ingest.Unreachable}) || asked.Load() != 1 {
				t.Errorf("got %+v after %d requests", got, asked.Load())
			}
		})
	}
}

// The tick's deadline is an instant of the Client's clock and may lie in the
// machine's past.
func TestDeadlineInAPlayedPast(t *testing.T) {
	b := newBench(t, says(idle))
	b.clock.advance(-30 * 24 * time.Hour)
	ctx, _ := tickUntil(t, b.clock.Now().Add(9*time.Second))
	if got := b.Poll(ctx, 101); got.Outcome != ingest.Observed {
		t.Errorf("got %+v", got)
	}
}

func TestAgents(t *testing.T) {
	b := newBench(t, says(idle))
	if got := b.Agents().String(); got != "101" {
		t.Error(got)
	}
	b.replace(t, "101,a\n103,b\n104,c\n")
	if got := b.Agents().String(); got != "101,103-104" {
		t.Error(got)
	}
}

// BenchmarkPoll is a poll from end to end, the test's own gateway included.
func BenchmarkPoll(bm *testing.B) {
	const agents = 64
	b := newBench(bm, says(idle), func(s *setup) {
		s.clock = machineClock{}
		s.cfg.AuthMode = ccgateway.AuthModeDynamic
		s.guids = guidsFor(agents)
	})
	var next atomic.Int32
	bm.ReportAllocs()
	bm.RunParallel(func(pb *testing.PB) {
		agent := ingest.AgentID(101 + next.Add(1)%agents)
		for pb.Next() {
			if got := b.Poll(bm.Context(), agent); got.Outcome != ingest.Observed {
				bm.Fatal(got)
			}
		}
	})
}
