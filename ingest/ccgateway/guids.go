package ccgateway

import (
	"time"

	"talktime/ingest"
)

// GUIDs is what may be known of the GUIDs held: whose they are and how old.
type GUIDs struct {
	Agents         ingest.AgentSet
	Oldest, Newest time.Time // when the first and the last of them appeared; zero where none is held
	// Expired counts those too old for the gateway to know them still, by
	// AUTHMODE; see AuthModeDynamic.
	Expired int
}

// GUIDs tells of the GUIDs held as they were last read: it does not look at the
// file.
func (c *Client) GUIDs() GUIDs {
	now, held := c.clock.Now(), c.book.current.Load()
	told := GUIDs{Agents: held.agents}
	for _, g := range held.guids {
		if g == nil {
			continue
		}
		if told.Oldest.IsZero() || g.born.Before(told.Oldest) {
			told.Oldest = g.born
		}
		if g.born.After(told.Newest) {
			told.Newest = g.born
		}
		if !g.isBelieved(c.cfg.AuthMode, now) {
			told.Expired++
		}
	}
	return told
}
