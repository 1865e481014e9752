package main

import (
	"testing"
	"time"
)

// The two worst moments for a connection to break: within the COPY of a round,
// of which nothing may be left, and after its COMMIT, of which the recorder
// never hears, so that it stores the round a second time. Neither costs a tick.
func TestConnectionBreaksWhileStoring(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, scene{}, quick)
	c.start()
	c.awaitRound(time.Now())
	for _, trap := range []trap{midCopy, lostCommit, midCopy, lostCommit} {
		select {
		case <-c.posts[0].database.lay(trap):
		case <-time.After(longEnough):
			t.Fatalf("trap %d was never sprung:\n%s", trap, c.posts[0].tail())
		}
		c.awaitRound(time.Now())
	}
	c.close()
	c.wantNothingMissed()
}
