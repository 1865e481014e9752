package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// A loop is a Recording under way; one goroutine keeps it.
type loop struct {
	ctx     context.Context
	poller  Poller
	log     *slog.Logger
	epoch   int64
	start   time.Time // no due instant before it is taken
	until   time.Time // zero means no end
	lines   []*line
	rounds  rounds
	storing *storing
	warned  warnings
	changes <-chan Change
	watch   *watch
	walked  walked
	steps   *Steps

	onFinished func(Tick)
	onMissed   MissedFunc
}

// begin declares the schedules and stands before their first due instants.
func (r Recording) begin(ctx context.Context) (*loop, error) {
	start := r.start(wholeMilliseconds(r.Clock.Now()))
	l := &loop{
		ctx: ctx, poller: r.Poller, log: r.Log, epoch: r.Epoch, start: start, until: r.Until, storing: newStoring(r),
		changes: r.Changes, watch: newWatch(r.Clock), walked: newWalked(start), steps: r.Steps,
		onFinished: r.OnFinished, onMissed: r.OnMissed,
	}
	l.lines = l.lineUp(r.Schedules, start)
	if err := l.storing.declareFirst(ctx, start, l.schedules()); err != nil {
		return nil, fmt.Errorf("record: declare the schedules: %w", err)
	}
	l.rounds = rounds{clock: r.Clock, pool: newPool(r.Poller, r.Clock, r.Concurrency, l.finished)}
	return l, nil
}

// lineUp stands before the first instants due from at on.
func (l *loop) lineUp(schedules []Schedule, at time.Time) []*line {
	agents := l.poller.Agents()
	lines := make([]*line, len(schedules))
	for i, s := range schedules {
		if s.All() {
			s = s.WithAgents(agents)
		}
		lines[i] = &line{schedule: s, next: l.nextDue(s, at.Add(-1))}
	}
	return lines
}

func (l *loop) schedules() []Schedule {
	all := make([]Schedule, len(l.lines))
	for i, line := range l.lines {
		all[i] = line.schedule
	}
	return all
}

// end returns the earlier of t and the end of recording.
func (l *loop) end(t time.Time) time.Time {
	if !l.until.IsZero() && l.until.Before(t) {
		return l.until
	}
	return t
}

// nextDue returns the due instant after t that is to be taken, or zero.
func (l *loop) nextDue(s Schedule, t time.Time) time.Time {
	next := s.Next(t)
	for until, again := l.walked.has(next); again && !next.IsZero(); until, again = l.walked.has(next) {
		next = s.Next(until)
	}
	if !l.until.IsZero() && !next.Before(l.until) {
		return time.Time{}
	}
	return next
}

// isDueAgain reports whether recording goes on: for ever where it has no end.
func (l *loop) isDueAgain() bool {
	return l.until.IsZero() || slices.ContainsFunc(l.lines, func(line *line) bool { return !line.next.IsZero() })
}

// nextEvent returns when step is wanted next.
func (l *loop) nextEvent() time.Time {
	next, ok := l.rounds.nextEvent()
	for _, line := range l.lines {
		if due := line.next; !due.IsZero() && (!ok || due.Before(next)) {
			next, ok = due, true
		}
	}
	if !ok {
		return l.rounds.clock.Now().Add(MaxPeriod)
	}
	return next
}

// turn waits for what comes next and does what is due by then. An error ends the
// recording; it is nil when ctx ends.
func (l *loop) turn(ctx context.Context) error {
	now, step, err := l.watch.sleepUntil(ctx, l.nextEvent())
	if err != nil {
		return nil //nolint:nilerr // only ctx ends a wait
	}
	if step != 0 {
		if err := l.stepped(now, step); err != nil {
			return err
		}
	}
	l.step(now)
	select {
	case c := <-l.changes:
		l.change(now, c)
	default:
	}
	return nil
}

