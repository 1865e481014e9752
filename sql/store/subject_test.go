package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
)

// heldAbout returns the rows of every section about a subject.
func heldAbout(t *testing.T, d database, subject reports.Subject) map[string][]map[string]any {
	t.Helper()
	snapshot, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close(t.Context())
	rows := map[string][]map[string]any{}
	for _, section := range reports.SubjectSections() {
		for line, err := range snapshot.SubjectRows(t.Context(), section.Name, subject.Parts) {
			var row map[string]any
			if err == nil {
				err = json.Unmarshal(line, &row)
			}
			if err != nil {
				t.Fatalf("%s: %v", section.Name, err)
			}
			rows[section.Name] = append(rows[section.Name], row)
		}
	}
	return rows
}

func subjectOf(t *testing.T, d database, agent ingest.AgentID, person string) reports.Subject {
	t.Helper()
	subject, err := d.roster(t).Subject(agent, person, person == "")
	if err != nil {
		t.Fatal(err)
	}
	return subject
}

// deliver enters a delivered edition of monday with a definition.
func (d database) deliver(t *testing.T, name, definition string) {
	t.Helper()
	e := edition(16, 1)
	e.Name, e.Definition, e.Destination = name, definition, "/srv/"+name
	put(t, d, e)
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	d, _ := teamsAtWork(t)
	d.declare(t, at(8, 0, 0), office(t, agentRange(101, 106)))
	_, byHand := roundAt(at(9, 30, 0), ingest.NewAgentSet(103), talking)
	if err := d.RecordByHand(t.Context(), byHand); err != nil {
		t.Fatal(err)
	}
	t.Run("everything is told", func(t *testing.T) { tellsEverything(t, d) })
	t.Run("everything is told of compacted days", func(t *testing.T) {
		before := d.count(t, "SELECT count(*) FROM talktime.samples")
		d.keepAsRuns(t, monday)
		expect(t, "samples", before, d.count(t, "SELECT count(*) FROM talktime.every_sample"))
		tellsEverything(t, d)
	})
	t.Run("recipients", func(t *testing.T) { tellsRecipients(t, d) })
	t.Run("persons are kept apart", func(t *testing.T) { tellsApart(t, d) })
}

// tellsEverything holds what is told against the database: whatever names agents is
// in a section, a new table too, and all rows of an agent are told.
func tellsEverything(t *testing.T, d database) {
	t.Helper()
	sections := map[string]string{} // by table
	for _, section := range reports.SubjectSections() {
		for _, table := range section.Tables {
			sections[table] = section.Name
		}
	}
	tables := all[string](t, d, `SELECT DISTINCT c.relname::text || CASE a.attname WHEN 'agent_id' THEN '' ELSE '.' || a.attname END
		FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = 'talktime'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		  AND (a.attname LIKE '%agent_id%' OR a.attname = 'agent_key' OR a.atttypid IN ('int4multirange'::regtype, 'int4range'::regtype)) ORDER BY 1`)
	if len(tables) < 9 {
		t.Fatalf("only %v name agents", tables)
	}
	for agent := ingest.AgentID(101); agent <= 106; agent++ {
		rows := heldAbout(t, d, subjectOf(t, d, agent, ""))
		for _, table := range tables {
			table, _, isOther := strings.Cut(table, ".")
			section, isTold := sections[table]
			if !isTold {
				t.Errorf("table %s names agents and is in no section of report subject", table)
				continue
			}
			if isOther {
				continue // told in another form
			}
			if section == reports.SamplesSection {
				table = "every_sample" // wherever they are kept
			}
			want := d.count(t, fmt.Sprintf("SELECT count(*) FROM talktime.%s WHERE agent_id = %d", table, agent))
			if got := len(rows[section]); got != want || want == 0 && table != "agent_history" {
				t.Errorf("agent %d: %d of %d rows of %s are told", agent, got, want, table)
			}
		}
		for section, told := range rows {
			for _, row := range told {
				if id, has := row["agent_id"]; has && id != float64(agent) {
					t.Fatalf("agent %d: %s tells %v", agent, section, row)
				}
			}
		}
		byHand := map[ingest.AgentID]int{103: 1}
		expect(t, fmt.Sprint("schedules, ticks, rounds by hand of ", agent), []int{1, 1, byHand[agent]}, []int{len(rows["schedules"]), len(rows["ticks"]), len(rows["hand_rounds"])})
		expect(t, "ticks", float64(d.count(t, "SELECT count(*) FROM talktime.ticks")), rows["ticks"][0]["ticks"].(float64))
	}
}

