package operations

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"talktime/ingest"
)

// Phase is what a recorder is about.
type Phase int

// The phases of a recorder, in their order.
const (
	Starting Phase = iota
	Standby        // another recorder holds the lease; this one would take over
	Recording
	Leaving // the last: nothing comes after it
)

// Build names the program that runs.
type Build struct {
	Version  string // of the module, or "devel"
	Revision string // of the source, empty where not known
	Schema   int64  // the schema it works with
}

// Board collects what is known of one recorder. Its methods may be called from
// any goroutine.
type Board struct {
	clock    ingest.Clock
	registry *prometheus.Registry
	counters counters
	pulse    pulse

	mu        sync.Mutex
	phase     Phase
	about     string // what the phase is waiting for, or doing, in words
	epoch     int64  // of the lease this recorder holds or has held; 0 where none
	holds     bool
	recorder  Recorder
	schedules map[string]*scheduleState
	jobs      map[string]*jobState
	horizon   time.Time // as far as every due tick is stored; zero until known
	derived   time.Time // as far as it is derived; zero until known
	database  databaseState
	losses    losses
}

// scheduleState is what became of a schedule's last tick.
type scheduleState struct {
	last       ingest.Tick // the last taken tick whose polls are over
	lastMissed time.Time   // the last due instant that was missed
}

// jobState is what became of a job's runs.
type jobState struct {
	lastSuccess time.Time // when the last run that went well ended; zero until known
	lastTook    time.Duration
	lastErr     error // of the last run
}

// NewBoard returns the board of a recorder that is starting. Its instants are
// the clock's.
func NewBoard(clock ingest.Clock, build Build) *Board {
	b := &Board{
		clock: clock, registry: prometheus.NewRegistry(), counters: newCounters(),
		schedules: map[string]*scheduleState{}, jobs: map[string]*jobState{},
	}
	b.register(build)
	return b
}

// Watch names the recorder to ask about from now on.
func (b *Board) Watch(r Recorder) {
	schedules := r.ask().schedules
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recorder = r
	for _, s := range schedules {
		b.schedule(s.Name())
	}
}

// Enter says which phase begins, and in words what it is about, such as "opening
// the database".
func (b *Board) Enter(phase Phase, about string) {
	b.pulse.wake(b.clock.Now())
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.phase != Leaving {
		b.phase, b.about = phase, about
	}
}

// Reigns says whether the recorder holds the lease, in which epoch.
func (b *Board) Reigns(epoch int64, holds bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch, b.holds = epoch, holds
}

// Finished hears of a taken tick whose polls are over, stored or not yet.
func (b *Board) Finished(tick ingest.Tick) {
	b.counters.finished(tick)
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.schedule(tick.Schedule); tick.DueAt.After(s.last.DueAt) {
		s.last = tick
	}
}

// Stored hears of a taken tick that is stored.
func (b *Board) Stored(tick ingest.Tick) { b.counters.stored(tick, b.clock.Now()) }

// Missed hears of due instants that nobody took; it is an ingest.MissedFunc.
func (b *Board) Missed(schedule string, ticks int, last time.Time) {
	b.counters.missed(schedule, ticks)
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.schedule(schedule); last.After(s.lastMissed) {
		s.lastMissed = last
	}
}

// FoundMissed hears of due instants from before the recorder's start that had no
// recorder.
func (b *Board) FoundMissed(ticks int) { b.counters.foundMissed.Add(float64(ticks)) }

// schedule returns a schedule's state; the first time it is asked for, its
// metrics begin at 0. b.mu is held.
func (b *Board) schedule(name string) *scheduleState {
	s, known := b.schedules[name]
	if !known {
		s = &scheduleState{}
		b.schedules[name] = s
		b.counters.beginSchedule(name)
	}
	return s
}

// Settled hears how far every due tick is stored.
func (b *Board) Settled(horizon time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.horizon = horizon
}

// Derived hears that everything before the horizon is derived.
func (b *Board) Derived(horizon time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if horizon.After(b.derived) {
		b.derived = horizon
	}
}

// Expect names the jobs that are going to run.
func (b *Board) Expect(jobs []ingest.Job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, job := range jobs {
		b.job(job.Name)
	}
}

// Ledger returns a ledger that does as l does and tells the board of each run.
func (b *Board) Ledger(l ingest.Ledger) ingest.Ledger { return ledger{l, b} }

type ledger struct {
	ingest.Ledger
	board *Board
}

func (l ledger) JobRan(ctx context.Context, run ingest.JobRun) error {
	l.board.jobRan(run)
	return l.Ledger.JobRan(ctx, run)
}

func (b *Board) jobRan(run ingest.JobRun) {
	b.counters.jobRan(run)
	b.mu.Lock()
	defer b.mu.Unlock()
	j := b.job(run.Name)
	j.lastTook, j.lastErr = run.FinishedAt.Sub(run.StartedAt), run.Err
	if run.Err == nil {
		j.lastSuccess = run.FinishedAt
	}
}

// job returns a job's state; the first time it is asked for, its metrics begin
// at 0. b.mu is held.
func (b *Board) job(name string) *jobState {
	j, known := b.jobs[name]
	if !known {
		j = &jobState{}
		b.jobs[name] = j
		b.counters.beginJob(name)
	}
	return j
}
