// Package render writes reports: a table for people, CSV and JSON for machines.
//
// Each format is a reports.Sink, or a SinkOf other rows, that writes rows as they
// come and keeps at most a page of them; a workbook keeps them on disk, a timeline
// the cells of its bar, the table of an instant all its lines. What is held about
// a person is a reports.SubjectSink. Tables round to minutes or seconds so that
// the parts of a row add up to its total; machine formats carry exact decimals.
// The package prints nothing the report does not say: no clock, no terminal, no
// environment.
package render
