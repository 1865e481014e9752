package render

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"talktime/reports"
)

// A table cuts names and teams that are wider than this.
const mostName, mostTeam = 16, 12

// keyColumns are the columns that tell rows apart, in the order they sort by.
// Names and teams are there once the roster has any.
func (t *Table) keyColumns() []tableColumn {
	columns := t.keys()
	for i := range columns {
		columns[i].isLabel = true
	}
	return columns
}

func (t *Table) keys() []tableColumn {
	var columns []tableColumn
	g := t.meta.Grouping
	hasNames := len(t.meta.Roster) > 0
	for word := range strings.SplitSeq(g.String(), ",") {
		switch word {
		case "none":
		case "agent":
			columns = append(columns, column("", "", "Agent", func(l *line) string { return fmt.Sprint(l.row.Agent) }))
			if hasNames {
				columns = append(columns, t.nameColumn("Name"))
			}
			if hasNames && !g.ByTeam {
				columns = append(columns, t.teamColumn("Team"))
			}
		case "team":
			columns = append(columns, t.teamColumn("Team"))
		default:
			columns = append(columns, column("", "", "From", t.fromText))
		}
	}
	if !g.ByAgent && (g.ByTeam || g.Unit == reports.NoUnit) {
		columns = append(columns, column("", "", "Agents", func(l *line) string { return fmt.Sprint(l.row.Agents) }))
	}
	return columns
}

func (t *Table) nameColumn(head string) tableColumn {
	var names []string
	for i := range t.meta.Roster {
		names = append(names, t.meta.Roster[i].Name)
	}
	return textColumn(head, mostName, names, func(r *reports.Row) string { return r.Name })
}

// teamColumn leaves room for two teams of one agent where rows are not kept
// apart by team.
func (t *Table) teamColumn(head string) tableColumn {
	texts := []string{reports.NoTeam}
	for i := range t.meta.Roster {
		h := &t.meta.Roster[i]
		texts = append(texts, h.Team)
		if i == 0 || t.meta.Grouping.ByTeam {
			continue
		}
		if before := &t.meta.Roster[i-1]; before.Agent == h.Agent && before.Team != h.Team {
			texts = append(texts, before.Team+"; "+h.Team)
		}
	}
	return textColumn(head, mostTeam, texts, func(r *reports.Row) string { return cmp.Or(r.Team, reports.NoTeam) })
}

// textColumn makes a column of words, left-aligned and as wide as the widest of
// the texts it may have to show, up to most.
func textColumn(head string, most int, texts []string, of func(*reports.Row) string) tableColumn {
	width := text.StringWidthWithoutEscSequences(head)
	for _, s := range texts {
		width = max(width, text.StringWidthWithoutEscSequences(s))
	}
	width = min(width, most)
	fit := func(s string) string { return text.AlignLeft.Apply(text.Snip(printable(s), width, "…"), width) }
	return column("", "", fit(head), func(l *line) string { return fit(of(l.row)) })
}
