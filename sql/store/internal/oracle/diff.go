package oracle

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Diff lists where two results, each ordered by agent and bin, differ: rows
// that are missing or too many, and figures by name. It is empty if they are
// equal.
func Diff(got, want []Row) string {
	var b strings.Builder
	for len(got) > 0 || len(want) > 0 {
		switch {
		case len(want) == 0 || len(got) > 0 && compareRows(got[0], want[0]) < 0:
			fmt.Fprintf(&b, "%s: unexpected row%s\n", title(got[0]), figures(Row{}, got[0]))
			got = got[1:]
		case len(got) == 0 || compareRows(got[0], want[0]) > 0:
			fmt.Fprintf(&b, "%s: missing row%s\n", title(want[0]), figures(Row{}, want[0]))
			want = want[1:]
		default:
			if got[0] != want[0] {
				fmt.Fprintf(&b, "%s: got, want:%s\n", title(got[0]), figures(want[0], got[0]))
			}
			got, want = got[1:], want[1:]
		}
	}
	return b.String()
}

func compareRows(a, b Row) int {
	return slices.Compare([]int64{int64(a.AgentID), a.Bin}, []int64{int64(b.AgentID), b.Bin})
}

func title(r Row) string {
	return fmt.Sprintf("agent %d, %s", r.AgentID, time.UnixMilli(r.Bin).UTC().Format(time.RFC3339))
}

// figures names the figures that differ, one a line.
func figures(want, got Row) string {
	var b strings.Builder
	line := func(name string, got, want int64) {
		if got != want {
			fmt.Fprintf(&b, "\n\t%s %d, %d", name, got, want)
		}
	}
	for i, name := range MeasureNames {
		line(name, got.MS[i], want.MS[i])
	}
	for i, name := range EvidenceNames {
		line(name+" low", got.Low[i], want.Low[i])
		line(name+" reach", got.Reach[i], want.Reach[i])
		line(name+" edge", got.Edge[i], want.Edge[i])
	}
	line("change_ms", got.ChangeMS, want.ChangeMS)
	line("change_sq", got.ChangeSq, want.ChangeSq)
	line("conflicts", got.Conflicts, want.Conflicts)
	line("talk_entries", got.TalkEntries, want.TalkEntries)
	return b.String()
}
