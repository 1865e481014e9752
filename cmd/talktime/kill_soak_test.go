//go:build soak

package main

import (
	"testing"
	"time"
)

// TestSoak is TestKills twenty times over, side by side in four campaigns, one of
// them of a pair of recorders, with the race detector in the program. It stays
// below the ten minutes that go test has by default.
func TestSoak(t *testing.T) {
	began := time.Now()
	var total killTally
	seed := aSeed()
	t.Logf("again with -kill.seed %d", seed)
	tallies := make(chan *killTally, 4)
	t.Run("campaigns", func(t *testing.T) {
		for i, recorders := range []int{1, 1, 1, 2} {
			t.Run([]string{"one recorder", "a pair"}[recorders-1], func(t *testing.T) {
				t.Parallel()
				tallies <- runCampaign(t, seed+uint64(i), 50, recorders)
			})
		}
	})
	close(tallies)
	for tally := range tallies {
		total.add(tally)
	}
	total.took = time.Since(began)
	t.Logf("\n%s", &total)
}

// add counts another campaign in, but for the time it took.
func (k *killTally) add(other *killTally) {
	k.blows = append(k.blows, other.blows...)
	k.impolite += other.impolite
	k.due, k.taken, k.acknowledged = k.due+other.due, k.taken+other.taken, k.acknowledged+other.acknowledged
	k.spooled, k.failed, k.others = k.spooled+other.spooled, k.failed+other.failed, k.others+other.others
	k.lost, k.doubled, k.unexplained = k.lost+other.lost, k.doubled+other.doubled, k.unexplained+other.unexplained
	k.longestHole = max(k.longestHole, other.longestHole)
	k.verified = append(k.verified, other.verified...)
	if k.missed == nil {
		k.missed = map[string]int{}
	}
	for cause, n := range other.missed {
		k.missed[cause] += n
	}
}
