package render_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"talktime/ingest"
	"talktime/reports"
	"talktime/reports/render"
)

// machine is what CSV is written by where nothing else is asked for.
var machine = render.Form{Profile: render.Profiles()[0]}

var update = flag.Bool("update", false, "rewrite the golden files")

func request(t testing.TB, report, from, to, by string) reports.Request {
	t.Helper()
	zone, err := reports.ParseZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	w, err := reports.ParseWindow(from, to, zone, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := reports.ParseGrouping(by)
	if err != nil {
		t.Fatal(err)
	}
	return reports.Request{Report: report, Program: "talktime test", Window: w, Grouping: g}
}

func summarize(t testing.TB, source reports.Source, r reports.Request, sink reports.Sink) {
	t.Helper()
	if _, err := reports.Summarize(context.Background(), source, r, sink); err != nil {
		t.Fatal(err)
	}
}

// The cases every golden file is made of.
func goldens(t testing.TB) map[string]struct {
	source  day
	request reports.Request
} {
	past := day{horizon: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)}
	running := day{horizon: time.Date(2026, 11, 20, 13, 22, 4, 500e6, time.UTC), dirty: 3}
	partial := request(t, "talk-time", "2026-11-20", "", "agent")
	partial.AllowPartial = true
	evidence := request(t, "states", "2026-11-20", "", "agent")
	evidence.Evidence = true
	evidenceByHour := request(t, "talk-time", "2026-10-24T22:00:00Z", "2026-10-25T10:00:00Z", "60m,agent")
	evidenceByHour.Window.From = time.Date(2026, 10, 25, 8, 0, 0, 0, time.UTC)
	evidenceByHour.Agents = ingest.NewAgentSet(101, 104, 106)
	evidenceByHour.Evidence = true
	// Both ends of the window cut a day that begins at 04:00.
	business := request(t, "states", "2026-10-24T01:00:00Z", "2026-10-26T04:00:00Z", "day")
	business.Window.DayStart = 4 * time.Hour
	asked := request(t, "states", "2026-11-20", "", "agent")
	asked.Agents = ingest.NewAgentSet(101, 999)
	staff := day{horizon: past.horizon, roster: roster()}
	now := request(t, "talk-time", "2026-11-20", "", "team")
	now.TeamAsOf = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	sales := request(t, "states", "2026-11-20", "", "agent")
	sales.Teams = []string{"Sales", reports.NoTeam}
	top := request(t, "talk-time", "2026-11-20", "", "agent")
	top.Shape = reports.Shape{Sort: []reports.SortKey{{Column: "talk_seconds", IsDescending: true}, {Column: "agent_id"}}, Top: 2}
	chosen := request(t, "states", "2026-11-20", "", "agent,day")
	chosen.Shape = reports.Shape{
		Columns: []string{
			"talk_seconds", "agent_id", "agent_name", "team", "local_date", "observed_seconds", "handle_low_seconds", "handle_high_seconds",
			"handle_stderr_seconds", "occupancy_pct", "talk_entries", "is_final",
		},
		Sort: []reports.SortKey{{Column: "team"}}, Top: 4,
	}
	labelled := request(t, "talk-time", "2026-11-20", "", "agent")
	labelled.Shape.Columns = []string{"agent_id", "failed_seconds"}
	return map[string]struct {
		source  day
		request reports.Request
	}{
		"talk-time_top":           {past, top},
		"states_chosen":           {staff, chosen},
		"talk-time_chosen":        {past, labelled},
		"talk-time_agent":         {past, request(t, "talk-time", "2026-11-20", "", "agent")},
		"talk-time_allow-partial": {past, partial},
		"talk-time_15m":           {past, request(t, "talk-time", "2026-11-20T08:00:00Z", "2026-11-20T09:30:00Z", "15m")},
		"talk-time_running":       {running, request(t, "talk-time", "2026-11-20", "", "none")},
		"states_agent":            {past, request(t, "states", "2026-11-20", "", "agent")},
		"states_evidence":         {past, evidence},
		"talk-time_evidence":      {running, evidenceByHour},
		"states_asked":            {past, asked},
		"states_agent_15m":        {past, request(t, "states", "2026-11-20T08:00:00Z", "2026-11-20T09:00:00Z", "agent,15m")},
		"states_day":              {past, request(t, "states", "2026-10-24", "2026-10-27", "day")},
		"states_business-day":     {past, business},
		"talk-time_week_agent":    {past, request(t, "talk-time", "2026-10-21", "2026-11-04", "week,agent")},
		"talk-time_month":         {past, request(t, "talk-time", "2026-10-20", "2026-11-09", "month")},
		"states_60m_agent":        {past, request(t, "states", "2026-10-24T23:00:00Z", "2026-10-25T01:30:00Z", "60m,agent")},
		"states_running":          {running, request(t, "states", "2026-11-20", "", "agent")},
		"talk-time_names":         {staff, request(t, "talk-time", "2026-11-20", "", "agent")},
		"states_names":            {staff, request(t, "states", "2026-11-20", "", "agent")},
		"talk-time_team":          {staff, request(t, "talk-time", "2026-11-20", "", "team")},
		"talk-time_team-now":      {staff, now},
		"states_teams":            {staff, sales},
		"states_day_team_agent":   {staff, request(t, "states", "2026-11-19", "2026-11-21", "day,team,agent")},
		"states_nobody":           {day{nobody: true}, request(t, "states", "2026-11-20", "", "agent")},
		"states_nothing":          {day{}, request(t, "states", "2026-11-20", "", "agent")},
	}
}

