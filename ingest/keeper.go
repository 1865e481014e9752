package ingest

import (
	"errors"
	"fmt"
	"time"
)

// patience is how long a round waits for the Recorder before it goes to the
// spool. The call goes on: it may still store the round.
const patience = time.Second

// keep takes what waits in memory, in order, until closed.
func (s *storing) keep() {
	for w := s.first(); w != nil; w = s.first() {
		s.place(w)
		s.mu.Lock()
		s.queue = s.queue[1:]
		s.kept -= len(w.Samples)
		s.holdClock()
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keeperRuns = false
	s.changed.Broadcast()
}

// first waits for the oldest entry in memory; nil means there will be none.
func (s *storing) first() *waiting {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 {
		if s.closing {
			return nil
		}
		s.changed.Wait()
	}
	return s.queue[0]
}

// errNotYet is why a round goes to the spool behind others.
var errNotYet = errors.New("earlier rounds are not stored yet")

// place brings an entry to the Recorder or to the spool, or refuses it; before
// it a declaration that neither took, unless this is a newer one.
func (s *storing) place(w *waiting) {
	owed := s.owed
	s.owed = nil
	if owed != nil && w.Declaration == nil {
		s.placeNow(newWaiting(Entry{Declaration: owed}, Schedule{}))
	}
	s.placeNow(w)
}

func (s *storing) placeNow(w *waiting) {
	why, inFlight := errNotYet, false
	if s.offer(w) {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case why = <-w.tried:
		case <-timer.C:
			why, inFlight = fmt.Errorf("no answer within %s", patience), !s.withdraw(w)
		}
		if !inFlight && s.isSettled(w, why) {
			return
		}
	}
	err := s.spool.Append(w.Entry)
	switch {
	case err == nil:
		s.spooled(w, why)
	case inFlight && s.isSettled(w, <-w.tried): // nothing else is left to do
	case w.Declaration != nil:
		s.owed = w.Declaration
	default:
		s.refuse(w, spoolCause(err), fmt.Errorf("%w; not stored: %w", err, why))
	}
}

// spoolCause words why the spool does not take a round.
func spoolCause(err error) string {
	if errors.Is(err, ErrSpoolFull) {
		return "the spool is full"
	}
	return "the spool fails"
}

// offer hands an entry to the storer past an empty spool.
func (s *storing) offer(w *waiting) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inSpool > 0 || !s.storerRuns {
		return false
	}
	s.offered = w
	s.changed.Broadcast()
	return true
}

// withdraw takes an offer back; false means the storer is at work on it.
func (s *storing) withdraw(w *waiting) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.offered != w {
		return false
	}
	s.offered = nil
	return true
}

// isSettled does what follows from an offer's result; false means that the
// entry is to go to the spool.
func (s *storing) isSettled(w *waiting, result error) bool {
	switch {
	case result == nil:
		s.accounts.stored(w.polls())
		s.tellStored(w.Entry)
	case errors.Is(result, ErrSuperseded):
		s.accounts.refused(w.polls())
		s.tellRefused(w.Entry, causeSuperseded, result)
	default:
		return false
	}
	return true
}

// spooled settles an entry that the spool has, unless the Recorder has taken it
// meanwhile after all.
func (s *storing) spooled(w *waiting, why error) {
	s.mu.Lock()
	if w.stored {
		s.mu.Unlock()
		s.remove(w.Entry)
		s.isSettled(w, nil)
		return
	}
	begins := !s.spooling
	s.spooling, w.spooled = true, true
	s.accounts.spooled(w.polls())
	s.inSpool++
	s.changed.Broadcast()
	s.mu.Unlock()
	if begins {
		s.log.Warn("rounds go to the spool until the database takes them", "due_at", w.At(), "error", why)
	}
	if w.Declaration == nil {
		s.log.Debug("round spooled", w.words()...)
	}
}
