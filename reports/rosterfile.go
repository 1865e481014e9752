package reports

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"talktime/ingest"
)

// rosterColumns are the columns of a roster file; person may be missing.
var rosterColumns = []string{"agent_id", "name", "team", "valid_from", "person"}

// ParseRoster reads a roster file: CSV in UTF-8 with a header that names the
// columns agent_id, name, team, valid_from and, where there is one, person, in
// any order. A line says who holds the agent id from valid_from on, until its
// next line; one with neither name, team nor person says that nobody does.
//
// Allowed are a byte order mark, any line ends, semicolons or tabs for commas,
// blanks around and double blanks inside fields, quoted fields and empty lines.
// valid_from is a date, which stands for the start of that day, or
// an instant on a quarter-hour. The tenures come in order of agent and From,
// without To; Person is empty where the line has none. The error joins every
// fault, as "read PATH line 7: …".
func ParseRoster(path, content string, maxID ingest.AgentID, calendar Calendar) ([]Tenure, error) {
	p := rosterParser{maxID: maxID, calendar: calendar, lines: map[rosterKey]int{}}
	content, p.faults = decodeText(content)
	p.faults.path = path
	p.parse(content)
	slices.SortFunc(p.tenures, func(a, b Tenure) int {
		return cmp.Or(cmp.Compare(a.Agent, b.Agent), a.From.Compare(b.From))
	})
	return p.tenures, p.faults.join()
}

type rosterParser struct {
	maxID    ingest.AgentID
	calendar Calendar
	columns  []string // of the file
	lines    map[rosterKey]int
	tenures  []Tenure
	faults   lineFaults
}

// rosterKey is what a roster has one line for at most.
type rosterKey struct {
	agent ingest.AgentID
	from  time.Time
}

func (p *rosterParser) parse(content string) {
	first, _, _ := strings.Cut(strings.TrimLeft(content, "\n"), "\n")
	records := csv.NewReader(strings.NewReader(content))
	records.FieldsPerRecord = -1
	if at := strings.IndexAny(first, ",;\t"); at >= 0 {
		records.Comma = rune(first[at])
	}
	for {
		fields, err := records.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if broken, ok := errors.AsType[*csv.ParseError](err); ok {
			p.faults.add(broken.StartLine, errors.New(`a quote (") stands alone: put the whole field in quotes and double those inside it`))
			continue
		}
		line, _ := records.FieldPos(0)
		switch {
		case p.columns == nil:
			if !p.header(line, fields) {
				return
			}
		case strings.TrimSpace(strings.Join(fields, "")) != "":
			p.record(line, fields)
		}
	}
	if len(p.lines) == 0 && p.faults.count == 0 {
		p.faults.add(1, errors.New("there is nothing to import: it takes a header agent_id,name,team,valid_from and a line for each tenure"))
	}
}

// header reads the columns' names and reports whether lines can be read by them.
func (p *rosterParser) header(line int, fields []string) bool {
	var faults []error
	for _, field := range fields {
		name := strings.ToLower(strings.TrimSpace(field))
		switch {
		case name == "valid_to":
			faults = append(faults, errors.New(`column "valid_to" is not read: a tenure ends where the agent's next line begins; where nobody follows, add a line with an empty name and team`))
		case !slices.Contains(rosterColumns, name):
			faults = append(faults, fmt.Errorf("column %q is not one of agent_id, name, team, valid_from and person", field))
		case slices.Contains(p.columns, name):
			faults = append(faults, fmt.Errorf("column %s is there twice", name))
		}
		p.columns = append(p.columns, name)
	}
	var missing []string
	for _, name := range rosterColumns[:4] {
		if !slices.Contains(p.columns, name) {
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) == 4:
		p.faults.add(line, errors.New("there is no header: the first line must name the columns agent_id,name,team,valid_from"))
		return false
	case len(missing) > 0:
		faults = append(faults, fmt.Errorf("column %s is missing", strings.Join(missing, ", ")))
	}
	p.faults.add(line, faults...)
	return len(faults) == 0
}

func (p *rosterParser) record(line int, fields []string) {
	if len(fields) != len(p.columns) {
		p.faults.add(line, fmt.Errorf("%d fields, but the header has %d", len(fields), len(p.columns)))
		return
	}
	var t Tenure
	var faults []error
	for i, column := range p.columns {
		var err error
		switch column {
		case "agent_id":
			t.Agent, err = ingest.ParseAgentID(strings.TrimSpace(fields[i]), p.maxID)
		case "name":
			t.Name, err = cleanText(column, fields[i])
		case "team":
			t.Team, err = cleanText(column, fields[i])
		case "person":
			t.Person, err = cleanText(column, fields[i])
		case "valid_from":
			t.From, err = p.calendar.ParseInstant(column, strings.TrimSpace(fields[i]))
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	if t.Name == "" && (t.Team != "" || t.Person != "") && len(faults) == 0 {
		faults = append(faults, errors.New("the name is missing; a line without team and person too says that the agent id is nobody's"))
	}
	if t.Team == NoTeam {
		faults = append(faults, fmt.Errorf("team %q stands for none: leave it empty", NoTeam))
	}
	if len(faults) == 0 {
		key := rosterKey{t.Agent, t.From}
		if first, taken := p.lines[key]; taken {
			faults = append(faults, fmt.Errorf("agent %d from %s was given on line %d already", t.Agent, p.calendar.Date(t.From).Format(time.DateOnly), first))
		}
		p.lines[key] = line
	}
	p.faults.add(line, faults...)
	p.tenures = append(p.tenures, t)
}