// roster gives 101 to another person at noon, moves 102 to another team, and
// leaves 106 out. Names are as rosters have them.
func roster() reports.Roster {
	from, noon := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)
	return reports.Roster{
		{Agent: 101, Person: "1", Name: "Ann-Kathrin Müller-Lüdenscheidt", Team: "Sales", From: from, To: noon},
		{Agent: 101, Person: "2", Name: "李小龍", Team: "Support", From: noon},
		{Agent: 102, Person: "3", Name: "Bob 👩‍🚒", Team: "Support, inbound", From: from, To: noon},
		{Agent: 102, Person: "3", Name: "Bob 👩‍🚒", Team: "Sales", From: noon},
		{Agent: 103, Person: "4", Name: `=cmd|"/c calc"!A1`, Team: "Sales", From: from},
		{Agent: 104, Person: "5", Name: "Dee", From: from},
		{Agent: 105, Person: "6", Name: "Eve\x1b[2J", Team: "Support", From: from},
	}
}

func TestGolden(t *testing.T) {
	for name, c := range goldens(t) {
		for ext, sink := range map[string]func(io.Writer) reports.Sink{
			"txt":  func(w io.Writer) reports.Sink { return render.NewTable(w, false) },
			"csv":  func(w io.Writer) reports.Sink { return render.NewCSV(w, machine) },
			"json": func(w io.Writer) reports.Sink { return render.NewJSON(w) },
		} {
			t.Run(name+"."+ext, func(t *testing.T) {
				var got bytes.Buffer
				summarize(t, c.source, c.request, sink(&got))
				golden := filepath.Join("testdata", name+"."+ext)
				if *update {
					if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Bytes(), want) {
					t.Errorf("differs from %s; got\n%s", golden, &got)
				}
			})
		}
	}
}

// Names and teams take a table beyond 160 columns, not beyond 200.
func TestTablesFitAWideTerminal(t *testing.T) {
	for name, c := range goldens(t) {
		most := 160
		if c.source.roster != nil {
			most = 200
		}
		var out bytes.Buffer
		summarize(t, c.source, c.request, render.NewTable(&out, false))
		for line := range strings.Lines(out.String()) {
			if width := utf8.RuneCountInString(line) - 1; width > most {
				t.Errorf("%s: a line is %d columns wide: %s", name, width, line)
			}
		}
	}
}

// CSV and JSON must say the same, value by value.
func TestCSVAndJSONCarryTheSame(t *testing.T) {
	for name, c := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			var asCSV, asJSON bytes.Buffer
			summarize(t, c.source, c.request, render.NewCSV(&asCSV, machine))
			summarize(t, c.source, c.request, render.NewJSON(&asJSON))
			records, err := csv.NewReader(&asCSV).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			var report struct {
				Meta map[string]any
				Rows []map[string]any
			}
			decoder := json.NewDecoder(&asJSON)
			decoder.UseNumber()
			if err := decoder.Decode(&report); err != nil {
				t.Fatal(err)
			}
			if len(report.Rows) != len(records)-1 || report.Meta["report"] != c.request.Report {
				t.Fatalf("%d rows in JSON, %d in CSV, meta %v", len(report.Rows), len(records)-1, report.Meta)
			}
			for i, row := range report.Rows {
				for k, column := range records[0] {
					value := ""
					switch v := row[column].(type) {
					case string:
						value = v
					case json.Number:
						value = v.String()
					case bool:
						value = map[bool]string{true: "true", false: "false"}[v]
					}
					if value != records[i+1][k] {
						t.Fatalf("row %d, %s: JSON %v, CSV %q", i, column, row[column], records[i+1][k])
					}
				}
				if len(row) != len(records[0]) {
					t.Fatalf("row %d has %d values in JSON, %d in CSV", i, len(row), len(records[0]))
				}
			}
		})
	}
}

