package render

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"talktime/reports"
)

// SubjectJSON writes what is held about a person as one JSON object: about, a list
// for each section, holdings and columns.
type SubjectJSON struct {
	out    *bufio.Writer
	isOpen bool // a list is
	rows   int  // in it
}

// NewSubjectJSON returns a sink that writes to w.
func NewSubjectJSON(w io.Writer) *SubjectJSON { return &SubjectJSON{out: bufio.NewWriter(w)} }

type subjectPart struct {
	AgentID int        `json:"agent_id"`
	From    *time.Time `json:"from"`
	To      *time.Time `json:"to"`
}

// Begin writes whom it is about.
func (j *SubjectJSON) Begin(meta reports.SubjectMeta) error {
	about := struct {
		AgentID    int           `json:"agent_id"`
		Person     string        `json:"person,omitempty"`
		Name       string        `json:"name,omitempty"`
		Parts      []subjectPart `json:"parts"`
		Unassigned bool          `json:"unassigned"`
		PrintedAt  time.Time     `json:"printed_at"`
		Program    string        `json:"program"`
	}{int(meta.Agent), meta.Person, meta.Name, nil, meta.Unassigned, meta.PrintedAt.UTC(), meta.Program}
	for _, p := range meta.Parts {
		part := subjectPart{AgentID: int(p.Agent)}
		if !p.From.IsZero() {
			part.From = &p.From
		}
		if !p.To.IsZero() {
			part.To = &p.To
		}
		about.Parts = append(about.Parts, part)
	}
	text, err := json.MarshalIndent(about, "", "  ")
	if err != nil {
		return fmt.Errorf("write about: %w", err)
	}
	_, err = fmt.Fprintf(j.out, "{\"about\": %s", text)
	return err
}

// Section ends the list before and begins the next. The writer keeps its first
// error.
func (j *SubjectJSON) Section(section reports.SubjectSection) error {
	j.close()
	_, err := fmt.Fprintf(j.out, ",\n%q: [", section.Name)
	j.isOpen, j.rows = true, 0
	return err
}

func (j *SubjectJSON) close() {
	if j.isOpen {
		_, _ = j.out.WriteString("\n]")
	}
	j.isOpen = false
}

// Row adds a row, as it is.
func (j *SubjectJSON) Row(row json.RawMessage) error {
	if j.rows++; j.rows > 1 {
		_ = j.out.WriteByte(',')
	}
	_ = j.out.WriteByte('\n')
	_, err := j.out.Write(row)
	return err
}

// End writes what there was, and what it means.
func (j *SubjectJSON) End(holdings []reports.Holding, meanings []reports.Meaning) error {
	held := make([]subjectHolding, len(holdings))
	for i, h := range holdings {
		held[i] = subjectHolding{h.Section.Name, h.Section.What, h.Section.Purpose, h.Kept, h.Rows, orNull(h.First), orNull(h.Last), !h.IsCounted}
	}
	columns := make([]subjectMeaning, len(meanings))
	for i, m := range meanings {
		columns[i] = subjectMeaning(m)
	}
	if err := errors.Join(listOf(j, "holdings", held), listOf(j, "columns", columns)); err != nil {
		return err
	}
	j.close()
	_, _ = j.out.WriteString("}\n")
	return j.out.Flush()
}

type subjectHolding struct {
	Section    string  `json:"section"`
	What       string  `json:"what"`
	Purpose    string  `json:"purpose"`
	Kept       string  `json:"kept"`
	Rows       int64   `json:"rows"`
	FirstAt    *string `json:"first_at"`
	LastAt     *string `json:"last_at"`
	IsIncluded bool    `json:"is_included"`
}

type subjectMeaning struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Text   string `json:"meaning"`
}

// listOf writes a list with a line for each value.
func listOf[T any](j *SubjectJSON, name string, values []T) error {
	if err := j.Section(reports.SubjectSection{Name: name}); err != nil {
		return err
	}
	for _, value := range values {
		line, err := json.Marshal(value)
		if err == nil {
			err = j.Row(line)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
