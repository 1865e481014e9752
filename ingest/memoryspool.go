package ingest

import (
	"fmt"
	"slices"
	"sync"
)

// memorySpool bounds the spool of a Recording that is given none: samples.
const memorySpool = 500_000 // about 40 MB

// MemorySpool is a Spool that ends with the program: for the demo and for tests.
// What is set aside is gone.
type MemorySpool struct {
	samples int

	mu      sync.Mutex
	entries []Entry
	polls   int64
}

// NewMemorySpool returns an empty spool for so many samples; a single round
// always has room.
func NewMemorySpool(samples int) *MemorySpool { return &MemorySpool{samples: samples} }

// Append implements Spool. The entry is kept as it is: nobody may change it.
func (m *MemorySpool) Append(e Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.polls > 0 && m.polls+e.polls() > int64(m.samples) {
		return fmt.Errorf("%w: there is room for %d samples", ErrSpoolFull, m.samples)
	}
	m.entries = append(m.entries, e)
	m.polls += e.polls()
	return nil
}

// Oldest implements Spool.
func (m *MemorySpool) Oldest() (Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.entries) == 0 {
		return Entry{}, false, nil
	}
	return m.entries[0], true, nil
}

// Remove implements Spool.
func (m *MemorySpool) Remove() error {
	m.removeFront()
	return nil
}

// SetAside implements Spool.
func (m *MemorySpool) SetAside(string) (SpoolSize, error) { return m.removeFront(), nil }

func (m *MemorySpool) removeFront() (gone SpoolSize) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.entries) == 0 {
		return gone
	}
	gone = sizeOf(m.entries[0])
	m.polls -= gone.Polls
	m.entries = slices.Delete(m.entries, 0, 1)
	return gone
}

// sizeOf returns what an entry adds to a spool's size.
func sizeOf(e Entry) SpoolSize {
	size := SpoolSize{Entries: 1, Polls: e.polls(), Bytes: e.polls() * sampleBytes}
	if e.Declaration == nil {
		size.Rounds = 1
	}
	return size
}

// sampleBytes is about what a sample takes in memory.
const sampleBytes = 80

// Size implements Spool; its bytes are a rough figure.
func (m *MemorySpool) Size() SpoolSize {
	m.mu.Lock()
	defer m.mu.Unlock()
	var size SpoolSize
	for _, e := range m.entries {
		one := sizeOf(e)
		size.Entries += one.Entries
		size.Rounds += one.Rounds
		size.Polls += one.Polls
		size.Bytes += one.Bytes
	}
	if len(m.entries) > 0 {
		size.Oldest = m.entries[0].At()
	}
	return size
}
