package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// storedTick is a tick as the database has it.
type storedTick struct {
	taken   bool
	due     int // agents who were due
	polls   int // outcomes counted in the tick
	samples int // rows of its agents between its first and its last poll
	agents  int // and of how many different ones
}

// tell fails the test with what an audit has found.
func (c *campaign) tell(findings []wrongTick) {
	c.t.Helper()
	for _, f := range findings {
		c.t.Errorf("%s: %s", f.kind, f.text)
		switch f.kind {
		case lostTick:
			c.tally.lost++
		case doubledTick:
			c.tally.doubled++
		case unexplainedTick:
			c.tally.unexplained++
		}
	}
}

// storedTicks reads the ticks due from an instant on.
func (c *campaign) storedTicks(from time.Time) map[tickKey]storedTick {
	c.t.Helper()
	ticks := map[tickKey]storedTick{}
	for _, row := range c.query(fmt.Sprintf(`
		SELECT t.schedule, (1000 * extract(epoch FROM t.due_at))::bigint, (t.status = 'taken')::int,
		       (SELECT sum(upper(r) - lower(r)) FROM unnest(a.agents) AS r),
		       t.observed + t.not_signed_in + t.unauthorized + t.bad_request + t.gateway_error + t.unreachable + t.bad_reply + t.skipped,
		       count(s.agent_id), count(DISTINCT s.agent_id)
		FROM talktime.ticks AS t JOIN talktime.agent_sets AS a USING (agent_set_id)
		     LEFT JOIN talktime.samples AS s ON s.polled_at BETWEEN t.started_at AND t.finished_at AND s.agent_id <@ a.agents
		WHERE t.due_at >= %s GROUP BY t.schedule, t.due_at, t.shard, a.agents`, instant(from))) {
		n := numbers(c, row[1:])
		ticks[tickKey{row[0], n[0]}] = storedTick{n[1] == 1, int(n[2]), int(n[3]), int(n[4]), int(n[5])}
	}
	return ticks
}

// instant writes one in SQL.
func instant(t time.Time) string { return fmt.Sprintf("to_timestamp(%d / 1000.0)", t.UnixMilli()) }

// numbers reads fields that must be whole numbers; empty ones are 0.
func numbers(c *campaign, fields []string) []int64 {
	c.t.Helper()
	n := make([]int64, len(fields))
	for i, field := range fields {
		var err error
		if n[i], err = strconv.ParseInt("0"+field, 10, 64); err != nil {
			c.t.Fatal(err)
		}
	}
	return n
}

// accounts reads the logs of all recorders.
func (c *campaign) accounts() (all []account) {
	c.t.Helper()
	for i, l := range c.lives {
		for _, a := range accountsOf(l) {
			if len(a.trouble) > 0 {
				c.t.Fatalf("recorder %d wrote what is no log:\n%s", i+1, strings.Join(a.trouble, "\n"))
			}
			all = append(all, a)
		}
	}
	return all
}

// wrongTick is one that must not be: a tick that is lost, doubled, or missed
// for no reason.
type wrongTick struct{ kind, text string }

const (
	lostTick        = "lost"
	doubledTick     = "doubled"
	unexplainedTick = "missed without a cause"
)

// audit compares what recorders have acknowledged with what is stored, for the
// ticks due from an instant on. What is in a spool may still come, but not in the
// end.
func (c *campaign) audit(from time.Time, inTheEnd bool) []wrongTick {
	c.t.Helper()
	accounts := c.accounts()
	stored := c.storedTicks(from)
	return slices.Concat(findLost(accounts, stored, from, inTheEnd), findDoubled(stored), c.findUnexplained(accounts, stored))
}

// findLost finds acknowledged ticks that are not stored as taken with all their
// samples. What was spooled when another recorder reigned already is that one's,
// taken or not.
func findLost(accounts []account, stored map[tickKey]storedTick, from time.Time, inTheEnd bool) (found []wrongTick) {
	others := map[tickKey]bool{}
	for _, a := range accounts {
		for key, cause := range a.refused {
			others[key] = others[key] || strings.HasSuffix(cause, causeSuperseded)
		}
	}
	for i, a := range accounts {
		for key, samples := range a.safe {
			if key.due().Before(from) || !a.stored[key] && (!inTheEnd || others[key]) {
				continue
			}
			if tick := stored[key]; !tick.taken || tick.samples < samples {
				found = append(found, wrongTick{lostTick, fmt.Sprintf("recorder %d acknowledged %s with %d samples; stored is %+v", i+1, key, samples, tick)})
			}
		}
	}
	return found
}

// causeSuperseded is how a recorder words that a round is another's.
const causeSuperseded = "another recorder has taken over"

// findDoubled finds taken ticks that have not one sample of each agent, or
// another number than they say.
func findDoubled(stored map[tickKey]storedTick) (found []wrongTick) {
	for key, tick := range stored {
		if tick.taken && (tick.samples != tick.due || tick.agents != tick.due || tick.polls != tick.due) {
			found = append(found, wrongTick{doubledTick, fmt.Sprintf("%s is stored as %+v", key, tick)})
		}
	}
	return found
}

// findUnexplained finds missed ticks that a recorder ought to have taken.
func (c *campaign) findUnexplained(accounts []account, stored map[tickKey]storedTick) (found []wrongTick) {
	for key, tick := range stored {
		if _, ok := causeOf(key, c.period(key.schedule), accounts); !tick.taken && !ok {
			found = append(found, wrongTick{unexplainedTick, fmt.Sprintf("%s is missed, and no recorder says why", key)})
		}
	}
	return found
}
