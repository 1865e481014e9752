package reports_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"talktime/reports"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The columns are a contract with importers and BI tools: new ones may only be
// added. The golden file is every column with its value in one row.
func TestColumns(t *testing.T) {
	w := reports.Window{
		Span: reports.Span{From: instant(t, "2026-10-25T00:00:00Z"), To: instant(t, "2026-10-25T02:00:00Z")},
		Zone: zone(t, "Europe/Berlin"),
	}
	row := reports.Row{
		Agent: 101, Name: "Ann Mayr", Team: "Sales", Agents: 1, Time: 900_000, IsFinal: true, Revision: 2,
		Span: reports.Span{From: instant(t, "2026-10-25T01:00:00Z"), To: instant(t, "2026-10-25T01:15:00Z")},
		Sums: reports.Sums{
			MS:          [reports.Measures]int64{300_001, 20_000, 60_000, 400_000, 10_000, 20_000, 30_000, 5, 39_994, 15_000, 5_000, 0, 0},
			TalkEntries: 3, Conflicts: 1,
		},
	}
	row.Low[reports.Talk], row.Reach[reports.Talk] = 280_001, 50_000
	row.Reach[reports.Staffed] = 2_000_000
	row.Variance[reports.Talk] = 5_907.9495 * 5_907.9495

	var got strings.Builder
	for _, c := range (reports.Meta{Request: request(t, w, "agent,15m")}).Columns() {
		fmt.Fprintf(&got, "%s=%s\n", c.Name, c.Text(&row))
	}
	const golden = "testdata/columns.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("columns differ from %s; got\n%s", golden, &got)
	}
}

func TestKeyColumnsFollowTheGrouping(t *testing.T) {
	for by, want := range map[string]string{
		"none":      "talk_seconds",
		"agent":     "agent_id agent_name team talk_seconds",
		"team":      "team talk_seconds",
		"day,team":  "team local_date bin_start_at bin_end_at utc_offset talk_seconds",
		"day":       "local_date bin_start_at bin_end_at utc_offset talk_seconds",
		"15m,agent": "agent_id agent_name team local_date bin_start_at bin_end_at utc_offset talk_seconds",
	} {
		var names []string
		for _, c := range (reports.Meta{Request: request(t, reports.Window{}, by)}).Columns() {
			names = append(names, c.Name)
			if c.Name == "talk_seconds" {
				break
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("--by %s: got %s, want %s", by, got, want)
		}
	}
}
