package spool

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"talktime/ingest"
)

// An entry is one byte that says its kind, its instant, its number of samples, 0
// for a declaration, then what encodeRound or encodeDeclaration writes, and the
// CRC-32C of all that. Numbers are varints, texts have their length in front,
// instants are epoch milliseconds or distances to another one in milliseconds.
const (
	kindRound       = 'R'
	kindDeclaration = 'D'
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode returns an entry as bytes. Its instants are in whole milliseconds, and
// a round's Polls are those of its samples.
func Encode(e ingest.Entry) []byte {
	w := &writer{b: make([]byte, 0, 256+8*len(e.Samples))}
	if e.Declaration != nil {
		w.b = append(w.b, kindDeclaration)
		w.int(e.Declaration.At.UnixMilli())
		w.uint(0)
		encodeDeclaration(w, *e.Declaration)
	} else {
		w.b = append(w.b, kindRound)
		w.int(e.Tick.DueAt.UnixMilli())
		w.uint(uint64(len(e.Samples)))
		encodeRound(w, e.Tick, e.Samples)
	}
	return binary.LittleEndian.AppendUint32(w.b, crc32.Checksum(w.b, castagnoli))
}

// Decode returns the entry that Encode wrote. An error wraps
// ingest.ErrUnreadable.
func Decode(b []byte) (ingest.Entry, error) {
	e, err := decode(b)
	if err != nil {
		return ingest.Entry{}, fmt.Errorf("%w spool entry: %w", ingest.ErrUnreadable, err)
	}
	return e, nil
}

func decode(b []byte) (e ingest.Entry, err error) {
	body, err := checked(b)
	if err != nil {
		return e, err
	}
	r := &reader{b: body}
	h := readHead(r)
	switch h.kind {
	case kindRound:
		e.Tick, e.Samples = decodeRound(r, h)
	case kindDeclaration:
		e.Declaration = decodeDeclaration(r, h)
	default:
		r.fail("an unknown kind")
	}
	if len(r.b) > 0 {
		r.fail("something behind its end")
	}
	return e, r.err
}

// checked returns an entry without its checksum.
func checked(b []byte) ([]byte, error) {
	end := len(b) - crc32.Size
	if end < 0 {
		return nil, fmt.Errorf("%d bytes are no entry", len(b))
	}
	if binary.LittleEndian.Uint32(b[end:]) != crc32.Checksum(b[:end], castagnoli) {
		return nil, fmt.Errorf("the checksum of %d bytes is wrong", len(b))
	}
	return b[:end], nil
}

// head is what every entry begins with.
type head struct {
	kind  byte
	at    time.Time
	polls int64 // samples
	size  int64 // of the whole entry, in bytes
}

// isRound reports whether the entry is one.
func (h head) isRound() bool { return h.kind == kindRound }

func readHead(r *reader) head {
	h := head{size: int64(len(r.b))}
	h.kind, h.at = r.byte(), r.instant(time.UnixMilli(0))
	if polls := r.uint(); polls <= math.MaxInt32 {
		h.polls = int64(polls)
	} else {
		r.fail("too many samples")
	}
	return h
}

// headOf reads an entry's head only, whatever follows.
func headOf(b []byte) head { return readHead(&reader{b: b}) }
