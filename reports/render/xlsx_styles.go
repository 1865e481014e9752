package render

import (
	"github.com/xuri/excelize/v2"

	"talktime/reports"
)

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

// of returns the style of a kind, 0 for none.
func (s *cellStyles) of(kind reports.Kind) int {
	switch kind {
	case reports.Seconds:
		return s.duration
	case reports.Decimal:
		return s.decimal
	case reports.Date:
		return s.date
	case reports.Instant:
		return s.instant
	default:
		return 0
	}
}
