package reports

import (
	"strconv"
	"time"
)

// Kind says how a column's texts are to be read.
type Kind int

// The kinds of column.
const (
	Text    Kind = iota
	Integer      // a decimal integer
	Decimal      // a decimal number with three digits after the point
	Seconds      // the same, a length of time
	Boolean      // true or false
	Date         // 2006-01-02
	Time         // 15:04, of a local clock
	Instant      // 2006-01-02T15:04:05Z, thousandths where there are any
)

// IsNumber reports whether texts of the kind are decimal numbers.
func (k Kind) IsNumber() bool { return k == Integer || k == Decimal || k == Seconds }

// ColumnOf is one column of a machine format whose rows are R.
type ColumnOf[R any] struct {
	Name string // snake_case with its unit, stable: columns are only ever added
	Kind Kind
	// Text writes the row's value, empty where there is none.
	Text func(*R) string
	// IsSeen marks a figure of observed time, which has no value where nothing was
	// observed, but could be said to be 0 there.
	IsSeen bool
}

// Column is one column of the reports talk-time and states.
type Column = ColumnOf[Row]

// Columns lists the columns of the reports talk-time and states in every
// machine format, in order: the grouping's keys, the thirteen measures and what
// is derived from them, the window, low, high and standard error of each state
// and group, ratios, counts, and how settled the row is.
//
// Seconds are exact to the millisecond, except standard errors, which are
// rounded to it.
func (m Meta) Columns() []Column {
	columns := m.keyColumns()
	for measure := range Measure(Measures) {
		column := seconds(measure.String(), func(r *Row) int64 { return r.MS[measure] })
		if measure < States {
			column = seen(column)
		}
		columns = append(columns, column)
	}
	for group := Handle; group < Evidences; group++ {
		columns = append(columns, seen(seconds(group.String(), func(r *Row) int64 { return r.Value(group) })))
	}
	columns = append(columns,
		seconds("observed", func(r *Row) int64 { return r.Observed() }),
		seconds("unobserved", func(r *Row) int64 { return r.Unobserved() }),
		seconds("window", func(r *Row) int64 { return r.Time }),
	)
	for e := range Evidence(Evidences) {
		columns = append(columns, evidenceColumns(e)...)
	}
	for ratio := range Ratio(Ratios) {
		columns = append(columns, Column{Name: ratio.String(), Kind: Decimal, Text: func(r *Row) string {
			percent, blank := r.Ratio(ratio, m.AllowPartial)
			if blank != NotBlank {
				return ""
			}
			return thousandths(percent)
		}})
	}
	columns = append(columns,
		seen(Column{Name: "talk_entries", Kind: Integer, Text: func(r *Row) string { return strconv.FormatInt(r.TalkEntries, 10) }}),
		seen(Column{Name: "conflicts", Kind: Integer, Text: func(r *Row) string { return strconv.FormatInt(r.Conflicts, 10) }}),
		Column{Name: "is_final", Kind: Boolean, Text: func(r *Row) string { return strconv.FormatBool(r.IsFinal) }},
		Column{Name: "revision", Kind: Integer, Text: func(r *Row) string { return strconv.Itoa(r.Revision) }},
	)
	if m.Grouping.Unit != NoUnit {
		zone := m.Window.Zone
		columns = append(columns,
			Column{Name: "local_time", Kind: Time, Text: func(r *Row) string { return r.Span.From.In(zone).Format("15:04") }},
			Column{Name: "time_zone", Kind: Text, Text: func(*Row) string { return zone.String() }},
		)
	}
	return columns
}

// seen makes a column one of observed time: 0 means observed and none, no value
// means not observed.
func seen(column Column) Column {
	text := column.Text
	column.IsSeen = true
	column.Text = func(r *Row) string {
		if r.Observed() == 0 {
			return ""
		}
		return text(r)
	}
	return column
}

// keyColumns lists what tells the grouping's rows apart. The UTC instants are
// unique; the offset is what a local clock shows of their start, the date is that
// of the local day the start belongs to.
func (m Meta) keyColumns() []Column {
	var columns []Column
	if m.Grouping.ByAgent {
		columns = append(columns,
			Column{Name: "agent_id", Kind: Integer, Text: func(r *Row) string { return strconv.Itoa(int(r.Agent)) }},
			Column{Name: "agent_name", Kind: Text, Text: func(r *Row) string { return r.Name }},
		)
	}
	if m.Grouping.ByAgent || m.Grouping.ByTeam {
		columns = append(columns, Column{Name: "team", Kind: Text, Text: func(r *Row) string { return r.Team }})
	}
	if m.Grouping.Unit == NoUnit {
		return columns
	}
	return append(columns,
		Column{Name: "local_date", Kind: Date, Text: func(r *Row) string { return m.Window.Date(r.Span.From).Format(time.DateOnly) }},
		Column{Name: "bin_start_at", Kind: Instant, Text: func(r *Row) string { return r.Span.From.Format(time.RFC3339) }},
		Column{Name: "bin_end_at", Kind: Instant, Text: func(r *Row) string { return r.Span.To.Format(time.RFC3339) }},
		Column{Name: "utc_offset", Kind: Text, Text: func(r *Row) string { return r.Span.From.In(m.Window.Zone).Format("-07:00") }},
	)
}

func evidenceColumns(e Evidence) []Column {
	return []Column{
		seen(seconds(e.String()+"_low", func(r *Row) int64 { low, _ := r.Bounds(e); return low })),
		seen(seconds(e.String()+"_high", func(r *Row) int64 { _, high := r.Bounds(e); return high })),
		{Name: e.String() + "_stderr_seconds", Kind: Seconds, Text: func(r *Row) string {
			ms, seen := r.StdErr(e)
			if !seen {
				return ""
			}
			return strconv.FormatFloat(ms/1000, 'f', 3, 64)
		}},
	}
}

func seconds(name string, ms func(*Row) int64) Column {
	return Column{Name: name + "_seconds", Kind: Seconds, Text: func(r *Row) string { return thousandths(ms(r)) }}
}

// thousandths writes a count of thousandths, not negative, as a decimal number.
func thousandths(n int64) string {
	var digits [24]byte
	text := strconv.AppendInt(digits[:0], n/1000, 10)
	return string(append(text, '.', '0'+byte(n%1000/100), '0'+byte(n%100/10), '0'+byte(n%10)))
}
