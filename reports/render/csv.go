package render

import (
	"encoding/csv"
	"io"

	"talktime/reports"
)

// CSV writes a header and one record per row, UTF-8, comma separated, lines
// ending in LF, values that are missing empty. It writes no total and no meta:
// WriteMeta makes the file that belongs beside it. Equal reports give equal
// bytes.
type CSV struct {
	out     *csv.Writer
	columns []reports.Column
	record  []string
}

// NewCSV returns a sink that writes to w.
func NewCSV(w io.Writer) *CSV { return &CSV{out: csv.NewWriter(w)} }

// Begin writes the header.
func (c *CSV) Begin(meta reports.Meta) error {
	c.columns = meta.Columns()
	c.record = make([]string, len(c.columns))
	for i, column := range c.columns {
		c.record[i] = column.Name
	}
	return c.out.Write(c.record)
}

// Row writes one record.
func (c *CSV) Row(row *reports.Row) error {
	for i, column := range c.columns {
		c.record[i] = column.Text(row)
	}
	return c.out.Write(c.record)
}

// End writes what is still buffered.
func (c *CSV) End(*reports.Row) error {
	c.out.Flush()
	return c.out.Error()
}
