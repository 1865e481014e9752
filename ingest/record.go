package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Poller asks the gateway where agents are.
type Poller interface {
	// Poll asks for one agent's status. It never fails: trouble is an outcome.
	// ctx ends at the tick's deadline and tells it, as an instant of the
	// recorder's Clock; a poll still out then is Skipped.
	Poll(ctx context.Context, agent AgentID) Poll
	// Agents returns the agents with a GUID now.
	Agents() AgentSet
}

// Recorder keeps what was told and what was seen. Its methods are called one
// at a time.
type Recorder interface {
	// Declare says which schedules are in force from at on. Those that differ
	// from what was in force are closed at `at` and opened anew.
	Declare(ctx context.Context, at time.Time, schedules []Schedule) error
	// Record keeps a taken tick and its samples in one transaction. After an
	// error it is called again with the same tick, so a tick that was kept all
	// the same must stand.
	Record(ctx context.Context, tick Tick, samples []Sample) error
	// RecordMissed keeps ticks nobody took, ascending, of one schedule. Where
	// a tick is already stored, that one stands.
	RecordMissed(ctx context.Context, ticks []Tick) error
}

// Defaults of a Recording.
const (
	DefaultConcurrency = 64
	DefaultBacklog     = 500_000 // about 40 MB
)

// pollMethod is the method's name in log lines about polls (gateway.md).
const pollMethod = "getAgentStatus"

// How long leaving may take: for the round in flight, then for what is not
// stored yet.
const (
	roundGrace   = 3 * time.Second
	storingGrace = 5 * time.Second
)

// Recording is what it takes to record: run it with Run.
type Recording struct {
	Schedules []Schedule
	Clock     Clock
	Poller    Poller
	Recorder  Recorder

	Concurrency int          // polls in flight at most; 0 means DefaultConcurrency
	Backlog     int          // samples kept while they cannot be stored; 0 means DefaultBacklog
	Log         *slog.Logger // nil means slog.Default()
	OnRound     func(Tick)   // called with each tick stored as taken, one at a time; may be nil
	Until       time.Time    // due instants from here on are not taken and Run returns; zero means never
}

// Run records until ctx ends, then cuts the round in flight 3 seconds later at
// the latest, stores what there is for 5 seconds at most and returns nil, or an
// error that says what could not be stored. It fails at once if the schedules
// cannot be declared.
//
// Every due instant of every schedule from the start on becomes one tick:
// taken, or missed where the previous round was still going, the clock jumped
// over it, or its round could not be stored. None is taken twice, even if the
// clock is set back. Schedules due at the same instant share their polls: the
// tick of the smallest period, then of the first name, has the agent's sample.
// Storing follows the rounds in order, one at a time.
func (r Recording) Run(ctx context.Context) error {
	r, err := r.withDefaults()
	if err != nil {
		return err
	}
	defer join(r.Clock)()
	l, err := r.begin(ctx)
	if err != nil {
		return err
	}
	stored := make(chan struct{})
	storingCtx, stopStoring := context.WithCancel(context.WithoutCancel(ctx))
	defer stopStoring()
	go func() {
		defer close(stored)
		l.storing.run(storingCtx)
	}()

	for ctx.Err() == nil && l.isDueAgain() {
		if r.Clock.SleepUntil(ctx, l.nextEvent()) == nil {
			l.step(r.Clock.Now())
		}
	}

	grace, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(roundGrace, cut) })()
	l.rounds.finish(grace)
	l.rounds.pool.close()
	l.storing.close()
	stop := time.AfterFunc(storingGrace, stopStoring)
	defer stop.Stop()
	<-stored
	if l.storing.lost > 0 {
		return fmt.Errorf("record: %d rounds were not stored before leaving, their ticks are missed", l.storing.lost)
	}
	return nil
}

