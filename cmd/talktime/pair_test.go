package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"talktime/ingest"
)

// What a recorder of a pair says.
const (
	waitsAsStandby = `msg="waiting as standby: another recorder holds the lease" holder=`
	takesOver      = `msg="taking over from the other recorder: `
)

// startPair starts two recorders on a schedule of one second, both of which use
// the same data_dir. The first records, the second waits.
func (c *centre) startPair() (first, second *recorderProcess) {
	first = c.startRecorder()
	first.await(roundStored, 2)
	second = c.startRecorder()
	second.await(waitsAsStandby, 1)
	return first, second
}

// mustBeSound checks that every due instant between the first and the last tick
// has one tick, in the reign it was due in, that every agent has one sample for
// each one that was taken, and that reigns meet. It returns the missed ones.
func (c *centre) mustBeSound(agents int) (missed []string) {
	c.t.Helper()
	const none = "[[0 0 0 0]]"
	got := fmt.Sprint(c.query(fmt.Sprintf(`SELECT
		(SELECT extract(epoch FROM max(due_at) - min(due_at))::int + 1 - count(*) FROM talktime.ticks),
		(SELECT count(*) FROM talktime.ticks AS t JOIN talktime.epochs AS e USING (epoch)
		 WHERE t.due_at < e.ticks_from OR t.due_at >= coalesce(e.ticks_until, 'infinity')),
		(SELECT count(*) FROM talktime.ticks AS t WHERE status = 'taken' AND %d <> (
			SELECT count(DISTINCT agent_id) FROM talktime.samples WHERE polled_at >= t.due_at AND polled_at < t.due_at + interval '1 s'))
		 + abs((SELECT count(*) FROM talktime.samples) - %[1]d * (SELECT count(*) FROM talktime.ticks WHERE status = 'taken')),
		(SELECT count(*) FROM talktime.epochs AS a JOIN talktime.epochs AS b ON b.epoch = a.epoch + 1
		 WHERE a.epoch > 0 AND a.ticks_until IS DISTINCT FROM b.ticks_from)`, agents)))
	if got != none {
		c.t.Errorf("due instants without a tick, ticks in another's reign, agents without one sample a tick, reigns that do not meet: %s, want none", got)
	}
	for _, row := range c.query("SELECT to_char(due_at, 'HH24:MI:SS') FROM talktime.ticks WHERE status = 'missed' ORDER BY due_at") {
		missed = append(missed, row[0])
	}
	return missed
}

// lateness measures how late this machine runs things, until it is read: a hole
// may be that much longer.
func lateness() (read func() time.Duration) {
	const nap = 20 * time.Millisecond
	done, worst := make(chan struct{}), make(chan time.Duration)
	go func() {
		most := time.Duration(0)
		for {
			began := time.Now()
			select {
			case <-done:
				worst <- most
				return
			case <-time.After(nap):
				most = max(most, time.Since(began)-nap)
			}
		}
	}()
	return func() time.Duration { close(done); return <-worst }
}

// One of two is killed: the other takes over within two periods, and nothing is
// counted twice. On one machine it is seen at once, else when beats stay away.
func TestStandbyTakesOverFromADeadRecorder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		marks bool // both see
		why   string
	}{
		{"on one machine", true, "its process has ended"},
		{"on another", false, "its beats stayed away for 1s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCentre(t, newWallClock(), ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 124}), "* * * * * *")
			first, second := c.startPair()
			if !test.marks {
				c.removeMarks()
			}
			late := lateness()
			first.signal(syscall.SIGKILL)
			first.exitCode()
			second.await(takesOver+test.why, 1)
			second.await(roundStored, 3)
			allowed := 2 + int((late()+time.Second-1)/time.Second)
			second.signal(syscall.SIGTERM)
			if code := second.exitCode(); code != exitOK {
				t.Errorf("after SIGTERM the exit code is %d:\n%s", code, &second.seen)
			}
			if n := strings.Count(second.seen.String(), waitsAsStandby); n != 1 {
				t.Errorf("the standby said %d times that it waits:\n%s", n, &second.seen)
			}
			missed := c.mustBeSound(24)
			t.Logf("missed: %q", missed)
			if len(missed) > allowed {
				t.Errorf("%d ticks are missed, %q, want at most %d:\n%s", len(missed), missed, allowed, &second.seen)
			}
		})
	}
}

// removeMarks makes recorders on this machine as strange to each other as those on
// two.
func (c *centre) removeMarks() {
	c.t.Helper()
	marks, err := filepath.Glob(filepath.Join(c.dir, "data", "reign-*"))
	for _, mark := range marks {
		err = errors.Join(err, os.Remove(mark))
	}
	if err != nil || len(marks) != 1 {
		c.t.Fatalf("marks of reigns: %v, %v; want one", marks, err)
	}
}

// A recorder that is started again after a kill does not wait for its own dead
// beats, and one that is stopped does not count as dead. What they leave is gone.
func TestRecorderKnowsItsDead(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102), "*/20 * * * * *")
	first := c.startRecorder()
	first.await("msg=recording ", 1)
	second := c.startRecorder()
	second.await(waitsAsStandby, 1)
	second.signal(syscall.SIGTERM)
	second.exitCode()

	first.signal(syscall.SIGKILL)
	first.exitCode()
	third := c.startRecorder()
	third.await("msg=recording ", 1)
	if said := third.seen.String(); strings.Contains(said, waitsAsStandby) || !strings.Contains(said, takesOver+"its process has ended") {
		t.Errorf("the recorder waited, or was not told:\n%s", said)
	}
	third.signal(syscall.SIGTERM)
	if code := third.exitCode(); code != exitOK {
		t.Errorf("after SIGTERM the exit code is %d:\n%s", code, &third.seen)
	}
	if left, err := filepath.Glob(filepath.Join(c.dir, "data", "reign-*")); len(left) > 0 || err != nil {
		t.Errorf("left are %v, %v", left, err)
	}
}

