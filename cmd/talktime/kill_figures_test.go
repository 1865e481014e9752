package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"talktime/ingest"
)

// close ends the campaign: the recorder takes its leave, everything is derived
// and final, and all of it is compared: ticks with acknowledgements, holes with
// their causes, figures with samples, and every second with the window.
func (c *campaign) close() {
	c.t.Helper()
	c.leaveNothingBehind()
	from := c.began.UTC().Truncate(15 * time.Minute)
	to := time.Now().UTC().Truncate(15 * time.Minute).Add(15 * time.Minute)
	// By then the last quarter-hour is over, and final.
	c.clock = setClock{newWallClock(), time.Until(to.Add(time.Minute))}
	c.run(c.t.Context(), exitOK, "derive")

	c.tell(c.audit(from, true))
	accounts, stored := c.accounts(), c.storedTicks(from)
	c.countTicks(accounts, stored)
	c.checkEveryInstantHasATick()
	c.checkReigns()
	c.checkHoles()
	c.checkCauses()
	c.checkFailures()
	window := []string{"--from", from.Format(time.RFC3339), "--to", to.Format(time.RFC3339)}
	verified, _ := c.run(c.t.Context(), exitOK, append([]string{"verify"}, window...)...)
	if strings.Contains(verified, "not compared") || !strings.Contains(verified, "none different") {
		c.t.Errorf("verify says:\n%s", verified)
	}
	c.tally.verified = []string{strings.TrimSpace(strings.Split(verified, "\n")[0])}
	report, _ := c.run(c.t.Context(), exitOK, append([]string{"report", "states", "--allow-partial", "--format", "table"}, window...)...)
	if !strings.Contains(report, "residual 0 ms") {
		c.t.Errorf("the report does not account for every second:\n%s", report)
	}
	c.statesOf(from, to) // every agent's measures sum to the window
	c.tally.took = time.Since(c.began)
}

// leaveNothingBehind lets the recorders take their leave with empty spools.
func (c *campaign) leaveNothingBehind() {
	c.t.Helper()
	for range 5 {
		for _, p := range c.posts {
			log, _ := p.entries()
			if !p.isBehind() {
				continue
			}
			if _, err := p.await(len(log), func(e entry) bool { return strings.HasPrefix(e.Msg, saidSpoolEmpty) }); err != nil {
				c.t.Fatalf("the spool is not emptied: %v; the end of the log:\n%s", err, p.tail())
			}
		}
		left := false
		for _, p := range c.inOrder() {
			c.end(p, syscall.SIGTERM)
			left = left || p.isBehind()
		}
		if !left {
			return
		}
		c.start() // for what the last rounds left there
		c.awaitRound(time.Now())
	}
	c.t.Fatal("the recorders always leave rounds in the spool")
}

// wantNothingMissed sees, after close, that no tick was missed but those that a
// busy machine was too late for.
func (c *campaign) wantNothingMissed() {
	c.t.Helper()
	for cause, n := range c.tally.missed {
		if !isLateness(cause) {
			c.t.Errorf("%d ticks are missed: %s\n%s", n, cause, c.posts[0].tail())
		}
	}
}

// isLateness reports whether a recorder says that it was too slow.
func isLateness(cause string) bool {
	return strings.HasPrefix(cause, "too late") || strings.HasSuffix(cause, "still going")
}

// setClock is the machine's clock, set forward.
type setClock struct {
	ingest.Clock
	ahead time.Duration
}

func (c setClock) Now() time.Time { return c.Clock.Now().Add(c.ahead) }

// checkEveryInstantHasATick sees that no due instant between the first tick and
// the last is silent.
func (c *campaign) checkEveryInstantHasATick() {
	c.t.Helper()
	for _, s := range c.schedules {
		silent := c.query(fmt.Sprintf(`
			SELECT due FROM (SELECT min(due_at) AS first, max(due_at) AS last FROM talktime.ticks WHERE schedule = '%[1]s') AS t,
			     generate_series(t.first, t.last, interval '%[2]s') AS due
			WHERE NOT EXISTS (SELECT FROM talktime.ticks WHERE schedule = '%[1]s' AND due_at = due)`, s.name, s.period))
		if len(silent) > 0 {
			c.t.Errorf("%d due instants of %s have no tick, the first is %s", len(silent), s.name, silent[0][0])
		}
	}
}

