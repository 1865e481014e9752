package export

import (
	"errors"
	"fmt"
	"strings"

	"talktime/reports"
)

// Series is all editions of one export, as far as their names go.
type Series struct {
	Template Template
	Edition  Edition // its Window and Revision do not count
	// Windows are periods the export may be of. To find a template that repeats
	// itself they should span two years.
	Windows []reports.Window
	// MaxName is how many characters the importer takes in a data file's name; 0
	// is as many as this package does.
	MaxName int
}

// revisionsTried are those that names are made for: of one digit and of two.
var revisionsTried = []int{1, 2, 12}

// CheckApart reports why the series cannot share a destination: a name that is
// none or too long, or two editions that would have one, told with both. Names
// that differ in case alone are the same to some importers, and so here.
// It tells one fault of each series.
func CheckApart(series ...Series) error {
	taken := make(map[string]Edition)
	var faults []error
	for _, s := range series {
		if err := s.takeNames(taken); err != nil {
			faults = append(faults, fmt.Errorf("export %s: %w", s.Edition.Export, err))
		}
	}
	return errors.Join(faults...)
}

// takeNames adds the names of the series' files to those that are taken.
func (s Series) takeNames(taken map[string]Edition) error {
	limit := MaxName
	if s.MaxName > 0 {
		limit = min(limit, s.MaxName)
	}
	edition := s.Edition
	for _, edition.Window = range s.Windows {
		for _, edition.Revision = range revisionsTried {
			name, err := s.Template.Name(edition)
			if err != nil {
				return err
			}
			if len(name) > limit {
				return fmt.Errorf("file name template %q: %s has %d characters; the importer takes %d", s.Template, name, len(name), limit)
			}
			for _, file := range []string{name, SumName(name), ManifestName(name), DiffName(name)} {
				key := strings.ToLower(file)
				if other, isTaken := taken[key]; isTaken {
					return s.collision(name, edition, other)
				}
				taken[key] = edition
			}
		}
	}
	return nil
}

// collision says which two editions would have one name, and what tells them
// apart.
func (s Series) collision(name string, edition, other Edition) error {
	var both, remedy string
	switch {
	case edition.Export != other.Export:
		both = fmt.Sprintf("the exports %s (%s) and %s (%s)", other.Export, other.period(), edition.Export, edition.period())
		remedy = "add {name} or deliver them to folders of their own"
	case edition.Revision != other.Revision:
		both = fmt.Sprintf("revision %d of %s and revision %d of %s", other.Revision, other.period(), edition.Revision, edition.period())
		remedy = "add _r{revision}"
	default:
		both = fmt.Sprintf("the periods %s and %s", other.period(), edition.period())
		remedy = "add {from} and {to}"
	}
	return fmt.Errorf("file name template %q: %s would both be called %s; %s", s.Template, both, name, remedy)
}
