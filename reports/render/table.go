package render

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"talktime/reports"
)

// pageRows is how many rows a table lays out at a time: all of an ordinary
// report, so that columns are as narrow as they can be. A longer one goes on
// with new pages under the same heading.
const pageRows = 1000

// Table writes a report for people: a title, one line per row, the total, and
// notes that end with the identity.
//
// The thirteen measures of a row are rounded together by largest remainder, and
// what is printed as a sum is the sum of what is printed as its parts. With
// evidence a row is a block of lines: the times, and how good they are.
type Table struct {
	out     *bufio.Writer
	style   style
	meta    reports.Meta
	from    string // layout of a row's start
	columns []tableColumn
	page    [][]string // the cells of each line, none of an empty one
	widths  []int
	marks   marks
}

// tableColumn is one column of a table.
type tableColumn struct {
	group string               // printed once over the neighbouring columns of one group
	head  [2]string            // its heading's two lines
	texts []func(*line) string // of the lines of a row; empty in the others
	// isLabel marks what tells rows apart, and no sum of them has.
	isLabel bool
}

// marks remembers which signs a table used, so that only those are explained.
type marks struct{ noValue, lowCoverage bool }

// NewTable returns a sink that writes to w; colored adds terminal codes.
func NewTable(w io.Writer, colored bool) *Table {
	t := &Table{out: bufio.NewWriter(w)}
	if colored {
		t.style = terminal
	}
	return t
}

// Begin writes the title. Only talk-time and states have a table.
func (t *Table) Begin(meta reports.Meta) error {
	t.meta = meta
	t.from = fromLayout(meta)
	t.columns = t.keyColumns()
	switch {
	case meta.Report != "talk-time" && meta.Report != "states":
		return fmt.Errorf("there is no table for the report %q", meta.Report)
	case len(meta.Shape.Columns) > 0:
		t.columns = t.chosenColumns()
	case meta.Evidence:
		t.columns = append(t.columns, evidenceColumns...)
	case meta.Report == "talk-time":
		t.columns = append(t.columns, talkTimeColumns...)
	default:
		t.columns = append(t.columns, statesColumns(meta)...)
	}
	t.widths = make([]int, len(t.columns))
	t.writeTitle()
	return t.out.Flush()
}

// Row adds a row to the page.
func (t *Table) Row(row *reports.Row) error {
	if len(t.page) >= pageRows {
		t.writePage()
		if err := t.out.Flush(); err != nil {
			return err
		}
	}
	if t.meta.Evidence && len(t.page) > 0 {
		t.page = append(t.page, nil)
	}
	t.page = append(t.page, t.lines(row)...)
	return nil
}

// End writes the last page, the total unless it is the only row, and the notes.
func (t *Table) End(total *reports.Row) error {
	if total.Agents > 0 {
		t.writeLast(total)
	}
	t.writeNotes(total)
	return t.out.Flush()
}

func (t *Table) writeLast(total *reports.Row) {
	if left := t.meta.LeftOut; left != nil && left.Rows > 0 {
		rest := reports.Row{Time: left.Time, Sums: left.Sums}
		t.page = append(t.page, t.sumLines(&rest, fmt.Sprintf("%d more", left.Rows))...)
	}
	sum := t.sumLines(total, "Total")
	for _, cells := range sum {
		t.widen(cells)
	}
	t.writePage()
	if t.meta.Grouping != (reports.Grouping{}) {
		t.writeRule()
		for _, cells := range sum {
			t.writeBold(t.join(cells))
		}
	}
}

// sumLines returns the lines of a sum of rows, under a name of its own.
func (t *Table) sumLines(sum *reports.Row, name string) [][]string {
	lines := t.lines(sum)
	for i, column := range t.columns {
		if column.isLabel {
			lines[0][i] = ""
		}
	}
	lines[0][0] = name
	return lines
}

// lines returns the cells of each line of a row.
func (t *Table) lines(row *reports.Row) [][]string {
	l := newLine(row, t.meta.AllowPartial, &t.marks)
	var lines [][]string
	for i, column := range t.columns {
		for n, text := range column.texts {
			if n == len(lines) {
				lines = append(lines, make([]string, len(t.columns)))
			}
			lines[n][i] = text(l)
		}
	}
	return lines
}

// fromText shows where a row begins: the date of its first day, or for a row below
// a day what the local clock shows.
func (t *Table) fromText(l *line) string {
	w := t.meta.Window
	if t.meta.Grouping.Unit >= reports.Day {
		return w.Date(l.row.Span.From).Format(t.from)
	}
	return l.row.Span.From.In(w.Zone).Format(t.from)
}

// fromLayout shows as much of a row's start as its window leaves open.
func fromLayout(meta reports.Meta) string {
	w := meta.Window
	if meta.Grouping.Unit >= reports.Day {
		return "Mon 2006-01-02"
	}
	layout := "15:04"
	first, last := w.From.In(w.Zone), w.To.Add(-reports.QuarterHour).In(w.Zone)
	if first.Format(time.DateOnly) != last.Format(time.DateOnly) {
		layout = "Mon 2006-01-02 15:04"
	}
	if len(offsets(w)) > 1 {
		layout += "-07:00"
	}
	return layout
}
