package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stoppedClock shows what it is set to.
type stoppedClock struct{ now time.Time }

func (c *stoppedClock) Now() time.Time                                  { return c.now }
func (c *stoppedClock) SleepUntil(_ context.Context, t time.Time) error { c.now = t; return nil }

func TestProgressElsewhereThanOnATerminal(t *testing.T) {
	var out bytes.Buffer
	a := &app{stderr: &out, clock: &stoppedClock{}}
	p := a.newProgress("deriving")
	for done := range 1001 {
		p.at(done, 1000)
	}
	p.at(1000, 1000)
	p.at(5, 0)
	p.end()
	want := "deriving: 10 %\nderiving: 20 %\nderiving: 30 %\nderiving: 40 %\nderiving: 50 %\n" +
		"deriving: 60 %\nderiving: 70 %\nderiving: 80 %\nderiving: 90 %\nderiving: 100 %\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	clock := &stoppedClock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	p := &progress{out: &out, clock: clock, what: "deriving", terminal: true, began: clock.now}
	step := func(after time.Duration, done int) {
		clock.now = clock.now.Add(after)
		p.at(done, 200)
	}
	step(0, 1)
	step(99*time.Millisecond, 2) // too soon after the line before
	step(901*time.Millisecond, 50)
	step(2*time.Second, 150)
	step(time.Millisecond, 200) // the end is always shown
	p.end()
	want := []string{
		"",
		"deriving: 0 %",
		"deriving: 25 %, 3s left",
		"deriving: 75 %, 1s left",
		"deriving: 100 %        ",
		"               ",
		"",
	}
	if d := cmp.Diff(want, strings.Split(out.String(), "\r")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
