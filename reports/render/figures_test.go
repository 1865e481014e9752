package render_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"talktime/reports"
	"talktime/reports/render"
)

// How single figures are written in the talk-time table: talk, ±, at least, at
// most.
func TestTableFigures(t *testing.T) {
	for name, c := range map[string]struct {
		window                            time.Duration
		talk, low, reach                  time.Duration
		stderr                            time.Duration
		wantTalk, margin, atLeast, atMost string
	}{
		"minutes from two hours on":     {2 * time.Hour, 65*time.Minute + 31*time.Second, time.Hour, 10 * time.Minute, 20 * time.Second, "1h 06m", "40s", "1h 00m", "1h 10m"},
		"seconds below":                 {time.Hour, 59*time.Minute + 400*time.Millisecond, 58*time.Minute + 59*time.Second, time.Second, time.Second, "59m 00s", "2s", "58m 59s", "59m 00s"},
		"hours with seconds":            {105 * time.Minute, 61*time.Minute + 5*time.Second, time.Hour, 5 * time.Minute, time.Minute, "1h 01m 05s", "1m 58s", "1h 00m 00s", "1h 05m 00s"},
		"bounds are rounded outward":    {3 * time.Hour, 90 * time.Minute, 80*time.Minute + 59*time.Second, 20 * time.Minute, 0, "1h 30m", "–", "1h 20m", "1h 41m"},
		"a little is not nothing":       {3 * time.Hour, 29 * time.Second, 1, 29 * time.Second, 0, "<1m", "–", "0", "1m"},
		"under a second":                {time.Hour, 499 * time.Millisecond, 0, time.Second, 0, "<1s", "–", "0", "1s"},
		"a wide interval is in minutes": {99 * time.Hour, 50 * time.Hour, 40 * time.Hour, 20 * time.Hour, time.Hour, "50h 00m", "1h 58m", "40h 00m", "60h 00m"},
		"just under an hour":            {99 * time.Hour, 50 * time.Hour, 40 * time.Hour, 20 * time.Hour, 30 * time.Minute, "50h 00m", "58m 48s", "40h 00m", "60h 00m"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, "talk-time", "2026-11-20", "", "agent")
			row := reports.Row{
				Agent: 101, Agents: 1, Time: c.window.Milliseconds(),
				Span: reports.Span{From: r.Window.From, To: r.Window.From.Add(c.window)},
			}
			row.MS[reports.Talk] = c.talk.Milliseconds()
			row.MS[reports.Unscheduled] = (c.window - c.talk).Milliseconds()
			row.Low[reports.Talk], row.Reach[reports.Talk] = c.low.Milliseconds(), c.reach.Milliseconds()
			row.Variance[reports.Talk] = float64(c.stderr.Milliseconds() * c.stderr.Milliseconds())

			var out bytes.Buffer
			table := render.NewTable(&out, false)
			for _, err := range []error{table.Begin(reports.Meta{Request: r}), table.Row(&row), table.End(&row)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			got := lineOf(t, out.String(), "  101  ")
			want := strings.Join([]string{"101", c.wantTalk, c.margin, c.atLeast, c.atMost}, "|")
			if !strings.HasPrefix(got, want+"|") {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// lineOf returns the cells of the line that begins with prefix, joined by "|".
func lineOf(t *testing.T, table, prefix string) string {
	t.Helper()
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, prefix) {
			cells := strings.FieldsFunc(strings.ReplaceAll(strings.TrimSpace(line), "  ", "\x00"), func(r rune) bool { return r == 0 })
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			return strings.Join(cells, "|")
		}
	}
	t.Fatalf("no line begins with %q in\n%s", prefix, table)
	return ""
}

// What is printed as a sum must be the sum of what is printed as its parts.
func TestPrintedPartsAddUp(t *testing.T) {
	r := request(t, "states", "2026-11-20", "", "agent")
	var out bytes.Buffer
	summarize(t, day{horizon: time.Date(2026, 11, 20, 13, 22, 4, 0, time.UTC)}, r, render.NewTable(&out, false))
	for _, agent := range []string{"  101  ", "  102  ", "  103  ", "  104  ", "  105  ", "  106  ", "Total  "} {
		cells := strings.Split(lineOf(t, out.String(), agent), "|")[1:]
		minutes := make([]int, len(cells))
		for i, cell := range cells[:15] {
			d, err := time.ParseDuration(strings.NewReplacer(" ", "", "<1m", "0").Replace(cell))
			if err != nil {
				t.Fatal(err)
			}
			minutes[i] = int(d.Minutes())
		}
		sum := func(parts []int) (n int) {
			for _, p := range parts {
				n += p
			}
			return n
		}
		// 0-7 the parts of staffed, 8 staffed, 9 signed out, 10-11 unobserved,
		// 12 unscheduled, 13 pending, 14 the window.
		if sum(minutes[:8]) != minutes[8] || sum(minutes[8:14]) != minutes[14] {
			t.Errorf("%s: %v does not add up", agent, minutes)
		}
	}
}
