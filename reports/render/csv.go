package render

import (
	"encoding/csv"
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
	w              io.Writer
	out            *csv.Writer
	isDecimalComma bool
	columnsOf      func(reports.Meta) []reports.ColumnOf[R]
	columns        []reports.ColumnOf[R]
	record         []string
	rows           int
}

// NewCSVOf returns a sink that writes the columns of a report to w.
func NewCSVOf[R any](w io.Writer, form Form, columns func(reports.Meta) []reports.ColumnOf[R]) *CSVOf[R] {
	c := &CSVOf[R]{form: form, w: w, out: csv.NewWriter(w), columnsOf: columns}
	c.out.UseCRLF = form.Profile.crlf
	c.out.Comma, c.isDecimalComma = form.marks()
	return c
}

// Begin writes the header, where the profile has one.
func (c *CSVOf[R]) Begin(meta reports.Meta) error {
	c.columns = c.columnsOf(meta)
	c.record = make([]string, len(c.columns))
	if c.form.Profile.hasMark {
		if _, err := io.WriteString(c.w, byteOrderMark); err != nil {
			return err
		}
	}
	if !c.form.Profile.hasHeader {
		return nil
	}
	for i, column := range c.columns {
		c.record[i] = column.Name
	}
	return c.out.Write(c.record)
}

// Row writes one record.
func (c *CSVOf[R]) Row(row *R) error {
	for i := range c.columns {
		column := &c.columns[i]
		text := column.Text(row)
		if c.form.Profile.isGuarded {
			text = spreadsheetCell(column.Name, column.Kind, text, c.isDecimalComma)
		}
		c.record[i] = text
	}
	c.rows++
	return c.out.Write(c.record)
}

// Rows returns how many records were written, without the header.
func (c *CSVOf[R]) Rows() int { return c.rows }

// End writes what is still buffered.
func (c *CSVOf[R]) End() error {
	c.out.Flush()
	return c.out.Error()
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
		columns[i].Text = func(row *reports.Row) string {
			if row.Observed() == 0 {
				return zero
			}
			return column.Text(row)
		}
	}
}

// End writes what is still buffered, and no total.
func (c *CSV) End(*reports.Row) error { return c.CSVOf.End() }
