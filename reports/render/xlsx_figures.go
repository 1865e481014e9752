package render

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	"talktime/reports"
)

// XLSX writes the reports talk-time and states as a workbook with a chart of what
// the first rows' time was spent on.
type XLSX struct{ *XLSXOf[reports.Row] }

// NewXLSX returns a sink that writes to w.
func NewXLSX(w io.Writer) *XLSX { return &XLSX{NewXLSXOf(w, reports.Meta.Columns)} }

// End adds the chart and writes the workbook out. Its total is told where the
// figures are explained.
func (x *XLSX) End(total *reports.Row) error {
	if err := x.addChart(); err != nil {
		return errors.Join(err, x.Close())
	}
	return x.finish(total)
}

// mostBars is how many rows a chart shows: more are not read any more.
const mostBars = 50

// addChart adds a sheet with one bar for each of the first rows: their measures,
// stacked, in hours of [h]:mm.
func (x *XLSX) addChart() error {
	bars := min(x.sheets[0].rows-1, mostBars)
	if bars < 1 {
		return nil
	}
	var series []excelize.ChartSeries
	label := x.labelColumn()
	for i, column := range x.columns {
		for m := range reports.Measure(reports.Measures) {
			if column.Name != m.String()+"_seconds" {
				continue
			}
			s := excelize.ChartSeries{Name: cellRange(i, 1, 1), Values: cellRange(i, 2, bars+1)}
			if label >= 0 {
				s.Categories = cellRange(label, 2, bars+1)
			}
			series = append(series, s)
		}
	}
	if len(series) == 0 {
		return nil
	}
	title := "Time in every state"
	if bars == mostBars {
		title += fmt.Sprintf(", the first %d rows", bars)
	}
	return x.file.AddChartSheet("Chart", &excelize.Chart{
		Type: excelize.BarStacked, Series: series,
		Title:  excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: title}}},
		Legend: excelize.ChartLegend{Position: "bottom"},
		XAxis:  excelize.ChartAxis{ReverseOrder: true},
		YAxis:  excelize.ChartAxis{NumFmt: excelize.ChartNumFmt{CustomNumFmt: "[h]:mm"}, MajorGridLines: true},
	})
}

// labelColumn returns the index of the column that names a bar: the unit of time
// if rows have one, else the agent, else the team; -1 without any.
func (x *XLSX) labelColumn() int {
	wanted := "team"
	switch g := x.meta.Grouping; {
	case g.Unit >= reports.Day:
		wanted = "local_date"
	case g.Unit != reports.NoUnit:
		wanted = "bin_start_at"
	case g.ByAgent:
		wanted = "agent_id"
	}
	for i, column := range x.columns {
		if column.Name == wanted {
			return i
		}
	}
	return -1
}

// cellRange refers to a column's rows, from first to last, of the first sheet.
func cellRange(column, first, last int) string {
	name, _ := excelize.ColumnNumberToName(column + 1) // a report has fewer columns than a sheet
	if first == last {
		return fmt.Sprintf("%s!$%s$%d", rowsName(1), name, first)
	}
	return fmt.Sprintf("%s!$%s$%d:$%s$%d", rowsName(1), name, first, name, last)
}

// reading says what a workbook's rows are of and how they are to be read, name and
// text.
func reading(meta reports.Meta, total *reports.Row) [][2]string {
	w := meta.Window
	lines := [][2]string{{"Report", meta.Report}}
	add := func(name, format string, args ...any) {
		lines = append(lines, [2]string{name, fmt.Sprintf(format, args...)})
	}
	if _, isGrouped := groupedTitles[meta.Report]; isGrouped {
		add("Rows", "by %s", meta.Grouping)
	}
	if meta.At.IsZero() {
		add("From", "%s", w.From.In(w.Zone).Format(time.RFC3339))
		add("To, not included", "%s", w.To.In(w.Zone).Format(time.RFC3339))
	} else {
		add("At", "%s", meta.At.In(w.Zone).Format(time.RFC3339))
	}
	add("Time zone", "%s", w.Zone)
	if w.DayStart != 0 {
		add("Days begin at", "%s", reports.FormatDayStart(w.DayStart))
	}
	if total != nil {
		coverage := "nothing was due"
		if milli, blank := total.Ratio(reports.Coverage, true); blank == reports.NotBlank {
			coverage = percent(milli, true) + " %"
		}
		add("Coverage", "%s: observed / (observed + unobserved)", coverage)
		add("All time is told", "%s", identity(total))
		if !total.IsFinal {
			add("Provisional", "later samples may still change the latest quarter-hours")
		}
	}
	if note := closedNote(meta); note != "" {
		add("Horizon", "%s", note)
	}
	if note := dirtyNote(meta); note != "" {
		add("Dirty", "%s", note)
	}
	for _, note := range shapeNotes(meta) {
		add("Rows shown", "%s", note)
	}
	for _, line := range polling(meta) {
		add("Polling", "%s", line)
	}
	add("Lengths of time", "Columns ending in _seconds are numbers shown as [h]:mm:ss: they add up beyond 24 hours. Times 86400 they are seconds.")
	add("Instants", "Columns ending in _at, _after and _before are UTC; local_date and local_time are of the time zone.")
	add("Empty cells", "0 means observed and none. An empty cell means that nothing was observed, or that a ratio has nothing to divide by or too little coverage.")
	add("low, high, stderr", "The least and the most the samples allow, and the standard error of sampling: 95 %% lie within 1.96 times of it.")
	add("Made by", "%s", meta.Program)
	return lines
}