// stepped says what a step of the clock means, and stands before what is due
// after it.
func (l *loop) stepped(now time.Time, step time.Duration) error {
	if step > 0 {
		l.walked.leap(now)
		l.log.Warn("the clock was set forward or the machine slept: what was due in between is missed",
			"by", step.Round(time.Millisecond), "from", wholeMilliseconds(now.Add(-step)), "to", wholeMilliseconds(now))
		l.steps.add(step, now, time.Time{})
		return nil
	}
	l.rounds.setBack(-step)
	var resumes time.Time
	for _, line := range l.lines {
		line.next = l.nextDue(line.schedule, now.Add(-1))
		if resumes.IsZero() || !line.next.IsZero() && line.next.Before(resumes) {
			resumes = line.next
		}
	}
	l.walked.leap(now)
	l.log.Warn("the clock was set back: instants it shows for a second time are not served again",
		"by", -step.Round(time.Millisecond), "from", wholeMilliseconds(now.Add(-step)), "to", wholeMilliseconds(now), "resumes_at", resumes)
	l.steps.add(step, now, resumes)
	if l.start.Sub(now) > longestWait {
		return fmt.Errorf("record: %w: it shows %s and recording began at %s; no instant before that is this recording's, start another one",
			ErrSetBack, wholeMilliseconds(now).Format(time.RFC3339Nano), l.start.Format(time.RFC3339Nano))
	}
	return nil
}

// step does what is due by now.
func (l *loop) step(now time.Time) {
	l.rounds.step(now)
	due := l.due(now)
	l.walked.goOn(now)
	if len(due) == 0 {
		return
	}
	l.followAgents(due)
	for _, round := range plan(l.ctx, due) {
		round.tick.Epoch = l.epoch
		l.walked.take(round.tick.DueAt)
		l.rounds.start(round, now)
	}
}

// due walks every line up to now. What it passes over is missed, and so is the
// last due instant if it is too late for it or the line's round is still open.
func (l *loop) due(now time.Time) []dueTick {
	var due []dueTick
	for _, line := range l.lines {
		if line.next.IsZero() || line.next.After(now) {
			continue
		}
		s := line.schedule
		last := s.Prev(l.end(now.Add(1)))
		_, served := l.walked.has(last) // before the clock jumped here
		if line.next.Before(last) {
			before := s.Prev(last)
			l.log.Warn("ticks missed: the clock passed over them", "schedule", s.Name(), "from", line.next, "last", before)
			l.miss(s, line.next, before)
		}
		line.next = l.nextDue(s, last)
		period := s.Period(last)
		switch {
		case served:
			continue
		case line.round != nil && !line.round.isOver():
			l.log.Warn("tick missed: the round before it is still going", "schedule", s.Name(), "due_at", last)
		case !now.Before(deadline(last, period)):
			l.log.Warn("tick missed: too late for it", "schedule", s.Name(), "due_at", last)
		default:
			due = append(due, dueTick{line, last, period})
			continue
		}
		l.miss(s, last, last)
	}
	sortDue(due)
	return due
}

// mostCounted bounds how many due instants of one span are counted: a clock that
// jumps by years must not keep the loop busy.
const mostCounted = 100_000

// miss has the due instants from first to last stored as missed, and tells of
// them.
func (l *loop) miss(s Schedule, first, last time.Time) {
	l.storing.miss(s, first, last)
	count := 0
	for range s.Due(first, last.Add(1)) {
		if count++; count == mostCounted {
			break
		}
	}
	l.onMissed(s.Name(), count, last)
}

// followAgents gives the schedules for all agents the agents of now, in force
// from the first of the due instants on.
func (l *loop) followAgents(due []dueTick) {
	agents := l.poller.Agents()
	changed := false
	for _, line := range l.lines {
		if line.schedule.All() && !line.schedule.Agents().Equal(agents) {
			line.schedule = line.schedule.WithAgents(agents)
			changed = true
		}
	}
	if changed {
		l.log.Info("agents changed", "agents", agents.Len(), "from", due[0].at)
		l.storing.declare(due[0].at, l.schedules())
	}
}
