package export

import (
	"strings"

	"talktime/reports"
)

// Edition is one period of one export in one revision: what one delivery holds.
type Edition struct {
	Export  string // the export's name in the configuration
	Report  string // such as "states"
	Profile string // the CSV profile's name, or the format where there is none
	// Extension is the file's, without a dot, such as "csv".
	Extension string
	Window    reports.Window // the period
	Revision  int            // from 1
}

// period writes an edition's period as people read it, in its zone.
func (e Edition) period() string {
	const layout = "2006-01-02 15:04"
	w := e.Window
	return w.From.In(w.Zone).Format(layout) + " to " + w.To.In(w.Zone).Format(layout)
}

// The names of the files that go with a data file.
const (
	sumSuffix      = ".sha256"
	manifestSuffix = ".manifest.json"
	diffMark       = "_diff"
)

// SumName returns the name of the file that holds a data file's checksum.
func SumName(name string) string { return name + sumSuffix }

// ManifestName returns the name of the manifest of the delivery whose first
// data file has the name.
func ManifestName(name string) string { return name + manifestSuffix }

// DiffName returns the name of the file of the cells that changed since the
// revision before, which is CSV whatever the data file is: daily_r2.xlsx has
// daily_r2_diff.csv.
func DiffName(name string) string {
	return stemOf(name) + diffMark + ".csv"
}

// stemOf cuts a name before its last dot.
func stemOf(name string) string {
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		return name[:dot]
	}
	return name
}
