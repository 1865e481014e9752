package main

import (
	"context"
	"io"

	"golang.org/x/term"

	"talktime/reports"
	"talktime/reports/render"
	"talktime/sql/store"
)

// rowsWriter makes a report from a snapshot, writes it, and returns its meta and how
// many rows it has.
type rowsWriter func(ctx context.Context, s *store.Snapshot, request reports.Request, w io.Writer) (reports.Meta, int64, error)

// writeRows writes a report to where the flags say and returns how many rows it has.
// A file is replaced only when the report is complete, and a CSV's meta after it.
func (a *app) writeRows(ctx context.Context, s *store.Snapshot, request reports.Request, flags reportFlags, write rowsWriter) (rows int64, err error) {
	p := a.newProgress("reporting")
	defer p.end()
	if flags.out == toStdout {
		_, rows, err = write(ctx, s, request, a.stdout)
		return rows, err
	}
	var meta reports.Meta
	err = replaceFile(flags.out, func(w io.Writer) (err error) {
		meta, rows, err = write(ctx, s, request, w)
		return err
	})
	if err == nil && flags.format == "csv" {
		err = replaceFile(flags.out+".meta.json", func(w io.Writer) error { return render.WriteMeta(w, meta) })
	}
	return rows, err
}

// newSinkOf returns the format's sink of a report with the given columns.
func newSinkOf[R any](flags reportFlags, w io.Writer, columns func(reports.Meta) []reports.ColumnOf[R], table func() reports.SinkOf[R]) reports.SinkOf[R] {
	switch flags.format {
	case "csv":
		form, _ := flags.form() // checked with the other flags
		return render.NewCSVOf(w, form, columns)
	case "json":
		return render.NewJSONOf(w, columns)
	case "xlsx":
		return render.NewXLSXOf(w, columns)
	default:
		return table()
	}
}

// metaKeeperOf is a sink that remembers the report's meta and counts its rows.
type metaKeeperOf[R any] struct {
	reports.SinkOf[R]
	meta reports.Meta
	rows int64
}

func (k *metaKeeperOf[R]) Row(row *R) error {
	k.rows++
	return k.SinkOf.Row(row)
}

func metaOf[R any](sink reports.SinkOf[R]) *metaKeeperOf[R] { return &metaKeeperOf[R]{SinkOf: sink} }

func (k *metaKeeperOf[R]) Begin(meta reports.Meta) error {
	k.meta = meta
	return k.SinkOf.Begin(meta)
}

// defaultColumns is how wide a bar may be where no terminal says it.
const defaultColumns = 110

// columnsOf returns how wide what is written to may be.
func columnsOf(w io.Writer) int {
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return defaultColumns
}