func (r Recording) withDefaults() (Recording, error) {
	if r.Concurrency <= 0 {
		r.Concurrency = DefaultConcurrency
	}
	if r.Backlog <= 0 {
		r.Backlog = DefaultBacklog
	}
	if r.Log == nil {
		r.Log = slog.Default()
	}
	if len(r.Schedules) == 0 {
		return r, errors.New("record: there is no schedule")
	}
	names := map[string]bool{}
	for _, s := range r.Schedules {
		if names[s.Name()] {
			return r, fmt.Errorf("record: two schedules are named %q", s.Name())
		}
		names[s.Name()] = true
	}
	return r, nil
}

// A loop is a Recording under way; one goroutine keeps it.
type loop struct {
	ctx     context.Context
	poller  Poller
	log     *slog.Logger
	until   time.Time // zero means no end
	lines   []*line
	rounds  rounds
	storing *storing
	warned  warnings
}

// begin declares the schedules and stands before their first due instants.
func (r Recording) begin(ctx context.Context) (*loop, error) {
	l := &loop{ctx: ctx, poller: r.Poller, log: r.Log, until: r.Until, storing: newStoring(r)}
	agents := r.Poller.Agents()
	start := wholeMilliseconds(r.Clock.Now())
	for _, s := range r.Schedules {
		if s.All() {
			s = s.WithAgents(agents)
		}
		l.lines = append(l.lines, &line{schedule: s, next: l.nextDue(s, start.Add(-1))})
	}
	if err := r.Recorder.Declare(ctx, start, l.schedules()); err != nil {
		return nil, fmt.Errorf("record: declare the schedules: %w", err)
	}
	l.rounds = rounds{clock: r.Clock, pool: newPool(r.Poller, r.Clock, r.Concurrency, l.finished)}
	return l, nil
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

// step does what is due by now.
func (l *loop) step(now time.Time) {
	l.rounds.step(now)
	due := l.due(now)
	if len(due) == 0 {
		return
	}
	l.followAgents(due)
	for _, round := range plan(l.ctx, due) {
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
		if line.next.Before(last) {
			before := s.Prev(last)
			l.log.Warn("ticks missed: the clock passed over them", "schedule", s.Name(), "from", line.next, "last", before)
			l.storing.miss(s, line.next, before)
		}
		line.next = l.nextDue(s, last)
		period := s.Period(last)
		switch {
		case line.round != nil && !line.round.isOver():
			l.log.Warn("tick missed: the round before it is still going", "schedule", s.Name(), "due_at", last)
		case !now.Before(deadline(last, period)):
			l.log.Warn("tick missed: too late for it", "schedule", s.Name(), "due_at", last)
		default:
			due = append(due, dueTick{line, last, period})
			continue
		}
		l.storing.miss(s, last, last)
	}
	sortDue(due)
	return due
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

// finished counts a round's outcomes and has it stored.
func (l *loop) finished(r *round) {
	r.tick.FinishedAt = wholeMilliseconds(l.rounds.clock.Now())
	counts := []any{"method", pollMethod, "schedule", r.tick.Schedule, "due_at", r.tick.DueAt, "polls", len(r.samples)}
	for _, s := range r.samples {
		r.tick.Polls[s.Outcome]++
	}
	failed := 0
	for _, o := range Outcomes() {
		if n := r.tick.Polls[o]; n > 0 {
			counts = append(counts, o.String(), n)
			if !o.IsObservation() {
				failed += n
			}
		}
	}
	switch {
	case failed == 0:
		l.log.Debug("round finished", counts...)
	case l.warned.isDue(r.tick.Schedule, r.tick.DueAt):
		l.log.Warn("polls failed", counts...)
	default:
		l.log.Debug("polls failed", counts...)
	}
	l.storing.add(r)
}

// warnEvery is how often failing rounds of one schedule are warned of: a gateway
// that is away for a night on a schedule of one second is no 30,000 lines.
const warnEvery = time.Minute

// warnings knows when each schedule was last warned of.
type warnings struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// isDue reports whether a warning of the schedule at that instant is wanted, and
// takes it as given.
func (w *warnings) isDue(schedule string, at time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last, ok := w.last[schedule]; ok && at.Sub(last) < warnEvery {
		return false
	}
	if w.last == nil {
		w.last = map[string]time.Time{}
	}
	w.last[schedule] = at
	return true
}
