package ingest

import "sync"

// PollCounts says where polls that were due have come to: Due = Stored +
// Spooled + Refused, always.
type PollCounts struct {
	Due     int64 // polls of the rounds taken, and of those found in the spool
	Stored  int64 // are with the Recorder
	Spooled int64 // wait in the spool
	Refused int64 // of rounds that neither took; an error was logged
}

// Accounts count the polls of a Recording. A round enters them the moment it is
// stored, spooled or refused; before, it is in flight. The zero value is ready;
// its methods may be called from any goroutine.
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
