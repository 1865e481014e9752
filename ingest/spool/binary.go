package spool

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"talktime/ingest"
)

// writer appends values to bytes.
type writer struct{ b []byte }

func (w *writer) int(n int64)   { w.b = binary.AppendVarint(w.b, n) }
func (w *writer) uint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) bool(is bool) {
	if is {
		w.b = append(w.b, 1)
	} else {
		w.b = append(w.b, 0)
	}
}

// since writes an instant by its distance to a known one.
func (w *writer) since(known, t time.Time) { w.int(t.UnixMilli() - known.UnixMilli()) }

// agents writes a set by its ranges' distances.
func (w *writer) agents(set ingest.AgentSet) {
	ranges := set.Ranges()
	w.uint(uint64(len(ranges)))
	last := ingest.AgentID(0)
	for _, r := range ranges {
		w.uint(uint64(r.First - last))
		w.uint(uint64(r.Last - r.First))
		last = r.Last
	}
}

// reader takes values from bytes. After its first error it returns zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = errors.New("it holds " + what)
	}
	r.b = nil
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail("too little")
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) int() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.fail("no number where one is expected")
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail("no number where one is expected")
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) int32() int32 {
	n := r.int()
	if n < math.MinInt32 || n > math.MaxInt32 {
		r.fail("a number too large")
		return 0
	}
	return int32(n)
}

// count reads how many things follow that take so many bytes each at least.
func (r *reader) count(atLeast int) int {
	n := r.uint()
	if n > uint64(len(r.b)/atLeast) {
		r.fail("more than its bytes")
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.count(1)
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) bool() bool { return r.byte() != 0 }

func (r *reader) oneOf(texts []string) string {
	n := r.uint()
	if n >= uint64(len(texts)) {
		r.fail("a text it does not have")
		return ""
	}
	return texts[n]
}

// maxDistance bounds how far an instant lies from a known one, in ms: 200 years.
const maxDistance = 200 * 366 * 24 * 60 * 60 * 1000

func (r *reader) instant(known time.Time) time.Time {
	n := r.int()
	if n < -maxDistance || n > maxDistance {
		r.fail("an instant out of reach")
		n = 0
	}
	return known.Add(time.Duration(n) * time.Millisecond).UTC()
}

func (r *reader) duration() time.Duration {
	n := r.uint()
	if n > maxDistance {
		r.fail("a time too long")
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

// agent reads an agent by its distance to another one.
func (r *reader) agent(other ingest.AgentID) ingest.AgentID {
	n := int64(other) + r.int()
	if n < 0 || n > int64(ingest.LimitMaxAgentID) {
		r.fail("an agent out of reach")
		return 0
	}
	return ingest.AgentID(n)
}

func (r *reader) agents() ingest.AgentSet {
	ranges := make([]ingest.AgentRange, r.count(2))
	last := uint64(0)
	for i := range ranges {
		first := last + r.uint()
		last = first + r.uint()
		if first > last || last > uint64(ingest.LimitMaxAgentID) {
			r.fail("agents out of reach")
			return ingest.AgentSet{}
		}
		ranges[i] = ingest.AgentRange{First: ingest.AgentID(first), Last: ingest.AgentID(last)}
	}
	return ingest.NewAgentSetOfRanges(ranges...)
}