func TestTableIsPlainUnlessColored(t *testing.T) {
	r := request(t, "states", "2026-11-20", "", "agent")
	source := day{horizon: r.Window.To}
	var plain, colored bytes.Buffer
	summarize(t, source, r, render.NewTable(&plain, false))
	summarize(t, source, r, render.NewTable(&colored, true))
	if strings.ContainsRune(plain.String(), '\x1b') {
		t.Error("a plain table has terminal codes")
	}
	bare := strings.NewReplacer("\x1b[1m", "", "\x1b[2m", "", "\x1b[0m", "").Replace(colored.String())
	if bare == colored.String() || bare != plain.String() {
		t.Error("a colored table does not differ from the plain one by its codes alone")
	}
}

func TestTableOfAForeignScheduleCannotMoveTheCursor(t *testing.T) {
	var out bytes.Buffer
	table := render.NewTable(&out, false)
	r := request(t, "states", "2026-11-20", "", "agent")
	err := table.Begin(reports.Meta{Request: r, Facts: reports.Facts{Schedules: []reports.ScheduleFact{{Name: "x\x1b[2J\n"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "x?[2J?") {
		t.Errorf("got %q", &out)
	}
}

func TestATitleStaysShort(t *testing.T) {
	var out bytes.Buffer
	var odd []ingest.AgentID
	for agent := ingest.AgentID(101); agent < 3000; agent += 2 {
		odd = append(odd, agent)
	}
	schedules := slices.Repeat([]reports.ScheduleFact{{Name: "s", Agents: ingest.NewAgentSet(odd...).String()}}, 9)
	r := request(t, "states", "2026-11-20", "", "agent")
	if err := render.NewTable(&out, false).Begin(reports.Meta{Request: r, Facts: reports.Facts{Schedules: schedules}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "agents 101,103,") || !strings.Contains(out.String(), "129,…\n") || strings.Count(out.String(), "\n") != 7 {
		t.Errorf("got\n%s", &out)
	}
	if !strings.Contains(out.String(), "… and 4 schedules more") {
		t.Errorf("got\n%s", &out)
	}
}

func TestLongTablesGoOnWithPages(t *testing.T) {
	r := request(t, "states", "2026-11-16", "2026-11-19", "agent,15m")
	var out bytes.Buffer
	summarize(t, day{horizon: r.Window.To}, r, render.NewTable(&out, false))
	if headings := strings.Count(out.String(), "= Staffed"); headings != 2 {
		t.Errorf("%d headings over 1,728 rows", headings)
	}
	if rows := strings.Count(out.String(), "Tue 2026-11-17 "); rows != 6*96 {
		t.Errorf("%d rows of Tuesday", rows)
	}
}

// A page may not end within the lines of a row.
func TestEvidenceIsNotTornByPages(t *testing.T) {
	r := request(t, "states", "2026-11-18", "2026-11-19", "agent,15m")
	r.Evidence = true
	var out bytes.Buffer
	summarize(t, day{horizon: r.Window.To}, r, render.NewTable(&out, false))
	lines := strings.Split(out.String(), "\n")
	pages := 0
	for i, line := range lines {
		if strings.HasPrefix(line, "Agent ") {
			pages++
			if first, last := lines[i+2], lines[max(0, i-4)]; !strings.Contains(first, " time ") || pages > 1 && !strings.Contains(last, " at most ") {
				t.Errorf("page %d begins with %q after %q", pages, first, last)
			}
		}
	}
	if pages != 3 {
		t.Errorf("%d pages for 576 rows of five lines", pages)
	}
}

func TestTableRefusesAReportItDoesNotKnow(t *testing.T) {
	r := request(t, "states", "2026-11-20", "", "agent")
	r.Report = "timeline"
	if err := render.NewTable(io.Discard, false).Begin(reports.Meta{Request: r}); err == nil {
		t.Error("a table of an unknown report was begun")
	}
}

func TestWriteErrorsAreReturned(t *testing.T) {
	for name, sink := range map[string]reports.Sink{
		"table": render.NewTable(full{}, false), "csv": render.NewCSV(full{}, machine), "json": render.NewJSON(full{}),
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, "states", "2026-11-20", "", "agent,15m")
			_, err := reports.Summarize(context.Background(), day{horizon: r.Window.To}, r, sink)
			if !errors.Is(err, errFull) {
				t.Errorf("got %v", err)
			}
		})
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteMeta(t *testing.T) {
	r := request(t, "states", "2026-11-20", "", "agent")
	var got, asJSON bytes.Buffer
	facts, _ := day{}.Facts(context.Background(), r.Window.From, r.Window.To)
	if err := render.WriteMeta(&got, reports.Meta{Request: r, Facts: facts}); err != nil {
		t.Fatal(err)
	}
	summarize(t, day{}, r, render.NewJSON(&asJSON))
	if !strings.Contains(asJSON.String(), strings.TrimSpace(got.String())) {
		t.Errorf("the meta file differs from the JSON report's meta:\n%s", &got)
	}
}
