package ingest_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talktime/ingest"
)

// What the deadline cuts off is skipped 1 ms before it, asked or not.
func TestRunCutsAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "*/10 * * * * *", "101-120"))
		b.Concurrency = 3
		b.gateway.reply = func(ingest.AgentID) (time.Duration, ingest.Outcome) { return time.Hour, ingest.Observed }
		b.runFor(t, 29*time.Second)
		b.mustHold(t, b.start.Add(29*time.Second))
		for _, due := range []time.Duration{0, 10 * time.Second} {
			samples := b.memory.samples[key{"a", b.start.Add(due)}]
			if len(samples) != 20 {
				t.Fatalf("%d samples, want 20", len(samples))
			}
			for _, s := range samples {
				if want := b.start.Add(due + 9499*time.Millisecond); s.Outcome != ingest.Skipped || !s.PolledAt.Equal(want) {
					t.Errorf("agent %d is %v at %v, want skipped at %v", s.AgentID, s.Outcome, s.PolledAt, want)
				}
			}
		}
		if b.gateway.most != 3 {
			t.Errorf("%d polls in flight at most, want 3", b.gateway.most)
		}
	})
}

// A slow schedule's polls hold up neither another schedule's other agents nor
// its deadline.
func TestRunKeepsDeadlinesBesideASlowSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "fast", "* * * * * *", "101-104"), schedule(t, "slow", "30 * * * * *", "101-102,200-220"))
		b.Concurrency = 8
		b.gateway.reply = func(a ingest.AgentID) (time.Duration, ingest.Outcome) {
			if a >= 200 {
				return 20 * time.Second, ingest.Observed
			}
			return 300 * time.Millisecond, ingest.Observed
		}
		b.runFor(t, 119500*time.Millisecond)
		b.mustHold(t, b.start.Add(119500*time.Millisecond))
		if n := b.memory.count(ingest.Missed); n != 0 {
			t.Errorf("%d ticks missed", n)
		}
		if b.gateway.most > 8 {
			t.Errorf("%d polls in flight, want at most 8", b.gateway.most)
		}
	})
}

func TestRunLeavesWithinSeconds(t *testing.T) {
	for _, c := range []struct {
		name       string
		takes      time.Duration
		most       time.Duration
		wantCutOff int
	}{
		{"nothing in flight", 0, 0, 0},
		{"polls come back in time", 2 * time.Second, 2 * time.Second, 0},
		{"polls hang", time.Hour, 3 * time.Second, 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(schedule(t, "a", "@hourly", "101-112"))
				b.gateway.reply = func(ingest.AgentID) (time.Duration, ingest.Outcome) { return c.takes, ingest.Observed }
				// The twelve agents are polled in two bursts, at 0 and 30 s.
				if took := b.runFor(t, 30*time.Second+time.Millisecond); took > c.most {
					t.Errorf("leaving took %v, want at most %v", took, c.most)
				}
				b.mustHold(t, b.start.Add(time.Minute))
				cut := 0
				for _, s := range b.memory.samples[key{"a", b.start}] {
					if s.Outcome != ingest.Skipped {
						continue
					}
					cut++
					if want := b.start.Add(33 * time.Second); !s.PolledAt.Equal(want) {
						t.Errorf("agent %d cut off at %v, want %v", s.AgentID, s.PolledAt, want)
					}
				}
				if cut != c.wantCutOff {
					t.Errorf("%d polls cut off, want %d", cut, c.wantCutOff)
				}
			})
		})
	}
}

func TestRunOverStepsOfTheClock(t *testing.T) {
	for _, c := range []struct {
		name          string
		step          time.Duration
		taken, missed int
	}{
		// 30 s of real time before the step and 30 s after it, a tick every 10 s.
		{"a minute forward", time.Minute, 6, 6},
		{"a minute back", -time.Minute, 3, 0}, // those instants have been served
		{"a second back", -time.Second, 6, 0},
		{"ten days forward", 240 * time.Hour, 6, 86400},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(schedule(t, "a", "*/10 * * * * *", "101-103"))
				b.run()
				pass(29500 * time.Millisecond)
				b.clock.step(c.step)
				pass(30 * time.Second)
				b.leave(t)
				last := b.clock.Now()
				if c.step < 0 {
					last = b.start.Add(time.Duration(c.taken)*10*time.Second - time.Second)
				}
				b.mustHold(t, last)
				if taken, missed := b.memory.count(ingest.Taken), b.memory.count(ingest.Missed); taken != c.taken || missed != c.missed {
					t.Errorf("%d taken and %d missed, want %d and %d", taken, missed, c.taken, c.missed)
				}
			})
		})
	}
}

