package export

import (
	"strings"

	"talktime/ingest"
	"talktime/reports"
)

// Tally is a sink that passes a report of talk-time or states on and keeps what
// its manifest says of the rows.
type Tally struct {
	reports.Sink
	meta   reports.Meta
	total  reports.Row
	rows   int
	agents map[ingest.AgentID]*reports.Sums
}

// NewTally returns a tally of what is passed on to the sink.
func NewTally(to reports.Sink) *Tally {
	return &Tally{Sink: to, agents: make(map[ingest.AgentID]*reports.Sums)}
}

// Begin keeps the report's meta.
func (t *Tally) Begin(meta reports.Meta) error {
	t.meta = meta
	return t.Sink.Begin(meta)
}

// Row counts the row.
func (t *Tally) Row(row *reports.Row) error {
	t.rows++
	if row.Agent != 0 {
		sums := t.agents[row.Agent]
		if sums == nil {
			sums = new(reports.Sums)
			t.agents[row.Agent] = sums
		}
		sums.Add(&row.Sums)
	}
	return t.Sink.Row(row)
}

// End keeps the total.
func (t *Tally) End(total *reports.Row) error {
	t.total = *total
	return t.Sink.End(total)
}

// Meta returns what the report said about itself.
func (t *Tally) Meta() reports.Meta { return t.meta }

// Manifest begins the manifest of the edition whose report was passed on. Reason
// and Supersedes are the caller's to add, and the Resources.
func (t *Tally) Manifest(e Edition, name string, form Form) Manifest {
	stem := stemOf(name)
	m := Manifest{
		Name:            strings.ToLower(stem),
		ManifestVersion: ManifestVersion,
		Program:         t.meta.Program,
		Export:          e.Export,
		Report:          e.Report,
		By:              t.meta.Grouping.String(),
		Form:            form,
		Period: Period{
			From:             e.Window.From,
			To:               e.Window.To,
			TimeZone:         e.Window.Zone.String(),
			BusinessDayStart: reports.FormatDayStart(e.Window.DayStart),
		},
		Revision:       e.Revision,
		IsFinal:        t.total.IsFinal,
		Rows:           t.rows,
		PeriodsSeconds: []float64{},
		CoveragePct:    coverage(&t.total.Sums),
		WorstAgent:     t.worstAgent(),
		Totals:         map[string]float64{"window_seconds": seconds(t.total.Time)},
	}
	for _, p := range t.meta.Periods {
		m.PeriodsSeconds = append(m.PeriodsSeconds, p.Seconds())
	}
	for measure := range reports.Measure(reports.Measures) {
		m.Totals[measure.String()+"_seconds"] = seconds(t.total.MS[measure])
	}
	return m
}

// worstAgent returns the agent with the least coverage. Of several it is the one
// with the lowest id.
func (t *Tally) worstAgent() *AgentCoverage {
	var worst *AgentCoverage
	for agent, sums := range t.agents {
		pct := coverage(sums)
		if pct == nil {
			continue
		}
		if worst == nil || *pct < worst.CoveragePct || *pct == worst.CoveragePct && agent < worst.AgentID {
			worst = &AgentCoverage{agent, *pct}
		}
	}
	return worst
}

// coverage returns the coverage in percent, to the thousandth, or nil where no
// poll was due.
func coverage(sums *reports.Sums) *float64 {
	row := reports.Row{Sums: *sums}
	milliPercent, blank := row.Ratio(reports.Coverage, true)
	if blank != reports.NotBlank {
		return nil
	}
	pct := float64(milliPercent) / 1000
	return &pct
}

// seconds turns milliseconds into the decimal number that prints as them.
func seconds(ms int64) float64 { return float64(ms) / 1000 }
