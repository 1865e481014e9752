package ccgateway

import (
	"time"

	"talktime/ingest"
)

// guidLife is how long a GUID stays valid in AUTHMODE 2, where a new one is
// given out every 60 s.
const guidLife = 120 * time.Second

// The CC-Gateway's ways of authentication (its AUTHMODE).
const (
	AuthModeStatic  = 1 // one GUID per sign-in
	AuthModeDynamic = 2 // a new GUID every 60 s, the old one dead after 120 s
)

// isBelieved reports whether the gateway still knows the GUID, by its age.
func (g *guid) isBelieved(authMode int, now time.Time) bool {
	return authMode == AuthModeStatic || now.Sub(g.born) < guidLife
}

// outcomeOf says what a reply means for the agent's poll. Under a GUID in doubt
// "not signed in" says only that the gateway does not know the GUID.
//
// A GUID is believed good in AUTHMODE 1 whenever it is held, in AUTHMODE 2
// while it is younger than 120 s. A 100-006 is not believed on the first poll
// after the GUID was replaced: the gateway may not have heard of the new one.
func outcomeOf(r Reply, authMode int, g *guid, now time.Time) ingest.Outcome {
	believed := g.isBelieved(authMode, now)
	switch r.Retcode {
	case retcodeOK:
		return ingest.Observed
	case retcodeNotSignedIn:
		if believed && !g.fresh.Load() {
			return ingest.NotSignedIn
		}
		return ingest.Unauthorized
	case retcodeSignedOut:
		if believed {
			return ingest.NotSignedIn
		}
		return ingest.Unauthorized
	case retcodeNoRight:
		return ingest.Unauthorized
	case retcodeBadParameter:
		return ingest.BadRequest
	}
	return ingest.GatewayError
}
