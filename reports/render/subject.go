package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"talktime/reports"
)

// Subject writes for people what is held about a person: how much of what, what
// for and for how long, and who was given it.
type Subject struct {
	sheet      *sheet
	meta       reports.SubjectMeta
	section    string
	recipients [][]string
}

// NewSubject returns a sink that writes to w; colored adds terminal codes.
func NewSubject(w io.Writer, colored bool) *Subject {
	return &Subject{sheet: newSheet(w, colored, "<Held", "Rows", "<First", "<Last")}
}

// Begin writes whom it is about.
func (s *Subject) Begin(meta reports.SubjectMeta) error {
	s.meta = meta
	who := fmt.Sprintf("agent %d", meta.Agent)
	if meta.Person != "" {
		who += ": " + printable(meta.Name)
	}
	s.sheet.line(s.sheet.style.bold, "What talktime holds about "+who)
	s.sheet.line("", fmt.Sprintf("As of %s, %s, by %s.", meta.PrintedAt.In(meta.Zone).Format(subjectLayout), meta.Zone, meta.Program))
	if meta.Person == "" {
		s.sheet.line("", "The roster knows nobody of this agent id: all of its time is told.")
	} else {
		s.sheet.line("", fmt.Sprintf("The roster's key of the person is %q. The time that is the person's:", meta.Person))
	}
	for _, p := range meta.Parts {
		s.sheet.line("", fmt.Sprintf("  agent %d%s%s", p.Agent, s.edge(" from ", p.From), s.edge(" to ", p.To)))
	}
	s.sheet.line("", "")
	return nil
}

const subjectLayout = "2006-01-02 15:04"

// edge words an end of a part, nothing where it is open.
func (s *Subject) edge(word string, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return word + at.In(s.meta.Zone).Format(subjectLayout)
}

// Section remembers whose rows come.
func (s *Subject) Section(section reports.SubjectSection) error {
	s.section = section.Name
	return nil
}

// Row keeps who was given figures. Other rows are for machines.
func (s *Subject) Row(row json.RawMessage) error {
	if s.section != reports.RecipientsSection {
		return nil
	}
	_, cells, err := members(row)
	if err == nil {
		for i := range cells { // users and machines call themselves what they like
			cells[i] = printable(cells[i])
		}
		cells[4], cells[5] = s.local(cells[4]), s.local(cells[5])
		s.recipients = append(s.recipients, cells)
	}
	return err
}

// local writes an instant of the database on the zone's clock.
func (s *Subject) local(instant string) string {
	at, err := time.Parse(time.RFC3339Nano, instant)
	if err != nil {
		return instant
	}
	return at.In(s.meta.Zone).Format(subjectLayout)
}

// End writes everything.
func (s *Subject) End(holdings []reports.Holding, _ []reports.Meaning) error {
	for i := range holdings {
		h := &holdings[i]
		if err := s.sheet.add(h.Section.Name, strconv.FormatInt(h.Rows, 10), s.local(h.First), s.local(h.Last)); err != nil {
			return err
		}
	}
	s.sheet.writePage()
	s.sheet.line("", "")
	about := s.beside("<Held", "<Is", "<For", "<Kept")
	for i := range holdings {
		h := &holdings[i]
		if err := about.add(h.Section.Name, h.Section.What, h.Section.Purpose, h.Kept); err != nil {
			return err
		}
	}
	about.writePage()
	if len(s.recipients) > 0 {
		s.sheet.line("", "")
		who := s.beside("<Recipients", "<Name", "<Reached or asked for", "Times", "<First", "<Last")
		for _, cells := range s.recipients {
			if err := who.add(cells...); err != nil {
				return err
			}
		}
		who.writePage()
	}
	return s.sheet.notes(s.notes()...)
}

// beside returns another sheet to the same writer.
func (s *Subject) beside(heads ...string) *sheet {
	other := newSheet(nil, false, heads...)
	other.out, other.style = s.sheet.out, s.sheet.style
	return other
}

func (s *Subject) notes() []string {
	var samples, unassigned string
	if !s.meta.WithSamples {
		samples = "Of samples only the number is told; --samples tells each."
	}
	if s.meta.Person != "" && !s.meta.Unassigned {
		unassigned = fmt.Sprintf("Time of agent %d that the roster gives to nobody is left out; --unassigned takes it in.", s.meta.Agent)
	}
	return []string{
		samples, unassigned,
		"A sum of a day in which an agent id changed hands is another's, too, and left out; its quarter-hours are told.",
		"Not told: what recorders hold in their spool, what has left in exports, dumps and copies, and what is not talktime's.",
		"The legal basis, and whether users named here may be told, are the controller's to judge (GDPR Art. 15).",
	}
}

// members returns the names and the values of a JSON object in their order: texts as
// they are, null as nothing, anything else as it is written.
func members(row json.RawMessage) (names, values []string, err error) {
	in := json.NewDecoder(bytes.NewReader(row))
	if _, err := in.Token(); err != nil { // {
		return nil, nil, fmt.Errorf("read a row: %w", err)
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, nil, fmt.Errorf("read a row: %w", err)
		}
		var raw json.RawMessage
		if err := in.Decode(&raw); err != nil {
			return nil, nil, fmt.Errorf("read a row: %w", err)
		}
		value := string(raw)
		switch {
		case value == "null":
			value = ""
		case raw[0] == '"':
			if err := json.Unmarshal(raw, &value); err != nil {
				return nil, nil, fmt.Errorf("read a row: %w", err)
			}
		}
		names, values = append(names, fmt.Sprint(name)), append(values, value)
	}
	return names, values, nil
}
