package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"

	"talktime/reports"
)

// SubjectFiles writes what is held about a person as files: a CSV file (RFC 4180,
// UTF-8) of each section that has rows, holdings.csv and columns.csv, and about.txt
// to begin with.
type SubjectFiles struct {
	create  func(name string) (io.Writer, error)
	about   *Subject
	text    *bytes.Buffer // of about.txt, until its turn
	section string
	out     *csv.Writer // of the file being written; nil for none
}

// NewSubjectFiles returns a sink that writes to files it has made, one after the
// other: a file is done when the next one is asked for.
func NewSubjectFiles(create func(name string) (io.Writer, error)) *SubjectFiles {
	text := new(bytes.Buffer)
	return &SubjectFiles{create: create, text: text, about: NewSubject(text, false)}
}

// Begin keeps whom it is about.
func (f *SubjectFiles) Begin(meta reports.SubjectMeta) error { return f.about.Begin(meta) }

// Section ends the file before.
func (f *SubjectFiles) Section(section reports.SubjectSection) error {
	f.section = section.Name
	return f.end(f.about.Section(section))
}

// end writes the rest of the open file, if there is one and nothing has failed.
func (f *SubjectFiles) end(err error) error {
	if f.out == nil || err != nil {
		return err
	}
	f.out.Flush()
	err = f.out.Error()
	f.out = nil
	return err
}

// Row writes a line, in front of the first one the header.
func (f *SubjectFiles) Row(row json.RawMessage) error {
	names, cells, err := members(row)
	if err == nil && f.out == nil {
		err = f.begin(f.section, names)
	}
	if err == nil {
		err = f.out.Write(cells)
	}
	if err == nil {
		err = f.about.Row(row)
	}
	return err
}

func (f *SubjectFiles) begin(name string, header []string) error {
	file, err := f.create(name + ".csv")
	if err != nil {
		return err
	}
	f.out = csv.NewWriter(file)
	f.out.UseCRLF = true
	return f.out.Write(header)
}

// End writes what there was, and what it means.
func (f *SubjectFiles) End(holdings []reports.Holding, meanings []reports.Meaning) error {
	if err := f.end(nil); err != nil {
		return err
	}
	rows := make([][]string, len(holdings))
	for i, h := range holdings {
		rows[i] = []string{
			h.Section.Name, h.Section.What, h.Section.Purpose, h.Kept, strconv.FormatInt(h.Rows, 10), h.First, h.Last, strconv.FormatBool(!h.IsCounted),
		}
	}
	if err := f.whole("holdings", []string{"section", "what", "purpose", "kept", "rows", "first_at", "last_at", "is_included"}, rows); err != nil {
		return err
	}
	rows = make([][]string, len(meanings))
	for i, m := range meanings {
		rows[i] = []string{m.Table, m.Column, m.Text}
	}
	if err := f.whole("columns", []string{"table", "column", "meaning"}, rows); err != nil {
		return err
	}
	if err := f.about.End(holdings, meanings); err != nil {
		return err
	}
	file, err := f.create("about.txt")
	if err == nil {
		_, err = f.text.WriteTo(file)
	}
	return err
}

func (f *SubjectFiles) whole(name string, header []string, rows [][]string) error {
	err := f.begin(name, header)
	if err == nil {
		err = f.out.WriteAll(rows)
	}
	return f.end(err)
}