// A pair is upgraded one after the other: no due instant is missed.
func TestUpgradingAPairLeavesNoHole(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 124}), "* * * * * *")
	old, standby := c.startPair()
	standby.signal(syscall.SIGTERM) // it has nothing to finish
	if code := standby.exitCode(); code != exitOK || strings.Contains(standby.seen.String(), "leaving after the round") {
		t.Errorf("as standby, after SIGTERM the exit code is %d:\n%s", code, &standby.seen)
	}
	for range 3 { // an upgrade, and back, and again
		next := c.startRecorder()
		next.await(waitsAsStandby, 1)
		old.signal(syscall.SIGTERM)
		next.await(takesOver+"it left", 1)
		if code := old.exitCode(); code != exitOK {
			t.Errorf("after SIGTERM the exit code is %d:\n%s", code, &old.seen)
		}
		next.await(roundStored, 2)
		old = next
	}
	old.signal(syscall.SIGTERM)
	old.exitCode()
	if missed := c.mustBeSound(24); len(missed) > 0 {
		t.Errorf("missed are %q:\n%s", missed, &old.seen)
	}
}

// A recorder that stands still for too long is superseded. It becomes standby
// and takes over again when its turn comes.
func TestSupersededRecorderBecomesStandby(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102, 103), "* * * * * *")
	first, second := c.startPair()
	first.signal(syscall.SIGSTOP)
	second.await(takesOver, 1)
	second.await(roundStored, 2)
	first.signal(syscall.SIGCONT)
	first.await("another recorder took over", 1)
	first.await(waitsAsStandby, 1)
	second.signal(syscall.SIGTERM)
	if code := second.exitCode(); code != exitOK {
		t.Errorf("after SIGTERM the exit code is %d:\n%s", code, &second.seen)
	}
	first.await(takesOver+"it left", 1)
	first.await(roundStored, 2)
	first.signal(syscall.SIGTERM)
	if code := first.exitCode(); code != exitOK {
		t.Errorf("after SIGTERM the exit code is %d:\n%s", code, &first.seen)
	}
	c.mustBeSound(3)
	if rows := fmt.Sprint(c.query("SELECT max(epoch) FROM talktime.epochs")); rows != "[[3]]" {
		t.Errorf("the last epoch is %s, want 3", rows)
	}
}

// A database that is away for longer than beats may stay away makes no standby
// take over: its holder could not beat either.
func TestStandbyDoesNotCountAnOutage(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102, 103), "*/2 * * * * *")
	socket, user := c.socket()
	address := freeAddress(t)
	c.useDatabase(user + "@" + address)
	cut := serveSocket(t, address, socket)
	first, second := c.startPair()
	cut()
	first.await("the lease's beats do not get through; recording goes on", 1)
	second.await("standby: the lease cannot be looked at", 1)
	<-time.After(3 * time.Second) // more than the two seconds that beats may stay away
	serveSocket(t, address, socket)
	second.await("standby: the lease can be looked at again", 1)
	first.await(roundStored, 3)
	for _, p := range []*recorderProcess{second, first} {
		p.signal(syscall.SIGTERM)
		if code := p.exitCode(); code != exitOK {
			t.Errorf("after SIGTERM the exit code is %d:\n%s", code, &p.seen)
		}
	}
	if rows := fmt.Sprint(c.query("SELECT (SELECT count(*) FROM talktime.ticks WHERE status = 'missed'), max(epoch) FROM talktime.epochs")); rows != "[[0 1]]" {
		t.Errorf("ticks missed and the last epoch are %s:\n%s", rows, &second.seen)
	}
}

// A standby of an older version leaves a schema alone that it does not know.
func TestStandbyLeavesANewerSchemaAlone(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102, 103), "* * * * * *")
	first, second := c.startPair()
	c.query("INSERT INTO public.talktime_migrations (version_id, is_applied) VALUES (99999, true)")
	first.signal(syscall.SIGTERM)
	first.exitCode()
	if code := second.exitCode(); code != exitSchema || !strings.Contains(second.seen.String(), "the database's schema is newer than this program") {
		t.Errorf("the exit code is %d, want %d:\n%s", code, exitSchema, &second.seen)
	}
	if rows := fmt.Sprint(c.query("SELECT max(epoch) FROM talktime.epochs")); rows != "[[1]]" {
		t.Errorf("the last epoch is %s, want 1", rows)
	}
}

func TestLeaseTTL(t *testing.T) {
	agents := ingest.NewAgentSet(101)
	for spec, want := range map[string]time.Duration{
		"* * * * * *":          time.Second,
		"*/5 * * * * *":        5 * time.Second,
		"*/10 * 8-19 * * *":    10 * time.Second,
		"0 * * * * *":          10 * time.Second, // waiting longer would gain nothing
		"0,3 0 0 1 1 *":        3 * time.Second,  // the period of its due instants, however seldom they come
		"0,20,22,50 * * * * *": 2 * time.Second,
	} {
		s, err := ingest.NewSchedule("a", spec, "UTC", agents, false)
		if err != nil {
			t.Fatal(err)
		}
		minutes, err := ingest.NewSchedule("b", "0 * * * * *", "UTC", agents, false)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 11, 20, 9, 0, 3, 0, time.UTC)
		if got := leaseTTL([]ingest.Schedule{minutes, s}, now); got != want {
			t.Errorf("%s: the beats may stay away for %s, want %s", spec, got, want)
		}
	}
}
