package ingest

import (
	"errors"
	"time"
)

// ErrSpoolFull is wrapped by Spool.Append where the entry would pass one of the
// spool's bounds.
var ErrSpoolFull = errors.New("the spool is full")

// Spool keeps what the Recorder does not take yet: entries in the order in
// which they were appended. Its methods may be called from any goroutine.
type Spool interface {
	// Append keeps an entry behind all others. When it returns nil the entry
	// outlives the program and, where the spool is on disk, the machine's power.
	// What was appended is given up by nobody but its reader: a bound that is
	// reached refuses the new entry, with an error that wraps ErrSpoolFull.
	// Other errors say that it could not be kept; it may be appended again.
	Append(Entry) error
	// Oldest returns the entry in front; false means there is none. An entry
	// that cannot be read is an error until it is set aside.
	Oldest() (Entry, bool, error)
	// Remove drops the entry in front, which the Recorder has taken. After a
	// crash it may be there again: it is recorded twice without harm.
	Remove() error
	// SetAside takes the entry in front, which nothing can be done with, out of
	// the order and keeps it, with the reason, for people to look at.
	SetAside(reason string) error
	// Size says how much waits. It costs nothing.
	Size() SpoolSize
}

// SpoolSize is how much waits in a spool; what is set aside does not count.
type SpoolSize struct {
	Entries int       // rounds and declarations
	Rounds  int       // of them
	Polls   int64     // samples of those rounds
	Bytes   int64     // taken by the entries
	Oldest  time.Time // the instant of the one in front; zero where there is none
}

// Entry is a declaration or a round as a spool keeps it.
type Entry struct {
	Declaration *Declaration // nil: a round
	Tick        Tick
	Samples     []Sample
}

// At returns the due instant of a round, the instant a declaration is in force
// from.
func (e Entry) At() time.Time {
	if e.Declaration != nil {
		return e.Declaration.At
	}
	return e.Tick.DueAt
}

// Declaration says which schedules are in force from At on.
type Declaration struct {
	Epoch     int64 // see Tick
	At        time.Time
	Schedules []Schedule
}
