package render

import (
	"archive/zip"
	"fmt"
	"io"
	"sort"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"talktime/reports"
)

// mostSheetRows is how many rows a spreadsheet program takes in one sheet, the
// header among them. A longer report goes on in a further sheet.
const mostSheetRows = 1 << 20

// XLSXOf writes rows R as a workbook: typed cells under a frozen header with
// filters, lengths of time as numbers that a spreadsheet program shows as
// [h]:mm:ss and adds up, and a sheet that says how to read them. A text is never a
// formula. Rows are kept in a temporary file until the end. Equal reports give
// equal bytes.
type XLSXOf[R any] struct {
	w         io.Writer
	columnsOf func(reports.Meta) []reports.ColumnOf[R]
	columns   []reports.ColumnOf[R]
	meta      reports.Meta
	file      *excelize.File
	styles    cellStyles
	sheet     *excelize.StreamWriter
	sheets    int // with rows
	rows      int // of the sheet, the header among them
	most      int // rows of a sheet
	cells     []any
}

// NewXLSXOf returns a sink that writes the columns of a report to w.
func NewXLSXOf[R any](w io.Writer, columns func(reports.Meta) []reports.ColumnOf[R]) *XLSXOf[R] {
	return &XLSXOf[R]{w: w, columnsOf: columns, most: mostSheetRows}
}

// Begin opens the first sheet.
func (x *XLSXOf[R]) Begin(meta reports.Meta) (err error) {
	x.meta, x.columns = meta, reports.Chosen(&meta.Shape, x.columnsOf(meta))
	x.cells = make([]any, len(x.columns))
	x.file = excelize.NewFile()
	x.file.SetZipWriter(func(w io.Writer) excelize.ZipWriter { return &sortedZip{out: zip.NewWriter(w)} })
	if x.styles, err = newCellStyles(x.file); err != nil {
		return err
	}
	return x.open()
}

// rowsSheet names the n-th sheet of rows.
func rowsSheet(n int) string {
	if n == 1 {
		return "Rows"
	}
	return "Rows " + strconv.Itoa(n)
}

// open begins a sheet with its header.
func (x *XLSXOf[R]) open() (err error) {
	x.sheets++
	x.rows = 0
	name := rowsSheet(x.sheets)
	if x.sheets == 1 {
		err = x.file.SetSheetName("Sheet1", name)
	} else {
		_, err = x.file.NewSheet(name)
	}
	if err != nil {
		return err
	}
	if x.sheet, err = x.file.NewStreamWriter(name); err != nil {
		return err
	}
	for i, column := range x.columns {
		if err := x.sheet.SetColWidth(i+1, i+1, float64(max(10, len(column.Name)+4))); err != nil {
			return err
		}
		x.cells[i] = excelize.Cell{StyleID: x.styles.head, Value: column.Name}
	}
	err = x.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	if err != nil {
		return err
	}
	return x.add()
}

// add writes the cells as the sheet's next row.
func (x *XLSXOf[R]) add() error {
	x.rows++
	return x.sheet.SetRow("A"+strconv.Itoa(x.rows), x.cells)
}

// Row writes one row.
func (x *XLSXOf[R]) Row(row *R) error {
	if x.rows == x.most {
		if err := x.close(); err != nil {
			return err
		}
		if err := x.open(); err != nil {
			return err
		}
	}
	for i := range x.columns {
		var err error
		if x.cells[i], err = x.styles.cell(x.columns[i].Kind, x.columns[i].Text(row)); err != nil {
			return fmt.Errorf("write %s: %w", x.columns[i].Name, err)
		}
	}
	return x.add()
}

// close ends the sheet and puts filters into its header.
func (x *XLSXOf[R]) close() error {
	last, err := excelize.CoordinatesToCellName(len(x.columns), max(x.rows, 2))
	if err != nil {
		return err
	}
	plain := false
	err = x.sheet.AddTable(&excelize.Table{Range: "A1:" + last, Name: fmt.Sprintf("rows%d", x.sheets), ShowRowStripes: &plain})
	if err != nil {
		return err
	}
	return x.sheet.Flush()
}

// End writes the workbook out.
func (x *XLSXOf[R]) End() error { return x.finish(nil) }

// finish adds the sheet that says how to read the others, and writes the
// workbook out.
func (x *XLSXOf[R]) finish(total *reports.Row) (err error) {
	defer func() {
		if closing := x.file.Close(); err == nil {
			err = closing
		}
	}()
	if err := x.close(); err != nil {
		return err
	}
	if err := x.writeReading(total); err != nil {
		return err
	}
	// The library lists the types of pictures in no order.
	types := x.file.ContentTypes.Defaults
	sort.Slice(types, func(i, j int) bool { return types[i].Extension < types[j].Extension })
	return x.file.Write(x.w)
}

// writeReading adds the sheet "How to read".
func (x *XLSXOf[R]) writeReading(total *reports.Row) error {
	const name = "How to read"
	if _, err := x.file.NewSheet(name); err != nil {
		return err
	}
	sheet, err := x.file.NewStreamWriter(name)
	if err != nil {
		return err
	}
	if err := sheet.SetColWidth(1, 1, 24); err != nil {
		return err
	}
	if err := sheet.SetColWidth(2, 2, 110); err != nil {
		return err
	}
	for i, line := range reading(x.meta, total) {
		cells := []any{excelize.Cell{StyleID: x.styles.head, Value: line[0]}, line[1]}
		if err := sheet.SetRow("A"+strconv.Itoa(i+1), cells); err != nil {
			return err
		}
	}
	return sheet.Flush()
}

// cellStyles are the number formats of the kinds of column.
type cellStyles struct{ head, duration, decimal, date, instant int }

func newCellStyles(file *excelize.File) (styles cellStyles, err error) {
	for _, s := range []struct {
		id     *int
		format string
	}{
		{&styles.duration, "[h]:mm:ss"}, {&styles.decimal, "0.000"}, {&styles.date, "yyyy-mm-dd"}, {&styles.instant, "yyyy-mm-dd hh:mm:ss"},
	} {
		if *s.id, err = file.NewStyle(&excelize.Style{CustomNumFmt: &s.format}); err != nil {
			return styles, err
		}
	}
	styles.head, err = file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	return styles, err
}

// daySeconds is the unit of a spreadsheet's lengths of time and instants.
const daySeconds = 86_400

// cell types a column's text; an instant is UTC.
func (s *cellStyles) cell(kind reports.Kind, text string) (any, error) {
	switch {
	case text == "":
		return nil, nil //nolint:nilnil // an empty cell
	case kind == reports.Integer:
		return strconv.ParseInt(text, 10, 64)
	case kind == reports.Seconds:
		n, err := strconv.ParseFloat(text, 64)
		return excelize.Cell{StyleID: s.duration, Value: n / daySeconds}, err
	case kind == reports.Decimal:
		n, err := strconv.ParseFloat(text, 64)
		return excelize.Cell{StyleID: s.decimal, Value: n}, err
	case kind == reports.Boolean:
		return text == "true", nil
	case kind == reports.Date:
		date, err := time.Parse(time.DateOnly, text)
		return excelize.Cell{StyleID: s.date, Value: date}, err
	case kind == reports.Instant:
		at, err := time.Parse(time.RFC3339, text)
		return excelize.Cell{StyleID: s.instant, Value: at}, err
	default:
		return text, nil
	}
}
