package export

import (
	"strings"

	"talktime/reports"
)

// Column is one column of a delivered file, as a field of a Frictionless Table
// Schema: its type and format are that standard's, its unit is ours.
type Column struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Format string `json:"format,omitempty"`
	Unit   string `json:"unit,omitempty"` // of numbers: s, h, %
}

// NewColumn returns the column of that name and kind.
func NewColumn(name string, kind reports.Kind) Column {
	c := Column{Name: name}
	switch kind {
	case reports.Text:
		c.Type = "string"
	case reports.Integer:
		c.Type = "integer"
	case reports.Decimal, reports.Seconds:
		c.Type = "number"
	case reports.Boolean:
		c.Type = "boolean"
	case reports.Date:
		c.Type = "date"
	case reports.Time:
		c.Type, c.Format = "time", "%H:%M"
	case reports.Instant:
		c.Type = "datetime"
	}
	if kind.IsNumber() {
		c.Unit = unitOf(name)
	}
	return c
}

// ColumnsOf returns the columns of a report.
func ColumnsOf[R any](of []reports.ColumnOf[R]) []Column {
	columns := make([]Column, len(of))
	for i, c := range of {
		columns[i] = NewColumn(c.Name, c.Kind)
	}
	return columns
}

// unitOf reads the unit that ends a column's name.
func unitOf(name string) string {
	for suffix, unit := range map[string]string{"_seconds": "s", "_hours": "h", "_pct": "%"} {
		if strings.HasSuffix(name, suffix) {
			return unit
		}
	}
	return ""
}
