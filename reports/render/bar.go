package render

import (
	"fmt"
	"strings"
	"time"

	"talktime/reports"
)

// glyphs stand for the measures in a bar, told apart without colour too.
var glyphs = [reports.Measures]string{"█", "▂", "▆", "░", "b", "r", "p", "o", "·", "x", "!", " ", "~"}

// tints colour them on a terminal (ECMA-48 SGR).
var tints = [reports.Measures]string{
	"\x1b[32m", "\x1b[36m", "\x1b[34m", "\x1b[2m", "\x1b[33m", "\x1b[33m", "\x1b[33m", "\x1b[35m", "\x1b[2m",
	"\x1b[31m", "\x1b[31m", "", "\x1b[2m",
}

// cellMinutes are the lengths of time a glyph may stand for: each divides an
// hour or is whole hours of a day.
var cellMinutes = []int{1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 240, 480, 720, 1440}

// stripLength is how much of a day a strip holds where the window is one day.
const stripLength = 6 * time.Hour

// bar is what one agent did in a window, one glyph for every few minutes: strips
// of six hours for a day, of a local day each for more.
type bar struct {
	window reports.Window
	strips []reports.Span
	label  string // layout of a strip's start
	cell   time.Duration
	cells  [][][reports.Measures]int64 // ms by strip, cell and measure
	totals [reports.Measures]int64     // seconds as the table printed them
}

// newBar lays out the bar of a window no wider than so many columns. The shortest
// cells that fit are taken.
func newBar(w reports.Window, width int) bar {
	b := bar{window: w, strips: w.Spans(reports.Day), label: "Mon 01-02 "}
	if len(b.strips) == 1 {
		b.strips, b.label = nil, "15:04 "
		for from := w.From; from.Before(w.To); from = from.Add(stripLength) {
			b.strips = append(b.strips, reports.Span{From: from, To: from.Add(stripLength)})
		}
		b.strips[len(b.strips)-1].To = w.To
	}
	longest := time.Duration(0)
	for _, strip := range b.strips {
		longest = max(longest, strip.To.Sub(strip.From))
	}
	for _, minutes := range cellMinutes {
		b.cell = time.Duration(minutes) * time.Minute
		if columns := int((longest + b.cell - 1) / b.cell); columns <= width-len(b.label)-2 {
			break
		}
	}
	for _, strip := range b.strips {
		b.cells = append(b.cells, make([][reports.Measures]int64, (strip.To.Sub(strip.From)+b.cell-1)/b.cell))
	}
	return b
}

// paint adds a stretch of one measure. Stretches come in order of time.
func (b *bar) paint(m reports.Measure, s reports.Span) {
	b.totals[m] += clock(s.To).Sub(clock(s.From)).Milliseconds() / second
	for i, strip := range b.strips {
		if !strip.From.Before(s.To) || !s.From.Before(strip.To) {
			continue
		}
		from, to := s.From, s.To
		if from.Before(strip.From) {
			from = strip.From
		}
		if to.After(strip.To) {
			to = strip.To
		}
		for from.Before(to) {
			into := from.Sub(strip.From)
			c := int(into / b.cell)
			end := from.Add(b.cell - into%b.cell)
			if end.After(to) {
				end = to
			}
			b.cells[i][c][m] += end.Sub(from).Milliseconds()
			from = end
		}
	}
}

// lines writes the bar: hours above where they differ from the strip before, and
// a legend below.
func (b *bar) lines(style style) []string {
	var lines []string
	hours := ""
	for i, strip := range b.strips {
		if next := b.hours(i); next != hours {
			hours = next
			lines = append(lines, strings.TrimRight(hours, " "))
		}
		var line strings.Builder
		line.WriteString(strip.From.In(b.window.Zone).Format(b.label) + "│")
		for c := range b.cells[i] {
			line.WriteString(tinted(shown(&b.cells[i][c]), style))
		}
		lines = append(lines, line.String()+"│")
	}
	return append(lines, b.legend(style)...)
}

// shown is the measure a cell's glyph stands for: the longest of the cell, but
// what was not observed shows where it is at least a third of it.
func shown(cell *[reports.Measures]int64) reports.Measure {
	longest, sum := reports.Unscheduled, int64(0)
	for m, ms := range cell {
		sum += ms
		if ms > cell[longest] {
			longest = reports.Measure(m)
		}
	}
	switch failed, down := cell[reports.Failed], cell[reports.RecorderDown]; {
	case 3*(failed+down) < sum || failed+down == 0:
		return longest
	case failed >= down:
		return reports.Failed
	default:
		return reports.RecorderDown
	}
}

func tinted(m reports.Measure, style style) string {
	if style.off == "" || tints[m] == "" {
		return glyphs[m]
	}
	return tints[m] + glyphs[m] + style.off
}

// hourSteps are what may lie between two marks over a bar, in minutes.
var hourSteps = []int{15, 30, 60, 120, 180, 360, 720, 1440}

// hours marks times of day over a strip.
func (b *bar) hours(strip int) string {
	const mark = "15:04"
	i := 0
	for i < len(hourSteps)-1 && hourSteps[i] < (len(mark)+2)*int(b.cell.Minutes()) {
		i++
	}
	left := len(b.label) + 1
	ruler := []byte(strings.Repeat(" ", left+len(b.cells[strip])+len(mark)))
	free := 0
	for c := range b.cells[strip] {
		local := b.strips[strip].From.Add(time.Duration(c) * b.cell).In(b.window.Zone)
		if (local.Hour()*60+local.Minute())%hourSteps[i] == 0 && c >= free {
			copy(ruler[left+c:], local.Format(mark))
			free = c + len(mark) + 1
		}
	}
	return string(ruler)
}

// legend explains the glyphs of what there was, with the time it lasted.
func (b *bar) legend(style style) []string {
	var words []string
	for m := range reports.Measure(reports.Measures) {
		if seconds := b.totals[m]; seconds > 0 {
			glyph := tinted(m, style)
			if glyphs[m] == " " {
				glyph = "blank"
			}
			words = append(words, fmt.Sprintf("%s %s %s", glyph, spoken(m), duration(seconds, seconds*second, second)))
		}
	}
	var lines []string
	const perLine = 5
	for ; len(words) > perLine; words = words[perLine:] {
		lines = append(lines, strings.Join(words[:perLine], "   "))
	}
	lines = append(lines, strings.Join(words, "   "))
	cell := b.cell.Milliseconds()
	return append(lines, fmt.Sprintf("One sign is %s: what lasted longest in it; unobserved time shows from a third of it on.",
		duration(cell/minute, cell, minute)))
}
