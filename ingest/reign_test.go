package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
)

// One recorder leaves while its round is in flight, at an instant at which the
// next one begins, a little later: every due instant is taken by one of them.
func TestRunMeetsTheNextOne(t *testing.T) {
	specs := []string{"* * * * * *", "*/3 * * * * *", "0 * * * * *", "1,2,31 * * * * *"}
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			var schedules []ingest.Schedule
			for i, spec := range rapid.SliceOfNDistinct(rapid.SampledFrom(specs), 1, 3, rapid.ID[string]).Draw(t, "specs") {
				s, err := ingest.NewSchedule(fmt.Sprint("s", i), spec, "UTC", ingest.NewAgentSet(101, 102, 103), false)
				if err != nil {
					t.Fatal(err)
				}
				schedules = append(schedules, s)
			}
			milliseconds := func(least, most int, what string) time.Duration {
				return time.Duration(rapid.IntRange(least, most).Draw(t, what)) * time.Millisecond
			}
			takes := milliseconds(0, 400, "a poll takes")
			slow := func(ingest.AgentID) (time.Duration, ingest.Outcome) { return takes, ingest.Observed }
			first := newBench(schedules...)
			first.gateway.reply = slow
			first.Epoch = 1
			left := make(chan time.Time, 1)
			first.OnLeave = func(from time.Time) { left <- from }
			first.run()
			stays := milliseconds(1, 100_000, "stays for")
			if rapid.Bool().Draw(t, "to a second") {
				stays = stays.Truncate(time.Second) + time.Second
			}
			pass(stays)
			ahead := milliseconds(0, 400, "is set forward by") // over a due instant, perhaps
			first.clock.step(ahead)
			first.stop()
			from := <-left

			second := newBench(schedules...)
			second.gateway.reply = slow
			second.clock.step(ahead)
			second.Recorder, second.Epoch, second.From = first.memory, 2, from
			pass(milliseconds(0, 500, "taken over after"))
			second.run()
			pass(milliseconds(1, 90_000, "goes on for"))
			if second.clock.Now().Nanosecond() == 0 { // a due instant may be begun or not
				pass(time.Millisecond)
			}
			until := second.clock.Now()
			second.stop()
			if err := errors.Join(<-first.ended, <-second.ended); err != nil {
				t.Error(err)
			}
			if err := first.memory.check(schedules, first.start, until); err != nil {
				t.Error(err)
			}
			for k, tick := range first.memory.ticks {
				if tick.Status == ingest.Missed || (tick.Epoch == 1) != tick.DueAt.Before(from) {
					t.Errorf("tick %v is %v in epoch %d, which changed at %v", k, tick.Status, tick.Epoch, from)
				}
			}
		})
	})
}

// Where due instants begin that a Recording takes over at 08:00:05.2.
func TestRunFrom(t *testing.T) {
	t.Parallel()
	const now = 5200 * time.Millisecond // after the bubble's start
	tests := map[string]struct {
		spec  string
		from  time.Duration // after the bubble's start; negative: none is given
		first time.Duration // due instant
	}{
		"from now":                             {"* * * * * *", -1, 6 * time.Second},
		"from this instant":                    {"* * * * * *", now, 6 * time.Second},
		"a due instant that just passed":       {"* * * * * *", 4900 * time.Millisecond, 5 * time.Second},
		"exactly from it":                      {"* * * * * *", 5 * time.Second, 5 * time.Second},
		"just after it":                        {"* * * * * *", 5001 * time.Millisecond, 6 * time.Second},
		"the last of many":                     {"* * * * * *", 0, 5 * time.Second},
		"of a longer period":                   {"*/30 * * * * *", 0, 0},
		"of a longer period that is too late":  {"0,3,30 * * * * *", 0, 3 * time.Second},
		"none that is not too late":            {"1,3,30 * * * * *", 0, 30 * time.Second},
		"a reign to come":                      {"* * * * * *", 8500 * time.Millisecond, 9 * time.Second},
		"a reign to come, exactly":             {"* * * * * *", 9 * time.Second, 9 * time.Second},
		"so long ago that all but one is late": {"*/5 * * * * *", 0, 5 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(schedule(t, "taken-over", test.spec, "101-110"))
				if test.from >= 0 {
					b.From = b.start.Add(test.from)
				}
				pass(now)
				b.runFor(t, time.Minute)
				first := time.Time{}
				for k, tick := range b.memory.ticks {
					if first.IsZero() || k.due.Before(first) {
						first = k.due
					}
					if tick.Status == ingest.Missed {
						t.Errorf("tick %v is missed", k)
					}
				}
				if got := first.Sub(b.start); got != test.first {
					t.Errorf("the first tick is due at %v, want %v", got, test.first)
				}
				if declared := b.memory.declared[0].at; declared.After(first) {
					t.Errorf("the schedules are declared from %v on, after the first tick", declared.Sub(b.start))
				}
			})
		})
	}
}

// A superseded recorder's rounds are refused once, and do not stand in the way.
func TestRunIsSuperseded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(schedule(t, "steady", "* * * * * *", "101-110"))
		taken := b.start.Add(5 * time.Second)
		b.Recorder = superseding{b.memory, taken}
		b.runFor(t, 30*time.Second)
		for k := range b.memory.ticks {
			if !k.due.Before(taken) {
				t.Errorf("tick %v is stored", k)
			}
		}
		if n := len(b.memory.ticks); n != 5 {
			t.Errorf("%d ticks are stored, want 5", n)
		}
	})
}

// superseding refuses what was due from an instant on.
type superseding struct {
	*memory
	from time.Time
}

func (s superseding) Record(ctx context.Context, tick ingest.Tick, samples []ingest.Sample) error {
	if !tick.DueAt.Before(s.from) {
		return fmt.Errorf("record: %w", ingest.ErrSuperseded)
	}
	return s.memory.Record(ctx, tick, samples)
}

func (s superseding) RecordMissed(ctx context.Context, ticks []ingest.Tick) error {
	if !ticks[len(ticks)-1].DueAt.Before(s.from) {
		return fmt.Errorf("record missed: %w", ingest.ErrSuperseded)
	}
	return s.memory.RecordMissed(ctx, ticks)
}
