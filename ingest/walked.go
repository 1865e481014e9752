package ingest

import (
	"slices"
	"time"
)

// walked is what the clock has shown while its due instants were served. No
// instant of it is served again when the clock is set back: its ticks are stored
// or spoken for, and its agents have their samples. What the clock jumped over
// is not walked, so a jump taken back costs what was walked beyond it, no more.
type walked []leg

// A leg of it; it holds both its ends and is empty while `to` lies
// before `from`.
type leg struct{ from, to time.Time }

// maxLegs bounds what a clock leaves behind that is set again and again.
// The oldest goes: what it held is polled again, and the Recorder lets the tick
// stand that it has.
const maxLegs = 1000

// newWalked stands at start. Everything before it counts as walked: it is not
// this recording's.
func newWalked(start time.Time) walked {
	return walked{{time.Time{}, start.Add(-1)}, {start, start.Add(-1)}}
}

// goOn walks on to now.
func (w walked) goOn(now time.Time) {
	if current := &w[len(w)-1]; now.After(current.to) {
		current.to = now
	}
}

// take notes a due instant that is served, which a jump may have passed over.
func (w *walked) take(due time.Time) {
	if last := len(*w) - 1; due.Before((*w)[last].from) {
		*w = slices.Insert(*w, last, leg{due, due})
		w.shorten()
	}
}

// leap begins a new leg at now.
func (w *walked) leap(now time.Time) {
	*w = append(*w, leg{now, now.Add(-1)})
	w.shorten()
}

func (w *walked) shorten() {
	if len(*w) > maxLegs {
		*w = slices.Delete(*w, 1, 2)
	}
}

// has reports whether the instant was walked, and until when it goes on so.
func (w walked) has(t time.Time) (until time.Time, walked bool) {
	for _, s := range w {
		if !t.Before(s.from) && !t.After(s.to) {
			return s.to, true
		}
	}
	return t, false
}

// reached returns the latest instant that was walked.
func (w walked) reached() time.Time {
	latest := w[0].to
	for _, s := range w {
		if s.to.After(latest) {
			latest = s.to
		}
	}
	return latest
}
