package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"talktime/reports"
)

// At writes the report at for people: how many agents were in which state, below
// them one line an agent.
type At struct {
	sheet       *sheet
	meta        reports.Meta
	rows        [][]string
	counts      [reports.Measures]int
	provisional int
}

// NewAt returns a sink that writes to w; colored adds terminal codes. It keeps
// all rows.
func NewAt(w io.Writer, colored bool) *At {
	return &At{sheet: newSheet(w, colored, "Agent", "<State", "<Code", "Seen before", "Seen after", "<Note")}
}

// Begin writes the title.
func (a *At) Begin(meta reports.Meta) error {
	a.meta = meta
	return a.sheet.instant(meta)
}

// Row counts the agent and keeps his line.
func (a *At) Row(s *reports.StateAt) error {
	a.counts[s.Measure]++
	state, status, note := spoken(s.Measure), "", ""
	if s.IsObserved() {
		status = code(s.Status)
	} else if !s.LastPoll.PolledAt.IsZero() {
		note = fmt.Sprintf("last poll %s before: %s", a.distance(s.LastPoll.PolledAt), s.LastPoll.Outcome)
	}
	if s.IsProvisional {
		a.provisional++
		note = "last seen"
	}
	a.rows = append(a.rows, []string{fmt.Sprint(s.Agent), state, status, a.seen(&s.Before), a.seen(&s.After), note})
	return nil
}

// seen writes how far a sample lies from the instant, with what it showed where
// that is not said beside it.
func (a *At) seen(o *reports.Observation) string {
	if o.At.IsZero() {
		return noValue
	}
	return fmt.Sprintf("%s %s", spoken(o.Measure), a.distance(o.At))
}

func (a *At) distance(at time.Time) string {
	ms := a.meta.At.Sub(at).Abs().Milliseconds()
	return fmt.Sprintf("%d.%d s", ms/second, ms%second/100)
}

// End writes everything.
func (a *At) End() error {
	if len(a.rows) == 0 {
		return a.sheet.notes("Nobody was due or seen near this instant.")
	}
	var counts []string
	for m, n := range a.counts {
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%s %d", spoken(reports.Measure(m)), n))
		}
	}
	of := ""
	if left := a.meta.LeftOut; left != nil {
		of = fmt.Sprintf(" of %d", len(a.rows)+left.Rows)
	}
	a.sheet.line("", fmt.Sprintf("%d%s agents: %s", len(a.rows), of, strings.Join(counts, " · ")))
	a.sheet.line("", "")
	for _, row := range a.rows {
		if err := a.sheet.add(row...); err != nil {
			return err
		}
	}
	a.sheet.writePage()
	provisional := ""
	if a.provisional > 0 {
		provisional = fmt.Sprintf("last seen: the next sample is still to come and may move the border; agents: %d.", a.provisional)
	}
	return a.sheet.notes(append([]string{
		"Seen before and after: the nearest samples no further than the hold, and their distance from the instant.", provisional,
	}, shapeNotes(a.meta)...)...)
}
