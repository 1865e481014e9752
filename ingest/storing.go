package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// How storing deals with trouble.
const (
	attemptTimeout = 30 * time.Second // one call of the Recorder
	firstPause     = 100 * time.Millisecond
	lastPause      = 5 * time.Second
	// A clock that is played waits while more rounds than this are not stored;
	// the machine's never does.
	playedBacklog = 4
)

// A storing brings rounds, in order, to the Recorder while that answers and the
// spool is empty, and to the spool otherwise; what is spooled, to the Recorder.
// So storing a round overlaps the next one's polls.
//
// Two goroutines share the work. The keeper (keeper.go) takes finished rounds
// from memory and never waits for the Recorder longer than its patience; the
// storer (storer.go) alone calls the Recorder and may hang in it.
type storing struct {
	recorder Recorder
	spool    Spool
	accounts *Accounts
	clock    Clock
	log      *slog.Logger
	onRound  func(Tick)
	onMissed MissedFunc
	backlog  int          // samples in memory at most; a single round always is
	epoch    int64        // of everything that is added
	forgets  bool         // the spool ends with the program
	lost     int          // rounds that were with a spool that forgets, at the end
	owed     *Declaration // neither the Recorder nor the spool has it; the keeper's own
	warned   warnings

	mu         sync.Mutex
	changed    sync.Cond
	queue      []*waiting // in memory; the first is in the keeper's hands
	kept       int        // samples in queue
	offered    *waiting   // what the storer is to store past the spool
	inSpool    int        // entries there; each is in the accounts
	spooling   bool       // rounds went to the spool and it has not been empty since
	missed     missedSpans
	release    func() // the clock, where it is held back
	closing    bool   // nothing more is added
	keeperRuns bool   // the keeper may still offer or append
	storerRuns bool   // the storer takes offers
}

// waiting is a round or a declaration that is neither stored nor spooled.
type waiting struct {
	Entry
	schedule Schedule   // a round's
	tried    chan error // what came of offering it
	stored   bool       // the Recorder has it
	spooled  bool       // the spool has it
}

func newWaiting(e Entry, s Schedule) *waiting {
	return &waiting{Entry: e, schedule: s, tried: make(chan error, 1)}
}

func newStoring(r Recording) *storing {
	s := &storing{
		recorder: r.Recorder, spool: r.Spool, accounts: r.Accounts, clock: r.Clock, log: r.Log,
		onRound: r.OnRound, onMissed: r.OnMissed, backlog: r.Backlog, epoch: r.Epoch,
		keeperRuns: true, storerRuns: true,
	}
	s.changed.L = &s.mu
	if s.spool == nil {
		s.spool, s.forgets = NewMemorySpool(memorySpool), true
	}
	found := s.spool.Size()
	s.inSpool, s.spooling = found.Entries, found.Entries > 0
	s.accounts.open(found.Polls)
	if s.spooling {
		s.log.Info("the spool holds what an earlier recorder could not store; it is stored first",
			"rounds", found.Rounds, "polls", found.Polls, "from", found.Oldest)
	}
	return s
}

// declare says what is in force from at on, before any round added later.
func (s *storing) declare(at time.Time, schedules []Schedule) {
	s.put(newWaiting(Entry{Declaration: s.declaration(at, schedules)}, Schedule{}))
}

func (s *storing) declaration(at time.Time, schedules []Schedule) *Declaration {
	return &Declaration{Epoch: s.epoch, At: at, Schedules: schedules}
}

// declareFirst declares what is in force from the start on: to the Recorder, or
// behind what earlier recorders have left in the spool.
func (s *storing) declareFirst(ctx context.Context, at time.Time, schedules []Schedule) error {
	d := s.declaration(at, schedules)
	if s.inSpool == 0 {
		return s.recorder.Declare(ctx, *d)
	}
	if err := s.spool.Append(Entry{Declaration: d}); err != nil {
		s.log.Warn("the spool does not take the schedules yet", "in_force_from", at, "error", err)
		s.owed = d
		return nil
	}
	s.inSpool++
	return nil
}

// add queues a finished round, or refuses it where memory holds too many.
func (s *storing) add(r *round) {
	r.tick.Epoch = s.epoch
	w := newWaiting(Entry{Tick: r.tick, Samples: r.samples}, r.schedule)
	if !s.put(w) {
		s.refuse(w, "memory is full", fmt.Errorf("%d samples wait for the spool and the database", s.backlog))
	}
}

// put queues an entry; false means memory holds too many samples for it.
func (s *storing) put(w *waiting) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) > 0 && len(w.Samples) > 0 && s.kept+len(w.Samples) > s.backlog {
		return false
	}
	s.queue = append(s.queue, w)
	s.kept += len(w.Samples)
	s.holdClock()
	s.changed.Broadcast()
	return true
}

// holdClock holds a clock that is played while too much is not stored. s.mu is
// held.
func (s *storing) holdClock() {
	switch isBehind := len(s.queue)+s.inSpool > playedBacklog; {
	case isBehind && s.release == nil:
		s.release = join(s.clock)
	case !isBehind && s.release != nil:
		s.release()
		s.release = nil
	}
}

// miss notes the due instants from first to last as missed.
func (s *storing) miss(schedule Schedule, first, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed.add(missedSpan{schedule, first, last})
	s.changed.Broadcast()
}

// close lets run return once everything is stored or its context has ended.
func (s *storing) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing, s.missed.areNew = true, true
	s.changed.Broadcast()
}

// run stores until closed. When ctx ends, what is not stored stays in the spool.
func (s *storing) run(ctx context.Context) {
	var keeper sync.WaitGroup
	keeper.Go(s.keep)
	s.store(ctx)
	keeper.Wait()
	s.leave()
}

// leave says what stays behind.
func (s *storing) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.release != nil {
		s.release()
	}
	left := s.spool.Size()
	switch {
	case left.Rounds == 0:
	case s.forgets:
		s.lost = left.Rounds
		s.accounts.refusedFromSpool(left.Polls)
	default:
		s.log.Info("rounds stay in the spool for the next recorder", "rounds", left.Rounds, "polls", left.Polls, "from", left.Oldest)
	}
}

// refuse gives a round up that neither the Recorder nor the spool takes: its
// tick is missed.
func (s *storing) refuse(w *waiting, cause string, why error) {
	s.accounts.refused(w.polls())
	s.miss(w.schedule, w.Tick.DueAt, w.Tick.DueAt)
	s.onMissed(w.Tick.Schedule, 1, w.Tick.DueAt)
	s.tellRefused(w.Entry, cause, why)
}

func (s *storing) tellStored(e Entry) {
	if e.Declaration != nil {
		return
	}
	if s.onRound != nil {
		s.onRound(e.Tick)
	}
	s.log.Debug("round stored", e.words()...)
}

// causeSuperseded is why a round belongs to somebody else.
const causeSuperseded = "another recorder has taken over"

// tellRefused says what is lost: once a minute for each cause as an error.
func (s *storing) tellRefused(e Entry, cause string, why error) {
	if e.Declaration != nil {
		s.log.Warn("schedules not declared", "in_force_from", e.Declaration.At, "cause", cause, "error", why)
		return
	}
	level := slog.LevelDebug
	if s.warned.isDue(cause, s.clock.Now()) {
		level = slog.LevelError
	}
	s.log.Log(context.Background(), level, "round refused", append(e.words(), "cause", cause, "error", why)...)
}
