package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"talktime/reports"
	"talktime/reports/render"
)

// toStdout is the --out that stands for standard output.
const toStdout = "-"

// checkOutput tells what is wrong with a --format and --out before any work is
// done.
func checkOutput(format, out string) error {
	var faults []error
	switch format {
	case "table", "csv", "json":
	default:
		faults = append(faults, fmt.Errorf("--format %q is not table, csv or json", format))
	}
	if out == toStdout {
		return errors.Join(faults...)
	}
	switch stat, err := os.Stat(out); {
	case err == nil && !stat.Mode().IsRegular():
		faults = append(faults, fmt.Errorf("--out %s is not a regular file; use - for standard output", out))
	case errors.Is(err, fs.ErrNotExist):
		if stat, err := os.Stat(filepath.Dir(out)); err != nil || !stat.IsDir() {
			faults = append(faults, fmt.Errorf("--out %q: there is no folder %s", out, filepath.Dir(out)))
		}
	case err != nil:
		faults = append(faults, fmt.Errorf("--out: %w", err))
	}
	return errors.Join(faults...)
}

// writeReport makes the report in a format and writes it to out. A file is
// replaced only when the report is complete, and a CSV's meta after it.
func (a *app) writeReport(ctx context.Context, source reports.Source, request reports.Request, format, out string) (reports.Row, error) {
	if out == toStdout {
		return reports.Summarize(ctx, source, request, a.newSink(format, a.stdout))
	}
	var total reports.Row
	meta := metaKeeper{}
	err := replaceFile(out, func(w io.Writer) (err error) {
		meta.Sink = a.newSink(format, w)
		total, err = reports.Summarize(ctx, source, request, &meta)
		return err
	})
	if err == nil && format == "csv" {
		err = replaceFile(out+".meta.json", func(w io.Writer) error { return render.WriteMeta(w, meta.meta) })
	}
	return total, err
}

// isColored reports whether what is written to is a terminal that shows colours,
// unless the user's NO_COLOR says otherwise.
func (a *app) isColored(w io.Writer) bool {
	return isTerminal(w) && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
}

// newSink returns the format's sink.
func (a *app) newSink(format string, w io.Writer) reports.Sink {
	switch format {
	case "csv":
		return render.NewCSV(w)
	case "json":
		return render.NewJSON(w)
	default:
		return render.NewTable(w, a.isColored(w))
	}
}

// metaKeeper is a sink that remembers the report's meta.
type metaKeeper struct {
	reports.Sink
	meta reports.Meta
}

func (k *metaKeeper) Begin(meta reports.Meta) error {
	k.meta = meta
	return k.Sink.Begin(meta)
}

// replaceFile writes a file beside its final name and renames it when write and
// the disk have accepted everything; else it leaves what was there. A symbolic
// link's target is replaced, not the link.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o666), renameio.WithExistingPermissions())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if cleanup := file.Cleanup(); err == nil {
			err = cleanup
		}
	}()
	if err := write(file); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
