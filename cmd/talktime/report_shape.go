package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"talktime/reports"
	"talktime/reports/render"
)

// shapeFlags are those of the reports that have rows to choose from.
func shapeFlags(f *pflag.FlagSet, flags *reportFlags) {
	f.StringSliceVar(&flags.columns, "columns", nil, "`columns` to show, in this order, by the names in the header of --format csv (default: all, a choice in a table)")
	f.StringSliceVar(&flags.sort, "sort", nil, "`columns` to sort rows by, such as talk_seconds:desc,agent_id (default: as --by says)")
	f.IntVar(&flags.top, "top", 0, "show this `number` of rows, and what the others sum to (default: all)")
}

// shapeHelp says what shapeFlags are for.
var shapeHelp = fmt.Sprintf(`--sort takes any column, shown or not; rows without a value come last. --top shows
the first rows and accounts for the others: a table has a line and CSV and JSON a
left_out in their meta with the rows and seconds that are not shown. What is sorted
is kept in memory: up to %d rows, or as many as --top asks for; more than
that is refused, unsorted reports are not limited.`, reports.MostSorted)

// shape reads the flags and tells all their faults at once. The request is as good
// as it can be told without them.
func (flags *reportFlags) shape(request reports.Request) (reports.Shape, error) {
	shape := reports.Shape{Columns: trimmed(flags.columns), Top: flags.top}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	var err error
	if shape.Sort, err = reports.ParseSort(flags.sort); err != nil {
		fault("--sort %w", err)
	}
	if flags.top < 0 || flags.top > reports.MostSorted {
		fault("--top %d is not a number of rows from 1 to %d", flags.top, reports.MostSorted)
	}
	if len(shape.Columns) > 0 && flags.evidence {
		fault("--evidence chooses columns, and so does --columns: give one of them")
	}
	shown, sorted := flags.columnNames(request)
	unknown := checkNames("--columns", shape.Columns, shown, fault)
	keys := make([]string, len(shape.Sort))
	for i, key := range shape.Sort {
		keys[i] = key.Column
	}
	unknown = checkNames("--sort", keys, sorted, fault) || unknown
	if unknown {
		fault("the columns of this report are %s", strings.Join(shown, ", "))
	}
	return shape, errors.Join(faults...)
}

// checkNames faults names that are not among the known ones, or given twice, and
// reports whether one is unknown.
func checkNames(flag string, names, known []string, fault func(string, ...any)) bool {
	unknown := false
	for i, name := range names {
		switch {
		case !slices.Contains(known, name):
			fault("%s: this report has no column %q%s", flag, name, nearColumn(name, known))
			unknown = true
		case slices.Contains(names[:i], name):
			fault("%s names %s twice", flag, name)
		}
	}
	return unknown
}

// nearColumn is didYouMean for a column, whose unit people leave away.
func nearColumn(name string, known []string) string {
	for _, column := range known {
		if name != "" && strings.HasPrefix(column, name+"_") {
			return fmt.Sprintf(", did you mean %q?", column)
		}
	}
	return didYouMean(name, known)
}

// columnNames lists the columns that a report so asked for can show in its format,
// and those it can be sorted by.
func (flags *reportFlags) columnNames(request reports.Request) (shown, sorted []string) {
	meta := reports.Meta{Request: request}
	switch request.Report {
	case "timeline":
		sorted = namesOf(meta.EpisodeColumns())
	case "sessions":
		sorted = namesOf(meta.SessionColumns())
	case "at":
		sorted = namesOf(meta.StateColumns())
	default:
		sorted = namesOf(meta.Columns())
		if form, err := flags.form(); err == nil && flags.format == "csv" {
			return namesOf(form.Columns(meta)), sorted
		}
	}
	return sorted, sorted
}

// offeredColumns lists the columns a report has with all keys that its rows may be
// kept apart by.
func offeredColumns(report string) []string {
	names, _ := (&reportFlags{}).columnNames(reports.Request{Report: report, Grouping: reports.Grouping{ByAgent: true, Unit: reports.QuarterHours}})
	return names
}

func namesOf[R any](columns []reports.ColumnOf[R]) []string {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = column.Name
	}
	return names
}

// listOr returns a sink of a table with the columns that were chosen, or the
// report's own table where none were.
func listOr[R any](a *app, w io.Writer, request reports.Request, columns func(reports.Meta) []reports.ColumnOf[R], own func() reports.SinkOf[R]) reports.SinkOf[R] {
	if len(request.Shape.Columns) > 0 {
		return render.NewList(w, a.isColored(w), columns)
	}
	return own()
}
