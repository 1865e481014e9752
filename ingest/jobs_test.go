package ingest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"talktime/ingest"
)

type ledger struct {
	mu   sync.Mutex
	runs map[string][]ingest.JobRun
	fail error
}

func newLedger() *ledger { return &ledger{runs: map[string][]ingest.JobRun{}} }

func (l *ledger) JobRan(ctx context.Context, run ingest.JobRun) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs[run.Name] = append(l.runs[run.Name], run)
	return errors.Join(l.fail, ctx.Err())
}

func (l *ledger) last(t *testing.T, name string) ingest.JobRun {
	t.Helper()
	if len(l.runs[name]) == 0 {
		t.Fatalf("no run of %s", name)
	}
	return l.runs[name][len(l.runs[name])-1]
}

// runJobsFor runs jobs in a bubble for a while.
func runJobsFor(t *testing.T, d time.Duration, l *ledger, jobs ...ingest.Job) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	ingest.RunJobs(ctx, &bubbleClock{}, jobs, l, quiet)
}

func TestRunJobsPassesTheDueInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start := newLedger(), time.Now().UTC()
		var dues []time.Time
		runJobsFor(t, 100*time.Second, l, ingest.Job{
			Name: "a", Times: mustTimes(t, "*/30 * * * * *", "UTC"),
			Run: func(_ context.Context, due time.Time) error {
				dues = append(dues, due)
				pass(2 * time.Second)
				return nil
			},
		})
		if len(dues) != 3 || len(l.runs["a"]) != 3 {
			t.Fatalf("ran at %v, the ledger has %d", dues, len(l.runs["a"]))
		}
		for i, due := range dues {
			want := start.Add(time.Duration(i+1) * 30 * time.Second)
			run := l.runs["a"][i]
			if !due.Equal(want) || !run.DueAt.Equal(want) || !run.StartedAt.Equal(want) || !run.FinishedAt.Equal(want.Add(2*time.Second)) || run.Err != nil {
				t.Errorf("run %d: due %v, ledger %+v, want %v", i, due, run, want)
			}
		}
	})
}

// A run that may go on is not ended by the next due instant; what is due meanwhile
// is passed over.
func TestRunJobsLetsARunGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start := newLedger(), time.Now()
		var dues []time.Duration
		runJobsFor(t, 65*time.Second, l, ingest.Job{
			Name: "long", Times: mustTimes(t, "*/10 * * * * *", "UTC"), RunsOn: true,
			Run: func(ctx context.Context, due time.Time) error {
				dues = append(dues, due.Sub(start))
				pass(25 * time.Second)
				return ctx.Err()
			},
		})
		if want := []time.Duration{10 * time.Second, 40 * time.Second}; !slices.Equal(dues, want) {
			t.Errorf("ran at %v, want %v", dues, want)
		}
		if run := l.runs["long"][0]; run.Err != nil || !run.FinishedAt.Equal(start.Add(35*time.Second)) {
			t.Errorf("the first run ended at %v with %v", run.FinishedAt, run.Err)
		}
	})
}

// The next due instant ends a run; one that goes on all the same is not
// overlapped, the instants it covers are passed over.
func TestRunJobsEndsARunAtTheNextInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start := newLedger(), time.Now()
		running := 0
		runJobsFor(t, 99500*time.Millisecond, l,
			ingest.Job{Name: "obeys", Times: mustTimes(t, "*/10 * * * * *", "UTC"), Run: func(ctx context.Context, _ time.Time) error {
				<-ctx.Done()
				return context.Cause(ctx)
			}},
			ingest.Job{Name: "stubborn", Times: mustTimes(t, "*/10 * * * * *", "UTC"), Run: func(context.Context, time.Time) error {
				if running++; running > 1 {
					t.Error("a job overlaps itself")
				}
				pass(25 * time.Second)
				running--
				return nil
			}})
		if n := len(l.runs["obeys"]); n != 9 {
			t.Errorf("%d runs, want 9", n)
		}
		for i, run := range l.runs["obeys"][:8] {
			if !errors.Is(run.Err, context.DeadlineExceeded) || run.FinishedAt.Sub(run.StartedAt) != 10*time.Second {
				t.Errorf("run %d: %+v", i, run)
			}
		}
		for i, run := range l.runs["stubborn"] {
			if want := time.Duration(10+30*i) * time.Second; run.DueAt.Sub(start) != want {
				t.Errorf("run %d was due after %v, want %v", i, run.DueAt.Sub(start), want)
			}
		}
	})
}

func TestRunJobsTroubleStaysWhereItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.fail = errors.New("no database")
		every := mustTimes(t, "*/10 * * * * *", "UTC")
		runJobsFor(t, 45*time.Second, l,
			ingest.Job{Name: "panics", Times: every, Run: func(context.Context, time.Time) error { panic("out of cheese") }},
			ingest.Job{Name: "fails", Times: every, Run: func(context.Context, time.Time) error { return errors.New("no") }},
			ingest.Job{Name: "works", Times: every, Run: func(context.Context, time.Time) error { return nil }},
			ingest.Job{Name: "never", Run: func(context.Context, time.Time) error { return nil }})
		for _, name := range []string{"panics", "fails", "works"} {
			if n := len(l.runs[name]); n != 4 {
				t.Errorf("%s ran %d times, want 4", name, n)
			}
		}
		if err := l.last(t, "panics").Err; err == nil || !strings.Contains(err.Error(), "out of cheese") || !strings.Contains(err.Error(), "jobs_test.go") {
			t.Errorf("a panic is told as %v", err)
		}
		if err := l.last(t, "works").Err; err != nil {
			t.Error(err)
		}
		if len(l.runs["never"]) != 0 {
			t.Error("a job without times ran")
		}
	})
}

// A job under way when the program leaves is told so, and its run is kept.
func TestRunJobsLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		runJobsFor(t, 15*time.Second, l, ingest.Job{
			Name: "a", Times: mustTimes(t, "*/10 * * * * *", "UTC"),
			Run: func(ctx context.Context, _ time.Time) error { <-ctx.Done(); return ctx.Err() },
		})
		if run := l.last(t, "a"); run.Err == nil || run.FinishedAt.Sub(run.DueAt) != 5*time.Second {
			t.Errorf("%+v", run)
		}
	})
}

// Jobs go on where the clock shows an hour again: derive must not pause for it.
func TestRunJobsGoesOnWhereTheClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start, clock := newLedger(), time.Now(), &bubbleClock{}
		ctx, cancel := context.WithTimeout(t.Context(), 125*time.Second)
		defer cancel()
		time.AfterFunc(65*time.Second, func() { clock.step(-30 * time.Minute) })
		ingest.RunJobs(ctx, clock, []ingest.Job{{
			Name: "a", Times: mustTimes(t, "*/30 * * * * *", "UTC"), Run: func(context.Context, time.Time) error { return nil },
		}}, l, quiet)
		var dues []time.Duration
		for _, run := range l.runs["a"] {
			dues = append(dues, run.DueAt.Sub(start))
			if run.FinishedAt.Before(run.StartedAt) {
				t.Errorf("a run ends before it begins: %+v", run)
			}
		}
		const again = -30 * time.Minute
		want := []time.Duration{30 * time.Second, time.Minute, again + 90*time.Second, again + 2*time.Minute}
		if !slices.Equal(dues, want) {
			t.Errorf("ran at %v, want %v", dues, want)
		}
	})
}

// A run that a jump of the clock has made late has its time all the same.
func TestRunJobsAfterAJumpOfTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start, clock := newLedger(), time.Now(), &bubbleClock{}
		ctx, cancel := context.WithTimeout(t.Context(), 80*time.Second)
		defer cancel()
		time.AfterFunc(5*time.Second, func() { clock.step(time.Hour) })
		ingest.RunJobs(ctx, clock, []ingest.Job{{
			Name: "a", Times: mustTimes(t, "*/30 * * * * *", "UTC"), Run: func(ctx context.Context, _ time.Time) error {
				pass(2 * time.Second)
				return ctx.Err()
			},
		}}, l, quiet)
		var dues []time.Duration
		for _, run := range l.runs["a"] {
			dues = append(dues, run.DueAt.Sub(start))
			if run.Err != nil {
				t.Errorf("a run failed: %+v", run)
			}
		}
		want := []time.Duration{30 * time.Second, time.Hour + 30*time.Second, time.Hour + time.Minute}
		if !slices.Equal(dues, want) {
			t.Errorf("ran at %v, want %v", dues, want)
		}
	})
}
