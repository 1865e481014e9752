package export

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Table is a CSV file whose rows can be read again, as often as wanted.
type Table struct {
	Open    func() (io.Reader, error)
	Dialect Dialect
	Columns []string // where the file has no header
}

// keyColumns tell the rows of a report apart, as far as it has them.
var keyColumns = []string{"agent_id", "bin_start_at", "interval_start_at"}

const (
	teamColumn = "team"
	nameColumn = "agent_name"
)

// tableRow is a row while it is read: it lasts until the next one.
type tableRow struct {
	key   string
	cells []string
}

const byteOrderMark = "\ufeff"

// tableReader reads a table row by row.
type tableReader struct {
	csv     *csv.Reader
	columns []string
	key     []int          // columns of the key
	seen    map[string]int // how many rows of a key there were
}

// read opens the table. Rows are told apart by the columns that the report has
// of keyColumns, and by the team where isByTeam says so.
func (t Table) read(isByTeam bool) (*tableReader, error) {
	in, err := t.Open()
	if err != nil {
		return nil, err
	}
	text := bufio.NewReader(in)
	if mark, err := text.Peek(len(byteOrderMark)); err == nil && string(mark) == byteOrderMark {
		_, _ = text.Discard(len(mark)) // it was just seen
	}
	r := &tableReader{csv: csv.NewReader(text), columns: t.Columns, seen: make(map[string]int)}
	r.csv.Comma = []rune(t.Dialect.Delimiter)[0]
	r.csv.ReuseRecord = true
	if t.Dialect.Header {
		header, err := r.csv.Read()
		if err != nil {
			return nil, fmt.Errorf("read the header: %w", err)
		}
		r.columns = slices.Clone(header)
	}
	for i, name := range r.columns {
		if slices.Contains(keyColumns, name) || name == teamColumn && isByTeam {
			r.key = append(r.key, i)
		}
	}
	return r, nil
}

// next returns the next row, io.EOF after the last. Rows of one key, as of an
// agent id that passed from one person to another, are numbered.
func (r *tableReader) next() (tableRow, error) {
	cells, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return tableRow{}, io.EOF
	}
	if err != nil {
		return tableRow{}, err
	}
	var key strings.Builder
	for _, i := range r.key {
		key.WriteString(cells[i])
		key.WriteByte(0)
	}
	text := key.String()
	n := r.seen[text]
	r.seen[text]++
	return tableRow{fmt.Sprintf("%s%d", text, n), cells}, nil
}

// cell returns the row's cell of a column, empty where it has none.
func (r *tableReader) cell(cells []string, column string) string {
	if i := slices.Index(r.columns, column); i >= 0 && cells != nil {
		return cells[i]
	}
	return ""
}
