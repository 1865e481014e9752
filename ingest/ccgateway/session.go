package ccgateway

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"talktime/ingest"
)

// sessions is what the client knows of each agent's session at the gateway:
// whether a poll of it is out, and the cookies the gateway has set, by which
// it keeps a session on one of its nodes. Agents with neither take no memory.
type sessions struct {
	mu      sync.Mutex
	out     map[ingest.AgentID]chan struct{} // closed when the poll is over
	cookies map[ingest.AgentID]cookies
}

// cookies belong to one GUID and are dropped with it.
type cookies struct {
	of   *guid
	kept []cookie
}

type cookie struct {
	name   string
	value  ingest.Secret
	quoted bool
}

func (c cookie) bytes() int { return len(c.name) + len(c.value.Reveal()) }

// addTo sends the cookie with a request.
func (c cookie) addTo(r *http.Request) {
	r.AddCookie(&http.Cookie{Name: c.name, Value: c.value.Reveal(), Quoted: c.quoted})
}

// Bounds of what one agent's session keeps. A gateway needs one or two cookies.
const (
	maxCookies     = 8
	maxCookieBytes = 4096
)

func newSessions() *sessions {
	return &sessions{out: map[ingest.AgentID]chan struct{}{}, cookies: map[ingest.AgentID]cookies{}}
}

// enter waits until no other poll of the agent is out and makes the caller's
// the one; the gateway answers 000-007 to a call repeated before the first was
// answered. It returns the context's error if that ends first. After nil the
// caller must leave.
func (s *sessions) enter(ctx context.Context, agent ingest.AgentID) error {
	for {
		s.mu.Lock()
		other, busy := s.out[agent]
		if !busy {
			s.out[agent] = make(chan struct{})
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *sessions) leave(agent ingest.AgentID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.out[agent])
	delete(s.out, agent)
}

// cookiesOf returns the cookies set under this very GUID; those of an earlier
// one are dropped.
func (s *sessions) cookiesOf(agent ingest.AgentID, g *guid) []cookie {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, found := s.cookies[agent]
	if found && c.of != g {
		delete(s.cookies, agent)
		return nil
	}
	return c.kept
}

// keep takes over the cookies of a reply: the newest of a name counts, one that
// has expired is removed. There is one host and one path, so a cookie's domain
// and path are not looked at; nor is a date of expiry to come, for a GUID
// rarely outlives it. What exceeds the bounds is not kept.
func (s *sessions) keep(agent ingest.AgentID, g *guid, set []*http.Cookie, now time.Time) {
	kept := slices.Clone(s.cookiesOf(agent, g))
	for _, sent := range set {
		c := cookie{sent.Name, ingest.NewSecret(sent.Value), sent.Quoted}
		kept = slices.DeleteFunc(kept, func(k cookie) bool { return k.name == c.name })
		expired := sent.MaxAge < 0 || !sent.Expires.IsZero() && sent.Expires.Before(now)
		if !expired && len(kept) < maxCookies && cookieBytes(kept)+c.bytes() <= maxCookieBytes {
			kept = append(kept, c)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(kept) == 0 {
		delete(s.cookies, agent)
		return
	}
	s.cookies[agent] = cookies{of: g, kept: kept}
}

func cookieBytes(of []cookie) (n int) {
	for _, c := range of {
		n += c.bytes()
	}
	return n
}
