package render

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"talktime/reports"
)

// groupedTitles names the reports whose rows are kept apart by a Grouping.
var groupedTitles = map[string]string{"talk-time": "Talk time", "states": "States"}

// writeTitle says what the report is of and how its time was polled.
func (t *Table) writeTitle() {
	w := t.meta.Window
	name := groupedTitles[t.meta.Report]
	by := "all agents together"
	if g := t.meta.Grouping; g != (reports.Grouping{}) {
		by = "by " + strings.ReplaceAll(g.String(), ",", " and ")
	}
	if len(t.meta.Teams) > 0 {
		by += ", of " + strings.Join(t.meta.Teams, ", ") + " only"
	}
	const local = "Mon 2006-01-02 15:04"
	days := ""
	if w.DayStart != 0 {
		days = " · days begin at " + reports.FormatDayStart(w.DayStart)
	}
	t.writeBold(fmt.Sprintf("%s %s · %s to %s · %s, UTC%s%s", name, printable(by),
		w.From.In(w.Zone).Format(local), w.To.In(w.Zone).Format(local), w.Zone, strings.Join(offsets(w), ", then UTC"), days))
	for _, line := range polling(t.meta) {
		t.write(line, "\n")
	}
}

// polling says how the time of a report was polled, line by line.
func polling(meta reports.Meta) []string {
	var lines []string
	if periods := meta.Periods; len(periods) > 0 {
		lines = append(lines, fmt.Sprintf("Polled every %s; hold %s: a longer gap between two samples counts as unobserved.",
			joinDurations(periods, func(p time.Duration) time.Duration { return p }), joinDurations(periods, reports.Hold)))
	}
	for i, s := range meta.Schedules {
		if i == mostSchedules {
			return append(lines, fmt.Sprintf("… and %d schedules more; --format json has them all.", len(meta.Schedules)-i))
		}
		lines = append(lines, printable(fmt.Sprintf("Schedule %s: %s, %s, agents %s", s.Name, s.Cron, s.Zone, shortened(s.Agents))))
	}
	return lines
}

// A title names so many schedules, and so much of their agents.
const mostSchedules, mostAgentText = 5, 60

// shortened cuts a long list of agents after a whole range.
func shortened(agents string) string {
	if len(agents) <= mostAgentText {
		return agents
	}
	return agents[:strings.LastIndexByte(agents[:mostAgentText], ',')+1] + "…"
}

// offsets lists the zone's offsets from UTC in the window, in order of time.
func offsets(w reports.Window) []string {
	var all []string
	for _, hour := range w.Spans(reports.Hours) {
		offset := hour.From.In(w.Zone).Format("-07:00")
		if len(all) == 0 || all[len(all)-1] != offset {
			all = append(all, offset)
		}
	}
	return all
}

func joinDurations(periods []time.Duration, of func(time.Duration) time.Duration) string {
	words := make([]string, len(periods))
	for i, p := range periods {
		words[i] = seconds(of(p).Milliseconds()) + " s"
	}
	return strings.Join(words, ", ")
}

// printable replaces what would move a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || unicode.Is(unicode.Join_Control, r) {
			return r
		}
		return '?'
	}, s)
}

// writeNotes explains the signs, says what may still change, and ends with the
// identity.
func (t *Table) writeNotes(total *reports.Row) {
	var notes []string
	note := func(applies bool, format string, args ...any) {
		if applies {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	horizon := t.meta.Horizon
	shown := total.Agents > 0
	note(!shown, "No agent has a quarter-hour in this window.")
	g := t.meta.Grouping
	hasTeams := g.ByTeam || len(t.meta.Teams) > 0 || g.ByAgent && len(t.meta.Roster) > 0
	asOf := t.meta.TeamAsOf
	note(shown && g.Unit == reports.Week, "Weeks run from Monday to Sunday; of the first and the last only the days in the window are counted.")
	note(shown && g.Unit == reports.Month, "Of the first and the last month only the days in the window are counted.")
	note(shown && !g.ByAgent && !g.ByTeam && total.Agents > 1, "Every row sums all agents: %d.", total.Agents)
	note(shown && hasTeams && asOf.IsZero(), "A quarter-hour belongs to the person and the team at its start; %s stands for no team in the roster.", reports.NoTeam)
	note(shown && hasTeams && !asOf.IsZero(), "A quarter-hour belongs to the person at its start and to the team that person is in at %s; %s stands for no team in the roster.",
		asOf.In(t.meta.Window.Zone).Format("Mon 2006-01-02 15:04 -07:00"), reports.NoTeam)
	note(shown && t.meta.Evidence, "Handle = talk + ACW. Not ready = busy + rest + pre-rest. Coverage = observed / (observed + unobserved).")
	note(shown && !t.meta.Evidence && t.meta.Report == "talk-time", "Talk share = talk / staffed. Occupancy = (talk + ACW) / (talk + ACW + available). Coverage = observed / (observed + unobserved).")
	note(shown && !t.meta.Evidence && t.meta.Report == "states", "Not ready = (busy + rest + pre-rest) / staffed. Coverage = observed / (observed + unobserved).")
	note(shown && (t.meta.Evidence || t.meta.Report == "talk-time"), "± is half the 95 %% interval of sampling; at least and at most hold if nothing happened between two samples but the changes seen.")
	note(shown && t.marks.noValue, "%s no value: nothing to divide by, or no change seen to tell an error from.", noValue)
	note(t.marks.lowCoverage, "%s left blank: less than %d %% of the time polls were due for was observed (--allow-partial shows it).", lowCoverage, reports.MinCoverage)
	note(t.meta.AllowPartial, "Ratios are shown whatever the coverage (--allow-partial).")
	note(shown, "Rounded so that each row's parts add up to its total; a column may differ from the total row by rounding. --format csv has milliseconds.")
	for _, n := range shapeNotes(t.meta) {
		note(true, "%s", n)
	}
	note(horizon.IsZero(), "Nothing is derived yet: everything is pending.")
	note(!horizon.IsZero() && horizon.Before(t.meta.Window.To), "Figures reach to %s; everything later is pending.",
		horizon.In(t.meta.Window.Zone).Format("Mon 2006-01-02 15:04:05 -07:00"))
	note(!total.IsFinal, "Provisional: later samples may still change the latest quarter-hours.")
	note(t.meta.Dirty > 0, "Quarter-hours with news that is not derived yet: %d.", t.meta.Dirty)

	t.write("\n")
	for _, n := range notes {
		t.writeDim(n)
	}
	t.write(identity(total), "\n")
}

// identity states that all time is accounted for (metrics.md §3, identity 2).
func identity(total *reports.Row) string {
	agents := "agents"
	if total.Agents == 1 {
		agents = "agent"
	}
	whole := fmt.Sprintf("%d %s × %s s", total.Agents, agents, seconds(total.Span.Milliseconds()))
	if total.Time != total.Span.Milliseconds()*int64(total.Agents) {
		whole = fmt.Sprintf("%d %s, %s s in the teams asked for", total.Agents, agents, seconds(total.Time))
	}
	return fmt.Sprintf("identity: %s = %s, residual %d ms", whole, parts(&total.Sums), total.Residual())
}

// parts writes what time is made up of.
func parts(sums *reports.Sums) string {
	return fmt.Sprintf("staffed %s + signed out %s + unobserved %s + unscheduled %s + pending %s s",
		seconds(sums.Value(reports.Staffed)), seconds(sums.MS[reports.SignedOut]),
		seconds(sums.Unobserved()), seconds(sums.MS[reports.Unscheduled]), seconds(sums.MS[reports.Pending]))
}
