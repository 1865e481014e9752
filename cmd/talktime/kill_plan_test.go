package main

import (
	"math/rand/v2"
	"time"
)

// victim is what a blow strikes.
type victim string

const (
	theRecorder victim = "recorder"
	thePostgres victim = "Postgres"
	aBackend    victim = "one server process of Postgres"
	both        victim = "recorder and Postgres"
	theStandby  victim = "standby"
	everything  victim = "both recorders and Postgres"
	politely    victim = "recorder, by SIGTERM" // no kill: it may take its leave
)

// isKill reports whether the victim has no say.
func (v victim) isKill() bool { return v != politely }

// trouble is what else goes on when a blow falls.
type trouble string

const (
	noTrouble     trouble = "none"
	resets        trouble = "connections reset"
	cuts          trouble = "connections cut"
	slowness      trouble = "everything late"
	silence       trouble = "connections stalled"
	brokenCopy    trouble = "reset within a COPY"
	lostAnswer    trouble = "answer to COMMIT lost"
	unreachable   trouble = "unreachable"
	gatewayGone   trouble = "gateway unreachable"
	gatewaySilent trouble = "gateway stalled"
)

// isGateways reports whether the gateway has the trouble, not the database.
func (t trouble) isGateways() bool { return t == gatewayGone || t == gatewaySilent }

// blow is one bad moment.
type blow struct {
	trouble        trouble
	everywhere     bool          // of a pair, the standby has it too
	before         time.Duration // from the trouble's begin to the kill
	victim         victim
	dead           time.Duration // from the kill to the restart
	recordersFirst bool          // are started before Postgres
	hasty          bool          // the next blow may fall before a round is acknowledged
}

// plan deals blows at random from two decks, so that every kind comes up and a
// seed gives the same ones again.
type plan struct {
	random   *rand.Rand
	isPair   bool
	victims  []victim
	troubles []trouble
}

func newPlan(seed uint64, isPair bool) *plan {
	return &plan{random: rand.New(rand.NewPCG(seed, 0)), isPair: isPair}
}

func (p *plan) next() blow {
	if len(p.victims) == 0 {
		p.victims = []victim{
			theRecorder, theRecorder, theRecorder, thePostgres, thePostgres, aBackend, both, both, both, both, politely,
		}
		if p.isPair {
			p.victims = []victim{
				theRecorder, theRecorder, theRecorder, theStandby, thePostgres, aBackend, both, both, everything, everything, politely,
			}
		}
		p.random.Shuffle(len(p.victims), func(i, j int) { p.victims[i], p.victims[j] = p.victims[j], p.victims[i] })
	}
	if len(p.troubles) == 0 {
		p.troubles = []trouble{
			noTrouble, noTrouble, resets, cuts, slowness, silence, brokenCopy, brokenCopy, lostAnswer, lostAnswer,
			unreachable, gatewayGone, gatewaySilent,
		}
		p.random.Shuffle(len(p.troubles), func(i, j int) { p.troubles[i], p.troubles[j] = p.troubles[j], p.troubles[i] })
	}
	b := blow{
		trouble: p.troubles[0], everywhere: p.random.IntN(2) == 0, before: p.within(time.Second),
		victim: p.victims[0], recordersFirst: p.random.IntN(2) == 0, hasty: p.random.IntN(3) == 0,
	}
	p.troubles, p.victims = p.troubles[1:], p.victims[1:]
	if p.random.IntN(8) == 0 { // long enough for a hole that nothing bridges
		b.dead = 2500*time.Millisecond + p.within(time.Second)
	} else {
		b.dead = p.within(400 * time.Millisecond)
	}
	return b
}

// within is a random duration from 0 up.
func (p *plan) within(most time.Duration) time.Duration {
	return time.Duration(p.random.Int64N(int64(most)))
}
