package export

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultTemplate tells every two editions of a configuration apart.
const DefaultTemplate = "{name}_{from}_{to}_r{revision}.{ext}"

// maxTemplate bounds the text of a template.
const maxTemplate = 500

// Template makes the name of an edition's data file. It is text with variables
// in braces:
//
//	{name} {report} {profile}  of the export, the report, the CSV profile
//	{from} {to}                the period's ends in UTC: 20261116T2300Z
//	{from:YYMMDDhhmm}          the same by the clock of the period's zone, in
//	                           letters YYYY YY MM DD hh mm and - _ . T between
//	{zone}                     of the period: Europe-Berlin
//	{revision}                 1, 2, ...
//	{ext}                      csv, xlsx
type Template struct {
	text  string
	parts []part
}

// part is either literal text or a variable.
type part struct {
	literal  string
	variable string
	// layouts of from and to, one after the other, as time.Format has them; none
	// is UTC.
	layouts []string
}

// variables are the words a template knows.
var variables = []string{"name", "report", "profile", "from", "to", "zone", "revision", "ext"}

// ParseTemplate reads a template. The error joins all its faults, each with
// the place where it stands. That editions have different names is for
// CheckApart to say.
func ParseTemplate(text string) (Template, error) {
	if len(text) > maxTemplate {
		return Template{}, fmt.Errorf("file name template %.40q… has %d characters; %d fit", text, len(text), maxTemplate)
	}
	t := Template{text: text}
	var faults []error
	fault := func(at int, format string, args ...any) {
		faults = append(faults, fmt.Errorf("file name template %q, character %d: %w", text, at+1, fmt.Errorf(format, args...)))
	}
	for at := 0; at < len(text); {
		open := strings.IndexByte(text[at:], '{')
		if open < 0 {
			open = len(text) - at
		}
		if literal := text[at : at+open]; literal != "" {
			if i := strings.IndexFunc(literal, func(r rune) bool { return r >= 0x80 || !isNameByte(byte(r)) }); i >= 0 {
				fault(at+i, "%s", whyRefused(literal[i]))
			}
			t.parts = append(t.parts, part{literal: literal})
		}
		if at += open; at == len(text) {
			break
		}
		length := strings.IndexByte(text[at:], '}')
		if length < 0 {
			fault(at, "{ is never closed by }")
			break
		}
		variable, err := parseVariable(text[at+1 : at+length])
		if err != nil {
			fault(at, "%w", err)
		}
		t.parts = append(t.parts, variable)
		at += length + 1
	}
	if text == "" {
		faults = append(faults, fmt.Errorf("a file name template is empty; the default is %s", DefaultTemplate))
	}
	if err := errors.Join(faults...); err != nil {
		return Template{}, err
	}
	return t, nil
}

func whyRefused(c byte) string {
	switch c {
	case '/', '\\':
		return "a file name cannot lead into another folder; give the folder to the destination"
	case '}':
		return "} closes nothing; a variable is written {name}"
	case ' ':
		return "a blank is not allowed in a file name: many importers refuse it"
	default:
		return "only A-Z a-z 0-9 _ . - and variables in braces are allowed"
	}
}

func parseVariable(text string) (part, error) {
	word, letters, hasLayout := strings.Cut(text, ":")
	if !slices.Contains(variables, word) {
		return part{}, fmt.Errorf("{%s} is none of the variables {%s}", word, strings.Join(variables, "} {"))
	}
	if !hasLayout {
		return part{variable: word}, nil
	}
	if word != "from" && word != "to" {
		return part{}, fmt.Errorf("{%s} takes nothing after a colon; only {from:…} and {to:…} do", word)
	}
	layouts, err := parseLayouts(letters)
	if err != nil {
		return part{}, fmt.Errorf("{%s}: %w", text, err)
	}
	return part{variable: word, layouts: layouts}, nil
}

// letterLayouts are the letters of a date and what time.Format calls them.
var letterLayouts = []struct{ letters, layout string }{
	{"YYYY", "2006"},
	{"YY", "06"},
	{"MM", "01"},
	{"DD", "02"},
	{"hh", "15"},
	{"mm", "04"},
}

// parseLayouts turns letters such as YYMMDDhhmm into layouts of time.Format.
// They are not joined to one: Format would read __2006 as a day of the year.
func parseLayouts(letters string) ([]string, error) {
	var layouts []string
next:
	for rest := letters; rest != ""; {
		for _, l := range letterLayouts {
			if strings.HasPrefix(rest, l.letters) {
				layouts = append(layouts, l.layout)
				rest = rest[len(l.letters):]
				continue next
			}
		}
		if !strings.ContainsRune("-_.T", rune(rest[0])) {
			return nil, fmt.Errorf("%q is not of YYYY YY MM DD hh mm and - _ . T between them", letters)
		}
		layouts = append(layouts, rest[:1])
		rest = rest[1:]
	}
	if len(layouts) == 0 {
		return nil, errors.New("nothing follows the colon; write letters such as YYYYMMDD")
	}
	return layouts, nil
}

// String returns the template as it was written.
func (t Template) String() string { return t.text }

// Name returns the name of an edition's data file, or why the template gives
// none that CheckName takes.
func (t Template) Name(e Edition) (string, error) {
	var name strings.Builder
	for _, p := range t.parts {
		name.WriteString(p.literal)
		name.WriteString(p.value(e))
	}
	if err := checkDataName(name.String()); err != nil {
		return "", fmt.Errorf("file name template %q: %w", t.text, err)
	}
	return name.String(), nil
}

func (p part) value(e Edition) string {
	switch p.variable {
	case "name":
		return e.Export
	case "report":
		return e.Report
	case "profile":
		return e.Profile
	case "from":
		return p.stamp(e.Window.From, e.Window.Zone)
	case "to":
		return p.stamp(e.Window.To, e.Window.Zone)
	case "zone":
		return zoneName(e.Window.Zone)
	case "revision":
		return strconv.Itoa(e.Revision)
	case "ext":
		return e.Extension
	default:
		return ""
	}
}

func (p part) stamp(at time.Time, zone *time.Location) string {
	if len(p.layouts) == 0 {
		return at.UTC().Format("20060102T1504Z")
	}
	var stamp []byte
	for _, layout := range p.layouts {
		stamp = at.In(zone).AppendFormat(stamp, layout)
	}
	return string(stamp)
}

// zoneName writes a zone's name without the characters a file name cannot have:
// Etc/GMT+5 is Etc-GMTplus5.
func zoneName(zone *time.Location) string {
	return strings.NewReplacer("/", "-", "+", "plus").Replace(zone.String())
}
