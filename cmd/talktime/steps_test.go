package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"talktime/ingest"
)

// settable is the machine's clock, set ahead of it by a test.
type settable struct {
	wallClock
	ahead atomic.Int64
}

func (c *settable) Now() time.Time {
	return c.wallClock.Now().Round(0).Add(time.Duration(c.ahead.Load()))
}

func (c *settable) Reading() (shown time.Time, elapsed time.Duration) {
	shown, elapsed = c.wallClock.Reading()
	return shown.Round(0).Add(time.Duration(c.ahead.Load())), elapsed
}

func (c *settable) SleepUntil(ctx context.Context, t time.Time) error {
	return wallClock{now: c.Now}.SleepUntil(ctx, t)
}

// awaitRequests waits until the gateway was asked so often again.
func (c *centre) awaitRequests(times uint64) {
	for begin := c.gateway.Requests(); c.gateway.Requests() < begin+times; {
		c.awaitRequest()
	}
}

// The clock is set an hour ahead and put right again while the program records
// each second: the hour's ticks are missed and then taken as they come, nothing is
// there twice, and what is derived stays the same when it is derived again.
func TestRecordWhileTheClockIsSet(t *testing.T) {
	t.Parallel()
	clock := &settable{wallClock: newWallClock()}
	c := newCentre(t, clock, ingest.NewAgentSet(101, 102, 103), "* * * * * *")
	began := clock.Now()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	logged := make(chan string)
	go func() {
		_, log := c.run(ctx, exitOK, "record")
		logged <- log
	}()
	for _, step := range []time.Duration{0, time.Hour, -time.Hour} {
		clock.ahead.Add(int64(step))
		c.awaitRequests(4 * 3)
	}
	stop()
	log := <-logged
	for _, want := range []string{
		"the clock was set forward or the machine slept: what was due in between is missed\" by=1h0m0s",
		"the clock was set back: instants it shows for a second time are not served again\" by=1h0m0s",
	} {
		if strings.Count(log, want) != 1 {
			t.Errorf("%q is not once in the log:\n%s", want, log)
		}
	}
	if strings.Contains(log, "level=ERROR") {
		t.Errorf("the log:\n%s", log)
	}

	// Two hours hold it all; the clock is an hour behind the furthest tick.
	hours := began.Truncate(15 * time.Minute)
	for range 2 {
		c.run(t.Context(), exitOK, "derive", "--from", hours.Format(time.RFC3339), "--to", hours.Add(2*time.Hour).Format(time.RFC3339))
		c.run(t.Context(), exitOK, "verify", "--from", hours.Format(time.RFC3339), "--to", hours.Add(time.Hour).Format(time.RFC3339))
	}
	c.statesOf(hours, hours.Add(2*time.Hour))
	rows := c.query(`SELECT (SELECT count(*) BETWEEN 3580 AND 3600 FROM talktime.ticks WHERE status = 'missed')::int,
		(SELECT count(*) BETWEEN 9 AND 3600 FROM talktime.ticks WHERE status = 'taken')::int,
		(SELECT sum(observed + not_signed_in + unauthorized + bad_request + gateway_error + unreachable + bad_reply + skipped) FROM talktime.ticks) - (SELECT count(*) FROM talktime.samples),
		(SELECT count(*) FROM talktime.ticks WHERE finished_at < started_at),
		(SELECT count(*) FROM (SELECT agent_id FROM talktime.samples GROUP BY agent_id, date_trunc('second', polled_at) HAVING count(*) > 1) AS twice)`)
	if got := fmt.Sprint(rows); got != "[[1 1 0 0 0]]" {
		t.Errorf("what is stored is %s\n%s\n%v", got, log, c.query("SELECT status, count(*), min(due_at), max(due_at) FROM talktime.ticks GROUP BY 1"))
	}
}

// A machine that began with a clock of tomorrow is put right: the recorder ends,
// and the one that follows records under the instants of today.
func TestRecordAfterAClockOfTomorrow(t *testing.T) {
	t.Parallel()
	clock := &settable{wallClock: newWallClock()}
	clock.ahead.Store(int64(24 * time.Hour))
	c := newCentre(t, clock, ingest.NewAgentSet(101, 102, 103), "* * * * * *")
	logged := make(chan string)
	go func() {
		_, log := c.run(t.Context(), exitFailed, "record")
		logged <- log
	}()
	c.awaitRequests(3 * 3)
	clock.ahead.Store(0)
	if log := <-logged; !strings.Contains(log, "talktime: record: the clock was set back: it shows ") {
		t.Errorf("the recorder ended with\n%s", log)
	}

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	today := clock.Now().Truncate(15 * time.Minute)
	go func() {
		_, log := c.run(ctx, exitOK, "record")
		logged <- log
	}()
	c.awaitRequests(3 * 3)
	stop()
	log := <-logged
	if strings.Contains(log, "level=ERROR") {
		t.Errorf("the log:\n%s", log)
	}
	c.run(t.Context(), exitOK, "derive")
	c.run(t.Context(), exitOK, "verify", "--from", today.Format(time.RFC3339), "--to", today.Add(25*time.Hour).Format(time.RFC3339))
	for agent, row := range c.statesOf(today, today.Add(30*time.Minute)) {
		if row["observed"] < 2000 {
			t.Errorf("agent %d of today: %v", agent, row)
		}
	}
}
