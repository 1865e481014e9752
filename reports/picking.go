package reports

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// picking keeps the rows that a Shape asks for, and accounts for the others. It
// keeps no more than Top, or MostSorted, of them.
type picking[R any] struct {
	meta    Meta
	keys    []ColumnOf[R]
	account func(*LeftOut, *Meta, *R)
	rows    []picked[R] // a heap with the row on top that would be left out next
	seen    int
	left    LeftOut
	text    []byte // room for a value
}

// picked is a row with the values it is sorted by.
type picked[R any] struct {
	row    *R
	values []value
	number int // of the row, in the order they came
}

func newPicking[R any](meta Meta, columns []ColumnOf[R], account func(*LeftOut, *Meta, *R)) *picking[R] {
	p := &picking[R]{meta: meta, account: account}
	for _, key := range meta.Shape.Sort {
		p.keys = append(p.keys, Chosen(&Shape{Columns: []string{key.Column}}, columns)...)
	}
	return p
}

// add takes a row, and gives up the one that comes last if there are too many.
func (p *picking[R]) add(row *R) error {
	p.seen++
	next := picked[R]{row, make([]value, len(p.keys)), p.seen}
	for i := range p.keys {
		p.text = p.keys[i].Append(p.text[:0], row)
		next.values[i] = valueOf(p.keys[i].Kind, string(p.text))
	}
	top := p.meta.Shape.Top
	switch {
	case top == 0 && len(p.rows) == MostSorted:
		return tooManyRows(fmt.Sprintf("more than %d", MostSorted))
	case top == 0:
		p.rows = append(p.rows, next.kept())
	case len(p.rows) < top:
		heap.Push(p, next.kept())
	case p.compare(&next, &p.rows[0]) < 0:
		p.leave(p.rows[0].row)
		p.rows[0] = next.kept()
		heap.Fix(p, 0)
	default:
		p.leave(row)
	}
	return nil
}

// kept is the row for longer than the call it was given in.
func (r picked[R]) kept() picked[R] {
	row := *r.row
	r.row = &row
	return r
}

func tooManyRows(how string) error {
	return fmt.Errorf("%w: %s; say how many of them are wanted (--top), ask for fewer, or sort the CSV", ErrTooManyRows, how)
}

func (p *picking[R]) leave(row *R) {
	p.left.Rows++
	p.account(&p.left, &p.meta, row)
}

// handOn gives the rows to a sink, in order, with a meta that says what is left
// out.
func (p *picking[R]) handOn(begin func(Meta) error, give func(*R) error) error {
	if p.meta.Shape.Top > 0 {
		p.meta.LeftOut = &p.left
	}
	if err := begin(p.meta); err != nil {
		return err
	}
	slices.SortFunc(p.rows, func(a, b picked[R]) int { return p.compare(&a, &b) })
	for i := range p.rows {
		if err := give(p.rows[i].row); err != nil {
			return err
		}
	}
	return nil
}

// compare is negative where a comes before b. No two rows are equal.
func (p *picking[R]) compare(a, b *picked[R]) int {
	for i, key := range p.meta.Shape.Sort {
		if c := a.values[i].compare(&b.values[i], key.IsDescending); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.number, b.number)
}

// The heap of rows (heap.Interface).

func (p *picking[R]) Len() int           { return len(p.rows) }
func (p *picking[R]) Less(i, j int) bool { return p.compare(&p.rows[i], &p.rows[j]) > 0 }
func (p *picking[R]) Swap(i, j int)      { p.rows[i], p.rows[j] = p.rows[j], p.rows[i] }
func (p *picking[R]) Push(x any)         { p.rows = append(p.rows, x.(picked[R])) } //nolint:forcetypeassert // heap.Push is given nothing else
func (p *picking[R]) Pop() any {
	last := len(p.rows) - 1
	row := p.rows[last]
	p.rows = p.rows[:last]
	return row
}

// value is what a row is sorted by.
type value struct {
	isMissing bool
	number    float64
	text      string
}

// valueOf reads a column's text.
func valueOf(kind Kind, text string) value {
	v := value{isMissing: text == ""}
	switch {
	case v.isMissing:
	case kind.IsNumber():
		v.number, _ = strconv.ParseFloat(text, 64) // a column of numbers has nothing else
	case kind == Instant:
		at, _ := time.Parse(time.RFC3339, text) // nor has one of instants
		v.number = float64(at.UnixMilli())
	default:
		v.text = text
	}
	return v
}

func (v *value) compare(w *value, isDescending bool) int {
	switch {
	case v.isMissing && !w.isMissing:
		return 1
	case w.isMissing && !v.isMissing:
		return -1
	}
	c := cmp.Or(cmp.Compare(v.number, w.number), cmp.Compare(v.text, w.text))
	if isDescending {
		return -c
	}
	return c
}
