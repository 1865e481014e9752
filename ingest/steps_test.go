package ingest_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
)

// What the clock shows again is not served again, unless it had only been
// jumped over.
func TestRunServesWhatTheClockShowsOnce(t *testing.T) {
	type act struct {
		step time.Duration
		then time.Duration // how long the clock runs after it
	}
	const second = time.Second
	for _, c := range []struct {
		name          string
		acts          []act
		taken, missed []int // ticks, by the seconds after the start they were due at
		counts        ingest.StepCounts
	}{
		// Every tenth second is due, and the first look after a step comes up to
		// a second late.
		{
			"half a minute back: the two instants it shows again are over",
			[]act{{0, 35 * second}, {-20 * second, 35 * second}},
			[]int{0, 10, 20, 30, 40, 50},
			nil,
			ingest.StepCounts{Back: 1, Last: -20 * second},
		},
		{
			"an hour forward and back again: what was jumped over is taken after all",
			[]act{{0, 5 * second}, {time.Hour, 20 * second}, {-time.Hour, 20 * second}},
			[]int{0, 30, 40, 3600, 3610, 3620},
			[]int{10, 20},
			ingest.StepCounts{Forward: 1, Back: 1, Last: -time.Hour},
		},
		{
			"forward, back into what was jumped over, and on through what was walked",
			[]act{{0, 5 * second}, {50 * second, 12 * second}, {-40 * second, 50 * second}},
			[]int{0, 30, 40, 50, 60, 70},
			[]int{10, 20},
			ingest.StepCounts{Forward: 1, Back: 1, Last: -40 * second},
		},
		{
			"forward to the middle of a tick, which is taken late",
			[]act{{0, 5 * second}, {16 * second, 20 * second}},
			[]int{0, 20, 30, 40},
			[]int{10},
			ingest.StepCounts{Forward: 1, Last: 16 * second},
		},
		{
			"back to before the start, within a minute",
			[]act{{0, 5 * second}, {-50 * second, 60 * second}},
			[]int{0, 10},
			nil,
			ingest.StepCounts{Back: 1, Last: -50 * second},
		},
		{
			"slewing is no step",
			[]act{{0, 5 * second}, {90 * time.Millisecond, 5 * second}, {-90 * time.Millisecond, 9 * second}},
			[]int{0, 10},
			nil,
			ingest.StepCounts{},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(schedule(t, "a", "*/10 * * * * *", "101-103"))
				b.Steps = new(ingest.Steps)
				b.run()
				for _, a := range c.acts {
					b.clock.step(a.step)
					pass(a.then)
				}
				b.leave(t)
				want := map[int]ingest.TickStatus{}
				for _, s := range c.taken {
					want[s] = ingest.Taken
				}
				for _, s := range c.missed {
					want[s] = ingest.Missed
				}
				for k, tick := range b.memory.ticks {
					s := int(k.due.Sub(b.start).Seconds())
					// Of what was jumped over only the beginning is listed.
					if status, listed := want[s]; listed && tick.Status != status || !listed && tick.Status == ingest.Taken {
						t.Errorf("the tick at %d s is %v", s, tick.Status)
					}
					delete(want, s)
				}
				if len(want) > 0 {
					t.Errorf("no ticks: %v", want)
				}
				for _, fault := range b.memory.faults {
					t.Error(fault)
				}
				got := b.Steps.Counts()
				if got.Last = got.Last.Round(time.Second); got.Forward != c.counts.Forward || got.Back != c.counts.Back || got.Last != c.counts.Last {
					t.Errorf("counted %+v, want %+v", got, c.counts)
				}
			})
		})
	}
}

func TestRunSaysWhatAStepMeans(t *testing.T) {
	for _, c := range []struct {
		name string
		step time.Duration
		want string
	}{
		{
			"forward", time.Hour,
			`msg="the clock was set forward or the machine slept: what was due in between is missed" by=1h0m0s from=2000-01-01T00:00:05.950Z to=2000-01-01T01:00:05.950Z`,
		},
		{
			"back", -4 * time.Second,
			`msg="the clock was set back: instants it shows for a second time are not served again" by=4s from=2000-01-01T00:00:06.000Z to=2000-01-01T00:00:02.000Z resumes_at=2000-01-01T00:00:06.000Z`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				b := newBench(schedule(t, "a", "* * * * * *", "101-103"))
				b.Log = slog.New(slog.NewTextHandler(&out, nil))
				b.run()
				pass(5500 * time.Millisecond)
				b.clock.step(c.step)
				pass(time.Second)
				b.leave(t)
				if n := strings.Count(out.String(), "the clock was set"); n != 1 || !strings.Contains(out.String(), c.want) {
					t.Errorf("%d lines of steps in the log, want %s\n%s", n, c.want, &out)
				}
			})
		})
	}
}

// Nothing before its own start is a recording's, so it ends where the clock is
// set back there for longer than a correction at the machine's start.
func TestRunEndsWhereTheClockIsSetBackBehindItsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "*/10 * * * * *", "101-103"))
		b.run()
		pass(15 * time.Second)
		b.clock.step(-24 * 365 * time.Hour)
		err := <-b.ended
		if !errors.Is(err, ingest.ErrSetBack) || !strings.Contains(err.Error(), "it shows 1999-01-01T00:00:1") {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(b.start); took > 17*time.Second {
			t.Errorf("the step was noticed %s after the start", took)
		}
		b.mustHold(t, b.start.Add(15*time.Second))
	})
}

