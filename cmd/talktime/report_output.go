package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
	"golang.org/x/text/language"

	"talktime/reports"
	"talktime/reports/render"
)

// toStdout is the --out that stands for standard output.
const toStdout = "-"

// formats are the words of --format.
var formats = []string{"table", "csv", "json", "xlsx"}

// checkOutput tells what is wrong with the flags of the output before any work is
// done.
func (a *app) checkOutput(flags reportFlags, request reports.Request) error {
	var faults []error
	if !slices.Contains(formats, flags.format) {
		faults = append(faults, wordFault("--format", flags.format, formats...))
	}
	if flags.format != "csv" && flags.profile+flags.locale+flags.onMissing != "" {
		faults = append(faults, errors.New("--profile, --locale and --on-missing are of --format csv"))
	}
	form, err := flags.form()
	if err == nil {
		err = form.Profile.Check(request)
	}
	if err != nil {
		faults = append(faults, err)
	}
	out := flags.out
	if out == toStdout {
		if flags.format == "xlsx" && isTerminal(a.stdout) {
			faults = append(faults, errors.New("--format xlsx is nothing for a terminal: name a file with --out"))
		}
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

// profileLines tells of the profiles, a line each.
func profileLines() string {
	var lines strings.Builder
	for _, p := range render.Profiles() {
		fmt.Fprintf(&lines, "  %-24s%s\n", p.Name, p.About)
	}
	return lines.String()
}

// form reads how CSV is to be written.
func (flags reportFlags) form() (form render.Form, err error) {
	var faults []error
	if form.Profile, err = parseProfile(flags.profile); err != nil {
		faults = append(faults, fmt.Errorf("--%w", err))
	}
	if form.Missing, err = render.ParseMissing(flags.onMissing); err != nil {
		faults = append(faults, fmt.Errorf("--on-missing %w", err))
	}
	if flags.locale != "" {
		if form.Locale, err = language.Parse(flags.locale); err != nil {
			faults = append(faults, fmt.Errorf("--locale %q is no language tag such as de-DE or en", flags.locale))
		}
	}
	return form, errors.Join(faults...)
}

// writeReport makes the report in a format and writes it to out. A file is
// replaced only when the report is complete, and a CSV's meta after it. It returns
// the total and how many rows the report has.
func (a *app) writeReport(ctx context.Context, source reports.Source, request reports.Request, flags reportFlags, form render.Form) (total reports.Row, rows int64, err error) {
	kept := metaKeeper{}
	write := func(w io.Writer) (err error) {
		kept.Sink = a.newSink(flags.format, form, w)
		defer closeSink(kept.Sink)
		total, err = reports.Summarize(ctx, source, request, &kept)
		return err
	}
	if flags.out == toStdout {
		err = write(a.stdout)
		return total, kept.rows, err
	}
	err = replaceFile(flags.out, write)
	if err == nil && flags.format == "csv" {
		err = replaceFile(flags.out+".meta.json", func(w io.Writer) error { return render.WriteMeta(w, kept.meta) })
	}
	return total, kept.rows, err
}

// isColored reports whether what is written to is a terminal that shows colours,
// unless the user's NO_COLOR says otherwise.
func (a *app) isColored(w io.Writer) bool {
	return isTerminal(w) && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
}

// newSink returns the format's sink.
func (a *app) newSink(format string, form render.Form, w io.Writer) reports.Sink {
	switch format {
	case "csv":
		return render.NewCSV(w, form)
	case "json":
		return render.NewJSON(w)
	case "xlsx":
		return render.NewXLSX(w)
	default:
		return render.NewTable(w, a.isColored(w))
	}
}

// closeSink gives up what a sink kept of a report that did not come to its end.
func closeSink(sink any) {
	if c, ok := sink.(io.Closer); ok {
		_ = c.Close() // of nothing that is wanted
	}
}

// metaKeeper is a sink that remembers the report's meta and counts its rows.
type metaKeeper struct {
	reports.Sink
	meta reports.Meta
	rows int64
}

func (k *metaKeeper) Row(row *reports.Row) error {
	k.rows++
	return k.Sink.Row(row)
}

func (k *metaKeeper) Begin(meta reports.Meta) error {
	k.meta = meta
	return k.Sink.Begin(meta)
}

// replaceFile writes a file beside its final name and renames it when write and
// the disk have accepted everything; else it leaves what was there. A symbolic
// link's target is replaced, not the link.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s was not written: %w", path, err)
		}
	}()
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o666), renameio.WithExistingPermissions())
	if err != nil {
		return onDisk(err)
	}
	defer func() {
		if cleanup := file.Cleanup(); err == nil {
			err = cleanup
		}
	}()
	if err := write(disk{file}); err != nil {
		return err
	}
	return onDisk(file.CloseAtomicallyReplace())
}

// disk is a file whose errors tell what is wrong with its disk.
type disk struct{ file io.Writer }

func (d disk) Write(p []byte) (int, error) {
	n, err := d.file.Write(p)
	return n, onDisk(err)
}

// onDisk leaves the name of an unfinished file, which tells nobody anything, out of
// an error, and says what to do about a full disk.
func onDisk(err error) error {
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: make room on that disk", err)
	}
	return err
}
