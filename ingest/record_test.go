package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
)

// A bench is a Recording on fakes inside a bubble.
type bench struct {
	ingest.Recording
	clock   *bubbleClock
	gateway *gateway
	memory  *memory
	start   time.Time
	stop    context.CancelFunc
	ended   chan error
}

func newBench(schedules ...ingest.Schedule) *bench {
	clock := &bubbleClock{}
	b := &bench{clock: clock, gateway: newGateway(clock, someAgents), memory: newMemory(), start: clock.Now()}
	b.Recording = ingest.Recording{Schedules: schedules, Clock: clock, Poller: b.gateway, Recorder: b.memory, Log: quiet}
	return b
}

func (b *bench) run() {
	ctx, stop := context.WithCancel(context.Background())
	b.stop, b.ended = stop, make(chan error, 1)
	go func() { b.ended <- b.Run(ctx) }()
}

// runFor records for a while, leaves and returns how long leaving took.
func (b *bench) runFor(t *testing.T, d time.Duration) (leaving time.Duration) {
	t.Helper()
	b.run()
	pass(d)
	return b.leave(t)
}

func (b *bench) leave(t *testing.T) time.Duration {
	t.Helper()
	at := time.Now()
	b.stop()
	if err := <-b.ended; err != nil {
		t.Error(err)
	}
	return time.Since(at)
}

func (b *bench) mustHold(t *testing.T, to time.Time) {
	t.Helper()
	if err := b.memory.check(b.Schedules, b.start, to); err != nil {
		t.Error(err)
	}
	if b.gateway.overlap != nil {
		t.Error(b.gateway.overlap)
	}
}

func schedule(t testing.TB, name, spec string, agents string) ingest.Schedule {
	t.Helper()
	set, err := ingest.ParseAgentSet(agents, ingest.DefaultMaxAgentID)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ingest.NewSchedule(name, spec, "UTC", set, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRunSharesPollsBetweenSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "dense", "*/10 * * * * *", "101-105"), schedule(t, "alike", "*/10 * * * * *", "104-106"),
			schedule(t, "sparse", "0 * * * * *", "101-110"))
		b.runFor(t, 119*time.Second)
		b.mustHold(t, b.start.Add(119*time.Second))
		if n := b.memory.count(ingest.Taken); n != 26 {
			t.Errorf("%d ticks taken, want 12 + 12 + 2", n)
		}
		agents := map[string][]ingest.AgentID{}
		for _, name := range []string{"dense", "alike", "sparse"} {
			for _, s := range b.memory.samples[key{name, b.start.Add(time.Minute)}] {
				agents[name] = append(agents[name], s.AgentID)
			}
		}
		// alike and dense have the same period: the first name takes the agent.
		if got := fmt.Sprint(agents["alike"], agents["dense"], agents["sparse"]); got != "[104 105 106] [101 102 103] [107 108 109 110]" {
			t.Errorf("polls are shared as %s", got)
		}
	})
}

// The agents of a round are spread over at most 80 % of the period in bursts,
// each at the same place in every round.
func TestRunSpreadsRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "*/10 * * * * *", "101-140"), schedule(t, "b", "0 * * * * *", "101-110,130"))
		b.runFor(t, 179*time.Second)
		b.mustHold(t, b.start.Add(179*time.Second))
		bursts := map[time.Duration]int{}
		for agent := ingest.AgentID(101); agent <= 140; agent++ {
			asked := b.gateway.asked[agent]
			place := asked[0].Sub(b.start)
			bursts[place]++
			for i, at := range asked[:18] {
				if want := b.start.Add(time.Duration(i)*10*time.Second + place); !at.Equal(want) {
					t.Fatalf("agent %d polled at %v, want %v", agent, at, want)
				}
			}
		}
		want := map[time.Duration]int{0: 8, 1600 * time.Millisecond: 8, 3200 * time.Millisecond: 8, 4800 * time.Millisecond: 8, 6400 * time.Millisecond: 8}
		if fmt.Sprint(bursts) != fmt.Sprint(want) {
			t.Errorf("bursts %v, want %v", bursts, want)
		}
	})
}

func TestRunNeedsItsDeclaration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "* * * * * *", "101"))
		refused := errors.New("connection refused")
		b.memory.broken = func() error { return refused }
		if err := b.Run(t.Context()); !errors.Is(err, refused) {
			t.Errorf("Run returned %v", err)
		}
		b.memory.broken = nil
		b.Schedules = append(b.Schedules, b.Schedules[0])
		if err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), `two schedules are named "a"`) {
			t.Errorf("Run returned %v", err)
		}
		b.Schedules = nil
		if err := b.Run(t.Context()); err == nil {
			t.Error("Run without schedules returned nil")
		}
	})
}

// Until ends recording by itself: the instant is not included and the round in
// flight is finished. A clock that jumps past it leaves missed ticks up to it.
func TestRunUntil(t *testing.T) {
	for _, c := range []struct {
		name          string
		step          time.Duration
		taken, missed int
	}{
		{"evenly", 0, 6, 0},
		{"the clock jumps past it", time.Hour, 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(schedule(t, "a", "*/10 * * * * *", "101-103"))
				b.gateway.reply = func(ingest.AgentID) (time.Duration, ingest.Outcome) { return 5 * time.Second, ingest.Observed }
				b.Until = b.start.Add(time.Minute)
				b.run()
				pass(29 * time.Second)
				b.clock.step(c.step)
				if err := <-b.ended; err != nil {
					t.Error(err)
				}
				if at := time.Since(b.start); at > time.Minute {
					t.Errorf("ended after %v", at)
				}
				b.mustHold(t, b.Until)
				if taken, missed := b.memory.count(ingest.Taken), b.memory.count(ingest.Missed); taken != c.taken || missed != c.missed {
					t.Errorf("%d taken and %d missed, want %d and %d", taken, missed, c.taken, c.missed)
				}
			})
		})
	}
}