// A round in flight ends on the clock it began with: no poll of it is lost to a
// step back, and none leaves its tick.
func TestRunFinishesARoundOverAStepBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "a", "0 * * * * *", "101-196"))
		b.gateway.reply = func(ingest.AgentID) (time.Duration, ingest.Outcome) { return 400 * time.Millisecond, ingest.Observed }
		b.run()
		pass(64 * time.Second)
		b.clock.step(-90 * time.Second) // to 26 s before the start
		pass(59 * time.Second)
		b.leave(t)
		due := b.start.Add(time.Minute)
		tick := b.memory.ticks[key{"a", due}]
		if tick.Polls[ingest.Observed] != 96 || tick.FinishedAt.Sub(due) < 40*time.Second || tick.FinishedAt.Sub(due) > 50*time.Second {
			t.Errorf("the round of %v observed %d of 96 until %v", due, tick.Polls[ingest.Observed], tick.FinishedAt)
		}
		b.mustHold(t, b.start.Add(61*time.Second))
	})
}

// However the clock is set, however the machine sleeps and the gateway delays:
// a due instant is taken once at most, no agent has two samples of one due
// instant, samples lie inside their tick, no round ends before it begins, and
// what is due after the last step is taken.
func TestRunOverAnyStepsOfTheClock(t *testing.T) {
	specs := []string{"* * * * * *", "*/5 * * * * *", "*/10 * * * * *", "3,7,31 * * * * *", "0 * * * * *"}
	steps := []time.Duration{time.Millisecond, 99 * time.Millisecond, time.Second, 4 * time.Second, 25 * time.Second, 10 * time.Minute, 7 * time.Hour}
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			var schedules []ingest.Schedule
			for i := range rapid.IntRange(1, 3).Draw(t, "schedules") {
				first := ingest.AgentID(rapid.IntRange(101, 110).Draw(t, "first"))
				s, err := ingest.NewSchedule(fmt.Sprint("s", i), rapid.SampledFrom(specs).Draw(t, "spec"), "UTC",
					ingest.NewAgentSetOfRanges(ingest.AgentRange{First: first, Last: first + 8}), false)
				if err != nil {
					t.Fatal(err)
				}
				schedules = append(schedules, s)
			}
			b := newBench(schedules...)
			b.Steps = new(ingest.Steps)
			var out bytes.Buffer
			b.Log = slog.New(slog.NewTextHandler(&out, nil))
			delay := rapid.SampledFrom([]time.Duration{0, 30 * time.Millisecond, 150 * time.Millisecond}).Draw(t, "delay")
			b.gateway.reply = func(ingest.AgentID) (time.Duration, ingest.Outcome) { return delay, ingest.Observed }
			b.run()
			for range rapid.IntRange(1, 6).Draw(t, "steps") {
				pass(time.Duration(rapid.IntRange(1, 40_000).Draw(t, "run for, ms")) * time.Millisecond)
				step := rapid.SampledFrom(steps).Draw(t, "step")
				if rapid.Bool().Draw(t, "back") {
					step = -min(step, b.clock.Now().Sub(b.start)+50*time.Second)
				}
				b.clock.step(step)
			}
			pass(time.Minute) // the round in flight has ended
			stepped := b.clock.Now()
			pass(time.Minute)
			end := b.clock.Now()
			b.stop()
			if err := <-b.ended; err != nil {
				t.Error(err)
			}
			for _, fault := range b.memory.faults {
				t.Error(fault)
			}
			sampled, served := map[key]bool{}, map[time.Time]bool{}
			for k, tick := range b.memory.ticks {
				if tick.Status == ingest.Taken && tick.FinishedAt.Before(tick.StartedAt) {
					t.Errorf("tick %v begins at %v and ends at %v", k, tick.StartedAt, tick.FinishedAt)
				}
				served[k.due] = served[k.due] || tick.Status == ingest.Taken
				for _, s := range b.memory.samples[k] {
					once := key{fmt.Sprint(s.AgentID), k.due}
					if sampled[once] {
						t.Errorf("agent %d has two samples of %v", s.AgentID, k.due)
					}
					sampled[once] = true
					if s.PolledAt.Before(k.due) || !s.PolledAt.Before(k.due.Add(tick.Period)) || s.PolledAt.Nanosecond()%1e6 != 0 {
						t.Errorf("tick %v: agent %d polled at %v", k, s.AgentID, s.PolledAt)
					}
				}
			}
			if resumes := b.Steps.Counts().ResumesAt; resumes.After(stepped) {
				stepped = resumes
			}
			for _, s := range schedules {
				for due := range s.Due(stepped, end) {
					// Where another schedule took the instant late, in a jump, its agents have their samples.
					if !served[due] {
						t.Errorf("%s due at %v is not taken, the log:\n%s", s.Name(), due, &out)
					}
				}
			}
			if b.gateway.overlap != nil {
				t.Error(b.gateway.overlap)
			}
		})
	})
}
