package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"talktime/ingest"
	"talktime/reports"
	"talktime/reports/export"
	"talktime/reports/render"
)

// exportConfig is one scheduled export. Its request, form and names fit each
// other.
type exportConfig struct {
	name     string
	times    ingest.JobTimes
	calendar reports.Calendar
	window   exportWindow

	report   string
	grouping reports.Grouping
	agents   ingest.AgentSet
	teams    []string

	format string // csv, json or xlsx
	form   render.Form

	to              destinationConfig
	file            export.Template
	deadline        time.Duration // after its due instant a period is delivered as it is
	requireCoverage float64       // percent; 0 asks for none
	onFailure       []string      // a program and its arguments; none where empty
}

// exportWindow is the period an export is of: a rolling window, or a fixed one.
type exportWindow struct {
	rolling reports.Rolling
	fixed   *reports.Window // nil: the rolling one
}

// at returns the period of a run that is due at an instant.
func (e *exportConfig) at(due time.Time) reports.Window {
	if e.window.fixed != nil {
		return *e.window.fixed
	}
	return e.calendar.Rolling(e.window.rolling, due)
}

// request returns what the report of a period is asked for.
func (e *exportConfig) request(w reports.Window, program string) reports.Request {
	return reports.Request{Report: e.report, Program: program, Window: w, Grouping: e.grouping, Agents: e.agents, Teams: e.teams}
}

// profile names the CSV profile, or the format where there is none.
func (e *exportConfig) profile() string {
	if e.format == "csv" {
		return e.form.Profile.Name
	}
	return e.format
}

// exportDefinition is what decides an export's bytes beside its period and the
// figures. The audit log has it too.
type exportDefinition struct {
	Report           string   `json:"report"`
	By               string   `json:"by"`
	Agents           string   `json:"agents,omitempty"`
	Teams            []string `json:"teams,omitempty"`
	TimeZone         string   `json:"time_zone"`
	BusinessDayStart string   `json:"business_day_start"`
	Format           string   `json:"format"`
	Profile          string   `json:"profile,omitempty"`
	OnMissing        string   `json:"on_missing,omitempty"`
	Locale           string   `json:"locale,omitempty"`
}

func (e *exportConfig) definition() exportDefinition {
	d := exportDefinition{
		Report: e.report, By: e.grouping.String(), Agents: e.agents.String(), Teams: e.teams,
		TimeZone: e.calendar.Zone.String(), BusinessDayStart: reports.FormatDayStart(e.calendar.DayStart), Format: e.format,
	}
	if e.format == "csv" {
		d.Profile, d.OnMissing, d.Locale = e.form.Profile.String(), e.form.OnMissing(), e.locale()
	}
	return d
}

// locale returns the language tag of the form, empty for none.
func (e *exportConfig) locale() string {
	if e.form.Locale == language.Und {
		return ""
	}
	return e.form.Locale.String()
}

// text writes the definition the same way each time.
func (d exportDefinition) text() string {
	text, _ := json.Marshal(d) // it is of strings
	return string(text)
}

// defaultDeadline leaves the night and the morning for what is late.
const (
	defaultDeadline = 12 * time.Hour
	maxDeadline     = 31 * 24 * time.Hour
)

var exportKeys = []string{
	"name", "cron", "time_zone", "report", "by", "agents", "teams", "window", "profile", "format", "locale", "on_missing",
	"to", "file", "deadline", "require_coverage", "on_failure",
}

// readExports reads the list of exports. No two have the same name, and no two
// of their editions the same file.
func readExports(c *config, v value) {
	named := make(map[string]string)
	for _, item := range v.items() {
		r := exportReader{config: c, item: item, named: named, found: len(v.origin.faults.found)}
		r.read()
		if len(v.origin.faults.found) > r.found {
			continue
		}
		c.exports = append(c.exports, &r.export)
	}
	checkApart(c, v)
}

// exportReader reads one export and records the faults of all its fields.
type exportReader struct {
	config *config
	item   value
	named  map[string]string // the export of each name so far
	found  int               // faults before it
	export exportConfig
	fields map[string]value
}

var exportName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

func (r *exportReader) read() {
	r.fields = make(map[string]value)
	for _, field := range r.item.fields(exportKeys) {
		r.fields[strings.TrimPrefix(field.key, r.item.key+".")] = field
	}
	for _, key := range []string{"name", "cron", "report", "window", "to"} {
		if _, given := r.fields[key]; !given {
			r.item.fault("%s is missing", key)
		}
	}
	e := &r.export
	e.calendar, e.deadline = r.config.calendar(), defaultDeadline
	r.text("name", r.readName)
	if v, given := r.fields["time_zone"]; given {
		keep(&e.calendar.Zone)(v.zone())
	}
	r.text("cron", func(text string) (err error) {
		e.times, err = ingest.NewJobTimes(text, e.calendar.Zone.String())
		return err
	})
	r.readReport()
	r.readWindow()
	r.readForm()
	r.readDelivery()
}

