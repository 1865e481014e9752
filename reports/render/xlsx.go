package render

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"

	"github.com/xuri/excelize/v2"

	"talktime/reports"
)

// mostSheetRows is how many rows a spreadsheet program takes in one sheet, the
// header among them. A longer report goes on in a further sheet.
const mostSheetRows = 1 << 20

// XLSXOf writes rows R as a workbook: typed cells under a frozen header with
// filters, lengths of time as numbers that a spreadsheet program shows as
// [h]:mm:ss and adds up, and a sheet that says how to read them. A text is never a
// formula. Rows are kept compressed in a temporary file until the end, which the
// system takes back; who does not come to the end calls Close. Equal reports give
// equal bytes.
type XLSXOf[R any] struct {
	w         io.Writer
	columnsOf func(reports.Meta) []reports.ColumnOf[R]
	columns   []reports.ColumnOf[R]
	meta      reports.Meta
	file      *excelize.File
	styles    cellStyles
	sheets    []*rowsSheet[R]
	most      int // rows of a sheet
}

// NewXLSXOf returns a sink that writes the columns of a report to w.
func NewXLSXOf[R any](w io.Writer, columns func(reports.Meta) []reports.ColumnOf[R]) *XLSXOf[R] {
	return &XLSXOf[R]{w: w, columnsOf: columns, most: mostSheetRows}
}

// Begin opens the first sheet.
func (x *XLSXOf[R]) Begin(meta reports.Meta) (err error) {
	x.meta, x.columns = meta, reports.Chosen(&meta.Shape, x.columnsOf(meta))
	x.file = excelize.NewFile()
	if x.styles, err = newCellStyles(x.file); err != nil {
		return err
	}
	return x.open()
}

// rowsName names the n-th sheet of rows.
func rowsName(n int) string {
	if n == 1 {
		return "Rows"
	}
	return "Rows " + strconv.Itoa(n)
}

// open begins a sheet. The library is told of its header, and of its rows nothing.
func (x *XLSXOf[R]) open() (err error) {
	n := len(x.sheets) + 1
	name := rowsName(n)
	if n == 1 {
		err = x.file.SetSheetName("Sheet1", name)
	} else {
		_, err = x.file.NewSheet(name)
	}
	if err != nil {
		return err
	}
	header := make([]string, len(x.columns))
	for i, column := range x.columns {
		header[i] = column.Name
	}
	if err := x.file.SetSheetRow(name, "A1", &header); err != nil {
		return err
	}
	sheet, err := newRowsSheet(n, x.columns, x.styles)
	if err != nil {
		return err
	}
	x.sheets = append(x.sheets, sheet)
	return nil
}

// sheet is the one that is written to.
func (x *XLSXOf[R]) sheet() *rowsSheet[R] { return x.sheets[len(x.sheets)-1] }

// Row writes one row.
func (x *XLSXOf[R]) Row(row *R) error {
	if x.sheet().rows == x.most {
		if err := x.closeSheet(); err != nil {
			return err
		}
		if err := x.open(); err != nil {
			return err
		}
	}
	return x.sheet().row(row)
}

// closeSheet ends the sheet and puts filters into its header.
func (x *XLSXOf[R]) closeSheet() error {
	last, err := excelize.CoordinatesToCellName(len(x.columns), max(x.sheet().rows, 2))
	if err != nil {
		return err
	}
	plain := false
	n := len(x.sheets)
	err = x.file.AddTable(rowsName(n), &excelize.Table{Range: "A1:" + last, Name: fmt.Sprintf("rows%d", n), ShowRowStripes: &plain})
	if err != nil {
		return err
	}
	return x.sheet().finish("rId1") // a sheet's first relationship
}

// End writes the workbook out.
func (x *XLSXOf[R]) End() error { return x.finish(nil) }

// Close gives up what the workbook kept on disk. It may be called again.
func (x *XLSXOf[R]) Close() error {
	if x.file == nil {
		return nil
	}
	errs := []error{x.file.Close()}
	x.file = nil
	for _, sheet := range x.sheets {
		errs = append(errs, sheet.kept.Close())
	}
	x.sheets = nil
	return errors.Join(errs...)
}

// finish adds the sheet that says how to read the others, and writes the
// workbook out.
func (x *XLSXOf[R]) finish(total *reports.Row) (err error) {
	defer func() { err = errors.Join(err, x.Close()) }()
	if err := x.closeSheet(); err != nil {
		return err
	}
	if err := x.writeReading(total); err != nil {
		return err
	}
	// The library lists the types of pictures in no order.
	types := x.file.ContentTypes.Defaults
	sort.Slice(types, func(i, j int) bool { return types[i].Extension < types[j].Extension })
	archive := &sortedZip{out: zip.NewWriter(x.w)}
	for _, sheet := range x.sheets {
		archive.files = append(archive.files, sheet.file) // instead of the library's own
	}
	x.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return archive })
	return x.file.Write(io.Discard) // the archive is on its way to x.w
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
