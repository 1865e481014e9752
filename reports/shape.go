package reports

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Shape says what of a report is shown: which columns, and which rows in which
// order. The zero value shows everything as it comes.
type Shape struct {
	Columns []string  // names, in the order they are shown in; none: all
	Sort    []SortKey // rows are sorted by the first, then the next; none: as they come
	Top     int       // how many rows are shown; 0: all
}

// SortKey is a column that rows are sorted by. Numbers and instants ascend by
// their value, texts by their bytes; rows without a value come last either way.
type SortKey struct {
	Column       string
	IsDescending bool
}

// MostSorted is how many rows a sorted report, or a Top, keeps in memory.
const MostSorted = 100_000

// ErrTooManyRows is what a report ends with, before any of it is written, where
// more than MostSorted rows are to be sorted and no Top says how many of them are
// wanted.
var ErrTooManyRows = errors.New("too many rows to sort")

// ParseSort reads words such as talk_seconds:desc and agent_id, which ascends as
// agent_id:asc does.
func ParseSort(words []string) ([]SortKey, error) {
	var keys []SortKey
	var faults []error
	for _, word := range words {
		name, order, isGiven := strings.Cut(strings.TrimSpace(word), ":")
		if isGiven && order != "asc" && order != "desc" {
			faults = append(faults, fmt.Errorf("%q: the order %q is not asc or desc", word, order))
		}
		keys = append(keys, SortKey{name, order == "desc"})
	}
	return keys, errors.Join(faults...)
}

// String writes the key as ParseSort reads it.
func (k SortKey) String() string {
	if k.IsDescending {
		return k.Column + ":desc"
	}
	return k.Column
}

// IsZero reports whether everything is shown as it comes.
func (s *Shape) IsZero() bool { return len(s.Columns) == 0 && !s.picksRows() }

// picksRows reports whether rows are not shown as they come.
func (s *Shape) picksRows() bool { return len(s.Sort) > 0 || s.Top > 0 }

// Chosen returns the columns that a Shape shows, in its order. Names it does not
// find are left out.
func Chosen[R any](s *Shape, columns []ColumnOf[R]) []ColumnOf[R] {
	if len(s.Columns) == 0 {
		return columns
	}
	var chosen []ColumnOf[R]
	for _, name := range s.Columns {
		if i := slices.IndexFunc(columns, func(c ColumnOf[R]) bool { return c.Name == name }); i >= 0 {
			chosen = append(chosen, columns[i])
		}
	}
	return chosen
}

// LeftOut is what a Top leaves out of a report.
type LeftOut struct {
	Rows int
	Time int64 // ms: the rows' time in the window, of sessions their whole length
	// Sums are those of the rows of talk-time and states; of a timeline they have
	// the measures alone, of other reports nothing.
	Sums
}