// tellsApart gives an id away: each person's time is told of that person alone.
func tellsApart(t *testing.T, d database) {
	t.Helper()
	noon := at(8, 30, 0)
	d.importRoster(t, []reports.Tenure{line(101, "Zoe", "Support", noon)}, false)
	count := func(rows map[string][]map[string]any) string {
		var text []string
		for _, section := range []string{"tenures", reports.SamplesSection, "quarter_hours", "segments", "gone_quarter_hours", "days"} {
			text = append(text, fmt.Sprint(len(rows[section])))
		}
		return strings.Join(text, " ")
	}
	ann, zoe := heldAbout(t, d, subjectOf(t, d, 101, "agent 101: Ann")), heldAbout(t, d, subjectOf(t, d, 101, "agent 101: Zoe"))
	for section, column := range map[string]string{reports.SamplesSection: "polled_at", "quarter_hours": "bin_start_at", "segments": "bin_start_at"} {
		for who, rows := range map[string][]map[string]any{"Ann": ann[section], "Zoe": zoe[section]} {
			for _, row := range rows {
				from, err := time.Parse(time.RFC3339Nano, row[column].(string))
				if err != nil || from.Before(noon) != (who == "Ann") {
					t.Fatalf("%s of %s tells %v (%v)", section, who, row, err)
				}
			}
		}
	}
	expect(t, "rows of Ann", "1 180 3 4 1 0", count(ann))
	expect(t, "rows of Zoe", "1 240 4 4 0 1", count(zoe)) // the whole day after is hers
	snapshot, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close(t.Context())
	rows, first, last, err := snapshot.CountSamples(t.Context(), subjectOf(t, d, 101, "agent 101: Ann").Parts)
	if err != nil || rows != 180 || !first.Equal(at(8, 0, 0)) || !last.Equal(at(8, 29, 50)) {
		t.Errorf("%d samples from %s to %s, %v", rows, first, last, err)
	}
}

// tellsRecipients finds exports and reports by whom they asked for: by number and by
// the team of the time.
func tellsRecipients(t *testing.T, d database) {
	t.Helper()
	for name, definition := range map[string]string{
		"everyone": `{"report": "states", "by": "agent"}`, "numbers": `{"agents": "101,103-104"}`, "others": `{"agents": "102,105-106"}`,
		"sales": `{"teams": ["Sales"]}`, "billing": `{"teams": ["Billing", "(none)"]}`, "neither": `{"agents": "103", "teams": ["Billing"]}`,
	} {
		d.deliver(t, name, definition)
	}
	other := edition(20, 1) // when 104 is nobody's
	other.Name = "later"
	put(t, d, other)
	if _, err := d.GrantBI(t.Context(), mustLogin(t, d), []string{"Support"}, store.Rails{StatementSeconds: 60, Connections: 5}); err != nil {
		t.Fatal(err)
	}
	for _, entry := range []store.Audit{
		{Subject: "named", Parameters: map[string]any{"agents": "100-103", "from": "2026-11-16T00:00:00.000Z", "to": "2026-11-17T00:00:00.000Z"}, Rows: 1},
		{Subject: "instant", Parameters: map[string]any{"agents": "103", "at": "2026-11-16T08:10:00.000Z"}, Rows: 1},
		{Subject: "before", Parameters: map[string]any{"agents": "103", "from": "2026-11-14T00:00:00.000Z", "to": "2026-11-16T00:00:00.000Z"}, Rows: 1},
		{Subject: "all", Parameters: map[string]any{"from": "2026-11-16T00:00:00.000Z", "to": "2026-11-17T00:00:00.000Z"}, Rows: 1},
		{Subject: "nothing", Parameters: map[string]any{"agents": "103"}},
	} {
		entry.At, entry.Action, entry.User, entry.Host = monday, "report", "kim", "box"
		if err := d.EnterAudit(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	names := func(rows []map[string]any, column string, only ...string) string {
		var names []string
		for _, row := range rows {
			if len(only) == 0 || slices.Contains(only, fmt.Sprint(row["kind"])) {
				names = append(names, fmt.Sprint(row[column]))
			}
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	cid := heldAbout(t, d, subjectOf(t, d, 103, "agent 103: Cid"))
	expect(t, "exports with Cid", "everyone later numbers sales", names(cid["exports"], "name"))
	expect(t, "reports that named Cid", "instant named nothing", names(cid["audit_log"], "subject"))
	expect(t, "who was given Cid's figures", "everyone later numbers sales", names(cid[reports.RecipientsSection], "recipient", "export"))
	expect(t, "what was told of Cid", "report all, report instant, report named", strings.ReplaceAll(names(cid[reports.RecipientsSection], "reached", "report"), " report", ", report"))
	if roles := names(cid[reports.RecipientsSection], "reached", "role"); !strings.Contains(roles, "bi_v1, everything bi_v1, team Support") || !strings.Contains(roles, "the tables") {
		t.Errorf("roles see %s", roles)
	}
	expect(t, "exports with Eve", "billing everyone later others sales", names(heldAbout(t, d, subjectOf(t, d, 105, "agent 105: Eve"))["exports"], "name"))
	expect(t, "exports with Dan", "everyone numbers sales", names(heldAbout(t, d, subjectOf(t, d, 104, "agent 104: Dan"))["exports"], "name"))
}

func mustLogin(t *testing.T, d database) string {
	t.Helper()
	role, _ := d.login(t)
	return role
}
