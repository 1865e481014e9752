package reports

import "fmt"

// shaped hands a sink what its report's Shape asks for.
type shaped struct {
	Sink
	picking *picking[Row] // none where rows are shown as they come
}

// Begin waits with the sink's own until all rows are seen, unless they are shown
// as they come.
func (s *shaped) Begin(meta Meta) error {
	if !meta.Shape.picksRows() {
		return s.Sink.Begin(meta)
	}
	if rows := meta.leastRows(); rows > MostSorted && meta.Shape.Top == 0 {
		return tooManyRows(fmt.Sprintf("%d of them", rows))
	}
	s.picking = newPicking(meta, meta.Columns(), func(left *LeftOut, _ *Meta, row *Row) {
		left.Time += row.Time
		left.Sums.Add(&row.Sums)
	})
	return nil
}

// leastRows returns how many rows a report has at least: one for each agent it is
// of and each unit of time, where it keeps them apart.
func (m *Meta) leastRows() int {
	agents := m.Request.Agents
	if agents.IsEmpty() {
		agents = m.Facts.Agents
	}
	if !m.Grouping.ByAgent || len(m.Teams) > 0 {
		return 0
	}
	return agents.Len() * len(m.Window.Spans(m.Grouping.Unit))
}

func (s *shaped) Row(row *Row) error {
	if s.picking == nil {
		return s.Sink.Row(row)
	}
	return s.picking.add(row)
}

func (s *shaped) End(total *Row) error {
	if s.picking != nil {
		if err := s.picking.handOn(s.Sink.Begin, s.Sink.Row); err != nil {
			return err
		}
	}
	return s.Sink.End(total)
}

// shapedOf hands a sink of rows that are no sums what its report's Shape asks
// for.
type shapedOf[R any] struct {
	SinkOf[R]
	columns func(Meta) []ColumnOf[R]
	account func(*LeftOut, *Meta, *R)
	picking *picking[R]
}

// Begin is that of shaped.
func (s *shapedOf[R]) Begin(meta Meta) error {
	if !meta.Shape.picksRows() {
		return s.SinkOf.Begin(meta)
	}
	s.picking = newPicking(meta, s.columns(meta), s.account)
	return nil
}

func (s *shapedOf[R]) Row(row *R) error {
	if s.picking == nil {
		return s.SinkOf.Row(row)
	}
	return s.picking.add(row)
}

func (s *shapedOf[R]) End() error {
	if s.picking != nil {
		if err := s.picking.handOn(s.SinkOf.Begin, s.SinkOf.Row); err != nil {
			return err
		}
	}
	return s.SinkOf.End()
}