// A gateway client that does not come back at the deadline costs the next tick,
// never a second round of the same schedule.
func TestRunMissesTheTickBehindARoundThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "*/10 * * * * *", "101-103"), schedule(t, "b", "*/10 * * * * *", "201"))
		b.gateway.deaf = true
		b.gateway.reply = func(a ingest.AgentID) (time.Duration, ingest.Outcome) {
			if a == 102 {
				return 15 * time.Second, ingest.Observed
			}
			return 0, ingest.Observed
		}
		b.runFor(t, 39*time.Second)
		b.mustHold(t, b.start.Add(39*time.Second))
		for due, want := range []ingest.TickStatus{ingest.Taken, ingest.Missed, ingest.Taken, ingest.Missed} {
			at := b.start.Add(time.Duration(due) * 10 * time.Second)
			if got := b.memory.ticks[key{"a", at}].Status; got != want {
				t.Errorf("tick %d of the slow schedule is %v, want %v", due, got, want)
			}
			if got := b.memory.ticks[key{"b", at}].Status; got != ingest.Taken {
				t.Errorf("tick %d of the other schedule is %v", due, got)
			}
		}
	})
}

// One line a minute warns of failing rounds, with the method's name.
func TestRunWarnsOfFailuresOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		b := newBench(schedule(t, "a", "*/10 * * * * *", "101-120"))
		b.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
		b.gateway.reply = func(a ingest.AgentID) (time.Duration, ingest.Outcome) {
			if a <= 105 {
				return 0, ingest.Unreachable
			}
			return 0, ingest.Observed
		}
		b.runFor(t, 119*time.Second)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 2 {
			t.Fatalf("%d lines, want one for each minute:\n%s", len(lines), &out)
		}
		for _, want := range []string{"method=getAgentStatus", "schedule=a", "polls=20", "observed=15", "unreachable=5"} {
			if !strings.Contains(lines[0], want) {
				t.Errorf("no %s in %s", want, lines[0])
			}
		}
	})
}

// A poll that waits for another schedule's poll of the same agent is given up
// at its own tick's deadline.
func TestRunGivesUpPollsThatWaitForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "slow", "0 * * * * *", "101-102"), schedule(t, "fast", "1-59/2 * * * * *", "101-102"))
		b.gateway.reply = func(a ingest.AgentID) (time.Duration, ingest.Outcome) {
			if a == 101 {
				return 10 * time.Second, ingest.Observed
			}
			return 0, ingest.Observed
		}
		b.runFor(t, 9500*time.Millisecond)
		b.mustHold(t, b.start.Add(9500*time.Millisecond))
		if n := b.memory.count(ingest.Taken); n != 6 {
			t.Errorf("%d ticks taken, want 6", n)
		}
		for k, samples := range b.memory.samples {
			if got := samples[0].Outcome; k.schedule == "fast" && got != ingest.Skipped {
				t.Errorf("the fast schedule's poll of 101 at %v is %v", k.due, got)
			}
		}
	})
}

// However the clock steps while a round is in flight, its samples lie inside
// its tick.
func TestRunOverStepsOfTheClockInsideARound(t *testing.T) {
	for _, c := range []struct {
		name  string
		step  time.Duration
		takes time.Duration // a poll
		stop  bool
	}{
		{"back", -5 * time.Second, time.Second, false},
		{"forward past the deadline", 15 * time.Second, time.Second, false},
		{"forward between rounds, two schedules to catch up", 15 * time.Second, 100 * time.Millisecond, false},
		{"back while leaving", -20 * time.Second, time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(schedule(t, "a", "*/10 * * * * *", "101-105"), schedule(t, "b", "*/7 * * * * *", "101-103"))
				b.gateway.reply = func(ingest.AgentID) (time.Duration, ingest.Outcome) { return c.takes, ingest.Observed }
				b.run()
				pass(10500 * time.Millisecond)
				b.clock.step(c.step)
				if !c.stop {
					pass(20 * time.Second)
				}
				b.leave(t)
				b.mustHold(t, b.start.Add(max(10501*time.Millisecond, b.clock.Now().Sub(b.start))))
			})
		})
	}
}
