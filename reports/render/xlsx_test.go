package render_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"talktime/reports"
	"talktime/reports/render"
)

// open makes a workbook and reads it as a spreadsheet program would.
func open(t *testing.T, source reports.Source, r reports.Request, rows int) *excelize.File {
	t.Helper()
	var file, again bytes.Buffer
	for _, w := range []*bytes.Buffer{&file, &again} {
		sink := render.NewXLSX(w)
		if rows > 0 {
			sink.LimitSheet(rows)
		}
		summarize(t, source, r, sink)
	}
	if !bytes.Equal(file.Bytes(), again.Bytes()) {
		t.Error("two workbooks of one report differ")
	}
	book, err := excelize.OpenReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := book.Close(); err != nil {
			t.Error(err)
		}
	})
	return book
}

// cells returns a sheet's rows as a spreadsheet program shows them, and raw.
func cells(t *testing.T, book *excelize.File, sheet string) (shown, raw [][]string) {
	t.Helper()
	shown, err := book.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = book.GetRows(sheet, excelize.Options{RawCellValue: true}); err != nil {
		t.Fatal(err)
	}
	return shown, raw
}

func TestWorkbook(t *testing.T) {
	r := request(t, "states", "2026-11-16", "2026-11-20", "agent")
	book := open(t, day{horizon: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), roster: roster()}, r, 0)
	if got := book.GetSheetList(); !slices.Equal(got, []string{"Rows", "Chart", "How to read"}) {
		t.Fatalf("sheets %q", got)
	}
	shown, raw := cells(t, book, "Rows")
	column := func(name string) int { return slices.Index(shown[0], name) }
	// 102 is staffed for more than 24 hours in four days.
	staffed := column("staffed_seconds")
	if got := shown[2][staffed]; !strings.HasPrefix(got, "3") || strings.Count(got, ":") != 2 {
		t.Errorf("staffed for %s, want about 36 hours as [h]:mm:ss", got)
	}
	if strings.ContainsAny(raw[2][staffed], ":h") {
		t.Errorf("a length of time is the text %q", raw[2][staffed])
	}
	for name, want := range map[string]excelize.CellType{
		"agent_name": excelize.CellTypeInlineString, "agent_id": excelize.CellTypeUnset, "staffed_seconds": excelize.CellTypeUnset, "is_final": excelize.CellTypeBool,
	} {
		at, err := excelize.CoordinatesToCellName(column(name)+1, 4)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := book.GetCellType("Rows", at); err != nil || got != want {
			t.Errorf("%s is of type %v, %v, want %v", name, got, err, want)
		}
		if formula, err := book.GetCellFormula("Rows", at); err != nil || formula != "" {
			t.Errorf("%s is the formula %q, %v", name, formula, err)
		}
	}
	if got := shown[3][column("agent_name")]; got != `=cmd|"/c calc"!A1` {
		t.Errorf("the name is %q", got)
	}
	if panes, err := book.GetPanes("Rows"); err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("panes %+v, %v", panes, err)
	}
	if tables, err := book.GetTables("Rows"); err != nil || len(tables) != 1 || !strings.HasPrefix(tables[0].Range, "A1:") {
		t.Errorf("filters %+v, %v", tables, err)
	}
	read, _ := cells(t, book, "How to read")
	text := ""
	for _, line := range read {
		text += strings.Join(line, ": ") + "\n"
	}
	for _, want := range []string{
		"From: 2026-11-16T00:00:00+01:00", "Time zone: Europe/Berlin", "Coverage: 9", "residual 0 ms", "Polled every 10 s; hold 25 s", "[h]:mm:ss",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A length of time is exact to the millisecond when it is read back.
func TestWorkbookIsExact(t *testing.T) {
	var out bytes.Buffer
	sink := render.NewXLSX(&out)
	row := reports.Row{Agent: 101, Time: 118_800_007}
	row.MS[reports.Talk] = 118_800_007
	for _, err := range []error{
		sink.Begin(reports.Meta{Request: request(t, "states", "2026-11-20", "", "agent")}), sink.Row(&row), sink.End(&row),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	book, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close() //nolint:errcheck // only read
	shown, raw := cells(t, book, "Rows")
	talk := slices.Index(shown[0], "talk_seconds")
	days, err := time.ParseDuration(raw[1][talk] + "s")
	if err != nil {
		t.Fatal(err)
	}
	if got := (days * 86_400).Round(time.Millisecond).Milliseconds(); shown[1][talk] != "33:00:00" || got != row.MS[reports.Talk] {
		t.Errorf("33 h and 7 ms are shown as %s and read as %d ms", shown[1][talk], got)
	}
}

// A report longer than a sheet goes on in the next one.
func TestWorkbookOfSeveralSheets(t *testing.T) {
	r := request(t, "states", "2026-11-20", "", "agent")
	book := open(t, day{horizon: r.Window.To}, r, 4)
	if got := book.GetSheetList(); !slices.Equal(got, []string{"Rows", "Rows 2", "Chart", "How to read"}) {
		t.Fatalf("sheets %q", got)
	}
	var agents []string
	for _, sheet := range []string{"Rows", "Rows 2"} {
		shown, _ := cells(t, book, sheet)
		if shown[0][0] != "agent_id" {
			t.Errorf("%s begins with %q", sheet, shown[0])
		}
		for _, row := range shown[1:] {
			agents = append(agents, row[0])
		}
	}
	if !slices.Equal(agents, []string{"101", "102", "103", "104", "105", "106"}) {
		t.Errorf("agents %q", agents)
	}
}

func TestWorkbookWithoutRows(t *testing.T) {
	r := request(t, "states", "2026-11-20", "", "agent")
	book := open(t, day{nobody: true}, r, 0)
	if got := book.GetSheetList(); !slices.Equal(got, []string{"Rows", "How to read"}) {
		t.Errorf("sheets %q", got)
	}
}

// A workbook that is given up keeps nothing, and one that is done can be closed
// again.
func TestWorkbookGivenUp(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	sink := render.NewXLSX(full{})
	meta := reports.Meta{Request: request(t, "states", "2026-11-20", "", "agent")}
	row := reports.Row{Agent: 101, Agents: 1}
	if err := errors.Join(sink.Begin(meta), sink.Row(&row)); err != nil {
		t.Fatal(err)
	}
	if err := sink.End(&row); !errors.Is(err, errFull) {
		t.Errorf("a full disk took a workbook: %v", err)
	}
	if err := errors.Join(sink.Close(), sink.Close()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Texts are shown as they are, whatever is in them.
func TestWorkbookTexts(t *testing.T) {
	var out bytes.Buffer
	sink := render.NewXLSXOf(&out, textColumns("a", "b"))
	meta := reports.Meta{Request: request(t, "sessions", "2026-11-20", "", "none")}
	tell(t, sink, meta, [][]string{{` <&>"' `, "李小龍 👩‍🚒"}, {"", "two\nlines"}})
	book, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close() //nolint:errcheck // only read
	shown, _ := cells(t, book, "Rows")
	if want := [][]string{{"a", "b"}, {` <&>"' `, "李小龍 👩‍🚒"}, {"", "two\nlines"}}; !slices.EqualFunc(shown, want, slices.Equal) {
		t.Errorf("got %q, want %q", shown, want)
	}
}
