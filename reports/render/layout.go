package render

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// gap is what stands between two columns.
const gap = "  "

// style is the codes around what stands out; plain by default.
type style struct{ bold, dim, off string }

// terminal is the style of a terminal (ECMA-48 SGR).
var terminal = style{bold: "\x1b[1m", dim: "\x1b[2m", off: "\x1b[0m"}

// widen makes every column wide enough for the cells.
func (t *Table) widen(cells []string) {
	for i, cell := range cells {
		t.widths[i] = max(t.widths[i], text.StringWidthWithoutEscSequences(cell))
	}
}

// writePage writes the heading and the rows of the page, and empties it.
func (t *Table) writePage() {
	above, below := make([]string, len(t.columns)), make([]string, len(t.columns))
	for i, column := range t.columns {
		above[i], below[i] = column.head[0], column.head[1]
	}
	t.widen(above)
	t.widen(below)
	for _, cells := range t.page {
		t.widen(cells)
	}
	t.write("\n")
	if groups := t.groupLine(); groups != "" { // chosen columns have none
		t.writeDim(groups)
		t.writeBold(t.join(above))
	}
	t.writeBold(t.join(below))
	t.writeRule()
	for _, cells := range t.page {
		t.write(t.join(cells), "\n")
	}
	t.page = t.page[:0]
}

func (t *Table) writeRule() {
	width := -len(gap)
	for _, w := range t.widths {
		width += w + len(gap)
	}
	t.writeDim(strings.Repeat("─", width))
}

// groupLine writes each group's name in a rule over its columns.
func (t *Table) groupLine() string {
	var b strings.Builder
	for i := 0; i < len(t.columns); {
		group, width := t.columns[i].group, t.widths[i]
		for i++; i < len(t.columns) && t.columns[i].group == group; i++ {
			width += len(gap) + t.widths[i]
		}
		if b.Len() > 0 {
			b.WriteString(gap)
		}
		b.WriteString(ruled(group, width))
	}
	return strings.TrimRight(b.String(), " ")
}

// ruled centres a name in a rule of the given width.
func ruled(name string, width int) string {
	if name == "" {
		return strings.Repeat(" ", width)
	}
	name = " " + name + " "
	left := max(0, width-len(name)) / 2
	return strings.Repeat("─", left) + name + strings.Repeat("─", max(0, width-left-len(name)))
}

// join aligns the cells to the right of their columns; no cells are an empty
// line.
func (t *Table) join(cells []string) string {
	aligned := make([]string, len(cells))
	for i, cell := range cells {
		aligned[i] = text.AlignRight.Apply(cell, t.widths[i])
	}
	return strings.TrimRight(strings.Join(aligned, gap), " ")
}

func (t *Table) writeBold(line string) { t.write(t.style.bold, line, t.style.off, "\n") }

func (t *Table) writeDim(line string) { t.write(t.style.dim, line, t.style.off, "\n") }

// write writes all parts. The writer keeps the first error and Flush returns
// it.
func (t *Table) write(parts ...string) {
	for _, part := range parts {
		_, _ = t.out.WriteString(part)
	}
}