// text reads a key's text, where it is given.
func (r *exportReader) text(key string, read func(text string) error) {
	v, given := r.fields[key]
	if !given {
		return
	}
	text, ok := v.text()
	if !ok {
		return
	}
	if err := read(text); err != nil {
		for fault := range strings.Lines(err.Error()) {
			v.fault("%s", strings.TrimSpace(fault))
		}
	}
}

// texts reads a key's list of texts, or one.
func (r *exportReader) texts(key string) []string {
	v, given := r.fields[key]
	if !given {
		return nil
	}
	items := []value{v}
	if v.isList() {
		items = v.items()
	}
	var texts []string
	for _, item := range items {
		if text, ok := item.text(); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

func (r *exportReader) readName(name string) error {
	first, twice := r.named[strings.ToLower(name)]
	switch {
	case !exportName.MatchString(name):
		return fmt.Errorf("%q is no name for files: A-Z a-z 0-9 _ and - in it, 63 characters at most", name)
	case twice:
		return fmt.Errorf("%q is already the name of %s", name, first)
	}
	r.named[strings.ToLower(name)] = r.item.key
	r.export.name = name
	return nil
}

func (r *exportReader) readReport() {
	e := &r.export
	r.text("report", func(text string) error {
		if text != "talk-time" && text != "states" {
			return fmt.Errorf("%q is not talk-time or states%s", text, didYouMean(text, []string{"talk-time", "states"}))
		}
		e.report = text
		return nil
	})
	e.grouping.ByAgent = true
	if v, given := r.fields["by"]; given {
		var err error
		if e.grouping, err = parseGrouping(strings.Join(r.texts("by"), ",")); err != nil {
			v.fault("%s", strings.TrimPrefix(err.Error(), "--by "))
		}
	}
	r.text("agents", func(text string) (err error) {
		e.agents, err = ingest.ParseAgentSet(text, r.config.maxAgentID)
		return err
	})
	e.teams = trimmed(r.texts("teams"))
}

// readWindow reads a word, or from and to.
func (r *exportReader) readWindow() {
	v, given := r.fields["window"]
	if !given {
		return
	}
	if !v.isSection() {
		r.text("window", func(text string) (err error) {
			if r.export.window.rolling, err = reports.ParseRolling(text); err != nil {
				err = fmt.Errorf("%w; or write {from: 2026-11-01, to: 2026-12-01}", err)
			}
			return err
		})
		return
	}
	ends := map[string]string{}
	for _, field := range v.fields([]string{"from", "to"}) {
		if text, ok := field.text(); ok {
			ends[strings.TrimPrefix(field.key, v.key+".")] = text
		}
	}
	if ends["from"] == "" || ends["to"] == "" {
		v.fault("needs both from and to")
		return
	}
	w, err := r.export.calendar.ParseWindow(ends["from"], ends["to"], time.Time{})
	if err != nil {
		v.fault("%s", strings.ReplaceAll(err.Error(), "--", ""))
		return
	}
	r.export.window.fixed = &w
}

// readForm reads what the file looks like.
func (r *exportReader) readForm() {
	e := &r.export
	e.format = "csv"
	r.text("format", func(text string) error {
		if !slices.Contains([]string{"csv", "json", "xlsx"}, text) {
			return fmt.Errorf("%q is not csv, json or xlsx", text)
		}
		e.format = text
		return nil
	})
	e.form.Profile, _ = render.ParseProfile("") // there is always a first one
	r.text("profile", func(text string) (err error) {
		e.form.Profile, err = parseProfile(text)
		return err
	})
	r.text("on_missing", func(text string) (err error) {
		e.form.Missing, err = render.ParseMissing(text)
		return err
	})
	r.text("locale", func(text string) (err error) {
		if e.form.Locale, err = language.Parse(text); err != nil {
			err = fmt.Errorf("%q is no language tag such as de-DE or en", text)
		}
		return err
	})
	if e.format != "csv" {
		for _, key := range []string{"profile", "on_missing", "locale"} {
			if v, given := r.fields[key]; given {
				v.fault("is of format csv, and this is %s", e.format)
			}
		}
	} else if err := e.form.Profile.Check(reports.Request{Report: e.report, Grouping: e.grouping}); err != nil && e.report != "" {
		r.item.fault("%v", err)
	}
}

// readDelivery reads where to, by what name, and what is wanted of it.
func (r *exportReader) readDelivery() {
	e := &r.export
	if v, given := r.fields["to"]; given {
		keep(&e.to)(v.destination())
	}
	e.file, _ = export.ParseTemplate(export.DefaultTemplate) // it is good
	r.text("file", func(text string) (err error) {
		e.file, err = export.ParseTemplate(text)
		return err
	})
	if v, given := r.fields["deadline"]; given {
		keep(&e.deadline)(v.duration(0, maxDeadline))
	}
	r.text("require_coverage", func(text string) (err error) {
		if e.requireCoverage, err = strconv.ParseFloat(text, 64); err != nil || !(e.requireCoverage >= 0 && e.requireCoverage <= 100) {
			err = fmt.Errorf("%q is not a percentage from 0 to 100", text)
		}
		return err
	})
	e.onFailure = r.texts("on_failure")
}
