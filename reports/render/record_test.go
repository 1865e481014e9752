package render_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"talktime/reports"
	"talktime/reports/render"
)

// texts are rows of words, as they are.
func textColumns(names ...string) func(reports.Meta) []reports.ColumnOf[[]string] {
	return func(reports.Meta) []reports.ColumnOf[[]string] {
		var columns []reports.ColumnOf[[]string]
		for i, name := range names {
			columns = append(columns, reports.ColumnOf[[]string]{Name: name, Append: func(b []byte, row *[]string) []byte {
				return append(b, (*row)[i]...)
			}})
		}
		return columns
	}
}

func record(t testing.TB, cells ...string) string {
	t.Helper()
	var out bytes.Buffer
	w := render.NewCSVOf(&out, machine, textColumns(cells...)) // named like their cells
	for _, err := range []error{w.Begin(reports.Meta{}), w.Row(&cells), w.End()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, line, _ := strings.Cut(out.String(), strings.Join(cells, ",")+"\r\n") // behind the header
	return line
}

// Records are those of encoding/csv, which reads them back.
func FuzzRecord(f *testing.F) {
	for _, cell := range []string{"", "plain", `say "no"`, "a,b", " blank first", "blank last ", "\u00a0blank", "two\nlines", "a\rb", `\.`, "\xff", "ä", "'"} {
		f.Add(cell, "x")
		f.Add("x", cell)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		var want bytes.Buffer
		w := csv.NewWriter(&want)
		w.UseCRLF = true
		if err := w.Write([]string{a, b}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		if got := record(t, a, b); got != want.String() {
			t.Errorf("%q and %q are written %q, want %q", a, b, got, &want)
		}
	})
}

// A record of one cell without a value is still a record.
func TestARecordIsNeverAnEmptyLine(t *testing.T) {
	read, err := csv.NewReader(strings.NewReader("x\r\n" + record(t, ""))).ReadAll()
	if err != nil || len(read) != 2 || !slices.Equal(read[1], []string{""}) {
		t.Errorf("read %q, %v", read, err)
	}
}
