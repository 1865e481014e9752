package render_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"
	"pgregory.net/rapid"

	"talktime/reports"
	"talktime/reports/render"
)

func form(t testing.TB, profile string, missing render.Missing, locale string) render.Form {
	t.Helper()
	p, err := render.ParseProfile(profile)
	if err != nil {
		t.Fatal(err)
	}
	return render.Form{Profile: p, Missing: missing, Locale: language.MustParse(locale)}
}

// Each profile over a stretch of a day with everything in it: talk, failed polls,
// quarter-hours without any, names that are formulas.
func TestProfileGolden(t *testing.T) {
	past := day{horizon: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), roster: roster()}
	interval := request(t, "states", "2026-11-20T06:30:00Z", "2026-11-20T07:30:00Z", "15m,agent")
	byAgent := request(t, "talk-time", "2026-11-20", "", "agent")
	for name, c := range map[string]struct {
		request reports.Request
		form    render.Form
	}{
		"profile_machine.csv":                {interval, form(t, "machine", render.ProfilesMissing, "en")},
		"profile_machine_zero.csv":           {interval, form(t, "machine", render.ZeroMissing, "en")},
		"profile_machine_omit.csv":           {interval, form(t, "machine", render.OmitMissing, "en")},
		"profile_excel.csv":                  {byAgent, form(t, "excel", render.ProfilesMissing, "en")},
		"profile_excel_de.csv":               {byAgent, form(t, "excel", render.ProfilesMissing, "de-AT")},
		"profile_wfm-15.csv":                 {interval, form(t, "wfm-15", render.ProfilesMissing, "en")},
		"profile_wfm-semicolon-noheader.csv": {interval, form(t, "wfm-semicolon-noheader", render.EmptyMissing, "en")},
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			summarize(t, past, c.request, render.NewCSV(&got, c.form))
			golden := filepath.Join("testdata", name)
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

// Whoever reads a machine file by RFC 4180 and writes it again has the same bytes.
func TestMachineRoundTrips(t *testing.T) {
	for name, c := range goldens(t) {
		var file, again bytes.Buffer
		summarize(t, c.source, c.request, render.NewCSV(&file, machine))
		records, err := csv.NewReader(bytes.NewReader(file.Bytes())).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w := csv.NewWriter(&again)
		w.UseCRLF = true
		if err := w.WriteAll(records); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), file.Bytes()) {
			t.Errorf("%s: read and written again it is\n%s\nnot\n%s", name, &again, &file)
		}
	}
}

func TestTextsInASpreadsheet(t *testing.T) {
	for text, want := range map[string]string{
		"Ann":                  "Ann",
		"Müller":               "Müller",
		`=cmd|"/c calc"!A1`:    `'=cmd|"/c calc"!A1`,
		"+49 Support":          "'+49 Support",
		"-Night":               "'-Night",
		"@SUM(A1)":             "'@SUM(A1)",
		"\tTab":                "'\tTab",
		"\nLine":               "'\nLine",
		"＝1+1":                 "'＝1+1",
		"＠x":                   "'＠x",
		"a=b":                  "a=b",
		"007":                  `="007"`,
		"12345678901234567":    `="12345678901234567"`,
		"1E5":                  `="1E5"`,
		"3/4":                  `="3/4"`,
		"2026-11-20":           `="2026-11-20"`,
		"1st line":             "1st line",
		"24/7 Support":         "24/7 Support",
		"":                     "",
		`Ann "the voice" Mayr`: `Ann "the voice" Mayr`,
	} {
		row := reports.Row{Agent: 101, Name: text, Time: 900_000}
		row.MS[reports.Talk] = 900_000
		records := write(t, form(t, "excel", render.ProfilesMissing, "en"), row)
		if got := records[1][1]; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if got := write(t, machine, row)[1][1]; got != text {
			t.Errorf("machine changed %q to %q", text, got)
		}
	}
}

// write returns the records of one row by agent.
func write(t testing.TB, form render.Form, row reports.Row) [][]string {
	t.Helper()
	var out bytes.Buffer
	sink := render.NewCSV(&out, form)
	for _, err := range []error{
		sink.Begin(reports.Meta{Request: request(t, "states", "2026-11-20", "", "agent")}), sink.Row(&row), sink.End(&row),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(out.Bytes(), []byte("\ufeff"))))
	if bytes.Contains(out.Bytes(), []byte("agent_id;")) {
		r.Comma = ';'
	}
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// 33 hours stay 33 hours, with the place's decimal mark.
func TestHoursBeyondADay(t *testing.T) {
	row := reports.Row{Agent: 101, Time: 33 * 3_600_000}
	row.MS[reports.Available] = 33 * 3_600_000
	for locale, want := range map[string]string{"en": "33.0000", "de": "33,0000", "fr-CA": "33,0000", "en-GB": "33.0000", "ja": "33.0000"} {
		records := write(t, form(t, "excel", render.ProfilesMissing, locale), row)
		for i, name := range records[0] {
			if name == "available_hours" && records[1][i] != want {
				t.Errorf("%s: got %s, want %s", locale, records[1][i], want)
			}
		}
	}
}

