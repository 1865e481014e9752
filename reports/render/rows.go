package render

import (
	"strconv"
	"strings"
	"time"

	"talktime/reports"
)

// rounding keeps the measures of one row in larger units, rounded so that they
// add up (metrics.md §8).
type rounding struct {
	unit  int64 // ms; 0 where the profile needs none
	units []int64
}

// Units of rounding: whole seconds, and ten-thousandths of an hour.
const (
	wholeSecond = 1000
	hourPart    = 360
)

func (r rowRules) rounding() *rounding {
	return &rounding{unit: map[rowRules]int64{hourlyRows: hourPart, intervalRows: wholeSecond}[r]}
}

// set rounds the row that is written next.
func (r *rounding) set(row *reports.Row) {
	if r.unit > 0 {
		r.units = reports.LargestRemainder(row.MS[:], r.unit)
	}
}

// sum adds measures up.
func (r *rounding) sum(measures ...reports.Measure) int64 {
	var units int64
	for _, m := range measures {
		units += r.units[m]
	}
	return units
}

// of returns a state's or group's time.
func (r *rounding) of(e reports.Evidence) int64 {
	switch e {
	case reports.Handle:
		return r.sum(reports.Talk, reports.ACW)
	case reports.NotReady:
		return r.sum(reports.Busy, reports.Rest, reports.PreRest)
	case reports.Staffed:
		return r.sum(reports.Talk, reports.Reserved, reports.ACW, reports.Available, reports.Busy, reports.Rest, reports.PreRest, reports.Other)
	default:
		return r.units[e]
	}
}

// columns lists the columns of a row by the rules.
func (r rowRules) columns(meta reports.Meta, rounded *rounding) []reports.Column {
	switch r {
	case hourlyRows:
		return withHours(meta.Columns(), rounded)
	case intervalRows:
		return intervalColumns(rounded)
	default:
		return meta.Columns()
	}
}

// withHours puts decimal hours behind the seconds of every measure and group:
// spreadsheets have no length of time beyond 24 hours that survives CSV.
func withHours(columns []reports.Column, rounded *rounding) []reports.Column {
	hours := map[string]func() int64{}
	for m := range reports.Measure(reports.Measures) {
		hours[m.String()] = func() int64 { return rounded.units[m] }
	}
	for group := reports.Handle; group < reports.Evidences; group++ {
		hours[group.String()] = func() int64 { return rounded.of(group) }
	}
	var all []reports.Column
	for _, column := range columns {
		all = append(all, column)
		name, isSeconds := strings.CutSuffix(column.Name, "_seconds")
		if units := hours[name]; isSeconds && units != nil {
			all = append(all, reports.Column{
				Name: name + "_hours", Kind: reports.Decimal, IsSeen: column.IsSeen,
				Append: func(b []byte, row *reports.Row) []byte {
					if column.IsSeen && row.Observed() == 0 {
						return b
					}
					return strconv.AppendFloat(b, float64(units())/10_000, 'f', 4, 64)
				},
			})
		}
	}
	return all
}

// intervalColumns are what importers of workforce management take: the interval's
// start, the agent, and whole seconds that add up to 900.
func intervalColumns(rounded *rounding) []reports.Column {
	columns := []reports.Column{
		{Name: "interval_start_at", Kind: reports.Instant, Append: func(b []byte, row *reports.Row) []byte { return row.Span.From.AppendFormat(b, time.RFC3339) }},
		{Name: "agent_id", Kind: reports.Integer, Append: func(b []byte, row *reports.Row) []byte { return strconv.AppendInt(b, int64(row.Agent), 10) }},
	}
	for _, e := range []reports.Evidence{
		reports.Staffed, reports.Handle, reports.Evidence(reports.Talk), reports.Evidence(reports.ACW),
		reports.Evidence(reports.Reserved), reports.Evidence(reports.Available), reports.NotReady,
		reports.Evidence(reports.Other), reports.Evidence(reports.SignedOut),
	} {
		columns = append(columns, reports.Column{
			Name: e.String() + "_seconds", Kind: reports.Integer, IsSeen: true,
			Append: func(b []byte, row *reports.Row) []byte {
				if row.Observed() == 0 {
					return b
				}
				return strconv.AppendInt(b, rounded.of(e), 10)
			},
		})
	}
	return append(columns,
		reports.Column{Name: "unobserved_seconds", Kind: reports.Integer, Append: func(b []byte, _ *reports.Row) []byte {
			return strconv.AppendInt(b, rounded.sum(reports.Failed, reports.RecorderDown), 10)
		}},
		reports.Column{Name: "unscheduled_seconds", Kind: reports.Integer, Append: func(b []byte, _ *reports.Row) []byte {
			return strconv.AppendInt(b, rounded.sum(reports.Unscheduled), 10)
		}},
		reports.Column{Name: "pending_seconds", Kind: reports.Integer, Append: func(b []byte, _ *reports.Row) []byte {
			return strconv.AppendInt(b, rounded.sum(reports.Pending), 10)
		}},
	)
}
