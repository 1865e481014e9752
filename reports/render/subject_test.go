package render_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/reports"
	"talktime/reports/render"
)

// heldLines is a database with these rows; after them it breaks, if it is to.
type heldLines struct {
	rows   map[string][]string
	broken error
}

func (h heldLines) SubjectRows(_ context.Context, section string, _ []reports.Part) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		for _, row := range h.rows[section] {
			if !yield(json.RawMessage(row), nil) {
				return
			}
		}
		if h.broken != nil && section == "segments" {
			yield(nil, h.broken)
		}
	}
}

func (heldLines) CountSamples(context.Context, []reports.Part) (int64, time.Time, time.Time, error) {
	return 3600, utc("2026-11-20T07:00:00Z"), utc("2026-11-20T16:59:50.125Z"), nil
}

func (heldLines) Meanings(_ context.Context, tables []string) ([]reports.Meaning, error) {
	return []reports.Meaning{{Table: tables[0], Column: "agent_id", Text: `The gateway's "number".`}}, nil
}

// aboutAnn is what is held about agent 101.
var aboutAnn = heldLines{rows: map[string][]string{
	"tenures": {
		`{"agent_id":101,"valid_from":"2026-01-01T00:00:00+00:00","valid_to":"2026-11-20T11:00:00+00:00","name":"Ann, \"A\" Müller\u001b[2J","team":""}`,
		`{"agent_id":107,"valid_from":"2026-11-20T11:00:00+00:00","valid_to":null,"name":"=cmd()","team":"Sales"}`,
	},
	"samples":  {`{"polled_at":"2026-11-20T07:00:00.5+00:00","is_working":true,"retcode":null}`},
	"segments": {`{"from_at":"2026-11-20T07:00:00+00:00","cause":null}`},
	"exports":  {`{"name":"pay","from_at":"2026-11-19T23:00:00+00:00","files":["a.csv","b, c.csv"],"n":12345678901234567890}`},
	"recipients": {
		`{"kind":"export","recipient":"pay\u001b[2J","reached":"/srv/pay","times":2,"first_at":"2026-11-21T02:15:00+00:00","last_at":"2026-11-22T02:15:00+00:00"}`,
		`{"kind":"role","recipient":"dashboards","reached":"bi_v1, everything","times":null,"first_at":null,"last_at":null}`,
	},
}}

func subjectMeta(t *testing.T, withSamples bool) reports.SubjectMeta {
	t.Helper()
	zone, err := reports.ParseZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return reports.SubjectMeta{
		Subject: reports.Subject{Agent: 101, Person: "7", Name: "Ann\x1b[2J", Parts: []reports.Part{
			{Agent: 101, Span: reports.Span{From: utc("2026-01-01T00:00:00Z"), To: utc("2026-11-20T11:00:00Z")}},
			{Agent: 107, Span: reports.Span{From: utc("2026-11-20T11:00:00Z")}},
		}},
		PrintedAt: utc("2026-11-22T22:10:00Z"), Zone: zone, Program: "talktime 1", WithSamples: withSamples,
		Kept: func(s reports.SubjectSection) string { return "for " + s.Name },
	}
}

func TestSubjectGolden(t *testing.T) {
	for ext, sink := range map[string]func(io.Writer) reports.SubjectSink{
		"txt":  func(w io.Writer) reports.SubjectSink { return render.NewSubject(w, false) },
		"json": func(w io.Writer) reports.SubjectSink { return render.NewSubjectJSON(w) },
	} {
		t.Run(ext, func(t *testing.T) {
			var got bytes.Buffer
			rows, err := reports.TellSubject(t.Context(), aboutAnn, subjectMeta(t, false), sink(&got))
			if err != nil || rows != 6 {
				t.Fatalf("%d rows, %v", rows, err)
			}
			golden := filepath.Join("testdata", "subject."+ext)
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("differs from %s (-want +got):\n%s", golden, diff)
			}
			if ext == "json" && !json.Valid(got.Bytes()) {
				t.Error("it is no JSON")
			}
		})
	}
}

// Every section with rows is a file, and each cell of it is what the database has.
func TestSubjectFiles(t *testing.T) {
	made := map[string]*bytes.Buffer{}
	var names []string
	create := func(name string) (io.Writer, error) {
		names, made[name] = append(names, name), new(bytes.Buffer)
		return made[name], nil
	}
	if _, err := reports.TellSubject(t.Context(), aboutAnn, subjectMeta(t, true), render.NewSubjectFiles(create)); err != nil {
		t.Fatal(err)
	}
	want := []string{"tenures.csv", "samples.csv", "segments.csv", "exports.csv", "recipients.csv", "holdings.csv", "columns.csv", "about.txt"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for file, want := range map[string][][]string{
		"tenures.csv": {
			{"agent_id", "valid_from", "valid_to", "name", "team"},
			{"101", "2026-01-01T00:00:00+00:00", "2026-11-20T11:00:00+00:00", "Ann, \"A\" Müller\x1b[2J", ""},
			{"107", "2026-11-20T11:00:00+00:00", "", "=cmd()", "Sales"},
		},
		"samples.csv": {{"polled_at", "is_working", "retcode"}, {"2026-11-20T07:00:00.5+00:00", "true", ""}},
		"exports.csv": {{"name", "from_at", "files", "n"}, {"pay", "2026-11-19T23:00:00+00:00", `["a.csv","b, c.csv"]`, "12345678901234567890"}},
		"columns.csv": {{"table", "column", "meaning"}, {"agent_history", "agent_id", `The gateway's "number".`}},
	} {
		records, err := csv.NewReader(made[file]).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, records); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	held, err := csv.NewReader(made["holdings.csv"]).ReadAll()
	if err != nil || len(held) != 1+len(reports.SubjectSections()) {
		t.Fatalf("%d lines of holdings, %v", len(held), err)
	}
	i := slices.IndexFunc(held, func(line []string) bool { return line[0] == "tenures" })
	if diff := cmp.Diff([]string{"for tenures", "2", "2026-01-01T00:00:00+00:00", "2026-11-20T11:00:00+00:00", "true"}, held[i][3:]); diff != "" {
		t.Errorf("holdings (-want +got):\n%s", diff)
	}
}

func TestBrokenSubjects(t *testing.T) {
	lost := errors.New("the database is gone")
	broken := heldLines{aboutAnn.rows, lost}
	full := func(string) (io.Writer, error) { return nil, lost }
	for name, c := range map[string]struct {
		source reports.SubjectSource
		sink   reports.SubjectSink
	}{
		"table":           {broken, render.NewSubject(io.Discard, false)},
		"json":            {broken, render.NewSubjectJSON(io.Discard)},
		"no file":         {aboutAnn, render.NewSubjectFiles(full)},
		"a row of no row": {heldLines{rows: map[string][]string{"tenures": {"[1]"}}, broken: lost}, render.NewSubject(io.Discard, false)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := reports.TellSubject(t.Context(), c.source, subjectMeta(t, false), c.sink)
			if err == nil || name != "a row of no row" && !errors.Is(err, lost) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}
