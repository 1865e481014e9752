package main

import (
	"strings"
	"time"
)

// tickKey names a tick: its schedule and its due instant in epoch milliseconds.
type tickKey struct {
	schedule string
	dueAt    int64
}

func (k tickKey) due() time.Time { return time.UnixMilli(k.dueAt).UTC() }

func (k tickKey) String() string { return k.schedule + " at " + k.due().Format(time.RFC3339Nano) }

// account is what one life said of its ticks, in one reign of its own.
type account struct {
	began    map[string]time.Time // of each schedule, the first due instant it served
	left     time.Time            // when it was asked to leave; zero if it was not
	ended    time.Time            // when it was gone; zero while it lives
	finished map[tickKey]bool     // rounds whose polls were over
	safe     map[tickKey]int      // acknowledged ticks and the number of their samples
	stored   map[tickKey]bool     // of them, those that are in the database,
	spooled  map[tickKey]bool     // and those that were not when they were acknowledged
	refused  map[tickKey]string   // rounds it gave up, and why
	isBehind bool                 // its spool is not empty
	missed   []missedWord
	farewell string   // the error it ended with
	trouble  []string // lines no recorder may ever write: a panic, a data race
}

// missedWord is a span of due instants that a recorder said it had missed.
type missedWord struct {
	schedule    string
	first, last time.Time
	cause       string
}

func newAccount() account {
	return account{
		began: map[string]time.Time{}, finished: map[tickKey]bool{}, safe: map[tickKey]int{},
		stored: map[tickKey]bool{}, spooled: map[tickKey]bool{}, refused: map[tickKey]string{},
	}
}

// accountsOf reads a log: an account for each reign, of which there are several
// where others took over meanwhile.
func accountsOf(l *life) (accounts []account) {
	a := newAccount()
	log, _ := l.entries()
	for _, e := range log {
		key := tickKey{e.Schedule, e.DueAt.UnixMilli()}
		switch {
		case strings.HasPrefix(e.text, "talktime: "):
			a.farewell = e.text
		case strings.HasPrefix(e.Msg, saidSuperseded):
			a.ended = e.Time
			accounts = append(accounts, a)
			behind := a.isBehind
			a = newAccount()
			a.isBehind = behind
		case e.Msg == "":
			a.trouble = append(a.trouble, e.text)
		case e.isAcknowledged():
			a.safe[key] = e.Samples
			if e.Msg == saidStored {
				a.stored[key] = true
			} else {
				a.spooled[key] = true
			}
		case e.Msg == saidRefused:
			a.refused[key] = "refused: " + e.Cause
		case strings.HasPrefix(e.Msg, saidSpoolBegins), strings.HasPrefix(e.Msg, saidSpoolHolds):
			a.isBehind = true
		case strings.HasPrefix(e.Msg, saidSpoolEmpty):
			a.isBehind = false
		case strings.HasPrefix(e.Msg, "leaving after"):
			a.left = e.Time
		case e.Msg == "round finished", e.Msg == "polls failed":
			a.finished[key] = true
			if first, ok := a.began[e.Schedule]; !ok || e.DueAt.Before(first) {
				a.began[e.Schedule] = e.DueAt
			}
		case strings.HasPrefix(e.Msg, "ticks missed: "):
			a.missed = append(a.missed, missedWord{e.Schedule, e.From, e.Last, strings.TrimPrefix(e.Msg, "ticks missed: ")})
		case strings.HasPrefix(e.Msg, "tick missed: "):
			a.missed = append(a.missed, missedWord{e.Schedule, e.DueAt, e.DueAt, strings.TrimPrefix(e.Msg, "tick missed: ")})
		case strings.HasPrefix(e.Msg, "round lost: "):
			a.missed = append(a.missed, missedWord{e.Schedule, e.DueAt, e.DueAt, "never stored, and said so"})
		}
	}
	if l.isOver() {
		a.ended = l.ended
	}
	return append(accounts, a)
}

// The causes of a missed tick that no recorder has put into words.
const (
	nobodyThere  = "no recorder was at work"
	wasLeaving   = "the recorder was leaving"
	inFlight     = "its round was under way when the recorder was killed"
	stillSpooled = "its round is in a spool"
	notSafeYet   = "its round was polled, not yet acknowledged, when the recorder was killed"
)

// causeIn says why this life did not take a tick, if it can: "" where the
// tick's due instant lies outside it.
func (a account) causeIn(key tickKey, period time.Duration) (cause string, explained bool) {
	due := key.due()
	for _, m := range a.missed {
		if m.schedule == key.schedule && !due.Before(m.first) && !due.After(m.last) {
			return m.cause, true
		}
	}
	if cause := a.refused[key]; cause != "" {
		return cause, true
	}
	if a.spooled[key] {
		return stillSpooled, true // in the end it is lost, which is another finding
	}
	first, served := a.began[key.schedule]
	switch {
	case !served || due.Before(first):
		return "", false
	case a.ended.IsZero():
		return "", true // it lives, and ought to have taken it
	case a.finished[key] && a.ended.Sub(due) <= period+spoolAfter+roundTail:
		return notSafeYet, true
	case due.After(a.ended):
		return "", false
	case !a.left.IsZero() && due.After(a.left):
		return wasLeaving, true
	case a.ended.Sub(due) <= period+roundTail:
		return inFlight, true
	default:
		return "", true
	}
}

// spoolAfter is how long a round waits for the database before it is spooled.
const spoolAfter = time.Second

// roundTail is how much longer than its period a round may be on its way to the
// log, on a machine that is busy.
const roundTail = 1500 * time.Millisecond

// causeOf says why nobody took a tick; ok is false where somebody ought to have.
func causeOf(key tickKey, period time.Duration, lives []account) (cause string, ok bool) {
	for _, a := range lives {
		if cause, explained := a.causeIn(key, period); explained || cause != "" {
			return cause, cause != ""
		}
	}
	return nobodyThere, true
}
