package ccgateway

import "strings"

// maxDepth is how deep objects and arrays may nest in a reply. The documented
// reply has two levels.
const maxDepth = 32

// problem is what is wrong with a JSON text. The texts are fixed, so that
// nothing a gateway sent can get into an error.
type problem string

const (
	noProblem    problem = ""
	badDepth     problem = "nested too deep"
	badEnd       problem = "cut off"
	badEscape    problem = "bad escape in a string"
	badControl   problem = "control character in a string"
	badNumber    problem = "bad number"
	badValue     problem = "not a JSON value"
	badObject    problem = "not a JSON object"
	badKey       problem = "no key where one must be"
	badColon     problem = "no colon after a key"
	badSeparator problem = "no comma between values"
	badTail      problem = "more after the reply's end"
)

// scanner walks over one JSON text. The first problem sticks: from then on
// every step fails, so that callers check once, at the end.
type scanner struct {
	in  []byte
	at  int
	bad problem
}

func (s *scanner) fail(p problem) {
	if s.bad == noProblem {
		s.bad = p
	}
}

// peek skips white space and returns the next byte, 0 at the end or after a
// problem.
func (s *scanner) peek() byte {
	if s.bad != noProblem {
		return 0
	}
	for ; s.at < len(s.in); s.at++ {
		switch c := s.in[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// expect moves past c, white space before it allowed.
func (s *scanner) expect(c byte, otherwise problem) {
	switch {
	case s.peek() == c && c != 0:
		s.at++
	case s.at == len(s.in):
		s.fail(badEnd)
	default:
		s.fail(otherwise)
	}
}

// first enters an object or array and reports whether it has an element.
func (s *scanner) first(opening, closing byte) bool {
	s.expect(opening, badValue)
	if s.peek() == closing {
		s.at++
		return false
	}
	return s.bad == noProblem
}

// next reports whether another element follows the one just read, and leaves
// the object or array if none does.
func (s *scanner) next(closing byte) bool {
	if s.peek() == closing && s.bad == noProblem {
		s.at++
		return false
	}
	s.expect(',', badSeparator)
	return s.bad == noProblem
}

// key reads an object's key and the colon after it.
func (s *scanner) key(buf []byte) []byte {
	if c := s.peek(); c != '"' && c != 0 {
		s.fail(badKey)
	}
	key := s.text(buf)
	s.expect(':', badColon)
	return key
}

// text reads a string. A string without escapes is returned as it stands in
// the input; otherwise it is written to buf and cut there, and characters
// beyond ASCII that were escaped stand as 0xff, for no word looked for here
// holds any.
func (s *scanner) text(buf []byte) []byte {
	s.expect('"', badValue)
	if s.bad != noProblem {
		return nil
	}
	from := s.at
	escaped := false
	for s.at < len(s.in) {
		switch c := s.in[s.at]; {
		case c == '"':
			raw := s.in[from:s.at]
			s.at++
			if escaped {
				return unescape(buf, raw)
			}
			return raw
		case c == '\\':
			escaped = true
			n := escapeLen(s.in[s.at:])
			if n == 0 {
				s.fail(badEscape)
				return nil
			}
			s.at += n
		case c < ' ':
			s.fail(badControl)
			return nil
		default:
			s.at++
		}
	}
	s.fail(badEnd)
	return nil
}

// escapeLen is the length of the escape at the start of b, 0 if it is none.
func escapeLen(b []byte) int {
	switch {
	case len(b) < 2:
		return 0
	case b[1] != 'u':
		if strings.IndexByte(`"\/bfnrt`, b[1]) < 0 {
			return 0
		}
		return 2
	case len(b) < 6:
		return 0
	}
	for _, c := range b[2:6] {
		if hexDigit(c) < 0 {
			return 0
		}
	}
	return 6
}

// unescape writes a string whose escapes are known to be well formed to buf,
// as far as its capacity goes.
func unescape(buf, raw []byte) []byte {
	buf = buf[:0]
	for i := 0; i < len(raw) && len(buf) < cap(buf); {
		c := raw[i]
		if c != '\\' {
			buf = append(buf, c)
			i++
			continue
		}
		n := escapeLen(raw[i:])
		buf = append(buf, escapedByte(raw[i:i+n]))
		i += n
	}
	return buf
}

// escapedByte is the ASCII character of one escape, 0xff for any other.
func escapedByte(escape []byte) byte {
	switch escape[1] {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'u':
		r := 0
		for _, c := range escape[2:] {
			r = r<<4 | hexDigit(c)
		}
		if r >= 0x80 {
			return 0xff
		}
		return byte(r)
	}
	return escape[1]
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// number reads a number and returns it as it is written.
func (s *scanner) number() []byte {
	s.peek()
	from := s.at
	s.accept("-")
	if !s.accept("0") && s.digits() == 0 {
		s.fail(badNumber)
	}
	if s.accept(".") && s.digits() == 0 {
		s.fail(badNumber)
	}
	if s.accept("eE") {
		s.accept("+-")
		if s.digits() == 0 {
			s.fail(badNumber)
		}
	}
	return s.in[from:s.at]
}

// accept moves past one of the given characters if it is next.
func (s *scanner) accept(oneOf string) bool {
	if s.at == len(s.in) {
		return false
	}
	for i := range len(oneOf) {
		if s.in[s.at] == oneOf[i] {
			s.at++
			return true
		}
	}
	return false
}

func (s *scanner) digits() (n int) {
	for ; s.at < len(s.in) && '0' <= s.in[s.at] && s.in[s.at] <= '9'; n++ {
		s.at++
	}
	return n
}

// word moves past true, false or null.
func (s *scanner) word(w string) {
	if s.at+len(w) > len(s.in) || string(s.in[s.at:s.at+len(w)]) != w {
		s.fail(badValue)
		return
	}
	s.at += len(w)
}

// skip moves past any value; depth is that of the object or array it is in.
func (s *scanner) skip(depth int) {
	switch c := s.peek(); {
	case c == '{':
		s.enter(depth)
		var buf [1]byte
		for more := s.first('{', '}'); more; more = s.next('}') {
			s.key(buf[:])
			s.skip(depth + 1)
		}
	case c == '[':
		s.enter(depth)
		for more := s.first('[', ']'); more; more = s.next(']') {
			s.skip(depth + 1)
		}
	case c == '"':
		var buf [1]byte
		s.text(buf[:])
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	case c == '-' || '0' <= c && c <= '9':
		s.number()
	case s.at == len(s.in):
		s.fail(badEnd)
	default:
		s.fail(badValue)
	}
}

// enter refuses an object or array below maxDepth.
func (s *scanner) enter(depth int) {
	if depth >= maxDepth {
		s.fail(badDepth)
	}
}
