package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// ErrSuperseded is wrapped by a Recorder's error where another recorder's epoch
// reigned at the due instant: the tick is not stored, now or ever.
var ErrSuperseded = errors.New("another recorder reigned at that instant")

// ErrRefused is wrapped by a Recorder's error that trying again cannot mend.
var ErrRefused = errors.New("refused for good")

// Recorder keeps what was told and what was seen. Its methods are called one
// at a time.
type Recorder interface {
	// Declare says which schedules are in force from d.At on. Those that differ
	// from what was in force are closed there and opened anew.
	Declare(ctx context.Context, d Declaration) error
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
	DefaultBacklog     = 200_000 // about 16 MB
)

// How long leaving may take: for the round in flight, then for what is not
// stored yet.
const (
	roundGrace   = 3 * time.Second
	storingGrace = 5 * time.Second
)

// longestWait is how far a clock may be set back behind the recording's start
// without ending it: a clock that is corrected as the machine starts.
const longestWait = time.Minute

// Recording is what it takes to record: run it with Run.
type Recording struct {
	Schedules []Schedule
	Clock     Clock
	Poller    Poller
	Recorder  Recorder

	Concurrency int          // polls in flight at most; 0 means DefaultConcurrency
	Backlog     int          // samples in memory, neither stored nor spooled; 0 means DefaultBacklog
	Log         *slog.Logger // nil means slog.Default()
	OnBegin     func()       // called once the first due instants are waited for; may be nil
	OnRound     func(Tick)   // called with each tick stored as taken, one at a time; may be nil
	OnFinished  func(Tick)   // called with each taken tick when its polls are over, before it is stored, from any goroutine; may be nil
	OnMissed    MissedFunc   // called with due instants that are not taken, from any goroutine; may be nil
	Epoch       int64        // of the ticks and declarations
	From        time.Time    // due instants before it are not taken; zero means now
	Spool       Spool        // keeps what the Recorder does not take yet; nil means memory, which ends with Run
	Accounts    *Accounts    // counts polls; may be nil
	Until       time.Time    // due instants from here on are not taken and Run returns; zero means never
	Steps       *Steps       // counts how often a SteadyClock was set; may be nil
	// Changes tells what to record from now on. On a SteadyClock a change is taken
	// up within a second, else when something is due. May be nil.
	Changes <-chan Change
	// OnLeave is called, once, as soon as no more due instants will be begun and
	// while the round in flight goes on, with the instant from which on none was;
	// may be nil.
	OnLeave func(from time.Time)
}

// MissedFunc hears of due instants of a schedule that become missed ticks: how
// many, at most 100,000, and the last of them.
type MissedFunc func(schedule string, ticks int, last time.Time)

// ErrSetBack is returned by Run when the clock was set back to before the
// recording began.
var ErrSetBack = errors.New("the clock was set back")

// Run records until ctx ends, then cuts the round in flight 3 seconds later at
// the latest, stores what there is for 5 seconds at most and returns nil, or an
// error that says what could not be stored. It fails at once if the schedules
// cannot be declared.
//
// Every due instant of every schedule from the start on becomes one tick:
// taken, or missed where the previous round was still going, the clock jumped
// over it, or its round could not be stored. The start is now or, where it is not
// before From, the last due instant that is not too late to be taken. Schedules
// due at the same instant share their polls: the tick of the smallest period,
// then of the first name, has the agent's sample. Storing follows the rounds in
// order, one at a time.
//
// A SteadyClock may be set meanwhile. What it jumps over is missed, the last due
// instant too unless its deadline is still to come. Set back, it shows instants
// again: those whose ticks were served wait to pass, for there is one sample of
// an agent and instant, while those it had jumped over are taken now. Rounds in
// flight end on the clock they began with. More than a minute before its own
// start nothing can be this recording's: it leaves with ErrSetBack.
func (r Recording) Run(ctx context.Context) error {
	r = r.withOptions()
	if err := checkSchedules(r.Schedules); err != nil {
		return err
	}
	defer join(r.Clock)()
	l, err := r.begin(ctx)
	if err != nil {
		return err
	}
	if r.OnBegin != nil {
		r.OnBegin()
	}
	stored := make(chan struct{})
	storingCtx, stopStoring := context.WithCancel(context.WithoutCancel(ctx))
	defer stopStoring()
	go func() {
		defer close(stored)
		l.storing.run(storingCtx)
	}()

	var ended error
	for ctx.Err() == nil && ended == nil && l.isDueAgain() {
		ended = l.turn(ctx)
	}

	if r.OnLeave != nil {
		r.OnLeave(l.begunUntil(r.Clock.Now()))
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
		ended = errors.Join(ended, fmt.Errorf("record: %d rounds were not stored before leaving, their ticks are missed", l.storing.lost))
	}
	return ended
}

// withOptions fills in what is left out.
func (r Recording) withOptions() Recording {
	if r.Concurrency <= 0 {
		r.Concurrency = DefaultConcurrency
	}
	if r.Backlog <= 0 {
		r.Backlog = DefaultBacklog
	}
	if r.Log == nil {
		r.Log = slog.Default()
	}
	if r.Accounts == nil {
		r.Accounts = new(Accounts)
	}
	if r.OnFinished == nil {
		r.OnFinished = func(Tick) {}
	}
	if r.OnMissed == nil {
		r.OnMissed = func(string, int, time.Time) {}
	}
	return r
}

// checkSchedules asks for schedules that a recording can tell apart.
func checkSchedules(schedules []Schedule) error {
	if len(schedules) == 0 {
		return errors.New("record: there is no schedule")
	}
	names := map[string]bool{}
	for _, s := range schedules {
		if names[s.Name()] {
			return fmt.Errorf("record: two schedules are named %q", s.Name())
		}
		names[s.Name()] = true
	}
	return nil
}
