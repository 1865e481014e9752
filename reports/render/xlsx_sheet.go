package render

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"talktime/reports"
)

// rowsSheet is a sheet of rows, written as they come (ECMA-376 part 1, §18.3). The
// library's own way to stream takes every cell through a value of its own and the
// whole sheet through a temporary file before it is compressed: half of the time
// of a workbook.
type rowsSheet[R any] struct {
	columns []reports.ColumnOf[R]
	letters []string // of the columns
	styles  cellStyles
	kept    *spill
	file    *zipped
	rows    int // the header among them
	line    []byte
	text    []byte
}

// newRowsSheet begins a sheet with a frozen header. The file is that of the n-th
// sheet of a workbook.
func newRowsSheet[R any](n int, columns []reports.ColumnOf[R], styles cellStyles) (*rowsSheet[R], error) {
	kept, err := newSpill()
	if err != nil {
		return nil, err
	}
	s := &rowsSheet[R]{columns: columns, styles: styles, kept: kept}
	if s.file, err = newZipped(fmt.Sprintf("xl/worksheets/sheet%d.xml", n), kept); err != nil {
		return nil, err
	}
	s.line = append(s.line, xml.Header+`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`+
		` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">`+
		`<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`...)
	for i, column := range columns {
		letters, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return nil, err
		}
		s.letters = append(s.letters, letters)
		s.line = fmt.Appendf(s.line, `<col min="%d" max="%d" width="%d" customWidth="1"/>`, i+1, i+1, max(10, len(column.Name)+4))
	}
	s.line = append(s.line, "</cols><sheetData>"...)
	number := s.begin()
	for i, column := range columns {
		s.line = s.appendText(s.appendCell(i, number, styles.head), []byte(column.Name))
	}
	return s, s.end()
}

// begin begins the next row and returns its number.
func (s *rowsSheet[R]) begin() []byte {
	s.rows++
	number := strconv.AppendInt(nil, int64(s.rows), 10)
	s.line = append(append(append(s.line, `<row r="`...), number...), `">`...)
	return number
}

// end writes the row.
func (s *rowsSheet[R]) end() error {
	s.line = append(s.line, "</row>"...)
	_, err := s.file.Write(s.line)
	s.line = s.line[:0]
	return err
}

// row adds a row.
func (s *rowsSheet[R]) row(row *R) error {
	number := s.begin()
	for i := range s.columns {
		s.text = s.columns[i].Append(s.text[:0], row)
		if len(s.text) == 0 {
			continue // an empty cell
		}
		kind := s.columns[i].Kind
		s.line = s.appendCell(i, number, s.styles.of(kind))
		var err error
		if s.line, err = s.appendValue(kind); err != nil {
			return fmt.Errorf("write %s: %w", s.columns[i].Name, err)
		}
	}
	return s.end()
}

// appendCell begins a cell and leaves its tag open.
func (s *rowsSheet[R]) appendCell(column int, number []byte, style int) []byte {
	line := append(append(append(append(s.line, `<c r="`...), s.letters[column]...), number...), '"')
	if style > 0 {
		line = append(strconv.AppendInt(append(line, ` s="`...), int64(style), 10), '"')
	}
	return line
}

// appendValue ends a cell with the text as a value of the kind.
func (s *rowsSheet[R]) appendValue(kind reports.Kind) ([]byte, error) {
	text, line := s.text, s.line
	switch kind {
	case reports.Integer, reports.Decimal:
		line = append(append(line, "><v>"...), text...)
	case reports.Seconds:
		seconds, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			return line, err
		}
		line = strconv.AppendFloat(append(line, "><v>"...), seconds/daySeconds, 'f', -1, 64)
	case reports.Boolean:
		digit := byte('0')
		if string(text) == "true" {
			digit = '1'
		}
		line = append(append(line, ` t="b"><v>`...), digit)
	case reports.Date, reports.Instant:
		layout := time.RFC3339
		if kind == reports.Date {
			layout = time.DateOnly
		}
		at, err := time.Parse(layout, string(text))
		if err != nil {
			return line, err
		}
		line = strconv.AppendFloat(append(line, "><v>"...), sheetDays(at), 'f', -1, 64)
	default:
		return s.appendText(line, text), nil
	}
	return append(line, "</v></c>"...), nil
}

// appendText ends a cell with a text, which is never a formula.
func (s *rowsSheet[R]) appendText(line, text []byte) []byte {
	line = append(line, ` t="inlineStr"><is><t`...)
	if len(bytes.TrimSpace(text)) < len(text) {
		line = append(line, ` xml:space="preserve"`...)
	}
	return append(appendEscaped(append(line, '>'), text), "</t></is></c>"...)
}

// appendEscaped writes a text as XML has it. Most have nothing to escape.
func appendEscaped(line, text []byte) []byte {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '&' || c == '<' || c == '>' || c == '"' || c == '\'' {
			var escaped bytes.Buffer
			_ = xml.EscapeText(&escaped, text) // a buffer takes everything
			return append(line, escaped.Bytes()...)
		}
	}
	return append(line, text...)
}

// finish ends the sheet, whose relationship of that name is the table with its
// filters.
func (s *rowsSheet[R]) finish(table string) error {
	_, err := fmt.Fprintf(s.file, `</sheetData><tableParts count="1"><tablePart r:id="%s"/></tableParts></worksheet>`, table)
	return err
}

// daySeconds is the unit of a spreadsheet's lengths of time and instants.
const daySeconds = 86_400

// sheetEpoch is day 0 of a spreadsheet's instants, from 1 March 1900 on.
var sheetEpoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

// sheetDays returns an instant as a spreadsheet counts it, in days.
func sheetDays(at time.Time) float64 {
	const dayMS = daySeconds * 1000
	return float64(at.UnixMilli()-sheetEpoch.UnixMilli()) / dayMS
}
