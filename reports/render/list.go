package render

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"talktime/reports"
)

// List writes the columns of a report whose rows are no sums for people, a line a
// row, where its own table does not fit: its columns were chosen, or the episodes
// of a timeline come in another order than that of their bar. Lengths of time and
// instants are rounded down to seconds; lengths of a whole column may add up to
// less than the exact ones do.
type List[R any] struct {
	out       io.Writer
	colored   bool
	columnsOf func(reports.Meta) []reports.ColumnOf[R]
	columns   []reports.ColumnOf[R]
	meta      reports.Meta
	stamps    stamps
	sheet     *sheet
	rows      int
}

// NewList returns a sink that writes to w the columns a report's Shape names, or
// else those given, of all that the report has; colored adds terminal codes.
func NewList[R any](w io.Writer, colored bool, columns func(reports.Meta) []reports.ColumnOf[R], otherwise ...string) *List[R] {
	return &List[R]{out: w, colored: colored, columnsOf: func(meta reports.Meta) []reports.ColumnOf[R] {
		shape := meta.Shape
		if len(shape.Columns) == 0 {
			shape.Columns = otherwise
		}
		return reports.Chosen(&shape, columns(meta))
	}}
}

// Begin writes the title.
func (l *List[R]) Begin(meta reports.Meta) error {
	l.meta, l.columns = meta, l.columnsOf(meta)
	heads := make([]string, len(l.columns))
	for i, column := range l.columns {
		heads[i] = column.Name
		switch {
		case column.Kind == reports.Seconds:
			heads[i] = strings.TrimSuffix(column.Name, "_seconds")
		case column.Kind == reports.Text:
			heads[i] = "<" + column.Name
		}
	}
	l.sheet = newSheet(l.out, l.colored, heads...)
	if !meta.At.IsZero() {
		return l.sheet.instant(meta)
	}
	l.stamps = newStamps(meta.Window)
	return l.sheet.title(strings.ToUpper(meta.Report[:1])+meta.Report[1:], meta)
}

// Row adds a line.
func (l *List[R]) Row(row *R) error {
	l.rows++
	cells := make([]string, len(l.columns))
	for i := range l.columns {
		cells[i] = l.cell(l.columns[i].Kind, l.columns[i].Text(row))
	}
	return l.sheet.add(cells...)
}

func (l *List[R]) cell(kind reports.Kind, text string) string {
	switch {
	case text == "":
		return ""
	case kind == reports.Seconds:
		exact, _ := strconv.ParseFloat(text, 64) // a column of seconds has nothing else
		ms := int64(exact*1000 + 0.5)
		return duration(ms/second, ms, second)
	case kind == reports.Instant && l.meta.At.IsZero():
		at, _ := time.Parse(time.RFC3339, text) // nor has one of instants
		return l.stamps.text(at)
	default:
		return printable(text)
	}
}

// End writes the last page and the notes.
func (l *List[R]) End() error {
	l.sheet.writePage()
	nothing := ""
	if l.rows == 0 {
		nothing = fmt.Sprintf("The report %s has no row here.", l.meta.Report)
	}
	notes := append([]string{nothing}, shapeNotes(l.meta)...)
	if l.meta.At.IsZero() {
		notes = append(notes, closedNote(l.meta), dirtyNote(l.meta))
	}
	return l.sheet.notes(notes...)
}
