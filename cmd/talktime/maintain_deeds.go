package main

import (
	"fmt"
	"io"

	"talktime/reports"
)

// deed is one thing that maintaining did, would do, or left.
type deed struct {
	what  string // make, drop, keep, …
	name  string // of the partition or table
	span  reports.Span
	bytes int64  // 0 where it does not matter
	why   string // may be empty
}

// deeds are what a run of maintain prints.
type deeds struct{ list []deed }

func (d *deeds) add(one deed) { d.list = append(d.list, one) }

// pastTense words what was done; what would be done and what is left have one word.
var pastTense = map[string]string{"make": "made", "drop": "dropped", "keep": "kept"}

// write prints a line a deed, in columns.
func (d *deeds) write(w io.Writer, isDryRun bool) error {
	if len(d.list) == 0 {
		_, err := fmt.Fprintln(w, "nothing to do")
		return err
	}
	rows := [][]string{{"Done", "Table", "Days (UTC)", "Size", ""}}
	for _, one := range d.list {
		what := pastTense[one.what]
		if isDryRun {
			what = "would " + one.what
		}
		size := ""
		if one.bytes > 0 {
			size = tellBytes(uint64(one.bytes))
		}
		rows = append(rows, []string{what, one.name, spanText(one.span), size, one.why})
	}
	_, err := io.WriteString(w, aligned(rows))
	return err
}

// spanText writes the days a span is of; its ends are at midnight, UTC.
func spanText(span reports.Span) string {
	first, last := span.From.Format("2006-01-02"), span.To.AddDate(0, 0, -1).Format("2006-01-02")
	if first == last {
		return first
	}
	return first + ".." + last
}
