package render

import "talktime/reports"

// The signs that stand where there is no figure.
const (
	noValue     = "–"
	lowCoverage = "†"
)

// line is a row as it is printed, be it on several lines: its measures rounded
// together, so that any sum of them is the sum of what is printed.
type line struct {
	row          *reports.Row
	units        []int64 // the thirteen measures
	grain        int64
	allowPartial bool
	marks        *marks
}

func newLine(row *reports.Row, allowPartial bool, marks *marks) *line {
	grain := grainOf(row.Time)
	return &line{row, reports.LargestRemainder(row.MS[:], grain), grain, allowPartial, marks}
}

// time writes the sum of some measures.
func (l *line) time(measures ...reports.Measure) string {
	var units, exact int64
	for _, m := range measures {
		units += l.units[m]
		exact += l.row.MS[m]
	}
	return duration(units, exact, l.grain)
}

// low and high write bounds, rounded outward so that they still hold.
func (l *line) low(e reports.Evidence) string {
	low, _ := l.row.Bounds(e)
	return duration(low/l.grain, low, l.grain)
}

func (l *line) high(e reports.Evidence) string {
	_, high := l.row.Bounds(e)
	return duration((high+l.grain-1)/l.grain, high, l.grain)
}

// margin writes the half-width of the 95 % interval.
func (l *line) margin(e reports.Evidence) string { return l.error(e, 1.96) }

// stderr writes the standard error.
func (l *line) stderr(e reports.Evidence) string { return l.error(e, 1) }

// error writes some standard errors. The rows that a Top leaves out are summed
// without one: those of an agent's day do not simply add.
func (l *line) error(e reports.Evidence, times float64) string {
	stderr, seen := l.row.StdErr(e)
	switch {
	case l.row.Agents == 0:
		return ""
	case !seen:
		l.marks.noValue = true
		return noValue
	default:
		return margin(times * stderr)
	}
}

// ratio writes a percentage, or the sign of why there is none.
func (l *line) ratio(q reports.Ratio) string {
	milli, blank := l.row.Ratio(q, l.allowPartial)
	switch blank {
	case reports.NoBase:
		l.marks.noValue = true
		return noValue
	case reports.LowCoverage:
		l.marks.lowCoverage = true
		return lowCoverage
	default:
		return percent(milli, q == reports.Coverage)
	}
}
