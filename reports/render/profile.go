package render

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"talktime/reports"
)

// Profile is a versioned set of rules for CSV files that one kind of reader
// takes without being told anything. Within a version columns are only added;
// anything else makes the next version.
type Profile struct {
	Name    string
	Version int
	About   string // one line
	Missing Missing

	comma     byte
	hasMark   bool // a byte order mark
	hasHeader bool
	isGuarded bool // spreadsheet rules for text cells
	rows      rowRules
}

// rowRules is what a profile makes of the rows of talk-time and states.
type rowRules int

const (
	exactRows    rowRules = iota // every column, exact to the millisecond
	hourlyRows                   // the same and decimal hours
	intervalRows                 // whole seconds of quarter-hours for workforce management
)

// The profiles. Sources of the rules of each: RFC 4180; for excel OWASP's page
// on CSV injection; for wfm-15 the import rules of Genesys Cloud WFM and Eleveo
// WFM, for wfm-semicolon-noheader those of Calabrio's queue data.
var profiles = []Profile{
	{
		Name: "machine", Version: 1, Missing: EmptyMissing, About: "RFC 4180, UTF-8, exact seconds; for programs",
		comma: ',', hasHeader: true,
	},
	{
		Name: "excel", Version: 1, Missing: EmptyMissing, About: "a byte order mark, delimiter and decimal mark by locale, decimal hours, no formulas",
		comma: ',', hasMark: true, hasHeader: true, isGuarded: true, rows: hourlyRows,
	},
	{
		Name: "wfm-15", Version: 1, Missing: FailMissing, About: "every quarter-hour in UTC, whole seconds, header",
		comma: ',', hasHeader: true, rows: intervalRows,
	},
	{
		Name: "wfm-semicolon-noheader", Version: 1, Missing: FailMissing, About: "every quarter-hour in UTC, whole seconds, semicolons, no header",
		comma: ';', rows: intervalRows,
	},
}

// Profiles returns all profiles in their fixed order.
func Profiles() []Profile { return slices.Clone(profiles) }

// ParseProfile returns the profile of that name; none is machine.
func ParseProfile(name string) (Profile, error) {
	if name == "" {
		return profiles[0], nil
	}
	names := make([]string, len(profiles))
	for i, p := range profiles {
		if p.Name == name {
			return p, nil
		}
		names[i] = p.Name
	}
	return Profile{}, fmt.Errorf("profile %q is none of %s", name, strings.Join(names, ", "))
}

// Check reports whether the profile can carry a report so asked for.
func (p Profile) Check(request reports.Request) error {
	g := request.Grouping
	switch _, hasFigures := groupedTitles[request.Report]; {
	case p.rows != intervalRows:
		return nil
	case !hasFigures:
		return fmt.Errorf("profile %s is of quarter-hours, the report %s has none: use machine or excel", p.Name, request.Report)
	case !g.ByAgent || g.ByTeam || g.Unit != reports.QuarterHours:
		return fmt.Errorf("profile %s has a row for each agent and quarter-hour: ask for it by 15m,agent or agent,15m", p.Name)
	case !request.Shape.IsZero():
		return fmt.Errorf("profile %s is read by the place of its columns and the order of its rows: --columns, --sort and --top are for machine and excel", p.Name)
	default:
		return nil
	}
}

// String returns name and version, such as "machine/1".
func (p Profile) String() string { return fmt.Sprintf("%s/%d", p.Name, p.Version) }

// Missing says what a CSV file has where nothing was observed of a row's time:
// 0 means observed and none, so by itself it is never written there.
type Missing int

// The words of Missing.
const (
	ProfilesMissing Missing = iota // as the profile has it
	EmptyMissing                   // the row, its cells empty
	ZeroMissing                    // the row, its cells 0
	OmitMissing                    // no row
	FailMissing                    // no file where polls were due; 0 where none was
)

var missingWords = []string{"", "empty", "zero", "omit", "fail"}

// String returns the word of configuration and flags.
func (m Missing) String() string { return missingWords[m] }

// ParseMissing reads zero, empty, omit or fail; none is the profile's own.
func ParseMissing(word string) (Missing, error) {
	i := slices.Index(missingWords, word)
	if i < 0 {
		return 0, fmt.Errorf("%q is not zero, empty, omit or fail", word)
	}
	return Missing(i), nil
}

// Form is a profile with what its user may choose.
type Form struct {
	Profile Profile
	Missing Missing
	// Locale decides the delimiter and decimal mark of the profile excel: its
	// spreadsheet program reads what that place's settings say.
	Locale language.Tag
}

// Columns returns the columns of a report of talk-time or states in the form, by
// which nothing can be written: their names and kinds alone.
func (f Form) Columns(meta reports.Meta) []reports.Column {
	columns := f.Profile.rows.columns(meta, f.Profile.rows.rounding())
	for i := range columns {
		columns[i].Append = nil
	}
	return columns
}

// Dialect returns what parts the cells of a record, and whether the first record
// is a header.
func (f Form) Dialect() (comma byte, hasHeader bool) {
	comma, _ = f.marks()
	return comma, f.Profile.hasHeader
}

// OnMissing returns the word for what holds where nothing was observed.
func (f Form) OnMissing() string { return f.missing().String() }

// missing returns what holds for the form.
func (f Form) missing() Missing {
	if f.Missing == ProfilesMissing {
		return f.Profile.Missing
	}
	return f.Missing
}

// marks returns the delimiter, and whether the decimal mark is a comma.
func (f Form) marks() (comma byte, isDecimalComma bool) {
	if !f.Profile.isGuarded || !hasDecimalComma(f.Locale) {
		return f.Profile.comma, false
	}
	return ';', true
}
