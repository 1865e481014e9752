package reports

import (
	"math"
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
	// Append appends the row's value as text, nothing where there is none.
	Append func(text []byte, row *R) []byte
	// IsSeen marks a figure of observed time, which has no value where nothing was
	// observed, but could be said to be 0 there.
	IsSeen bool
}

// Text returns the row's value, empty where there is none.
func (c *ColumnOf[R]) Text(row *R) string { return string(c.Append(nil, row)) }

// spelled makes a column's Append of what returns a text.
func spelled[R any](text func(*R) string) func([]byte, *R) []byte {
	return func(b []byte, row *R) []byte { return append(b, text(row)...) }
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
		columns = append(columns, Column{Name: ratio.String(), Kind: Decimal, Append: func(b []byte, r *Row) []byte {
			percent, blank := r.Ratio(ratio, m.AllowPartial)
			if blank != NotBlank {
				return b
			}
			return appendThousandths(b, percent)
		}})
	}
	columns = append(columns,
		seen(Column{Name: "talk_entries", Kind: Integer, Append: func(b []byte, r *Row) []byte { return strconv.AppendInt(b, r.TalkEntries, 10) }}),
		seen(Column{Name: "conflicts", Kind: Integer, Append: func(b []byte, r *Row) []byte { return strconv.AppendInt(b, r.Conflicts, 10) }}),
		Column{Name: "is_final", Kind: Boolean, Append: func(b []byte, r *Row) []byte { return strconv.AppendBool(b, r.IsFinal) }},
		Column{Name: "revision", Kind: Integer, Append: func(b []byte, r *Row) []byte { return strconv.AppendInt(b, int64(r.Revision), 10) }},
	)
	if m.Grouping.Unit != NoUnit {
		zone := m.Window.Zone
		columns = append(columns,
			Column{Name: "local_time", Kind: Time, Append: func(b []byte, r *Row) []byte { return r.Span.From.In(zone).AppendFormat(b, "15:04") }},
			Column{Name: "time_zone", Kind: Text, Append: spelled(func(*Row) string { return zone.String() })},
		)
	}
	return columns
}

// seen makes a column one of observed time: 0 means observed and none, no value
// means not observed.
func seen(column Column) Column {
	figure := column.Append
	column.IsSeen = true
	column.Append = func(b []byte, r *Row) []byte {
		if r.Observed() == 0 {
			return b
		}
		return figure(b, r)
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
			Column{Name: "agent_id", Kind: Integer, Append: func(b []byte, r *Row) []byte { return strconv.AppendInt(b, int64(r.Agent), 10) }},
			Column{Name: "agent_name", Kind: Text, Append: spelled(func(r *Row) string { return r.Name })},
		)
	}
	if m.Grouping.ByAgent || m.Grouping.ByTeam {
		columns = append(columns, Column{Name: "team", Kind: Text, Append: spelled(func(r *Row) string { return r.Team })})
	}
	if m.Grouping.Unit == NoUnit {
		return columns
	}
	return append(columns,
		Column{Name: "local_date", Kind: Date, Append: func(b []byte, r *Row) []byte { return m.Window.Date(r.Span.From).AppendFormat(b, time.DateOnly) }},
		Column{Name: "bin_start_at", Kind: Instant, Append: func(b []byte, r *Row) []byte { return r.Span.From.AppendFormat(b, time.RFC3339) }},
		Column{Name: "bin_end_at", Kind: Instant, Append: func(b []byte, r *Row) []byte { return r.Span.To.AppendFormat(b, time.RFC3339) }},
		Column{Name: "utc_offset", Kind: Text, Append: func(b []byte, r *Row) []byte { return r.Span.From.In(m.Window.Zone).AppendFormat(b, "-07:00") }},
	)
}

func evidenceColumns(e Evidence) []Column {
	return []Column{
		seen(seconds(e.String()+"_low", func(r *Row) int64 { low, _ := r.Bounds(e); return low })),
		seen(seconds(e.String()+"_high", func(r *Row) int64 { _, high := r.Bounds(e); return high })),
		{Name: e.String() + "_stderr_seconds", Kind: Seconds, Append: func(b []byte, r *Row) []byte {
			ms, seen := r.StdErr(e)
			if !seen {
				return b
			}
			return appendThousandths(b, int64(math.Round(ms)))
		}},
	}
}

func seconds(name string, ms func(*Row) int64) Column {
	return Column{Name: name + "_seconds", Kind: Seconds, Append: func(b []byte, r *Row) []byte { return appendThousandths(b, ms(r)) }}
}

// appendThousandths writes a count of thousandths, not negative, as a decimal number.
func appendThousandths(b []byte, n int64) []byte {
	b = strconv.AppendInt(b, n/1000, 10)
	return append(b, '.', '0'+byte(n%1000/100), '0'+byte(n%100/10), '0'+byte(n%10))
}

// thousandths is appendThousandths as a text of its own.
func thousandths(n int64) string { return string(appendThousandths(nil, n)) }
