package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"
)

// SubjectSource reads what is held about parts of agents' time. One source shows
// one state of the database.
type SubjectSource interface {
	// SubjectRows yields the rows of a section: a JSON object each, its members in
	// the order of the columns, instants in UTC.
	SubjectRows(ctx context.Context, section string, parts []Part) iter.Seq2[json.RawMessage, error]
	// CountSamples returns how many samples there are, and the instants of the first
	// and the last.
	CountSamples(ctx context.Context, parts []Part) (rows int64, first, last time.Time, err error)
	// Meanings returns what the columns of tables mean, in their order.
	Meanings(ctx context.Context, tables []string) ([]Meaning, error)
}

// SubjectMeta is what a report subject says about itself.
type SubjectMeta struct {
	Subject
	PrintedAt   time.Time
	Zone        *time.Location // of the instants that people read
	Program     string
	WithSamples bool // samples are told whole, not only their number
	Unassigned  bool // see Roster.Subject
	Kept        func(SubjectSection) string
}

// SubjectSink takes a report subject as it is made: Begin once, then each section
// and its rows in order, and End once with how much there was of each and what the
// columns mean. A row is only valid during its call.
type SubjectSink interface {
	Begin(SubjectMeta) error
	Section(SubjectSection) error
	Row(json.RawMessage) error
	End([]Holding, []Meaning) error
}

// TellSubject hands everything held about the subject to the sink, row by row, and
// returns how many rows that were.
func TellSubject(ctx context.Context, source SubjectSource, meta SubjectMeta, sink SubjectSink) (rows int64, err error) {
	rows, err = tellSubject(ctx, source, meta, sink)
	if err != nil {
		return rows, fmt.Errorf("report subject: %w", err)
	}
	return rows, nil
}

func tellSubject(ctx context.Context, source SubjectSource, meta SubjectMeta, sink SubjectSink) (rows int64, err error) {
	if err := sink.Begin(meta); err != nil {
		return 0, err
	}
	var holdings []Holding
	var tables []string
	for _, section := range subjectSections {
		h := Holding{Section: section, Kept: meta.Kept(section)}
		if err := sink.Section(section); err != nil {
			return rows, err
		}
		if section.Name == SamplesSection && !meta.WithSamples {
			err = h.countSamples(ctx, source, meta.Parts)
		} else {
			err = h.tell(source.SubjectRows(ctx, section.Name, meta.Parts), sink)
			rows += h.Rows
		}
		if err != nil {
			return rows, err
		}
		holdings = append(holdings, h)
		for _, table := range section.Tables {
			if !slices.Contains(tables, table) {
				tables = append(tables, table)
			}
		}
	}
	meanings, err := source.Meanings(ctx, tables)
	if err != nil {
		return rows, err
	}
	return rows, sink.End(holdings, meanings)
}

// tell hands the rows to the sink and counts them.
func (h *Holding) tell(lines iter.Seq2[json.RawMessage, error], sink SubjectSink) error {
	for line, err := range lines {
		if err == nil {
			err = h.count(line)
		}
		if err == nil {
			err = sink.Row(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// count takes a row into the number and the dates. Instants of the database, all in
// UTC, sort as texts.
func (h *Holding) count(line json.RawMessage) error {
	h.Rows++
	if h.Section.At == "" {
		return nil
	}
	var row map[string]json.RawMessage
	if err := json.Unmarshal(line, &row); err != nil {
		return fmt.Errorf("read %s: %w", h.Section.Name, err)
	}
	var at string
	if err := json.Unmarshal(row[h.Section.At], &at); err != nil {
		return fmt.Errorf("read %s of %s: %w", h.Section.At, h.Section.Name, err)
	}
	if h.First == "" || at < h.First {
		h.First = at
	}
	h.Last = max(h.Last, at)
	return nil
}

func (h *Holding) countSamples(ctx context.Context, source SubjectSource, parts []Part) error {
	rows, first, last, err := source.CountSamples(ctx, parts)
	h.Rows, h.IsCounted = rows, true
	if rows > 0 {
		h.First, h.Last = first.Format(time.RFC3339Nano), last.Format(time.RFC3339Nano)
	}
	return err
}
