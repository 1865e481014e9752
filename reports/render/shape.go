package render

import (
	"fmt"
	"strings"

	"talktime/reports"
)

// shapeNotes say in which order rows are shown and what is left out of them.
func shapeNotes(meta reports.Meta) []string {
	var notes []string
	if keys := meta.Shape.Sort; len(keys) > 0 {
		words := make([]string, len(keys))
		for i, key := range keys {
			words[i] = key.Column + " ascending"
			if key.IsDescending {
				words[i] = key.Column + " descending"
			}
		}
		notes = append(notes, "Sorted by "+strings.Join(words, ", then ")+"; rows without a value come last.")
	}
	if left := meta.LeftOut; left != nil {
		notes = append(notes, leftOutNote(left))
	}
	return notes
}

// leftOutNote tells the rows that are not shown and the time in them.
func leftOutNote(left *reports.LeftOut) string {
	if left.Rows == 0 {
		return "No row is left out."
	}
	text := fmt.Sprintf("Rows left out: %d", left.Rows)
	if left.Time > 0 {
		text += fmt.Sprintf(", of %s s", seconds(left.Time))
	}
	if left.Total() > 0 {
		text += " = " + parts(&left.Sums)
	}
	return text + "."
}
