package export_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"talktime/reports"
	"talktime/reports/export"
)

// days returns the local days from a date on.
func days(t testing.TB, zone, from, to string) []reports.Window {
	w := window(t, zone, from, to)
	var windows []reports.Window
	for _, span := range w.Spans(reports.Day) {
		windows = append(windows, reports.Window{Span: span, Zone: w.Zone})
	}
	return windows
}

func series(t testing.TB, name, template string, windows []reports.Window) export.Series {
	t.Helper()
	parsed, err := export.ParseTemplate(template)
	if err != nil {
		t.Fatal(err)
	}
	e := edition(t)
	e.Export = name
	return export.Series{Template: parsed, Edition: e, Windows: windows}
}

func TestCheckApart(t *testing.T) {
	twoYears := days(t, "Europe/Berlin", "2026-01-01", "2028-01-01")
	for _, c := range []struct {
		name   string
		series []export.Series
		want   []string // empty: accepted
	}{
		{"the default", []export.Series{series(t, "a", export.DefaultTemplate, twoYears), series(t, "b", export.DefaultTemplate, twoYears)}, nil},
		{"a short one", []export.Series{series(t, "a", "H-{from:YYMMDD}.{revision}.txt", twoYears)}, nil},
		{
			"no revision",
			[]export.Series{series(t, "a", "{from}.csv", twoYears)},
			[]string{`export a: file name template "{from}.csv": revision 1 of 2026-01-01 00:00 to 2026-01-02 00:00 and revision 2 of 2026-01-01 00:00 to 2026-01-02 00:00 would both be called 20251231T2300Z.csv; add _r{revision}`},
		},
		{
			"no period",
			[]export.Series{series(t, "a", "{name}_r{revision}.csv", twoYears)},
			[]string{"the periods 2026-01-01 00:00 to 2026-01-02 00:00 and 2026-01-02 00:00 to 2026-01-03 00:00 would both be called a_r1.csv; add {from} and {to}"},
		},
		{
			"a month later",
			[]export.Series{series(t, "a", "{from:DD}_r{revision}.csv", twoYears)},
			[]string{"the periods 2026-01-01 00:00 to 2026-01-02 00:00 and 2026-02-01 00:00 to 2026-02-02 00:00 would both be called 01_r1.csv"},
		},
		{
			"a year later",
			[]export.Series{series(t, "a", "{from:MMDD}_r{revision}.csv", twoYears)},
			[]string{"the periods 2026-01-01 00:00 to 2026-01-02 00:00 and 2027-01-01 00:00 to 2027-01-02 00:00"},
		},
		{
			"another export",
			[]export.Series{series(t, "a", "{from}_r{revision}.csv", twoYears), series(t, "b", "{from}_R{revision}.csv", twoYears)},
			[]string{"export b: ", "the exports a (2026-01-01 00:00 to 2026-01-02 00:00) and b (2026-01-01 00:00 to 2026-01-02 00:00)", "add {name} or deliver them to folders of their own"},
		},
		{
			"another export's checksum",
			[]export.Series{series(t, "a", "{from}_r{revision}", twoYears), series(t, "b", "{from}_r{revision}_diff", twoYears)},
			[]string{"export b: ", "ends with _diff"},
		},
		{
			"a name that is none, and one that is too long",
			[]export.Series{series(t, "a", ".{from}_r{revision}", twoYears), {
				Template: series(t, "b", export.DefaultTemplate, nil).Template, Edition: edition(t), Windows: twoYears, MaxName: 30,
			}},
			[]string{"export a: ", "begins with a dot", "export daily-states: ", "has 49 characters; the importer takes 30"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := export.CheckApart(c.series...)
			if len(c.want) == 0 && err != nil {
				t.Error(err)
			}
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v\nwant %s", err, want)
				}
			}
		})
	}
}

// A template that was found to keep a day's editions apart does so for any
// revision.
func TestApartMeansApart(t *testing.T) {
	windows := days(t, "America/Santiago", "2026-01-01", "2028-01-01")
	pieces := []string{"{revision}", "{from:YYYYMMDD}", "{from:DD}", "{to:YYMM}", "{from}", "{to}", "{name}", "{zone}", "-", "_", "1", "r"}
	rapid.Check(t, func(rt *rapid.T) {
		text := "x" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 5).Draw(rt, "pieces"), "")
		s := series(t, "a", text, windows)
		if export.CheckApart(s) != nil {
			return
		}
		names := make(map[string]export.Edition)
		for range 20 {
			e := s.Edition
			e.Window = rapid.SampledFrom(windows).Draw(rt, "window")
			e.Revision = rapid.IntRange(1, 2000).Draw(rt, "revision")
			name, err := s.Template.Name(e)
			if err != nil {
				rt.Fatal(err)
			}
			if other, isTaken := names[name]; isTaken && (other.Window.From != e.Window.From || other.Revision != e.Revision) {
				rt.Errorf("%s: %s names %v r%d and %v r%d", text, name, other.Window, other.Revision, e.Window, e.Revision)
			}
			names[name] = e
		}
	})
}
