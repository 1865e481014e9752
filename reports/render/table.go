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
// what is printed as a sum is the sum of what is printed as its parts.
type Table struct {
	out     *bufio.Writer
	style   style
	meta    reports.Meta
	from    string // layout of a row's start
	columns []tableColumn
	page    [][]string
	widths  []int
	marks   marks
}

// tableColumn is one column of a table.
type tableColumn struct {
	group string    // printed once over the neighbouring columns of one group
	head  [2]string // its heading's two lines
	text  func(*line) string
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
	switch meta.Report {
	case "talk-time":
		t.columns = append(t.columns, talkTimeColumns...)
	case "states":
		t.columns = append(t.columns, statesColumns(meta)...)
	default:
		return fmt.Errorf("there is no table for the report %q", meta.Report)
	}
	t.widths = make([]int, len(t.columns))
	t.writeTitle()
	return t.out.Flush()
}

// Row adds a line to the page.
func (t *Table) Row(row *reports.Row) error {
	if len(t.page) == pageRows {
		t.writePage()
		if err := t.out.Flush(); err != nil {
			return err
		}
	}
	t.page = append(t.page, t.cells(row))
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
	sum := t.cells(total)
	for i := range t.keyColumns() {
		sum[i] = ""
	}
	sum[0] = "Total"
	t.widen(sum)
	t.writePage()
	if t.meta.Grouping != (reports.Grouping{}) {
		t.writeRule()
		t.writeBold(t.join(sum))
	}
}

func (t *Table) cells(row *reports.Row) []string {
	l := newLine(row, t.meta.AllowPartial, &t.marks)
	cells := make([]string, len(t.columns))
	for i, column := range t.columns {
		cells[i] = column.text(l)
	}
	return cells
}

// keyColumns are the columns that tell rows apart, in the order they sort by.
func (t *Table) keyColumns() []tableColumn {
	agent := tableColumn{head: [2]string{"", "Agent"}, text: func(l *line) string { return fmt.Sprint(l.row.Agent) }}
	from := tableColumn{head: [2]string{"", "From"}, text: func(l *line) string {
		return l.row.Span.From.In(t.meta.Window.Zone).Format(t.from)
	}}
	switch g := t.meta.Grouping; {
	case g.Unit == reports.NoUnit && g.ByAgent:
		return []tableColumn{agent}
	case g.Unit == reports.NoUnit:
		return []tableColumn{{head: [2]string{"", "Agents"}, text: func(l *line) string { return fmt.Sprint(l.row.Agents) }}}
	case !g.ByAgent:
		return []tableColumn{from}
	case g.UnitFirst:
		return []tableColumn{from, agent}
	default:
		return []tableColumn{agent, from}
	}
}

// fromLayout shows as much of a row's start as its window leaves open.
func fromLayout(meta reports.Meta) string {
	w := meta.Window
	if meta.Grouping.Unit == reports.Day {
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
