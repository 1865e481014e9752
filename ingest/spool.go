package ingest

import (
	"errors"
	"time"
)

// ErrSpoolFull is wrapped by Spool.Append where the entry would pass one of the
// spool's bounds.
var ErrSpoolFull = errors.New("the spool is full")

// ErrUnreadable is wrapped by Spool.Oldest where reading again cannot help.
var ErrUnreadable = errors.New("unreadable")

// Spool keeps what the Recorder does not take yet: entries in the order in
// which they were appended. Its methods may be called from any goroutine; one
// Recording at a time appends and removes.
type Spool interface {
	// Append keeps an entry behind all others. When it returns nil the entry
	// outlives the program and, where the spool is on disk, the machine's power.
	// What was appended stays: a bound that is reached refuses the new entry,
	// with an error that wraps ErrSpoolFull. Other errors, such as those of a
	// disk that is full, say as well that the entry is not kept.
	Append(Entry) error
	// Oldest returns the entry in front; false means there is none. One that can
	// never be read is an error that wraps ErrUnreadable until it is set aside.
	Oldest() (Entry, bool, error)
	// Remove drops the entry in front, which the Recorder has taken. Whatever
	// it returns, the next one is in front; after an error or a crash the entry
	// may be there again in a later program, which does no harm.
	Remove() error
	// SetAside takes the entry in front, which nothing can be done with, out of
	// the order and keeps it, with the reason, for people to look at. It tells
	// what is no longer in the order: more than the entry where damage took
	// others with it.
	SetAside(reason string) (gone SpoolSize, err error)
	// Size says how much waits. It may be called often.
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

// polls returns how many samples a round has.
func (e Entry) polls() int64 { return int64(len(e.Samples)) }

// words are what log lines say of a round.
func (e Entry) words() []any {
	return []any{"schedule", e.Tick.Schedule, "due_at", e.Tick.DueAt, "samples", len(e.Samples)}
}

// Declaration says which schedules are in force from At on.
type Declaration struct {
	Epoch     int64 // see Tick
	At        time.Time
	Schedules []Schedule
}
