package main

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"
)

var killSeed = flag.Uint64("kill.seed", 0, "seed that decides what is killed when (0: another one each time)")

// TestKills kills recorder, Postgres or both ten times at random instants,
// while connections break in all the ways they do: nothing acknowledged is lost,
// nothing is stored twice, and every hole has its cause.
func TestKills(t *testing.T) {
	t.Parallel()
	seed := aSeed()
	t.Logf("again with -kill.seed %d", seed)
	t.Logf("\n%s", runCampaign(t, seed, 10, 1))
}

// TestKillsOfAPair does the same to a pair of recorders, the holder of the lease
// and its standby, each with troubles of its own.
func TestKillsOfAPair(t *testing.T) {
	t.Parallel()
	seed := aSeed()
	t.Logf("again with -kill.seed %d", seed)
	t.Logf("\n%s", runCampaign(t, seed, 5, 2))
}

// aSeed is the one asked for, or another one each time.
func aSeed() uint64 {
	if *killSeed != 0 {
		return *killSeed
	}
	return rand.Uint64N(1_000_000) + 1
}

// runCampaign lets so many kills happen to so many recorders.
func runCampaign(t *testing.T, seed uint64, kills, recorders int) *killTally {
	t.Helper()
	c := newCampaign(t, scene{recorders: recorders}, quick, slow)
	c.start()
	c.awaitRound(time.Now())
	for plan := newPlan(seed, recorders == 2); c.tally.kills() < kills && !t.Failed(); {
		began := time.Now()
		b := plan.next()
		t.Logf("%s: %s; meanwhile: %s", b.victim, b.before.Round(time.Millisecond), b.trouble)
		c.suffer(b)
		c.tell(c.audit(began.Add(-30*time.Second), false))
		c.run(t.Context(), exitOK, "verify") // what is final by now
	}
	c.awaitRound(time.Now())
	c.close()
	return &c.tally
}
