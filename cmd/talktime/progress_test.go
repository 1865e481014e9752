package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stoppedClock shows what it is set to.
type stoppedClock struct{ now time.Time }

func (c *stoppedClock) Now() time.Time                                  { return c.now }
func (c *stoppedClock) SleepUntil(_ context.Context, t time.Time) error { c.now = t; return nil }

// Pipes and files are told nothing.
func TestNoProgressElsewhereThanOnATerminal(t *testing.T) {
	var out bytes.Buffer
	clock := &stoppedClock{}
	a := &app{stdout: &out, stderr: &out, clock: clock}
	p := a.newProgress("deriving")
	clock.now = clock.now.Add(time.Hour)
	p.at(500, 1000)
	p.end()
	p.end()
	if out.Len() > 0 || a.stdout != &out {
		t.Errorf("told %q", &out)
	}
}

func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	clock := &stoppedClock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	p := &progress{out: &out, clock: clock, what: "deriving", began: clock.now, stop: func() {}}
	step := func(after time.Duration, done int) {
		clock.now = clock.now.Add(after)
		if done > 0 {
			p.at(done, 200)
		}
		p.show()
	}
	step(999*time.Millisecond, 0) // not long enough
	step(time.Millisecond, 0)     // nobody knows how much there is
	step(0, 50)
	step(2*time.Second, 150)
	p.rename("keeping")
	step(time.Millisecond, 200)
	p.end()
	p.end()
	want := []string{
		"",
		"deriving: 1s",
		"deriving: 25 %, 3s left",
		"deriving: 75 %, 1s left",
		"keeping: 100 %         ",
		"              ",
		"",
	}
	if d := cmp.Diff(want, strings.Split(out.String(), "\r")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// What is written to the terminal meanwhile takes the line's place, and the line
// does not come back before that is a whole line.
func TestProgressBesideOutput(t *testing.T) {
	screen, err := os.Create(t.TempDir() + "/screen")
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	clock := &stoppedClock{}
	p := &progress{out: screen, clock: clock, what: "reading", began: clock.now.Add(-time.Minute), stop: func() {}}
	beside := &besideProgress{screen, p}
	for _, text := range []string{"Title\n", "half", " line\n"} {
		p.show()
		if _, err := beside.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	p.end()
	got, err := os.ReadFile(screen.Name())
	if err != nil {
		t.Fatal(err)
	}
	const line, blank = "\rreading: 1m0s", "\r             \r"
	if want := line + blank + "Title\n" + line + blank + "half line\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
