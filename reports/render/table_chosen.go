package render

import (
	"slices"
	"strconv"
	"strings"

	"talktime/reports"
)

// chosenColumns are those a Shape names, as machine formats call them but for the
// unit, which the cells have. Before the first of them there is room for the name
// of a sum, unless it is one that sums do not fill.
func (t *Table) chosenColumns() []tableColumn {
	figures := figureColumns()
	var columns []tableColumn
	chosen := reports.Chosen(&t.meta.Shape, t.meta.Columns())
	for i := range chosen {
		name := chosen[i].Name
		column, isFigure := figures[name]
		switch {
		case isFigure:
			column.head[1] = strings.TrimSuffix(name, "_seconds")
		case name == "agent_name":
			column = t.nameColumn(name)
		case name == "team":
			column = t.teamColumn(name)
		default:
			column = t.plainColumn(&chosen[i])
		}
		column.isLabel = !isFigure
		columns = append(columns, column)
	}
	if !columns[0].isLabel {
		blank := column("", "", "", label(""))
		blank.isLabel = true
		columns = append([]tableColumn{blank}, columns...)
	}
	return columns
}

// figureColumns are the columns of which rows have a sum, by their names in machine
// formats.
func figureColumns() map[string]tableColumn {
	columns := map[string]tableColumn{
		"observed_seconds":   timeColumn("", "", "", slices.Concat(staffed, []reports.Measure{reports.SignedOut})...),
		"unobserved_seconds": timeColumn("", "", "", unobserved...),
		"window_seconds":     timeColumn("", "", "", allMeasures()...),
		"handle_seconds":     timeColumn("", "", "", handle...),
		"not_ready_seconds":  timeColumn("", "", "", notReady...),
		"staffed_seconds":    timeColumn("", "", "", staffed...),
		"talk_entries":       column("", "", "", count(func(r *reports.Row) int64 { return r.TalkEntries })),
		"conflicts":          column("", "", "", count(func(r *reports.Row) int64 { return r.Conflicts })),
	}
	for _, m := range allMeasures() {
		columns[m.String()+"_seconds"] = timeColumn("", "", "", m)
	}
	for e := range reports.Evidence(reports.Evidences) {
		columns[e.String()+"_low_seconds"] = column("", "", "", func(l *line) string { return l.low(e) })
		columns[e.String()+"_high_seconds"] = column("", "", "", func(l *line) string { return l.high(e) })
		columns[e.String()+"_stderr_seconds"] = column("", "", "", func(l *line) string { return l.stderr(e) })
	}
	for q := range reports.Ratio(reports.Ratios) {
		columns[q.String()] = ratioColumn("", "", "", q)
	}
	return columns
}

func count(of func(*reports.Row) int64) func(*line) string {
	return func(l *line) string { return strconv.FormatInt(of(l.row), 10) }
}

// plainColumn shows a column as machine formats have it.
func (t *Table) plainColumn(c *reports.Column) tableColumn {
	return column("", "", c.Name, func(l *line) string {
		text := c.Text(l.row)
		if text == "" {
			t.marks.noValue = true
			return noValue
		}
		return printable(text)
	})
}
