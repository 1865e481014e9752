package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
)

// line is a line of a roster file.
func line(agent ingest.AgentID, name, team string, from time.Time) reports.Tenure {
	return reports.Tenure{Agent: agent, Name: name, Team: team, From: from}
}

func (d database) importRoster(t must, lines []reports.Tenure, dryRun bool) []reports.RosterChange {
	t.Helper()
	changes, err := d.ImportRoster(context.Background(), lines, dryRun)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return changes
}

func (d database) roster(t must) reports.Roster {
	t.Helper()
	roster, err := d.Roster(context.Background())
	if err != nil {
		t.Fatalf("%v", err)
	}
	return roster
}

func TestImportRoster(t *testing.T) {
	d := newDatabase(t)
	first := []reports.Tenure{line(101, "Ann", "Sales", monday), line(102, "Bob", "", monday)}
	if changes := d.importRoster(t, first, true); len(changes) != 2 || d.count(t, "SELECT count(*)::int FROM talktime.agent_history") != 0 {
		t.Errorf("a dry run tells %d changes and writes", len(changes))
	}
	d.importRoster(t, first, false)
	versions := "SELECT string_agg(xmin::text, ' ' ORDER BY agent_id, valid_from) FROM talktime.agent_history"
	before := one[string](t, d, versions)
	if changes := d.importRoster(t, first, false); len(changes) > 0 || one[string](t, d, versions) != before {
		t.Errorf("the second import changed %+v", changes)
	}

	d.importRoster(t, []reports.Tenure{line(101, "Cid", "Sales", at(9, 0, 0)), line(102, "Bop", "", monday)}, false)
	want := reports.Roster{
		{Agent: 101, Person: "agent 101: Ann", Name: "Ann", Team: "Sales", From: monday, To: at(9, 0, 0)},
		{Agent: 101, Person: "agent 101: Cid", Name: "Cid", Team: "Sales", From: at(9, 0, 0)},
		{Agent: 102, Person: "agent 102: Bop", Name: "Bop", From: monday},
	}
	if diff := gocmp.Diff(want, d.roster(t)); diff != "" {
		t.Errorf("the roster (-want +got):\n%s", diff)
	}
	persons := all[string](t, d, "SELECT person FROM talktime.agents ORDER BY agent_key")
	if diff := gocmp.Diff([]string{"agent 101: Ann", "agent 101: Cid", "agent 102: Bop"}, persons); diff != "" {
		t.Errorf("persons; a corrected name leaves none behind (-want +got):\n%s", diff)
	}
}

// The database keeps what Merge makes, whatever the files and their order.
func TestImportedRosters(t *testing.T) {
	d := newDatabase(t)
	rapid.Check(t, func(r *rapid.T) {
		d.exec(t, "TRUNCATE talktime.agent_history, talktime.agents")
		var want reports.Roster
		for range rapid.IntRange(1, 3).Draw(r, "files") {
			var file []reports.Tenure
			for agent := ingest.AgentID(101); agent < 104; agent++ {
				for hour := range 4 {
					if !rapid.Bool().Draw(r, "given") {
						continue
					}
					h := reports.Tenure{Agent: agent, From: at(hour, 0, 0)}
					if h.Name = rapid.SampledFrom([]string{"", "Ann", "=cmd() 👩‍🚒"}).Draw(r, "name"); h.Name != "" {
						h.Team = rapid.SampledFrom([]string{"", "Sales"}).Draw(r, "team")
						h.Person = rapid.SampledFrom([]string{"", "7"}).Draw(r, "person")
					}
					file = append(file, h)
				}
			}
			var changes []reports.RosterChange
			want, changes = want.Merge(file)
			if diff := gocmp.Diff(changes, d.importRoster(r, file, false)); diff != "" {
				r.Fatalf("changes (-merged +imported):\n%s", diff)
			}
		}
		if diff := gocmp.Diff(want, d.roster(r)); diff != "" {
			r.Fatalf("the roster (-merged +read):\n%s", diff)
		}
	})
}

// Imports at one time take turns: none undoes another.
func TestImportsTakeTurns(t *testing.T) {
	d := newDatabase(t)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			_, err := d.ImportRoster(t.Context(), []reports.Tenure{line(101, fmt.Sprintf("P%d", i), "", at(i, 0, 0))}, false)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	roster := d.roster(t)
	if len(roster) != 8 {
		t.Fatalf("%d tenures of 8 imports", len(roster))
	}
	for i, h := range roster {
		if h.Name != fmt.Sprintf("P%d", i) || i < 7 && h.To != at(i+1, 0, 0) {
			t.Errorf("tenure %d is %+v", i, h)
		}
	}
}

// No two tenures of an agent overlap and none leaves a gap, whoever writes them.
func TestRosterRefusesWhatCannotBe(t *testing.T) {
	d := newDatabase(t)
	d.importRoster(t, []reports.Tenure{line(101, "Ann", "Sales", at(8, 0, 0)), line(101, "Ann", "Support", at(9, 0, 0))}, false)
	const insert = `INSERT INTO talktime.agent_history (agent_id, valid_from, valid_to, agent_key, name, team)
		SELECT %s, agent_key, %s FROM talktime.agents`
	for name, test := range map[string]struct{ sql, want string }{
		"a second without an end":  {fmt.Sprintf(insert, "101, '2026-11-16 10:00Z', NULL", "'Bob', ''"), "agent_history_one_end"},
		"one over two":             {fmt.Sprintf(insert, "101, '2026-11-16 07:00Z', '2026-11-16 09:00Z'", "'Bob', ''"), "agent_history_one_end"},
		"one inside another":       {fmt.Sprintf(insert, "101, '2026-11-16 08:15Z', '2026-11-16 08:30Z'", "'Bob', ''"), "agent_history_no_gap"},
		"a gap":                    {fmt.Sprintf(insert, "101, '2026-11-16 07:00Z', '2026-11-16 07:30Z'", "'Bob', ''"), "agent_history_no_gap"},
		"an end that is not there": {"UPDATE talktime.agent_history SET valid_to = '2026-11-16 12:00Z' WHERE valid_to IS NULL", "agent_history_no_gap"},
		"a hole":                   {"DELETE FROM talktime.agent_history WHERE valid_to IS NULL", "agent_history_no_gap"},
		"backwards":                {"UPDATE talktime.agent_history SET valid_to = valid_from WHERE valid_to IS NULL", "agent_history_forward"},
		"between quarter-hours":    {fmt.Sprintf(insert, "102, '2026-11-16 08:07Z', NULL", "'Bob', ''"), "agent_history_aligned"},
		"a person without a name":  {fmt.Sprintf(insert, "102, '2026-11-16 08:00Z', NULL", "'', ''"), "agent_history_named"},
		"a team of nobody":         {"INSERT INTO talktime.agent_history (agent_id, valid_from, name, team) VALUES (102, '2026-11-16 08:00Z', '', 'Sales')", "agent_history_named"},
		"a person of tenures":      {"DELETE FROM talktime.agents", "agent_history_agent_key_fkey"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := d.pool.Exec(t.Context(), test.sql); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want a violation of %s", err, test.want)
			}
		})
	}
}
