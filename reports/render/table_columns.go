package render

import (
	"fmt"

	"talktime/reports"
)

var (
	handle     = []reports.Measure{reports.Talk, reports.ACW}
	notReady   = []reports.Measure{reports.Busy, reports.Rest, reports.PreRest}
	staffed    = []reports.Measure{reports.Talk, reports.Reserved, reports.ACW, reports.Available, reports.Busy, reports.Rest, reports.PreRest, reports.Other}
	unobserved = []reports.Measure{reports.Failed, reports.RecorderDown}
)

// talkTimeColumns show talk and how good the figure is, what else there was to
// handle, and the two ratios it is read by.
var talkTimeColumns = []tableColumn{
	timeColumn("talk time", "", "Talk", reports.Talk),
	column("talk time", "", "± 95 %", func(l *line) string { return l.margin(reports.Evidence(reports.Talk)) }),
	column("talk time", "at", "least", func(l *line) string { return l.low(reports.Evidence(reports.Talk)) }),
	column("talk time", "at", "most", func(l *line) string { return l.high(reports.Evidence(reports.Talk)) }),
	column("talk time", "episodes", "seen", func(l *line) string { return fmt.Sprint(l.row.TalkEntries) }),
	timeColumn("work", "", "ACW", reports.ACW),
	timeColumn("work", "talk+ACW", "= Handle", handle...),
	timeColumn("work", "", "Available", reports.Available),
	timeColumn("work", "", "Staffed", staffed...),
	ratioColumn("ratios, %", "Talk", "share", reports.TalkShare),
	ratioColumn("ratios, %", "", "Occupancy", reports.Occupancy),
	timeColumn("seen", "", "Unobserved", unobserved...),
	ratioColumn("seen", "Coverage", "%", reports.Coverage),
}

// statesColumns show all thirteen measures; pending only where there can be
// any.
func statesColumns(meta reports.Meta) []tableColumn {
	columns := []tableColumn{
		timeColumn("staffed", "", "Talk", reports.Talk),
		timeColumn("staffed", "", "Reserved", reports.Reserved),
		timeColumn("staffed", "", "ACW", reports.ACW),
		timeColumn("staffed", "", "Available", reports.Available),
		timeColumn("staffed", "", "Busy", reports.Busy),
		timeColumn("staffed", "", "Rest", reports.Rest),
		timeColumn("staffed", "Pre-", "rest", reports.PreRest),
		timeColumn("staffed", "", "Other", reports.Other),
		timeColumn("staffed", "", "= Staffed", staffed...),
		timeColumn("", "Signed", "out", reports.SignedOut),
		timeColumn("unobserved", "", "Failed", reports.Failed),
		timeColumn("unobserved", "Recorder", "down", reports.RecorderDown),
		timeColumn("", "Un-", "scheduled", reports.Unscheduled),
	}
	if meta.Horizon.Before(meta.Window.To) {
		columns = append(columns, timeColumn("", "", "Pending", reports.Pending))
	}
	return append(columns,
		timeColumn("", "", "= Window", allMeasures()...),
		ratioColumn("", "Not ready", "%", reports.NotReadyShare),
		ratioColumn("", "Coverage", "%", reports.Coverage),
	)
}

func allMeasures() []reports.Measure {
	all := make([]reports.Measure, reports.Measures)
	for i := range all {
		all[i] = reports.Measure(i)
	}
	return all
}

// evidenceColumns show every state and group with the lines of evidence beneath
// its time.
var evidenceColumns = []tableColumn{
	column("", "", "", label("time"), label("± 95 %"), label("at least"), label("at most")),
	evidenceColumn("staffed", "", "Talk", reports.Evidence(reports.Talk), reports.Talk),
	evidenceColumn("staffed", "", "Reserved", reports.Evidence(reports.Reserved), reports.Reserved),
	evidenceColumn("staffed", "", "ACW", reports.Evidence(reports.ACW), reports.ACW),
	evidenceColumn("staffed", "", "Available", reports.Evidence(reports.Available), reports.Available),
	evidenceColumn("staffed", "", "Busy", reports.Evidence(reports.Busy), reports.Busy),
	evidenceColumn("staffed", "", "Rest", reports.Evidence(reports.Rest), reports.Rest),
	evidenceColumn("staffed", "Pre-", "rest", reports.Evidence(reports.PreRest), reports.PreRest),
	evidenceColumn("staffed", "", "Other", reports.Evidence(reports.Other), reports.Other),
	evidenceColumn("staffed", "", "= Staffed", reports.Staffed, staffed...),
	evidenceColumn("", "Signed", "out", reports.Evidence(reports.SignedOut), reports.SignedOut),
	evidenceColumn("parts of staffed", "talk+ACW", "= Handle", reports.Handle, handle...),
	evidenceColumn("parts of staffed", "Not", "ready", reports.NotReady, notReady...),
	timeColumn("seen", "Un-", "observed", unobserved...),
	ratioColumn("seen", "Coverage", "%", reports.Coverage),
}

func label(text string) func(*line) string { return func(*line) string { return text } }

func evidenceColumn(group, above, below string, e reports.Evidence, measures ...reports.Measure) tableColumn {
	return column(group, above, below,
		func(l *line) string { return l.time(measures...) },
		func(l *line) string { return l.margin(e) },
		func(l *line) string { return l.low(e) },
		func(l *line) string { return l.high(e) })
}

func timeColumn(group, above, below string, measures ...reports.Measure) tableColumn {
	return column(group, above, below, func(l *line) string { return l.time(measures...) })
}

func ratioColumn(group, above, below string, ratio reports.Ratio) tableColumn {
	return column(group, above, below, func(l *line) string { return l.ratio(ratio) })
}

func column(group, above, below string, texts ...func(*line) string) tableColumn {
	return tableColumn{group: group, head: [2]string{above, below}, texts: texts}
}
