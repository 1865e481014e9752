package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"talktime/ingest"
)

// A recorder brings its private Postgres back, and no tick is lost.
func TestRecorderRestartsItsPostgres(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102, 103), "* * * * * *")
	p := c.startRecorder()
	p.await(roundStored, 2)
	text, err := os.ReadFile(filepath.Join(c.dir, "data", "postgres", "cluster", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.await("the private Postgres had ended and is started again", 1)
	p.await(roundStored, 3)
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != exitOK {
		t.Errorf("after SIGTERM the exit code is %d:\n%s", code, &p.seen)
	}
	const whole = "SELECT count(*) = extract(epoch FROM max(due_at) - min(due_at)) + 1, count(*) FILTER (WHERE status = 'missed') FROM talktime.ticks"
	if rows := fmt.Sprint(c.query(whole)); rows != "[[t 0]]" {
		t.Errorf("every tick is there, and how many are missed: %s, want [[t 0]]\n%s", rows, &p.seen)
	}
}
