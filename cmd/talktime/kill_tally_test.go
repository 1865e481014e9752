package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// killTally is what a campaign came to.
type killTally struct {
	blows    []blow
	impolite int // leaves that did not end with 0

	due, taken, acknowledged   int
	missed                     map[string]int // by cause
	spooled                    int            // acknowledged, when they were not in the database
	lost, doubled, unexplained int
	failed                     int // polls
	others                     int // rounds refused because another recorder reigned
	longestHole                time.Duration
	verified                   []string
	took                       time.Duration
}

// countTicks counts what is stored up to the last acknowledged tick: what comes
// after it was due to nobody but the clock that was set forward.
func (c *campaign) countTicks(accounts []account, stored map[tickKey]storedTick) {
	k := &c.tally
	k.missed = map[string]int{}
	acknowledged, spooled := map[tickKey]bool{}, map[tickKey]bool{}
	var last time.Time
	for _, a := range accounts {
		for key := range a.safe {
			acknowledged[key] = true
			if a.spooled[key] {
				spooled[key] = true
			}
			if key.due().After(last) {
				last = key.due()
			}
		}
	}
	k.acknowledged, k.spooled = len(acknowledged), len(spooled)
	for key, tick := range stored {
		if key.due().After(last) {
			continue
		}
		k.due++
		if tick.taken {
			k.taken++
			continue
		}
		cause, _ := causeOf(key, c.period(key.schedule), accounts)
		k.missed[cause]++
	}
}

func (k *killTally) kills() int {
	n := 0
	for _, b := range k.blows {
		if b.victim.isKill() {
			n++
		}
	}
	return n
}

// String is the tally as people read it.
func (k *killTally) String() string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-24s %s\n", label, fmt.Sprintf(format, args...))
	}
	victims, troubles := map[string]int{}, map[string]int{}
	for _, blow := range k.blows {
		victims[string(blow.victim)]++
		troubles[string(blow.trouble)]++
	}
	line("kills", "%d in %.1f min", k.kills(), k.took.Minutes())
	for _, what := range slices.Sorted(maps.Keys(victims)) {
		line("", "%4d  %s", victims[what], what)
	}
	line("meanwhile", "")
	for _, what := range slices.Sorted(maps.Keys(troubles)) {
		line("", "%4d  %s", troubles[what], what)
	}
	line("ticks due", "%d", k.due)
	line("  taken", "%d", k.taken)
	line("  missed", "%d", k.due-k.taken)
	for _, cause := range slices.Sorted(maps.Keys(k.missed)) {
		line("", "%4d  %s", k.missed[cause], cause)
	}
	line("acknowledged", "%d", k.acknowledged)
	line("  lost", "%d", k.lost)
	line("  doubled", "%d", k.doubled)
	line("  spooled and replayed", "%d", k.spooled)
	line("  refused as another's", "%d", k.others)
	line("missed without a cause", "%d", k.unexplained)
	line("polls failed", "%d, all while the gateway was in trouble", k.failed)
	line("longest hole", "%.1f s", k.longestHole.Seconds())
	line("leaves not with 0", "%d", k.impolite)
	for _, verified := range k.verified {
		line("verify", "%s", verified)
	}
	return b.String()
}
