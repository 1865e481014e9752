package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"talktime/reports"
)

// An agent id is given away and a team is changed while quarter-hours are read
// from the database: rows by person and team, and the same total.
func TestReportsByPersonAndTeam(t *testing.T) {
	d := newDatabase(t)
	d.recordRounds(t, at(8, 0, 0), at(9, 0, 0), agentRange(101, 103), talking)
	d.deriveDirty(t, at(9, 0, 0))
	d.importRoster(t, []reports.Tenure{
		line(101, "Ann", "Sales", monday), line(101, "Bob", "Support", at(8, 15, 0)),
		line(102, "Cid", "Sales", monday), line(102, "Cid", "Support", at(8, 30, 0)),
	}, false)
	snapshot := d.snapshot(t)
	defer snapshot.Close(t.Context())
	facts, err := snapshot.Facts(t.Context(), monday, at(24, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(d.roster(t), facts.Roster); diff != "" {
		t.Errorf("reports see another roster (-stored +seen):\n%s", diff)
	}
	for name, test := range map[string]struct {
		by   string
		asOf time.Time
		want string
	}{
		"by agent":     {"agent", time.Time{}, "101 Ann Sales 900; 101 Bob Support 2700; 102 Cid Sales; Support 3600; 103   3600"},
		"by team":      {"team", time.Time{}, "0  Sales 2700; 0  Support 4500; 0   3600"},
		"by team now":  {"team", at(12, 0, 0), "0  Sales 900; 0  Support 6300; 0   3600"},
		"by both":      {"team,agent", time.Time{}, "101 Ann Sales 900; 102 Cid Sales 1800; 101 Bob Support 2700; 102 Cid Support 1800; 103   3600"},
		"by time":      {"30m,team", time.Time{}, "0  Sales 2700; 0  Support 900; 0   1800; 0  Support 3600; 0   1800"},
		"by team, 30m": {"team,30m", time.Time{}, "0  Sales 2700; 0  Support 900; 0  Support 3600; 0   1800; 0   1800"},
		"by neither":   {"none", time.Time{}, "0   10800"},
	} {
		t.Run(name, func(t *testing.T) {
			grouping, err := reports.ParseGrouping(test.by)
			if err != nil {
				t.Fatal(err)
			}
			var rows told
			total, err := reports.Summarize(t.Context(), snapshot, reports.Request{
				Report: "states", Grouping: grouping, TeamAsOf: test.asOf,
				Window: reports.Window{Span: reports.Span{From: at(8, 0, 0), To: at(9, 0, 0)}, Zone: time.UTC},
			}, &rows)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(rows, "; "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			// The last round was at 8:59:50 and covers half a period after it.
			if total.MS[reports.Talk] != 3*3_595_000 || total.Time != 3*3_600_000 {
				t.Errorf("the total talked %d ms of %d", total.MS[reports.Talk], total.Time)
			}
		})
	}
}

// told is a sink that writes who, which team and how many seconds a row is of.
type told []string

func (s *told) Begin(reports.Meta) error { return nil }

func (s *told) Row(r *reports.Row) error {
	*s = append(*s, fmt.Sprintf("%d %s %s %d", r.Agent, r.Name, r.Team, r.Time/1000))
	return nil
}

func (s *told) End(*reports.Row) error { return nil }
