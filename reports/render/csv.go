package render

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"talktime/reports"
)

// byteOrderMark tells spreadsheet programs that a file is UTF-8.
const byteOrderMark = "\ufeff"

// CSVOf writes one record per row R, UTF-8, by the rules of a Form. It writes no
// total and no meta: WriteMeta makes the file that belongs beside it. Equal
// reports give equal bytes.
type CSVOf[R any] struct {
	form           Form
	out            *bufio.Writer
	comma          byte
	isDecimalComma bool
	columnsOf      func(reports.Meta) []reports.ColumnOf[R]
	columns        []reports.ColumnOf[R]
	line           []byte // of the record being written
	rows           int
}

// NewCSVOf returns a sink that writes the columns of a report to w.
func NewCSVOf[R any](w io.Writer, form Form, columns func(reports.Meta) []reports.ColumnOf[R]) *CSVOf[R] {
	c := &CSVOf[R]{form: form, out: bufio.NewWriterSize(w, bufferSize), columnsOf: columns}
	c.comma, c.isDecimalComma = form.marks()
	return c
}

// Begin writes the header, where the profile has one.
func (c *CSVOf[R]) Begin(meta reports.Meta) error {
	c.columns = reports.Chosen(&meta.Shape, c.columnsOf(meta))
	if c.form.Profile.hasMark {
		if _, err := c.out.WriteString(byteOrderMark); err != nil {
			return err
		}
	}
	if !c.form.Profile.hasHeader {
		return nil
	}
	c.line = c.line[:0]
	for i, column := range c.columns {
		if i > 0 {
			c.line = append(c.line, c.comma)
		}
		c.line = append(c.line, column.Name...)
	}
	return c.writeLine()
}

// Row writes one record.
func (c *CSVOf[R]) Row(row *R) error {
	c.line = c.line[:0]
	for i := range c.columns {
		if i > 0 {
			c.line = append(c.line, c.comma)
		}
		column, start := &c.columns[i], len(c.line)
		c.line = column.Append(c.line, row)
		switch {
		case c.form.Profile.isGuarded:
			text := spreadsheetCell(column.Name, column.Kind, string(c.line[start:]), c.isDecimalComma)
			c.line = quoteCell(append(c.line[:start], text...), start, c.comma)
		case column.Kind == reports.Text: // no other kind has a character to quote
			c.line = quoteCell(c.line, start, c.comma)
		}
	}
	c.rows++
	return c.writeLine()
}

func (c *CSVOf[R]) writeLine() error {
	c.line = endRecord(c.line)
	_, err := c.out.Write(c.line)
	return err
}

// Rows returns how many records were written, without the header.
func (c *CSVOf[R]) Rows() int { return c.rows }

// End writes what is still buffered.
func (c *CSVOf[R]) End() error {
	return c.out.Flush()
}

// CSV writes the reports talk-time and states.
type CSV struct {
	*CSVOf[reports.Row]
	missing Missing
	rounded *rounding
}

// NewCSV returns a sink that writes to w. The form's profile must be able to carry
// the report (Profile.Check).
func NewCSV(w io.Writer, form Form) *CSV {
	c := &CSV{missing: form.missing(), rounded: form.Profile.rows.rounding()}
	c.CSVOf = NewCSVOf(w, form, func(meta reports.Meta) []reports.Column {
		columns := form.Profile.rows.columns(meta, c.rounded)
		if c.missing == ZeroMissing || c.missing == FailMissing {
			zeroMissing(columns)
		}
		return columns
	})
	return c
}

// Row writes one record, if the form has one for it.
func (c *CSV) Row(row *reports.Row) error {
	if row.Observed() == 0 {
		switch {
		case c.missing == OmitMissing:
			return nil
		case c.missing == FailMissing && row.Unobserved()+row.MS[reports.Pending] > 0:
			return fmt.Errorf("nothing was observed of agent %d from %s to %s, and profile %s takes no guess: "+
				"report when it is derived, or say what stands for it with on_missing zero, empty or omit",
				row.Agent, row.Span.From.Format(time.RFC3339), row.Span.To.Format(time.RFC3339), c.form.Profile.Name)
		}
	}
	c.rounded.set(row)
	return c.CSVOf.Row(row)
}

// zeroMissing makes every figure of observed time 0 where nothing was observed.
func zeroMissing(columns []reports.Column) {
	for i, column := range columns {
		if !column.IsSeen {
			continue
		}
		zero := "0"
		if column.Kind == reports.Seconds {
			zero = "0.000"
		}
		columns[i].Append = func(b []byte, row *reports.Row) []byte {
			if row.Observed() == 0 {
				return append(b, zero...)
			}
			return column.Append(b, row)
		}
	}
}

// End writes what is still buffered, and no total.
func (c *CSV) End(*reports.Row) error { return c.CSVOf.End() }
