package main

import (
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAuditFinds spoils what a recorder has stored, each time in another way:
// the audit of the kills must not overlook it.
func TestAuditFinds(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, scene{}, quick, slow)
	c.start()
	c.awaitRound(time.Now())
	c.end(c.posts[0], syscall.SIGTERM)
	if found := c.audit(c.began, true); len(found) > 0 {
		t.Fatalf("before anything is spoilt: %v", found)
	}
	c.query("CREATE TABLE kept_ticks AS TABLE talktime.ticks; CREATE TABLE kept_samples AS TABLE talktime.samples")
	const (
		restore = `DELETE FROM talktime.ticks; INSERT INTO talktime.ticks TABLE kept_ticks;
			DELETE FROM talktime.samples; INSERT INTO talktime.samples TABLE kept_samples; `
		aTick = "(SELECT max(due_at) FROM talktime.ticks WHERE schedule = 'quick' AND status = 'taken')"
	)
	for _, test := range []struct{ name, spoil, finds string }{
		{"nothing", "SELECT", ""},
		{"a sample is gone", "DELETE FROM talktime.samples WHERE agent_id = 103", "doubled lost"},
		{"a sample is there twice", "INSERT INTO talktime.samples SELECT * FROM talktime.samples WHERE agent_id = 103", "doubled"},
		{"a sample is another agent's", "UPDATE talktime.samples SET agent_id = 104 WHERE agent_id = 103", "doubled"},
		{"a tick is gone", "DELETE FROM talktime.ticks WHERE due_at = " + aTick, "lost"},
		{"a tick is missed", "UPDATE talktime.ticks SET status = 'missed' WHERE due_at = " + aTick, "lost"},
		{"a tick counts one more", "UPDATE talktime.ticks SET skipped = 1 WHERE due_at = " + aTick, "doubled"},
	} {
		c.query(restore + test.spoil)
		kinds := map[string]bool{}
		for _, f := range c.audit(c.began, true) {
			kinds[f.kind] = true
		}
		if got := strings.Join(slices.Sorted(maps.Keys(kinds)), " "); got != test.finds {
			t.Errorf("%s: found %q, want %q", test.name, got, test.finds)
		}
	}
}

// A missed tick is excused by what recorders logged and when they lived, and by
// nothing else.
func TestCauseOfAMissedTick(t *testing.T) {
	second := func(s float64) time.Time { return time.UnixMilli(int64(1000 * s)).UTC() }
	alive := func() account {
		return account{began: map[string]time.Time{"quick": second(10)}, finished: map[tickKey]bool{{"quick", 15_000}: true, {"quick", 18_000}: true}}
	}
	killed := alive()
	killed.ended = second(20.5)
	left := alive()
	left.left, left.ended = second(18), second(20.5)
	wordy := alive()
	wordy.missed = []missedWord{{"quick", second(12), second(14), "too late for it"}}
	for name, test := range map[string]struct {
		account account
		due     float64
		cause   string
		ok      bool
	}{
		"before the first round":                  {alive(), 9, nobodyThere, true},
		"while it lives":                          {alive(), 12, "", false},
		"polled and not stored yet, and it lives": {alive(), 15, notSafeYet, false},
		"long before it is killed":                {killed, 12, "", false},
		"polled and not stored when it is killed": {killed, 18, notSafeYet, true},
		"polled and not stored long before":       {killed, 15, "", false},
		"in flight when it is killed":             {killed, 20, inFlight, true},
		"after it is killed":                      {killed, 21, nobodyThere, true},
		"before it was asked to leave":            {left, 17, "", false},
		"while it left":                           {left, 19, wasLeaving, true},
		"put into words":                          {wordy, 14, "too late for it", true},
		"beside the words":                        {wordy, 15.5, "", false},
	} {
		cause, ok := causeOf(tickKey{"quick", second(test.due).UnixMilli()}, time.Second, []account{test.account})
		if ok != test.ok || ok && cause != test.cause {
			t.Errorf("%s: %q, %t, want %q, %t", name, cause, ok, test.cause, test.ok)
		}
	}
}
