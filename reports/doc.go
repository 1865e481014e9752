// Package reports holds the words and rules of a report: windows, zones,
// groupings, the sums of quarter-hours, their evidence, ratios and rounding.
//
// A report reads quarter-hours through a Source, fills in what has no row, and
// hands rows to a Sink one by one, so memory does not grow with the window.
// A Shape says which columns and rows are shown; only what it sorts is kept.
// Every row's thirteen measures sum to its agents' time in its window to the
// millisecond; a row that does not is an error, never printed.
//
// A Roster says whose an agent id was, and in which team, at each time; rows are
// cut at its borders. It is read from a file and merged here.
//
// Timeline and Sessions read segments through a SegmentSource and join them to
// episodes and sessions; At tells an instant from the samples around it, through
// a SampleSource. Each hands its own rows to a SinkOf them. TellSubject tells a
// SubjectSink everything held about one Subject.
//
// The package knows no SQL, no network and no clock. The calculus is that of
// metrics.md; instants are UTC, durations integer milliseconds, windows
// half-open.
package reports
