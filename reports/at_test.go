package reports_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
)

// polled is a source of agent 101's samples and ticks at p = 10 s, in seconds
// from 09:00.
type polled struct {
	seen    map[int]string // what was observed, or failed
	ticks   []int          // stored, besides those of the samples
	awaited []int
}

const period = 10 * time.Second

func secondsAfterNine(s int) time.Time {
	return time.Date(2026, 11, 16, 9, 0, s, 0, time.UTC)
}

func (p polled) tick(s int) ingest.Tick {
	return ingest.Tick{Schedule: "office", DueAt: secondsAfterNine(s), Period: period, Agents: ingest.NewAgentSet(101)}
}

func (p polled) Near(context.Context, time.Time) (reports.Near, error) {
	near := reports.Near{Longest: period, Facts: reports.Facts{Agents: ingest.NewAgentSet(101)}}
	for s := range p.seen {
		near.Ticks = append(near.Ticks, p.tick(s))
	}
	for _, s := range p.ticks {
		near.Ticks = append(near.Ticks, p.tick(s))
	}
	for _, s := range p.awaited {
		near.Awaited = append(near.Awaited, p.tick(s))
	}
	return near, nil
}

func (p polled) Around(_ context.Context, at time.Time, reach time.Duration, _ ingest.AgentSet) iter.Seq2[reports.Around, error] {
	around := reports.Around{Agent: 101}
	for s, what := range p.seen {
		o := reports.Observation{At: secondsAfterNine(s), Period: period, Status: pairs[what], Measure: reports.Available}
		if what == "talk" {
			o.Measure = reports.Talk
		}
		switch {
		case what == "failed" || at.Sub(o.At).Abs() > reach:
		case !o.At.After(at) && o.At.After(around.Before.At):
			around.Before = o
		case o.At.After(at) && (around.After.At.IsZero() || o.At.Before(around.After.At)):
			around.After = o
		}
	}
	return func(yield func(reports.Around, error) bool) { yield(around, nil) }
}

func (p polled) Polls(_ context.Context, from, to time.Time, _ ingest.AgentSet) iter.Seq2[reports.Polls, error] {
	polls := reports.Polls{Agent: 101}
	for s := -100; s < 1000; s++ {
		at := secondsAfterNine(s)
		if what, ok := p.seen[s]; ok && !at.Before(from) && at.Before(to) {
			outcome := ingest.Observed
			if what == "failed" {
				outcome = ingest.Unreachable
			}
			polls.Polls = append(polls.Polls, ingest.Poll{PolledAt: at, Outcome: outcome})
		}
	}
	return func(yield func(reports.Polls, error) bool) { yield(polls, nil) }
}

// The rules of metrics.md §1 and its worked cases, instant by instant.
func TestAt(t *testing.T) {
	for name, c := range map[string]struct {
		source polled
		want   map[int]string // by seconds after nine
	}{
		"a change": {
			polled{seen: map[int]string{0: "available", 10: "available", 20: "talk", 30: "talk"}},
			map[int]string{-6: "unscheduled", -5: "available", 14: "available", 15: "talk", 20: "talk", 34: "talk", 35: "unscheduled"},
		},
		"a failed poll is bridged": {
			polled{seen: map[int]string{0: "talk", 10: "failed", 20: "talk"}},
			map[int]string{5: "talk", 10: "talk", 24: "talk"},
		},
		"two are not": {
			polled{seen: map[int]string{0: "talk", 10: "failed", 20: "failed", 30: "talk"}},
			map[int]string{4: "talk", 5: "failed", 24: "failed", 25: "talk"},
		},
		"the recorder stopped": {
			polled{seen: map[int]string{0: "talk", 60: "talk"}, ticks: []int{10, 20, 30, 40, 50}},
			map[int]string{4: "talk", 5: "recorder_down", 54: "recorder_down", 55: "talk"},
		},
		"a failed poll, then a stop": {
			polled{seen: map[int]string{0: "talk", 10: "failed", 50: "talk"}, ticks: []int{20, 30, 40}},
			map[int]string{5: "failed", 14: "failed", 15: "recorder_down", 44: "recorder_down", 45: "talk"},
		},
		"nothing was due": {
			polled{seen: map[int]string{0: "talk", 100: "talk"}},
			map[int]string{4: "talk", 5: "unscheduled", 94: "unscheduled", 95: "talk"},
		},
		"the next sample is awaited": {
			polled{seen: map[int]string{0: "talk"}, awaited: []int{10, 20, 30, 40, 50}},
			map[int]string{3: "talk, provisional", 10: "talk, provisional", 25: "talk, provisional", 26: "pending", 49: "pending", 66: "unscheduled"},
		},
		"a failed poll, the next one awaited": {
			polled{seen: map[int]string{0: "talk", 10: "failed", 20: "failed"}, awaited: []int{30, 40}},
			map[int]string{12: "failed", 24: "failed", 26: "pending"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for s, want := range c.want {
				var sink kept[reports.StateAt]
				if err := reports.At(t.Context(), c.source, reports.Request{Report: "at", At: secondsAfterNine(s)}, &sink); err != nil {
					t.Fatal(err)
				}
				got := words(sink.rows, func(s *reports.StateAt) string {
					if s.IsProvisional {
						return s.Measure.String() + ", provisional"
					}
					return s.Measure.String()
				})
				if got != want {
					t.Errorf("at %d s: got %s, want %s", s, got, want)
				}
			}
		})
	}
}
