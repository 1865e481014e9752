package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"talktime/reports"
	"talktime/reports/export"
	"talktime/reports/render"
	"talktime/sql/store"
)

// madeEdition is what was made of an edition and is not delivered yet. It lies on
// this machine's disk and is gone with close.
type madeEdition struct {
	drafts  []*export.Draft
	program string // that is named in it
	tally   *export.Tally
	total   reports.Row
	rows    int // of the data file
	columns []reports.Column
	basis   store.ExportBasis
	horizon time.Time
	isFinal bool         // no figure in it is awaited
	data    export.File  // its name is given when it is known which revision it is
	table   export.Table // its rows as CSV
	tableOf export.File  // in which they stand
	diff    madeDiff
}

// madeDiff is the diff to the revision before; without a draft there is none.
type madeDiff struct {
	draft   *export.Draft
	rows    int
	columns []export.Column
}

func (m *madeEdition) newDraft() (*export.Draft, error) {
	draft, err := export.NewDraft("")
	if err == nil {
		m.drafts = append(m.drafts, draft)
	}
	return draft, err
}

func (m *madeEdition) close() {
	for _, draft := range m.drafts {
		_ = draft.Close() // it has no name, and nothing in it is wanted
	}
}

// notFinalError says that figures of a period are still awaited.
type notFinalError struct{ horizon, until time.Time }

func (e *notFinalError) Error() string {
	text := "figures are not final yet: they are derived up to " + e.horizon.Format(time.RFC3339)
	if e.horizon.IsZero() {
		text = "nothing is derived yet"
	}
	return text + "; it is delivered as it is at " + e.until.Format(time.RFC3339)
}

// make makes the edition from one state of the database, or returns a
// notFinalError where it is to wait.
func (w *editing) make(ctx context.Context, program string) (*madeEdition, error) {
	snapshot, err := w.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snapshot.Close(ctx)
	made := &madeEdition{program: program}
	if err := w.fill(ctx, snapshot, made); err != nil {
		made.close()
		return nil, err
	}
	return made, nil
}

func (w *editing) fill(ctx context.Context, snapshot *store.Snapshot, made *madeEdition) error {
	isSettled, err := w.isSettled(ctx, snapshot, made)
	if err != nil {
		return err
	}
	if until := w.edition.DueAt.Add(w.config.deadline); !isSettled && !w.ask.provisional && (w.before != nil || w.clock.Now().Before(until)) {
		return &notFinalError{made.horizon, until}
	}
	data, err := made.newDraft()
	if err != nil {
		return err
	}
	table := data
	if w.config.format != "csv" {
		if table, err = made.newDraft(); err != nil {
			return err
		}
	}
	form := w.config.form
	csv := render.NewCSV(table, form)
	var sink reports.Sink = csv
	switch w.config.format {
	case "json":
		sink = bothSinks{render.NewJSON(data), csv}
	case "xlsx":
		book := render.NewXLSX(data)
		defer closeSink(book)
		sink = bothSinks{book, csv}
	}
	made.tally = export.NewTally(sink)
	request := w.config.request(w.window(), made.program)
	if made.total, err = reports.Summarize(ctx, settledSource{snapshot}, request, made.tally); err != nil {
		return err
	}
	made.rows, made.isFinal = csv.Rows(), isSettled && made.total.IsFinal
	made.columns = made.tally.Meta().Columns()
	if w.config.format == "csv" {
		made.columns = form.Columns(made.tally.Meta())
	}
	if made.data, err = data.File(""); err != nil {
		return err
	}
	if made.tableOf = made.data; table != data {
		if made.tableOf, err = table.File(""); err != nil {
			return err
		}
	}
	made.table = tableOf(made.tableOf, form, made.tally.Meta())
	return nil
}

// isSettled reports whether no figure of the period is awaited, and keeps what
// the figures are read from.
func (w *editing) isSettled(ctx context.Context, snapshot *store.Snapshot, made *madeEdition) (bool, error) {
	var err error
	span := w.edition.Span
	if made.basis, err = snapshot.ExportBasis(ctx, span.From, span.To); err != nil {
		return false, err
	}
	facts, err := snapshot.Background(ctx, span.From, span.To)
	if err != nil {
		return false, err
	}
	made.horizon = facts.Horizon
	return !made.basis.IsOpen && facts.Dirty == 0 && !facts.Horizon.Before(span.To), nil
}

// tableOf returns a CSV file of a form as a table.
func tableOf(file export.File, form render.Form, meta reports.Meta) export.Table {
	comma, hasHeader := form.Dialect()
	table := export.Table{
		Open:    func() (io.Reader, error) { return file.Reader(), nil },
		Dialect: export.Dialect{Delimiter: string(comma), Header: hasHeader},
	}
	for _, column := range form.Columns(meta) {
		table.Columns = append(table.Columns, column.Name)
	}
	return table
}

// settledSource is a source whose horizon does not go on behind the window: what
// a report says of a window that is over must not depend on when it is made.
type settledSource struct{ reports.Source }

func (s settledSource) Facts(ctx context.Context, from, to time.Time) (reports.Facts, error) {
	facts, err := s.Source.Facts(ctx, from, to)
	if facts.Horizon.After(to) {
		facts.Horizon = to
	}
	return facts, err
}

// bothSinks hands a report to two sinks.
type bothSinks [2]reports.Sink

func (b bothSinks) Begin(meta reports.Meta) error {
	return errors.Join(b[0].Begin(meta), b[1].Begin(meta))
}

func (b bothSinks) Row(row *reports.Row) error {
	if err := b[0].Row(row); err != nil {
		return err
	}
	return b[1].Row(row)
}

func (b bothSinks) End(total *reports.Row) error {
	return errors.Join(b[0].End(total), b[1].End(total))
}

// pack compresses a table's rows for the ledger.
func (m *madeEdition) pack() (io.Reader, error) {
	draft, err := m.newDraft()
	if err != nil {
		return nil, err
	}
	out := gzip.NewWriter(draft)
	if _, err = io.Copy(out, m.tableOf.Reader()); err == nil {
		err = out.Close()
	}
	if err != nil {
		return nil, err
	}
	packed, err := draft.File("")
	return packed.Reader(), err
}

// unpack reads what pack has compressed.
func unpack(packed io.Reader) (io.Reader, error) {
	in, err := gzip.NewReader(packed)
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the ledger has no copy of its rows")
	}
	if err != nil {
		return nil, fmt.Errorf("read the copy of its rows: %w", err)
	}
	return in, nil
}