func TestOnMissing(t *testing.T) {
	span := reports.Span{From: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 20, 8, 15, 0, 0, time.UTC)}
	unscheduled := reports.Row{Agent: 101, Span: span, Time: 900_000}
	unscheduled.MS[reports.Unscheduled] = 900_000
	failed := reports.Row{Agent: 101, Span: span, Time: 900_000}
	failed.MS[reports.Failed], failed.MS[reports.Unscheduled] = 1, 899_999
	seen := reports.Row{Agent: 101, Span: span, Time: 900_000}
	seen.MS[reports.Talk], seen.MS[reports.Failed] = 1, 899_999
	for name, c := range map[string]struct {
		row     reports.Row
		missing render.Missing
		talk    string // of the record; "none" without one
		fault   string
	}{
		"nothing due, empty":     {row: unscheduled, missing: render.EmptyMissing, talk: ""},
		"nothing due, zero":      {row: unscheduled, missing: render.ZeroMissing, talk: "0.000"},
		"nothing due, omit":      {row: unscheduled, missing: render.OmitMissing, talk: "none"},
		"nothing due, fail":      {row: unscheduled, missing: render.FailMissing, talk: "0.000"},
		"a millisecond failed":   {row: failed, missing: render.FailMissing, fault: "nothing was observed of agent 101 from 2026-11-20T08:00:00Z"},
		"failed, empty":          {row: failed, missing: render.EmptyMissing, talk: ""},
		"a millisecond was seen": {row: seen, missing: render.FailMissing, talk: "0.001"},
		"seen is never omitted":  {row: seen, missing: render.OmitMissing, talk: "0.001"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			sink := render.NewCSV(&out, form(t, "machine", c.missing, "en"))
			if err := sink.Begin(reports.Meta{Request: request(t, "states", "2026-11-20", "", "agent")}); err != nil {
				t.Fatal(err)
			}
			err := sink.Row(&c.row)
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Fatalf("got %v, want %q", err, c.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := sink.End(nil); err != nil {
				t.Fatal(err)
			}
			records, err := csv.NewReader(&out).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			got := "none"
			if len(records) == 2 {
				got = records[1][3]
			}
			if records[0][3] != "talk_seconds" || got != c.talk {
				t.Errorf("got %s of %s, want %s", got, records[0][3], c.talk)
			}
		})
	}
}

// Whole seconds of an interval add up to its 900, whatever its parts.
func TestIntervalsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := reports.Row{Agent: 101, Time: 900_000, Span: reports.Span{From: time.Unix(0, 0).UTC(), To: time.Unix(900, 0).UTC()}}
		left := int64(900_000)
		for m := range reports.Measures - 1 {
			row.MS[m] = rapid.Int64Range(0, left).Draw(t, "ms")
			left -= row.MS[m]
		}
		row.MS[reports.Pending] = left
		p, err := render.ParseProfile("wfm-15")
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		sink := render.NewCSV(&out, render.Form{Profile: p, Missing: render.ZeroMissing})
		for _, err := range []error{sink.Begin(reports.Meta{}), sink.Row(&row), sink.End(nil)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		records, err := csv.NewReader(&out).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		for i, name := range records[0] {
			switch name {
			case "staffed_seconds", "signed_out_seconds", "unobserved_seconds", "unscheduled_seconds", "pending_seconds":
				n, err := strconv.Atoi(records[1][i])
				if err != nil {
					t.Fatal(err)
				}
				sum += n
			}
		}
		if sum != 900 {
			t.Fatalf("%v sum to %d", records[1], sum)
		}
	})
}

func TestProfilesSayWhatTheyCannotCarry(t *testing.T) {
	for name, c := range map[string]struct{ profile, report, by, want string }{
		"machine takes all":     {"machine", "talk-time", "none", ""},
		"the default":           {"", "timeline", "none", ""},
		"excel, a timeline":     {"excel", "timeline", "none", ""},
		"intervals":             {"wfm-15", "states", "15m,agent", ""},
		"intervals by agent":    {"wfm-semicolon-noheader", "talk-time", "agent,15m", ""},
		"half-hours":            {"wfm-15", "states", "30m,agent", "ask for it by 15m,agent"},
		"no agent":              {"wfm-15", "states", "15m", "ask for it by 15m,agent"},
		"teams":                 {"wfm-15", "states", "team,agent,15m", "ask for it by 15m,agent"},
		"episodes as intervals": {"wfm-15", "timeline", "none", "the report timeline has none"},
	} {
		p, err := render.ParseProfile(c.profile)
		if err != nil {
			t.Fatal(err)
		}
		err = p.Check(request(t, c.report, "2026-11-20", "", c.by))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if _, err := render.ParseProfile("exel"); err == nil || err.Error() != `profile "exel" is none of machine, excel, wfm-15, wfm-semicolon-noheader` {
		t.Errorf("got %v", err)
	}
}

// A profile's own choice holds where its user makes none, and every word reads
// back as itself.
func TestMissingWords(t *testing.T) {
	for _, p := range render.Profiles() {
		if m, err := render.ParseMissing(p.Missing.String()); err != nil || m != p.Missing || m == render.ProfilesMissing {
			t.Errorf("%s: %v, %v", p, m, err)
		}
	}
	if _, err := render.ParseMissing("none"); err == nil {
		t.Error("none is a word")
	}
}

// A report without rows is a file all the same.
func TestNoRowsAreAFile(t *testing.T) {
	for _, p := range render.Profiles() {
		var out bytes.Buffer
		r := request(t, "states", "2026-11-20", "", "15m,agent")
		summarize(t, day{nobody: true}, r, render.NewCSV(&out, render.Form{Profile: p}))
		if lines := strings.Count(out.String(), "\r\n"); lines > 1 || lines == 0 && p.Name != "wfm-semicolon-noheader" {
			t.Errorf("%s: %q", p, &out)
		}
	}
}
