package render

import (
	"fmt"
	"io"

	"talktime/ingest"
	"talktime/reports"
)

// Timeline writes the report timeline for people: of each agent a table of
// episodes, then a bar to look at with its legend. Times are rounded down to
// seconds, lengths taken between them, so that they add up to the window.
//
// It keeps a page of rows and the bar's cells.
type Timeline struct {
	sheet  *sheet
	width  int
	meta   reports.Meta
	stamps stamps
	agent  ingest.AgentID // whose table is being written; 0 for none
	bar    bar
	cut    bool // an end with a ? was printed
}

// NewTimeline returns a sink that writes to w, bars no wider than so many
// columns; colored adds terminal codes.
func NewTimeline(w io.Writer, colored bool, width int) *Timeline {
	return &Timeline{sheet: newSheet(w, colored, "From", "±", "To", "±", "In window", "<State", "<Code", "<Note"), width: width}
}

// Begin writes the title.
func (t *Timeline) Begin(meta reports.Meta) error {
	t.meta, t.stamps = meta, newStamps(meta.Window)
	return t.sheet.title("Timeline", meta)
}

// Row adds a line to the agent's table and paints his bar.
func (t *Timeline) Row(e *reports.Episode) error {
	if e.Agent != t.agent {
		t.endAgent()
		t.agent, t.bar = e.Agent, newBar(t.meta.Window, t.width)
		t.sheet.line(t.sheet.style.bold, fmt.Sprintf("Agent %d", e.Agent))
	}
	inside := e.Cut(t.meta.Window.Span)
	t.bar.paint(e.Measure, inside)
	return t.sheet.add(t.cells(e, length(inside.From, inside.To))...)
}

func (t *Timeline) cells(e *reports.Episode, inside string) []string {
	if !e.IsObserved() {
		return []string{t.stamps.text(e.From), "", t.stamps.text(e.To), "", inside, spoken(e.Measure), "", ""}
	}
	started, ended, to, note := bound(e.StartedAfter, e.StartedBefore), bound(e.EndedAfter, e.EndedBefore), t.stamps.text(e.To), ""
	switch {
	case e.IsOpen:
		ended, to, note = "", "…", "goes on"
	case e.IsCutByGap():
		note = "cut by a gap"
	}
	t.cut = t.cut || e.IsCutByGap()
	return []string{t.stamps.text(e.From), started, to, ended, inside, spoken(e.Measure), code(e.Status), note}
}

func (t *Timeline) endAgent() {
	if t.agent == 0 {
		return
	}
	t.sheet.writePage()
	t.sheet.line("", "")
	for _, line := range t.bar.lines(t.sheet.style) {
		t.sheet.line("", line)
	}
	t.sheet.line("", "")
}

// End writes the last bar and the notes.
func (t *Timeline) End() error {
	t.endAgent()
	notes := []string{
		"± is half the gap between the two samples an end was drawn between. From and To are true bounds, also outside the window.",
		closedNote(t.meta), dirtyNote(t.meta),
	}
	if t.agent == 0 {
		notes[0] = "No agent has a segment in this window."
	}
	if t.cut {
		notes = append(notes, "? the episode begins or ends beside time that was not observed: it may have been longer.")
	}
	return t.sheet.notes(notes...)
}

// spoken writes a measure in words.
func spoken(m reports.Measure) string {
	return [reports.Measures]string{
		"talk", "reserved", "ACW", "available", "busy", "rest", "pre-rest", "other", "signed out",
		"failed", "recorder down", "unscheduled", "pending",
	}[m]
}

// code writes the pair the gateway told.
func code(s ingest.Status) string {
	if s.IsWorking {
		return fmt.Sprintf("%d, working", s.AgentState)
	}
	return fmt.Sprint(s.AgentState)
}
