package gatewaysim

import "sort"

// move is an instant of a day and the pair an agent is in from there: the
// milliseconds since the day's start above, the pair in the low four bits. A
// day is some 450 of them, and 60,000 agents have one each.
type move uint32

const pairBits = 4

func newMove(at int64, p pair) move { return move(at<<pairBits | int64(p)) }

func (m move) at() int64  { return int64(m >> pairBits) }
func (m move) pair() pair { return pair(m & (1<<pairBits - 1)) }

// day is what one agent does between two instants, in Unix milliseconds. The
// first move is at 0; neighbours differ in their pair.
type day struct {
	start, end int64
	moves      []move
}

// holds reports whether the instant lies in the day.
func (d *day) holds(ms int64) bool { return d != nil && d.start <= ms && ms < d.end }

// find returns the index of the move in force at an instant of the day.
func (d *day) find(ms int64) int {
	at := ms - d.start
	return sort.Search(len(d.moves), func(i int) bool { return d.moves[i].at() > at }) - 1
}
