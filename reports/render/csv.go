package render

import (
	"encoding/csv"
	"io"

	"talktime/reports"
)

// CSVOf writes a header and one record per row R, UTF-8, comma separated, lines
// ending in LF, values that are missing empty. It writes no total and no meta:
// WriteMeta makes the file that belongs beside it. Equal reports give equal
// bytes.
type CSVOf[R any] struct {
	out       *csv.Writer
	columnsOf func(reports.Meta) []reports.ColumnOf[R]
	columns   []reports.ColumnOf[R]
	record    []string
}

// NewCSVOf returns a sink that writes the columns of a report to w.
func NewCSVOf[R any](w io.Writer, columns func(reports.Meta) []reports.ColumnOf[R]) *CSVOf[R] {
	return &CSVOf[R]{out: csv.NewWriter(w), columnsOf: columns}
}

// Begin writes the header.
func (c *CSVOf[R]) Begin(meta reports.Meta) error {
	c.columns = c.columnsOf(meta)
	c.record = make([]string, len(c.columns))
	for i, column := range c.columns {
		c.record[i] = column.Name
	}
	return c.out.Write(c.record)
}

// Row writes one record.
func (c *CSVOf[R]) Row(row *R) error {
	for i, column := range c.columns {
		c.record[i] = column.Text(row)
	}
	return c.out.Write(c.record)
}

// End writes what is still buffered.
func (c *CSVOf[R]) End() error {
	c.out.Flush()
	return c.out.Error()
}

// CSV writes the reports talk-time and states.
type CSV struct{ *CSVOf[reports.Row] }

// NewCSV returns a sink that writes to w.
func NewCSV(w io.Writer) *CSV { return &CSV{NewCSVOf(w, reports.Meta.Columns)} }

// End writes what is still buffered, and no total.
func (c *CSV) End(*reports.Row) error { return c.CSVOf.End() }
