package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"talktime/reports"
)

// deed is one thing that maintaining did, would do, or left.
type deed struct {
	what     string // make, drop, keep, compact, leave
	name     string // of the partition or table
	span     reports.Span
	bytes    int64  // of a partition that is dropped, kept or compacted
	runBytes int64  // what it takes when it is compacted
	rows     int64  // that were deleted, where no partition was dropped
	why      string // it is kept, or left as it is
}

// pastTense words what was done.
var pastTense = map[string]string{"make": "made", "drop": "dropped", "keep": "kept", "compact": "compacted", "leave": "left"}

// log logs what was done. What is kept is looked at each time.
func (d deed) log(log *slog.Logger) {
	if d.what == "keep" {
		log.Debug("kept longer than it is to be", "table", d.name, "days", spanText(d.span), "why", d.why)
		return
	}
	if d.what == "leave" {
		log.Debug("not compacted yet", "table", d.name, "days", spanText(d.span), "why", d.why)
		return
	}
	log.Info("maintained", "did", d.what, "table", d.name, "days", spanText(d.span), "size", d.size())
}

// size words how much it was.
func (d deed) size() string {
	switch {
	case d.rows > 0:
		return plural(int(d.rows), "row", "rows")
	case d.runBytes > 0:
		return tellBytes(uint64(d.bytes)) + " → " + tellBytes(uint64(d.runBytes))
	case d.bytes > 0:
		return tellBytes(uint64(d.bytes))
	}
	return ""
}

// deeds are what a run of maintain prints.
type deeds struct{ list []deed }

// add adds one. Days that stay for one reason, one after the other, are one line.
func (d *deeds) add(one deed) {
	if n := len(d.list); n > 0 && one.why != "" {
		last := &d.list[n-1]
		if last.what == one.what && last.why == one.why && last.span.To.Equal(one.span.From) {
			last.span.To, last.bytes = one.span.To, last.bytes+one.bytes
			return
		}
	}
	d.list = append(d.list, one)
}

// write prints a line a deed, in columns.
func (d *deeds) write(w io.Writer, isDryRun bool) error {
	if len(d.list) == 0 {
		_, err := fmt.Fprintln(w, "nothing to do")
		return err
	}
	rows := [][]string{{"Done", "Table", "Days (UTC)", "Size", ""}}
	for _, one := range d.list {
		what, why := pastTense[one.what], ""
		if isDryRun {
			what = "would " + one.what
		}
		if one.why != "" {
			why = "because " + one.why
		}
		rows = append(rows, []string{what, one.name, spanText(one.span), one.size(), why})
	}
	_, err := io.WriteString(w, aligned(rows))
	return err
}

// spanText writes the days a span is of; its ends are at midnight, UTC, but for the
// end of one without a beginning.
func spanText(span reports.Span) string {
	if span.From.IsZero() {
		return "until " + span.To.UTC().Format(time.DateOnly)
	}
	first, last := span.From.Format(time.DateOnly), span.To.AddDate(0, 0, -1).Format(time.DateOnly)
	if first == last {
		return first
	}
	return first + ".." + last
}
