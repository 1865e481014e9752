package ccgateway

import (
	"errors"
	"fmt"

	"talktime/ingest"
)

// The retcodes that mean something of their own to a poll (page "Error codes").
// Every other one is a GatewayError.
const (
	retcodeOK           = "0"
	retcodeBadParameter = "000-002"
	retcodeNoRight      = "000-003"
	retcodeRepeatedCall = "000-007"
	retcodeNotSignedIn  = "100-006"
	retcodeSignedOut    = "100-008"
)

// MalformedRetcode stands for a retcode that is longer than 32 bytes or holds
// anything but printable ASCII, a space included. It replaces the whole text, so that a gateway
// which echoes a GUID (36 characters and more) there leaves no part of it in
// the database.
const MalformedRetcode = "malformed"

const maxRetcode = 32

// Reply is an answer to getAgentStatus (page "Getting Agent Status", Table 3).
// Its text field, message or msg by edition, is read over: the retcode says
// what happened.
type Reply struct {
	// Retcode is the gateway's code, never empty; "0" is success.
	Retcode string
	// Status is what result says. It is meaningful if HasStatus is true, which
	// it always is when Retcode is "0".
	Status    ingest.Status
	HasStatus bool
}

// Decode reads a reply. It does not keep body, and it does not allocate when
// the retcode is "0".
//
// result may be an object, an array of one object, "" or any other value, or
// missing; retcode a string or a number. Keys are case-sensitive, of equal
// keys the last counts, unknown ones are skipped whatever their value. Refused
// are: anything that is not exactly one JSON object, nesting deeper than 32, a
// reply without a retcode, and a success without a whole agentState (int16)
// and isWorking. The error names the byte where reading stopped and never
// quotes the body.
func Decode(body []byte) (Reply, error) {
	s := scanner{in: body}
	reply := s.reply()
	switch {
	case s.bad != noProblem:
		return Reply{}, fmt.Errorf("reply byte %d: %s", s.at, s.bad)
	case reply.Retcode == "":
		return Reply{}, errors.New("reply has no retcode")
	case reply.Retcode == retcodeOK && !reply.HasStatus:
		return Reply{}, errors.New("reply has retcode 0 and no usable result")
	}
	return reply, nil
}

func (s *scanner) reply() (r Reply) {
	if c := s.peek(); c != '{' && c != 0 {
		s.fail(badObject)
	}
	var buf [maxRetcode + 1]byte
	for more := s.first('{', '}'); more; more = s.next('}') {
		switch string(s.key(buf[:])) {
		case "retcode":
			r.Retcode = s.retcode(buf[:])
		case "result":
			r.Status, r.HasStatus = s.result()
		default:
			s.skip(1)
		}
	}
	if s.peek(); s.at < len(s.in) {
		s.fail(badTail)
	}
	return r
}

// retcode reads a string or a number; any other value is no retcode.
func (s *scanner) retcode(buf []byte) string {
	switch c := s.peek(); {
	case c == '"':
		return retcodeOf(s.text(buf))
	case c == '-' || '0' <= c && c <= '9':
		return retcodeOf(s.number())
	}
	s.skip(1)
	return ""
}

// retcodeOf makes the text that is stored; the codes met every day without an
// allocation.
func retcodeOf(code []byte) string {
	switch string(code) {
	case retcodeOK:
		return retcodeOK
	case retcodeNotSignedIn:
		return retcodeNotSignedIn
	case retcodeNoRight:
		return retcodeNoRight
	}
	if len(code) > maxRetcode {
		return MalformedRetcode
	}
	for _, c := range code {
		if c <= ' ' || c > '~' {
			return MalformedRetcode
		}
	}
	return string(code)
}

// result reads an object, or an array of exactly one; any other value holds no
// status.
func (s *scanner) result() (status ingest.Status, usable bool) {
	switch s.peek() {
	case '{':
		return s.status(1)
	case '[':
		elements := 0
		for more := s.first('[', ']'); more; more = s.next(']') {
			if elements++; elements == 1 && s.peek() == '{' {
				status, usable = s.status(2)
				continue
			}
			s.skip(2)
		}
		return status, usable && elements == 1
	}
	s.skip(1)
	return ingest.Status{}, false
}

// status reads the agent's state (page "Getting Agent Status", Table 4) inside
// an object or array of the given depth. It is usable when both fields are
// there in their documented types.
func (s *scanner) status(depth int) (status ingest.Status, usable bool) {
	var hasState, hasWorking bool
	var buf [maxRetcode]byte
	for more := s.first('{', '}'); more; more = s.next('}') {
		switch string(s.key(buf[:])) {
		case "agentState":
			status.AgentState, hasState = s.integer(depth + 1)
		case "isWorking":
			status.IsWorking, hasWorking = s.boolean(depth + 1)
		default:
			s.skip(depth + 1)
		}
	}
	return status, hasState && hasWorking
}

// integer reads an int16; a fraction, an exponent, a larger number or any
// other value is none.
func (s *scanner) integer(depth int) (n int32, ok bool) {
	if c := s.peek(); c != '-' && (c < '0' || '9' < c) {
		s.skip(depth)
		return 0, false
	}
	digits, sign := s.number(), int64(1)
	if len(digits) > 0 && digits[0] == '-' {
		digits, sign = digits[1:], -1
	}
	if len(digits) > 5 { // an int16 has five at most
		return 0, false
	}
	var value int64
	for _, c := range digits {
		if c < '0' || '9' < c {
			return 0, false
		}
		value = value*10 + int64(c-'0')
	}
	value *= sign
	return int32(value), value == int64(int16(value))
}

func (s *scanner) boolean(depth int) (value, ok bool) {
	c := s.peek()
	s.skip(depth)
	return c == 't', c == 't' || c == 'f'
}
