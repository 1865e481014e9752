package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// JobTimes say when a job other than sampling is due. Make them with
// NewJobTimes; the zero value never runs.
type JobTimes struct{ calendar calendar }

// NewJobTimes reads a cron spec, as NewSchedule does, in the zone of an IANA
// name.
func NewJobTimes(spec, zone string) (JobTimes, error) {
	c, faults := newCalendar(strings.Join(strings.Fields(spec), " "), zone)
	if len(faults) > 0 {
		return JobTimes{}, errors.Join(faults...)
	}
	return JobTimes{c}, nil
}

// Next returns the first due instant after t, in UTC: once for every matching
// local label. A label that comes twice counts the first time; labels that are
// skipped count together at the end of the skipped hour. So a spec with several
// instants an hour pauses while an hour is repeated: give such a job the zone
// UTC. The zero time means there is none within nine years.
func (j JobTimes) Next(t time.Time) time.Time { return j.calendar.nextOnce(t) }

// Job is something done at due instants.
type Job struct {
	Name  string
	Times JobTimes
	// Run does it for the instant it was due at. ctx ends at the next due
	// instant, with the cause context.DeadlineExceeded, or when the program
	// leaves.
	Run func(ctx context.Context, due time.Time) error
	// RunsOn lets a run go on past the next due instant: what is due meanwhile is
	// passed over without a word.
	RunsOn bool
}

// JobRun is one run of a job.
type JobRun struct {
	Name                         string
	DueAt, StartedAt, FinishedAt time.Time // UTC, whole milliseconds
	Err                          error     // nil if it went well
}

// Ledger keeps the runs of jobs.
type Ledger interface {
	JobRan(ctx context.Context, run JobRun) error
}

// ledgerTimeout is how long an entry in the Ledger may take.
const ledgerTimeout = 5 * time.Second

// RunJobs runs every job at its due instants until ctx ends and the runs under
// way are back. Jobs do not wait for each other and a failure, a panic
// included, ends only the run it happens in. A job never overlaps itself: due
// instants that pass during a run are passed over. Where a SteadyClock is set
// back jobs go on at the next instant it shows, so that one may come twice.
func RunJobs(ctx context.Context, clock Clock, jobs []Job, ledger Ledger, log *slog.Logger) {
	var running sync.WaitGroup
	for _, job := range jobs {
		leave := join(clock)
		running.Go(func() {
			defer leave()
			job.keepRunning(ctx, clock, ledger, log.With("job", job.Name))
		})
	}
	running.Wait()
}

func (j Job) keepRunning(ctx context.Context, clock Clock, ledger Ledger, log *slog.Logger) {
	watch := newWatch(clock)
	due := j.Times.Next(clock.Now())
	for !due.IsZero() && ctx.Err() == nil {
		now, step, err := watch.sleepUntil(ctx, due)
		switch {
		case err != nil || ctx.Err() != nil:
			return
		case step < 0:
			due = j.Times.Next(now)
			continue
		case now.Before(due):
			continue
		}
		next := j.passOver(j.Times.Next(due), now, log)
		run := JobRun{Name: j.Name, DueAt: due, StartedAt: wholeMilliseconds(clock.Now())}
		run.Err = j.runUntil(ctx, clock, due, next)
		if run.FinishedAt = wholeMilliseconds(clock.Now()); run.FinishedAt.Before(run.StartedAt) { // set back meanwhile
			run.FinishedAt = run.StartedAt
		}
		switch {
		case run.Err == nil:
		case ctx.Err() != nil:
			log.Info("job left unfinished: the recorder is leaving", "due_at", due, "error", run.Err)
		default:
			log.Error("job failed", "due_at", due, "error", run.Err)
		}
		entry, cancel := context.WithTimeout(context.WithoutCancel(ctx), ledgerTimeout)
		if err := ledger.JobRan(entry, run); err != nil {
			log.Warn("job run not stored", "due_at", due, "error", err)
		}
		cancel()
		due = j.passOver(next, clock.Now(), log)
	}
}

// passOver returns the next due instant, or the first one after now where that
// is past.
func (j Job) passOver(next, now time.Time, log *slog.Logger) time.Time {
	if next.IsZero() || !next.Before(now) {
		return next
	}
	following := j.Times.Next(now)
	if !following.Equal(next) && !j.RunsOn {
		log.Warn("job instants passed over", "from", next, "to", following)
	}
	return following
}

// runUntil runs the job once, with next as its deadline.
func (j Job) runUntil(ctx context.Context, clock Clock, due, next time.Time) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	if !next.IsZero() && !j.RunsOn {
		leave := join(clock)
		watch.Go(func() {
			defer leave()
			if clock.SleepUntil(ctx, next) == nil {
				cancel(context.DeadlineExceeded)
			}
		})
	}
	err := j.runOnce(ctx, due)
	cancel(nil)
	watch.Wait()
	return err
}

// runOnce turns a panic into an error.
func (j Job) runOnce(ctx context.Context, due time.Time) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("job %s panicked: %v\n%s", j.Name, p, debug.Stack())
		}
	}()
	return j.Run(ctx, due)
}

func wholeMilliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
