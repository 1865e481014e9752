package reports

import (
	"iter"
	"time"

	"talktime/ingest"
)

// SessionGap is the longest unobserved hole a session goes over (metrics.md §7).
const SessionGap = 10 * time.Minute

// longestQuiet is how long staffed time without talk may last over the end of a
// business day before it is taken for a forgotten sign-out (metrics.md §7).
const longestQuiet = 4 * time.Hour

// EndKind says how a session ended.
type EndKind int

// The ways a session ends.
const (
	EndObserved EndKind = iota // the agent was seen signed out
	EndUnknown                 // nobody looked for longer than SessionGap
	EndOpen                    // it had not ended when the last quarter-hour closed
)

// String returns the word of machine formats.
func (k EndKind) String() string { return [...]string{"observed", "unknown", "open"}[k] }

// Session is a run of staffed time, holes of up to SessionGap that were not
// observed included (metrics.md §7).
type Session struct {
	Agent        ingest.AgentID
	FirstStaffed time.Time
	LastStaffed  time.Time // not included
	Ends                   // the samples around both
	EndKind      EndKind
	StaffedMS    int64 // of it observed
	TalkMS       int64
	// SuspectedLeftSignedIn is set where more than four hours without talk
	// reach over the end of a business day. Nothing is left out for it.
	SuspectedLeftSignedIn bool
}

// UnobservedMS returns the holes the session goes over.
func (s *Session) UnobservedMS() int64 {
	return s.LastStaffed.Sub(s.FirstStaffed).Milliseconds() - s.StaffedMS
}

// sessionRules is what joining episodes to sessions depends on.
type sessionRules struct {
	closed   time.Time
	calendar Calendar // whose days end business days
}

// sessions joins the staffed ones of episodes, ordered by agent and time.
// Episodes of sign-out break a session; those not observed are passed over.
func (r sessionRules) sessions(episodes iter.Seq2[Episode, error]) iter.Seq2[Session, error] {
	return func(yield func(Session, error) bool) {
		var open sitting
		for e, err := range episodes {
			switch {
			case err != nil:
				yield(Session{}, err)
				return
			case !e.IsObserved():
				continue
			}
			if !open.goesOn(&e) {
				if open.Agent != 0 && !yield(r.end(&open), nil) {
					return
				}
				open = sitting{}
			}
			if e.Measure != SignedOut {
				r.add(&open, &e)
			}
		}
		if open.Agent != 0 {
			yield(r.end(&open), nil)
		}
	}
}

// sitting is a session that is not ended.
type sitting struct {
	Session
	quietFrom time.Time // since when nobody talked
}

// goesOn reports whether an episode is part of the session.
func (s *sitting) goesOn(e *Episode) bool {
	return s.Agent == e.Agent && e.Measure != SignedOut && e.From.Sub(s.LastStaffed) <= SessionGap
}

func (r sessionRules) add(s *sitting, e *Episode) {
	if s.Agent == 0 {
		s.Agent, s.FirstStaffed, s.LastStaffed, s.quietFrom = e.Agent, e.From, e.From, e.From
		s.StartedAfter, s.StartedBefore = e.StartedAfter, e.StartedBefore
	}
	ms := e.To.Sub(e.From).Milliseconds()
	s.StaffedMS += ms
	if e.Measure == Talk {
		s.TalkMS += ms
		r.endQuiet(s, e.From)
		s.quietFrom = e.To
	}
	s.LastStaffed = e.To
	s.EndedAfter, s.EndedBefore = e.EndedAfter, e.EndedBefore
}

// endQuiet ends a time without talk and judges it.
func (r sessionRules) endQuiet(s *sitting, at time.Time) {
	if at.Sub(s.quietFrom) > longestQuiet && r.calendar.begin(r.calendar.Date(s.quietFrom).AddDate(0, 0, 1)).Before(at) {
		s.SuspectedLeftSignedIn = true
	}
}

func (r sessionRules) end(s *sitting) Session {
	r.endQuiet(s, s.LastStaffed)
	switch {
	case s.LastStaffed.Equal(r.closed):
		s.EndKind = EndOpen // even if the next quarter-hour begins with another state
	case !s.EndedBefore.IsZero():
		s.EndKind = EndObserved
	case r.closed.Sub(s.LastStaffed) <= SessionGap:
		s.EndKind = EndOpen
	default:
		s.EndKind = EndUnknown
	}
	return s.Session
}

// touches reports whether the session shares time with a span.
func (s *Session) touches(span Span) bool {
	return s.FirstStaffed.Before(span.To) && span.From.Before(s.LastStaffed)
}
