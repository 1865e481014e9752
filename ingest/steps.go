package ingest

import (
	"context"
	"sync"
	"time"
)

// SteadyClock is a Clock that somebody may set while it runs, and that counts
// time evenly as well, so that a step can be seen.
type SteadyClock interface {
	Clock
	// Reading returns the instant shown and, for the same moment, the time since
	// some fixed one by a count that setting the clock does not touch. Where that
	// count stands still while the machine sleeps, sleeping is a step forward.
	Reading() (shown time.Time, elapsed time.Duration)
}

const (
	// lookEvery is how often a SteadyClock is looked at: a step costs this much
	// at most before it is noticed.
	lookEvery = time.Second
	// leastStep is the least change between two looks that counts as a step.
	// What slews a clock stays far below: 500 parts in a million are 0.5 ms.
	leastStep = 100 * time.Millisecond
)

// A watch waits on a clock and sees it stepping. One goroutine has it.
type watch struct {
	clock   Clock
	steady  SteadyClock   // nil: the clock cannot be set
	shown   time.Time     // at the latest look
	elapsed time.Duration // then
}

func newWatch(clock Clock) *watch {
	w := &watch{clock: clock}
	if w.steady, _ = clock.(SteadyClock); w.steady != nil {
		w.shown, w.elapsed = w.read()
	}
	return w
}

// sleepUntil waits for the clock to show t, or for a moment: the caller sees by
// now. step is how far the clock was set since the last look, back where it is
// negative.
func (w *watch) sleepUntil(ctx context.Context, t time.Time) (now time.Time, step time.Duration, err error) {
	if w.steady == nil {
		err = w.clock.SleepUntil(ctx, t)
		return w.clock.Now(), 0, err
	}
	// A clock set back would sleep for all the time it shows again.
	nap, wake := context.WithTimeout(ctx, lookEvery)
	defer wake()
	if err := w.clock.SleepUntil(nap, t); err != nil && (nap.Err() == nil || ctx.Err() != nil) {
		return now, 0, err
	}
	now, step = w.look()
	return now, step, nil
}

// look reads the clock. A busy machine may come to one of the two counts late,
// so a step is believed when a second reading shows it too.
func (w *watch) look() (now time.Time, step time.Duration) {
	shown, elapsed := w.read()
	if w.stepTo(shown, elapsed) != 0 {
		shown, elapsed = w.read()
	}
	step = w.stepTo(shown, elapsed)
	w.shown, w.elapsed = shown, elapsed
	return shown, step
}

// stepTo returns how far the clock was set between the latest look and a
// reading, 0 where it went on evenly.
func (w *watch) stepTo(shown time.Time, elapsed time.Duration) time.Duration {
	step := shown.Sub(w.shown) - (elapsed - w.elapsed)
	if step.Abs() < leastStep {
		return 0
	}
	return step
}

func (w *watch) read() (shown time.Time, elapsed time.Duration) {
	shown, elapsed = w.steady.Reading()
	return shown.Round(0), elapsed // without Go's own count
}

// Steps counts how often the clock was set under a Recording. The zero value is
// ready; it is safe for use by any number of goroutines.
type Steps struct {
	mu     sync.Mutex
	counts StepCounts
}

// StepCounts is what Steps knows.
type StepCounts struct {
	Forward, Back int           // how often; a machine that slept counts as forward
	Last          time.Duration // how far the last time, negative back; 0 where never
	LastAt        time.Time     // what the clock showed after it; zero where never
	// ResumesAt is the first instant due after the last step back; between the
	// two nothing is recorded. Zero where the clock was never set back, or
	// nothing is due any more.
	ResumesAt time.Time
}

// Counts returns what was counted so far. A nil Steps has counted nothing.
func (s *Steps) Counts() StepCounts {
	if s == nil {
		return StepCounts{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// add counts a step after which the clock showed now.
func (s *Steps) add(step time.Duration, now, resumesAt time.Time) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Last, s.counts.LastAt = step, wholeMilliseconds(now)
	if step > 0 {
		s.counts.Forward++
		return
	}
	s.counts.Back++
	s.counts.ResumesAt = resumesAt
}
