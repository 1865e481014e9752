package gatewaysim

import (
	"iter"
	"sync/atomic"
	"time"

	"talktime/ingest"
)

// Play is what the scripts of one contact centre share. Equal plays have equal
// scripts, in every process and release.
type Play struct {
	Seed  uint64
	Zone  *time.Location // whose days the agents live by; not nil
	Shift Shift
}

// Script is the life of one agent: where they truly are at any instant of any
// day. It is a pure function of its play and the agent, safe for concurrent
// use, and keeps only the day asked for last (about 2 KB).
type Script struct {
	play   Play
	agent  ingest.AgentID
	habits habits
	latest atomic.Pointer[day]
}

// Script returns the script of an agent.
func (p Play) Script(agent ingest.AgentID) *Script {
	return &Script{play: p, agent: agent, habits: newHabits(p.Seed, uint64(agent), p.Shift)}
}

// Span is a stretch of time in one status, half-open, its instants UTC in whole
// milliseconds. Signed out is the status (2, false), and nothing else is.
type Span struct {
	From, To time.Time
	Status   ingest.Status
}

// At says where the agent is at an instant, and whether they are signed in.
// Signed out is the status (2, false).
func (s *Script) At(t time.Time) (status ingest.Status, signedIn bool) {
	p, _ := s.at(t.UnixMilli())
	return statuses[p], p != signedOut
}

// at returns the pair in force and when the agent moved to it, as far as their
// day tells: since is 1970 for the pair a day begins with.
func (s *Script) at(ms int64) (p pair, since int64) {
	d := s.dayOf(ms)
	m := d.moves[d.find(ms)]
	if m.at() == 0 {
		return m.pair(), 0
	}
	return m.pair(), d.start + m.at()
}

// Spans yields the spans that tile [from, to), both truncated to the
// millisecond, in ascending order: each begins where the one before it ends,
// with another status. The first and the last are cut at from and to. Nothing
// is yielded where to is not after from.
func (s *Script) Spans(from, to time.Time) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for start, run := range s.runs(from.UnixMilli(), to.UnixMilli()) {
			if !yield(Span{time.UnixMilli(start).UTC(), time.UnixMilli(run.end).UTC(), statuses[run.pair]}) {
				return
			}
		}
	}
}

// run is the pair of a stretch of time and its end.
type run struct {
	end  int64
	pair pair
}

// runs is Spans in Unix milliseconds: the start of each run, and the run.
func (s *Script) runs(from, to int64) iter.Seq2[int64, run] {
	return func(yield func(int64, run) bool) {
		if from >= to {
			return
		}
		start, open := from, run{end: from, pair: pairs}
		for open.end < to {
			d := s.dayOf(open.end)
			for i := d.find(open.end); i < len(d.moves) && open.end < to; i++ {
				if p := d.moves[i].pair(); p != open.pair {
					if open.end > start && !yield(start, open) {
						return
					}
					start, open.pair = open.end, p
				}
				open.end = d.end
				if i+1 < len(d.moves) {
					open.end = d.start + d.moves[i+1].at()
				}
				open.end = min(open.end, to)
			}
		}
		yield(start, open)
	}
}

// dayOf returns the agent's day that holds an instant.
func (s *Script) dayOf(ms int64) *day {
	if d := s.latest.Load(); d.holds(ms) {
		return d
	}
	y, m, dom := time.UnixMilli(ms).In(s.play.Zone).Date()
	n := time.Date(y, m, dom, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
	for ms < s.startOf(n) {
		n--
	}
	for ms >= s.startOf(n+1) {
		n++
	}
	d := s.write(n)
	s.latest.Store(d)
	return d
}

const secondsPerDay = 24 * 60 * 60

// startOf returns the instant day n (days since 1970-01-01) starts at: half a
// day before local noon, which no zone ever skips or repeats, as some do
// midnight, and the agent's stagger later. Where the clocks change that night
// the start is an hour off local midnight, and the day before it is 23 or 25
// hours long.
func (s *Script) startOf(n int64) int64 {
	y, m, d := time.Unix(n*secondsPerDay, 0).UTC().Date()
	noon := time.Date(y, m, d, 12, 0, 0, 0, s.play.Zone)
	return noon.UnixMilli() - 12*hour + s.habits.stagger
}

// write makes day n.
func (s *Script) write(n int64) *day {
	start, end := s.startOf(n), s.startOf(n+1)
	diary := diary{
		habits: s.habits,
		random: newStream(s.play.Seed, forDay, uint64(s.agent), uint64(n)),
		limit:  end - start,
		moves:  make([]move, 0, 512),
	}
	if s.play.Shift == ShiftAlways {
		diary.writeThreeShifts()
	} else {
		diary.writeOneShift(s.isLeftSignedIn(n-1), s.isLeftSignedIn(n))
	}
	return &day{start: start, end: end, moves: append([]move(nil), diary.moves...)}
}

// isLeftSignedIn reports whether the agent forgets to sign out at the end of
// day n.
func (s *Script) isLeftSignedIn(n int64) bool {
	random := newStream(s.play.Seed, forNight, uint64(s.agent), uint64(n))
	return s.habits.oddity == leftSignedIn && random.chance(0.5)
}
