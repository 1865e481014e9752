package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"talktime/reports"
)

// sheet lays rows of text out in columns, a page at a time.
type sheet struct {
	out    *bufio.Writer
	style  style
	heads  []string
	aligns []text.Align
	page   [][]string
	widths []int
}

// newSheet returns a sheet with the given heads; a head that begins with < is of
// a column aligned to the left.
func newSheet(w io.Writer, colored bool, heads ...string) *sheet {
	s := &sheet{out: bufio.NewWriter(w), widths: make([]int, len(heads))}
	if colored {
		s.style = terminal
	}
	for _, head := range heads {
		name, isLeft := strings.CutPrefix(head, "<")
		s.heads = append(s.heads, name)
		if isLeft {
			s.aligns = append(s.aligns, text.AlignLeft)
		} else {
			s.aligns = append(s.aligns, text.AlignRight)
		}
	}
	return s
}

// add adds a row and writes the page when it is full.
func (s *sheet) add(cells ...string) error {
	s.page = append(s.page, cells)
	if len(s.page) < pageRows {
		return nil
	}
	s.writePage()
	return s.out.Flush()
}

// writePage writes the heads and the rows of the page, if there are any.
func (s *sheet) writePage() {
	if len(s.page) == 0 {
		return
	}
	for _, cells := range append(s.page, s.heads) {
		for i, cell := range cells {
			s.widths[i] = max(s.widths[i], text.StringWidthWithoutEscSequences(cell))
		}
	}
	s.line(s.style.bold, s.join(s.heads))
	for _, cells := range s.page {
		s.line("", s.join(cells))
	}
	s.page = s.page[:0]
}

func (s *sheet) join(cells []string) string {
	aligned := make([]string, len(cells))
	for i, cell := range cells {
		aligned[i] = s.aligns[i].Apply(cell, s.widths[i])
	}
	return strings.TrimRight(strings.Join(aligned, gap), " ")
}

// line writes a line with a code of the style before it. The writer keeps the
// first error and Flush returns it.
func (s *sheet) line(code, line string) {
	if code != "" {
		line = code + line + s.style.off
	}
	_, _ = s.out.WriteString(line + "\n")
}

// title writes what a report of a window is of and how its time was polled.
func (s *sheet) title(name string, meta reports.Meta) error {
	const local = "Mon 2006-01-02 15:04"
	w := meta.Window
	s.line(s.style.bold, fmt.Sprintf("%s · %s to %s · %s, UTC%s", name,
		w.From.In(w.Zone).Format(local), w.To.In(w.Zone).Format(local), w.Zone, strings.Join(offsets(w), ", then UTC")))
	return s.polling(meta)
}

// instant writes the title of a report of one.
func (s *sheet) instant(meta reports.Meta) error {
	s.line(s.style.bold, fmt.Sprintf("Everyone at %s · %s", meta.At.In(meta.Window.Zone).Format("Mon 2006-01-02 15:04:05 -07:00"), meta.Window.Zone))
	return s.polling(meta)
}

func (s *sheet) polling(meta reports.Meta) error {
	for _, line := range polling(meta) {
		s.line("", line)
	}
	s.line("", "")
	return s.out.Flush()
}

// notes writes the notes whose condition holds, then everything out.
func (s *sheet) notes(notes ...string) error {
	s.line("", "")
	for _, note := range notes {
		if note != "" {
			s.line(s.style.dim, note)
		}
	}
	return s.out.Flush()
}

// closedNote says how far closed quarter-hours reach, if not over the window.
func closedNote(meta reports.Meta) string {
	closed := meta.Horizon.Truncate(reports.QuarterHour)
	switch {
	case meta.Horizon.IsZero():
		return "Nothing is derived yet: everything is pending."
	case closed.Before(meta.Window.To):
		return fmt.Sprintf("Closed quarter-hours reach to %s; everything later is pending.", closed.In(meta.Window.Zone).Format("Mon 2006-01-02 15:04 -07:00"))
	default:
		return ""
	}
}

func dirtyNote(meta reports.Meta) string {
	if meta.Dirty == 0 {
		return ""
	}
	return fmt.Sprintf("Quarter-hours with news that is not derived yet: %d.", meta.Dirty)
}

// stamps writes instants as a local clock shows them, to whole seconds, with the
// date where it is not the window's only one.
type stamps struct {
	zone   *time.Location
	date   string // the window's only date, empty where it has several
	layout string // of the time of day
}

func newStamps(w reports.Window) stamps {
	s := stamps{zone: w.Zone, layout: "15:04:05"}
	first := w.From.In(w.Zone).Format(time.DateOnly)
	if last := w.To.Add(-time.Millisecond).In(w.Zone).Format(time.DateOnly); first == last {
		s.date = first
	}
	if len(offsets(w)) > 1 {
		s.layout += "-07:00"
	}
	return s
}

func (s stamps) text(at time.Time) string {
	local := at.In(s.zone)
	if local.Format(time.DateOnly) == s.date {
		return local.Format(s.layout)
	}
	return local.Format("Mon 01-02 " + s.layout)
}

// bound writes how far an end may lie from where it was drawn: half the gap
// between the samples around it, or ? beside time that was not observed.
func bound(after, before time.Time) string {
	if after.IsZero() || before.IsZero() {
		return "?"
	}
	ms := before.Sub(after).Milliseconds()
	return duration((ms/2+second-1)/second, ms, second)
}

// clock rounds an instant down to whole seconds. A table prints lengths between
// rounded instants, so that they add up.
func clock(at time.Time) time.Time { return at.Truncate(time.Second) }

// length writes the time between two instants, in whole seconds.
func length(from, to time.Time) string {
	return duration(clock(to).Sub(clock(from)).Milliseconds()/second, to.Sub(from).Milliseconds(), second)
}
