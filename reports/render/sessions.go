package render

import (
	"fmt"
	"io"

	"talktime/reports"
)

// Sessions writes the report sessions for people, one line a session. Times are
// rounded down to seconds.
type Sessions struct {
	sheet     *sheet
	meta      reports.Meta
	stamps    stamps
	rows      int
	suspected int
}

// NewSessions returns a sink that writes to w; colored adds terminal codes.
func NewSessions(w io.Writer, colored bool) *Sessions {
	return &Sessions{sheet: newSheet(w, colored, "Agent", "First staffed", "±", "Last staffed", "±", "Length", "Staffed", "Talk", "Unobserved", "<End", "<Note")}
}

// Begin writes the title.
func (s *Sessions) Begin(meta reports.Meta) error {
	s.meta, s.stamps = meta, newStamps(meta.Window)
	return s.sheet.title("Sessions", meta)
}

// Row adds a line.
func (s *Sessions) Row(row *reports.Session) error {
	s.rows++
	last, ended, note := s.stamps.text(row.LastStaffed), bound(row.EndedAfter, row.EndedBefore), ""
	if row.EndKind == reports.EndOpen {
		last, ended = "…", ""
	}
	if row.SuspectedLeftSignedIn {
		s.suspected++
		note = "left signed in?"
	}
	parts := reports.LargestRemainder([]int64{row.TalkMS, row.StaffedMS - row.TalkMS, row.UnobservedMS()}, second)
	whole := parts[0] + parts[1] + parts[2]
	return s.sheet.add(fmt.Sprint(row.Agent), s.stamps.text(row.FirstStaffed), bound(row.StartedAfter, row.StartedBefore), last, ended,
		duration(whole, row.StaffedMS+row.UnobservedMS(), second), duration(parts[0]+parts[1], row.StaffedMS, second),
		duration(parts[0], row.TalkMS, second), duration(parts[2], row.UnobservedMS(), second), row.EndKind.String(), note)
}

// End writes the last page and the notes.
func (s *Sessions) End() error {
	s.sheet.writePage()
	if s.rows == 0 {
		return s.sheet.notes(append(shapeNotes(s.meta), "No agent was staffed in this window.", closedNote(s.meta), dirtyNote(s.meta))...)
	}
	suspected := ""
	if s.suspected > 0 {
		suspected = "left signed in? more than 4 hours without talk reach over midnight. Nothing is left out for it."
	}
	return s.sheet.notes(append(shapeNotes(s.meta),
		"A session is staffed time, unobserved holes of up to 10 minutes included. It is shown whole, also outside the window.",
		"± is half the gap between the two samples an end was drawn between; ? beside time that was not observed.",
		"End: observed, the agent was seen signed out; unknown, nobody looked; open, it went on when the last quarter-hour closed.",
		suspected, closedNote(s.meta), dirtyNote(s.meta))...)
}
