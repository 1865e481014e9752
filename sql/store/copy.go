package store

import (
	"encoding/binary"
	"time"

	"talktime/ingest"
)

// The binary COPY format: a header, rows of a field count and fields of a
// length and that many bytes, and a trailer. A length of -1 is NULL.
var copyHeader = append([]byte("PGCOPY\n\xff\r\n\x00"), 0, 0, 0, 0, 0, 0, 0, 0)

const (
	copyFields  = 7
	copyTrailer = 0xffff
	copyNull    = 0xffffffff
	copyRowSize = 78 // enough for nearly every row
)

// postgresEpoch is where Postgres counts timestamps from, in microseconds of
// the Unix epoch.
var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// encodeCopy writes samples as a binary COPY of talktime.samples.
func encodeCopy(samples []ingest.Sample) []byte {
	b := make([]byte, 0, len(copyHeader)+copyRowSize*len(samples)+2)
	b = append(b, copyHeader...)
	for i := range samples {
		b = appendCopyRow(b, &samples[i])
	}
	return binary.BigEndian.AppendUint16(b, copyTrailer)
}

func appendCopyRow(b []byte, s *ingest.Sample) []byte {
	b = binary.BigEndian.AppendUint16(b, copyFields)
	b = binary.BigEndian.AppendUint32(b, 8)
	b = binary.BigEndian.AppendUint64(b, uint64(s.PolledAt.UnixMicro()-postgresEpoch))
	b = appendCopyInt(b, int32(s.AgentID))
	b = appendCopyInt(b, int32(s.Period.Milliseconds()))
	if s.Outcome == ingest.Observed {
		b = appendCopyCode(b, s.Status.AgentState)
		b = binary.BigEndian.AppendUint32(b, 1)
		if s.Status.IsWorking {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	} else {
		b = binary.BigEndian.AppendUint32(b, copyNull)
		b = binary.BigEndian.AppendUint32(b, copyNull)
	}
	b = appendCopyText(b, s.Outcome.String())
	if s.Retcode == "" {
		return binary.BigEndian.AppendUint32(b, copyNull)
	}
	return appendCopyText(b, s.Retcode)
}

func appendCopyInt(b []byte, n int32) []byte {
	b = binary.BigEndian.AppendUint32(b, 4)
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// appendCopyCode writes an agentState, which is a smallint. One that does not fit
// is none that ingest.Status allows; Postgres refuses its four bytes then, rather
// than keeping another code.
func appendCopyCode(b []byte, code int32) []byte {
	if code != int32(int16(code)) {
		return appendCopyInt(b, code)
	}
	b = binary.BigEndian.AppendUint32(b, 2)
	return binary.BigEndian.AppendUint16(b, uint16(code))
}

func appendCopyText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
