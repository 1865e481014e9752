package ingest

import (
	"context"
	"errors"
	"time"
)

// refusedTries is how often an entry is tried of which the Recorder says that it
// will never take it.
const refusedTries = 3

// Replay stores what the Spool holds until it is empty or ctx ends, and takes no
// rounds: for a program that waits for another one's end. It needs the Recorder,
// the Spool and the Clock.
func (r Recording) Replay(ctx context.Context) {
	r = r.withOptions()
	s := newStoring(r)
	s.close()
	s.run(ctx)
}

// work is what the storer does next.
type work int

const (
	workEnds work = iota
	workOffered
	workSpooled
	workMissed
)

// store calls the Recorder until there is nothing left for it or ctx ends. It
// backs off while calls fail; meanwhile the keeper spools.
func (s *storing) store(ctx context.Context) {
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})()
	pause, refusals := firstPause, 0
	for {
		works := true
		w, next := s.next(ctx)
		switch next {
		case workEnds:
			return
		case workOffered:
			works = s.storeOffered(ctx, w)
		case workSpooled:
			works = s.storeOldest(ctx, &refusals)
		case workMissed:
		}
		if works {
			s.storeMissed(ctx)
			pause = firstPause
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// next waits for work.
func (s *storing) next(ctx context.Context) (*waiting, work) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		w := s.offered
		switch {
		case ctx.Err() != nil, s.closing && !s.keeperRuns && s.inSpool == 0 && !s.missed.areDue():
			s.storerRuns = false
			return nil, workEnds
		case w != nil:
			s.offered = nil
			return w, workOffered
		case s.inSpool > 0:
			return nil, workSpooled
		case s.missed.areDue():
			return nil, workMissed
		}
		s.changed.Wait()
	}
}

// storeOffered stores what the keeper offers. If its patience ends before, the
// entry is in the spool as well, where it is the only one or in front.
func (s *storing) storeOffered(ctx context.Context, w *waiting) bool {
	err := s.attempt(ctx, w.Entry)
	s.mu.Lock()
	w.stored = err == nil
	spooled := w.spooled
	s.mu.Unlock()
	if w.stored && spooled {
		s.storedFromSpool(w.Entry)
	}
	w.tried <- err
	return err == nil || errors.Is(err, ErrSuperseded)
}

// storeOldest stores the entry in front of the spool; false means that is to be
// tried again. refusals counts how often in a row it was refused for good.
func (s *storing) storeOldest(ctx context.Context, refusals *int) bool {
	e, found, err := s.spool.Oldest()
	switch {
	case errors.Is(err, ErrUnreadable):
		return s.setAside(Entry{}, "it cannot be read", err)
	case err != nil:
		s.warnNotYet(err)
		return false
	case !found:
		s.warnNotYet(errors.New("the spool has lost entries"))
		return false
	}
	err = s.attempt(ctx, e)
	if errors.Is(err, ErrRefused) {
		*refusals++
	} else {
		*refusals = 0
	}
	switch {
	case err == nil:
		s.storedFromSpool(e)
		return true
	case ctx.Err() != nil:
		return false
	case errors.Is(err, ErrSuperseded):
		s.remove(e)
		s.leftSpool(1, func() { s.accounts.refusedFromSpool(e.polls()) })
		s.tellRefused(e, causeSuperseded, err)
		return true
	case *refusals >= refusedTries && s.recordRefused(ctx, e) && s.setAside(e, "the database refuses it", err):
		*refusals = 0
		return true
	}
	s.warnNotYet(err)
	return false
}

// attempt makes one call of the Recorder.
func (s *storing) attempt(ctx context.Context, e Entry) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if e.Declaration != nil {
		return s.recorder.Declare(ctx, *e.Declaration)
	}
	return s.recorder.Record(ctx, e.Tick, e.Samples)
}

// recordRefused has the tick stored as missed whose samples the Recorder
// refuses; false means that is to be tried again.
func (s *storing) recordRefused(ctx context.Context, e Entry) bool {
	if e.Declaration != nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	tick := e.Tick
	tick.Status, tick.StartedAt, tick.FinishedAt, tick.Polls = Missed, time.Time{}, time.Time{}, [outcomes]int{}
	err := s.recorder.RecordMissed(ctx, []Tick{tick})
	return err == nil || errors.Is(err, ErrSuperseded) || errors.Is(err, ErrRefused)
}

// setAside takes the entry in front out of the order: nothing can be done with
// it. An entry that cannot be read is empty.
func (s *storing) setAside(e Entry, cause string, why error) bool {
	gone, err := s.spool.SetAside(cause + ": " + why.Error())
	s.leftSpool(gone.Entries, func() { s.accounts.refusedFromSpool(gone.Polls) })
	if err != nil {
		s.warnNotYet(err)
		return false
	}
	s.tellRefused(e, cause+" and is set aside", why)
	return true
}

// storedFromSpool settles the entry in front, which the Recorder has taken.
func (s *storing) storedFromSpool(e Entry) {
	s.remove(e)
	s.leftSpool(1, func() { s.accounts.storedFromSpool(e.polls()) })
	s.tellStored(e)
}

// remove drops the entry in front of the spool.
func (s *storing) remove(e Entry) {
	if err := s.spool.Remove(); err != nil && s.warned.isDue("remove", s.clock.Now()) {
		s.log.Warn("the spool forgets late what is stored; that does no harm", "due_at", e.At(), "error", err)
	}
}

// leftSpool counts entries that are no longer in the spool.
func (s *storing) leftSpool(entries int, account func()) {
	s.mu.Lock()
	account()
	s.inSpool -= entries
	ends := s.spooling && s.inSpool == 0
	if ends {
		s.spooling = false
	}
	s.holdClock()
	s.mu.Unlock()
	if ends {
		s.log.Info("the spool is empty again: rounds go to the database")
	}
}

// warnNotYet says once a minute that the Recorder or the spool fails.
func (s *storing) warnNotYet(err error) {
	if !s.warned.isDue("not yet", s.clock.Now()) {
		return
	}
	size := s.spool.Size()
	s.log.Warn("spooled rounds are not stored yet; trying again", "rounds", size.Rounds, "polls", size.Polls,
		"from", size.Oldest, "bytes", size.Bytes, "error", err)
}
