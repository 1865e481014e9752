package render

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"talktime/reports"
)

// JSONOf writes {"meta": {...}, "rows": [...]} with one row R per line. Numbers
// are exact decimals, values that are missing null. Equal reports give equal
// bytes.
type JSONOf[R any] struct {
	out       *bufio.Writer
	columnsOf func(reports.Meta) []reports.ColumnOf[R]
	columns   []reports.ColumnOf[R]
	line      []byte
	rows      int
}

// NewJSONOf returns a sink that writes the columns of a report to w.
func NewJSONOf[R any](w io.Writer, columns func(reports.Meta) []reports.ColumnOf[R]) *JSONOf[R] {
	return &JSONOf[R]{out: bufio.NewWriter(w), columnsOf: columns}
}

// Begin writes the meta.
func (j *JSONOf[R]) Begin(meta reports.Meta) error {
	j.columns = reports.Chosen(&meta.Shape, j.columnsOf(meta))
	text, err := json.MarshalIndent(newMetaText(meta), "", "  ")
	if err != nil {
		return fmt.Errorf("write meta: %w", err)
	}
	_, err = fmt.Fprintf(j.out, "{\"meta\": %s,\n\"rows\": [", text)
	return err
}

// Row writes one object.
func (j *JSONOf[R]) Row(row *R) error {
	j.line = j.line[:0]
	if j.rows++; j.rows > 1 {
		j.line = append(j.line, ',')
	}
	j.line = append(j.line, "\n{"...)
	for i := range j.columns {
		column := &j.columns[i]
		if i > 0 {
			j.line = append(j.line, ", "...)
		}
		j.line = append(j.line, '"')
		j.line = append(j.line, column.Name...)
		j.line = append(j.line, `": `...)
		var err error
		if j.line, err = appendValue(j.line, column, row); err != nil {
			return fmt.Errorf("write %s: %w", column.Name, err)
		}
	}
	j.line = append(j.line, '}')
	_, err := j.out.Write(j.line)
	return err
}

// appendValue writes a row's value of a column; what is missing is null.
func appendValue[R any](line []byte, column *reports.ColumnOf[R], row *R) ([]byte, error) {
	start := len(line)
	line = column.Append(line, row)
	switch {
	case len(line) == start:
		return append(line, "null"...), nil
	case column.Kind.IsNumber() || column.Kind == reports.Boolean:
		return line, nil
	default:
		quoted, err := json.Marshal(string(line[start:]))
		return append(line[:start], quoted...), err
	}
}

// End closes the list and the object.
func (j *JSONOf[R]) End() error {
	if _, err := j.out.WriteString("\n]}\n"); err != nil {
		return err
	}
	return j.out.Flush()
}

// JSON writes the reports talk-time and states.
type JSON struct{ *JSONOf[reports.Row] }

// NewJSON returns a sink that writes to w.
func NewJSON(w io.Writer) *JSON { return &JSON{NewJSONOf(w, reports.Meta.Columns)} }

// End closes the list and the object, without a total.
func (j *JSON) End(*reports.Row) error { return j.JSONOf.End() }