// checkReigns sees that reigns meet, and that ticks lie in the one they carry.
func (c *campaign) checkReigns() {
	c.t.Helper()
	for _, row := range c.query(`
		SELECT 'tick of ' || schedule || ' due ' || due_at || ' is not of epoch ' || epoch FROM talktime.ticks JOIN talktime.epochs USING (epoch)
		WHERE due_at < ticks_from OR due_at >= coalesce(ticks_until, 'infinity')
		UNION ALL
		SELECT 'epoch ' || a.epoch || ' ends ' || coalesce(a.ticks_until::text, 'never') || ', the next begins ' || b.ticks_from
		FROM talktime.epochs AS a JOIN talktime.epochs AS b ON b.epoch = a.epoch + 1
		WHERE a.epoch > 0 AND a.ticks_until IS DISTINCT FROM b.ticks_from`) {
		c.t.Error(row[0])
	}
}

// checkHoles compares the unobserved time of the figures with what the samples
// leave open, agent by agent, and keeps the longest hole. A hole begins half a
// period after a sample and ends half a period before the next (metrics.md §1).
func (c *campaign) checkHoles() {
	c.t.Helper()
	const holes = `
		WITH seen AS (
		  SELECT agent_id, period_ms, polled_at, lag(polled_at) OVER (PARTITION BY agent_id ORDER BY polled_at) AS before
		  FROM talktime.samples WHERE outcome IN ('observed', 'not_signed_in')),
		gaps AS (
		  SELECT agent_id, period_ms, (1000 * extract(epoch FROM polled_at - before))::bigint AS ms, min(before) OVER w AS first, max(polled_at) OVER w AS last
		  FROM seen WHERE before IS NOT NULL WINDOW w AS (PARTITION BY agent_id)),
		open AS (
		  SELECT agent_id, first, last, max(ms) AS longest, coalesce(sum(ms - period_ms) FILTER (WHERE ms > 2.5 * period_ms), 0) AS ms
		  FROM gaps GROUP BY agent_id, first, last)
		SELECT o.agent_id, o.longest, o.ms, coalesce(sum(s.ms), 0) FROM open AS o LEFT JOIN LATERAL (
		  SELECT (1000 * extract(epoch FROM to_at - from_at))::bigint AS ms FROM talktime.segments
		  WHERE agent_id = o.agent_id AND cause IS NOT NULL AND from_at >= o.first AND to_at <= o.last) AS s ON true
		GROUP BY 1, 2, 3`
	for _, row := range c.query(holes) {
		n := numbers(c, row)
		if n[2] != n[3] {
			c.t.Errorf("the samples of agent %d leave %d ms open, the figures say %d ms", n[0], n[2], n[3])
		}
		c.tally.longestHole = max(c.tally.longestHole, time.Duration(n[1])*time.Millisecond)
	}
}

// checkCauses sees that unobserved time is called failed beside polls that
// failed, and recorder_down beside ticks that were missed.
func (c *campaign) checkCauses() {
	c.t.Helper()
	for _, row := range c.query(`
		SELECT s.agent_id || ' from ' || s.from_at || ' to ' || s.to_at || ': ' || s.cause FROM talktime.segments AS s
		WHERE s.cause = 'failed' AND NOT EXISTS (
		    SELECT FROM talktime.samples AS p WHERE p.agent_id = s.agent_id AND p.outcome NOT IN ('observed', 'not_signed_in')
		    AND p.polled_at BETWEEN s.from_at - interval '2 s' AND s.to_at + interval '2 s')
		OR s.cause = 'recorder_down' AND NOT EXISTS (
		    SELECT FROM talktime.ticks AS t JOIN talktime.agent_sets AS a USING (agent_set_id) WHERE s.agent_id <@ a.agents AND t.status = 'missed'
		    AND t.due_at BETWEEN s.from_at - interval '2 s' AND s.to_at + interval '2 s')`) {
		c.t.Errorf("nothing accounts for the time of agent %s", row[0])
	}
}

// checkFailures sees that polls failed only while the gateway was in trouble.
// A busy machine may skip some at any time.
func (c *campaign) checkFailures() {
	c.t.Helper()
	for _, row := range c.query(`SELECT (1000 * extract(epoch FROM polled_at))::bigint, outcome FROM talktime.samples
		WHERE outcome NOT IN ('observed', 'not_signed_in', 'skipped')`) {
		at := time.UnixMilli(numbers(c, row[:1])[0])
		c.tally.failed++
		during := func(w weather) bool { return !at.Before(w.from) && !at.After(w.to.Add(3*time.Second)) }
		if !slices.ContainsFunc(c.weather, during) {
			c.t.Errorf("a poll at %s ended %s while the gateway was well", at.UTC().Format(time.RFC3339Nano), row[1])
		}
	}
}