func TestRunFollowsTheAgentsWithAGUID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, err := ingest.NewSchedule("all", "*/10 * * * * *", "UTC", ingest.AgentSet{}, true)
		if err != nil {
			t.Fatal(err)
		}
		b := newBench(all, schedule(t, "some", "*/20 * * * * *", "500"))
		b.run()
		pass(15 * time.Second)
		more := ingest.NewAgentSet(101, 102, 103, 104)
		b.gateway.setAgents(more)
		pass(20 * time.Second)
		b.gateway.setAgents(ingest.AgentSet{})
		pass(10 * time.Second)
		b.leave(t)
		b.mustHold(t, b.start.Add(45*time.Second))

		wants := []struct {
			at     time.Duration
			agents ingest.AgentSet
		}{{0, someAgents}, {20 * time.Second, more}, {40 * time.Second, ingest.AgentSet{}}}
		if len(b.memory.declared) != len(wants) {
			t.Fatalf("%d declarations, want %d", len(b.memory.declared), len(wants))
		}
		for i, want := range wants {
			got := b.memory.declared[i]
			if !got.at.Equal(b.start.Add(want.at)) || len(got.schedules) != 2 || !got.schedules[0].Equal(all.WithAgents(want.agents)) {
				t.Errorf("declaration %d: from %v %v", i, got.at, got.schedules)
			}
		}
		for due, n := range []int{3, 3, 4, 4, 0} {
			if got := len(b.memory.samples[key{"all", b.start.Add(time.Duration(due) * 10 * time.Second)}]); got != n {
				t.Errorf("tick %d has %d samples, want %d", due, got, n)
			}
		}
	})
}

func TestSampleNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "office", "*/10 * 8-19 * * *", "101-105"), schedule(t, "hourly", "@hourly", "104-120"))
		b.Recorder = nil
		b.gateway.reply = func(a ingest.AgentID) (time.Duration, ingest.Outcome) {
			if a == 120 {
				return time.Hour, ingest.Observed
			}
			return time.Second, ingest.NotSignedIn
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		samples, err := b.SampleNow(ctx) // at midnight: the office's latest period stands
		if err != nil {
			t.Fatal(err)
		}
		var agents []ingest.AgentID
		for _, s := range samples {
			agents = append(agents, s.AgentID)
			wantPeriod, want := time.Hour, ingest.NotSignedIn
			if s.AgentID <= 105 {
				wantPeriod = 10 * time.Second
			}
			if s.AgentID == 120 {
				want = ingest.Skipped
			}
			if s.Period != wantPeriod || s.Outcome != want || s.PolledAt.Before(b.start) {
				t.Errorf("agent %d: %v with period %v at %v", s.AgentID, s.Outcome, s.Period, s.PolledAt)
			}
		}
		if !slices.Equal(agents, slices.Collect(ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 120}).All())) {
			t.Errorf("polled %v", agents)
		}
	})
}

// Whatever the schedules, the gateway's delays, the concurrency and the
// recorder's outages: every due instant ends up once as taken or missed, every
// agent due has one sample, inside its tick, and is never polled twice at once.
func TestRunAccountsForEveryTick(t *testing.T) {
	specs := []string{"* * * * * *", "*/2 * * * * *", "*/3 * * * * *", "*/7 * * * * *", "1,2,30 * * * * *", "*/20 * * * * *"}
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			var schedules []ingest.Schedule
			for i := range rapid.IntRange(1, 3).Draw(t, "schedules") {
				first := rapid.IntRange(101, 110).Draw(t, "first")
				agents := ingest.NewAgentSetOfRanges(ingest.AgentRange{
					First: ingest.AgentID(first), Last: ingest.AgentID(first + rapid.IntRange(0, 30).Draw(t, "agents")),
				})
				s, err := ingest.NewSchedule(fmt.Sprint("s", i), rapid.SampledFrom(specs).Draw(t, "spec"), "UTC", agents, false)
				if err != nil {
					t.Fatal(err)
				}
				schedules = append(schedules, s)
			}
			b := newBench(schedules...)
			b.Concurrency = rapid.IntRange(1, 20).Draw(t, "concurrency")
			b.Backlog = rapid.IntRange(1, 300).Draw(t, "backlog")
			b.Spool = ingest.NewMemorySpool(rapid.IntRange(1, 300).Draw(t, "spool"))
			delays := rapid.SliceOfN(rapid.SampledFrom([]int{0, 0, 5, 40, 300, 1100, 4000}), 1, 20).Draw(t, "delays")
			b.gateway.deaf = rapid.Bool().Draw(t, "deaf")
			b.gateway.reply = func(a ingest.AgentID) (time.Duration, ingest.Outcome) {
				return time.Duration(delays[int(a)%len(delays)]) * time.Millisecond, ingest.Observed
			}
			outage := time.Duration(rapid.IntRange(0, 30).Draw(t, "outage")) * time.Second
			b.memory.broken = func() error {
				if since := time.Since(b.start); since > 10*time.Second && since < 10*time.Second+outage {
					return errors.New("connection refused")
				}
				return nil
			}
			b.run()
			pass(50500 * time.Millisecond)
			b.stop()
			if err := <-b.ended; err != nil {
				t.Error(err)
			}
			if err := b.memory.check(schedules, b.start, b.start.Add(50500*time.Millisecond)); err != nil {
				t.Error(err)
			}
			if b.gateway.overlap != nil || b.gateway.most > b.Concurrency {
				t.Errorf("overlap %v, %d in flight of %d", b.gateway.overlap, b.gateway.most, b.Concurrency)
			}
		})
	})
}
