package ingest

import "sync"

// PollCounts says where polls that were due have come to: Due = Stored +
// Spooled + Refused, always.
type PollCounts struct {
	Due     int64 // polls of the rounds taken, and of those found in the spool
	Stored  int64 // are with the Recorder
	Spooled int64 // wait in the spool
	Refused int64 // of rounds given up; an error was logged
}

// Accounts count the polls of a Recording. A round enters them the moment it is
// stored, spooled or refused; before, it is in flight. Several Recordings of one
// program, one after the other, may share them. The zero value is ready; its
// methods may be called from any goroutine.
type Accounts struct {
	mu    sync.Mutex
	polls PollCounts
}

// Polls returns the counts of one instant.
func (a *Accounts) Polls() PollCounts {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.polls
}

// open begins with what is in the spool, as far as it is not known already.
func (a *Accounts) open(inSpool int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.polls.Due += inSpool - a.polls.Spooled
	a.polls.Spooled = inSpool
}

func (a *Accounts) stored(n int64)           { a.move(n, PollCounts{Due: 1, Stored: 1}) }
func (a *Accounts) spooled(n int64)          { a.move(n, PollCounts{Due: 1, Spooled: 1}) }
func (a *Accounts) refused(n int64)          { a.move(n, PollCounts{Due: 1, Refused: 1}) }
func (a *Accounts) storedFromSpool(n int64)  { a.move(n, PollCounts{Spooled: -1, Stored: 1}) }
func (a *Accounts) refusedFromSpool(n int64) { a.move(n, PollCounts{Spooled: -1, Refused: 1}) }

// move books n polls, each as change says.
func (a *Accounts) move(n int64, change PollCounts) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.polls.Due += n * change.Due
	a.polls.Stored += n * change.Stored
	a.polls.Spooled += n * change.Spooled
	a.polls.Refused += n * change.Refused
}
