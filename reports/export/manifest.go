package export

import (
	"encoding/json"
	"fmt"
	"time"

	"talktime/ingest"
)

// ManifestVersion counts the shapes of a manifest. Keys are only added within
// one.
const ManifestVersion = 1

// Manifest says what a delivery holds, for machines and for people. It has the
// shape of a Frictionless Data Package (version 1, profile tabular-data-package)
// with keys of our own beside the standard's. It names no instant of the clock:
// equal deliveries have equal manifests, to the byte.
type Manifest struct {
	Name            string `json:"name"` // the first data file's, without its extension, in lower case
	ManifestVersion int    `json:"manifest_version"`
	Program         string `json:"program"` // name and version
	Export          string `json:"export"`
	Report          string `json:"report"`
	By              string `json:"by,omitempty"` // the grouping, as --by has it
	Form            Form   `json:"form"`
	Period          Period `json:"period"`

	Revision   int    `json:"revision"`
	Supersedes string `json:"supersedes,omitempty"` // the data file of the revision before
	Reason     string `json:"reason"`               // why there is this revision
	IsFinal    bool   `json:"is_final"`             // no later sample is awaited for any row

	Rows           int       `json:"rows"`            // of the first data file
	PeriodsSeconds []float64 `json:"periods_seconds"` // distances of polls, ascending
	// CoveragePct is null where no poll was due.
	CoveragePct *float64 `json:"coverage_pct"`
	// WorstAgent is the agent with the least coverage, the first of several; null
	// where the report is not of single agents or no poll was due.
	WorstAgent *AgentCoverage `json:"worst_agent"`
	// Totals are the seconds of each measure over all rows, by column.
	Totals    map[string]float64 `json:"totals"`
	Resources []Resource         `json:"resources"`
}

// Form is what a data file looks like.
type Form struct {
	Format  string `json:"format"`            // csv, xlsx
	Profile string `json:"profile,omitempty"` // of CSV, and its version
	Version int    `json:"version,omitempty"`
	// OnMissing says what stands where nothing was observed: zero, empty, omit or
	// fail.
	OnMissing string `json:"on_missing,omitempty"`
	Locale    string `json:"locale,omitempty"`
}

// Period is the time a delivery covers.
type Period struct {
	From             time.Time `json:"from"`
	To               time.Time `json:"to"`
	TimeZone         string    `json:"time_zone"`
	BusinessDayStart string    `json:"business_day_start"`
}

// AgentCoverage is how much of an agent's due time was observed.
type AgentCoverage struct {
	AgentID     ingest.AgentID `json:"agent_id"`
	CoveragePct float64        `json:"coverage_pct"`
}

// Resource is one data file of a delivery.
type Resource struct {
	Name      string   `json:"name"` // data, diff
	Path      string   `json:"path"`
	Format    string   `json:"format"`
	MediaType string   `json:"mediatype"`
	Encoding  string   `json:"encoding,omitempty"`
	Bytes     int64    `json:"bytes"`
	Hash      string   `json:"hash"` // sha256:…
	Rows      int      `json:"rows"`
	Dialect   *Dialect `json:"dialect,omitempty"`
	Schema    Schema   `json:"schema"`
}

// Dialect says how a CSV file is to be taken apart.
type Dialect struct {
	Delimiter string `json:"delimiter"`
	Header    bool   `json:"header"`
}

// Schema is the columns of a data file.
type Schema struct {
	Fields        []Column `json:"fields"`
	MissingValues []string `json:"missingValues"`
}

// mediaTypes by format.
var mediaTypes = map[string]string{
	"csv":  "text/csv",
	"json": "application/json",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// NewResource describes a data file of so many rows. The dialect is that of CSV,
// else nil.
func NewResource(name string, file File, format string, dialect *Dialect, rows int, columns []Column) Resource {
	r := Resource{
		Name: name, Path: file.Name, Format: format, MediaType: mediaTypes[format],
		Bytes: file.Size, Hash: "sha256:" + file.SumHex(), Rows: rows, Dialect: dialect,
		Schema: Schema{Fields: append([]Column{}, columns...), MissingValues: []string{""}},
	}
	if format != "xlsx" {
		r.Encoding = "utf-8"
	}
	return r
}

// File returns the manifest as the file that goes with its first data file.
func (m Manifest) File() (File, error) {
	if len(m.Resources) == 0 {
		return File{}, fmt.Errorf("write the manifest of %s: it names no data file", m.Export)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return File{}, fmt.Errorf("write the manifest of %s: %w", m.Export, err)
	}
	return NewFile(ManifestName(m.Resources[0].Path), append(text, '\n')), nil
}

// Sealed returns the files of a delivery in the order in which they must appear:
// each data file and its checksum, the manifest last.
func (m Manifest) Sealed(data ...File) ([]File, error) {
	manifest, err := m.File()
	if err != nil {
		return nil, err
	}
	var files []File
	for _, file := range data {
		files = append(files, file, file.SumFile())
	}
	return append(files, manifest), nil
}
