package main

import (
	"context"
	"errors"
	"fmt"

	"talktime/reports"
	"talktime/reports/export"
	"talktime/sql/store"
)

// deliver enters the edition, delivers its files and enters that.
func (w *editing) deliver(ctx context.Context, made *madeEdition) (editionDone, error) {
	wasBegun := w.edition.SHA256 != "" && w.edition.SHA256 != made.data.SumHex()
	files, err := w.files(made, w.before)
	if err != nil {
		return w.fail(ctx, err)
	}
	packed, err := made.pack()
	if err != nil {
		return w.fail(ctx, err)
	}
	w.enterMade(made, files)
	if err := w.store.BeginExport(ctx, &w.edition, packed); err != nil {
		return editionDone{}, err
	}
	_, err = w.put(ctx, files)
	if _, isConflict := errors.AsType[*export.ConflictError](err); isConflict && wasBegun {
		return w.abandon(ctx, err)
	}
	if err != nil {
		w.edition.Attempts-- // it is this one
		return w.fail(ctx, err)
	}
	w.edition.Status, w.edition.DeliveredAt, w.edition.Error = store.Delivered, w.clock.Now(), ""
	lacking := w.lacking(&made.total)
	if lacking != nil {
		w.edition.Error = lacking.Error()
	}
	keepFrom := w.edition.Revision
	if w.before != nil {
		keepFrom = w.before.Revision
	}
	if err := w.store.EndExport(ctx, &w.edition, keepFrom); err != nil {
		return editionDone{}, err
	}
	w.log.Info("export delivered", "export", w.edition.Name, "period", periodText(w.edition.Span, w.config.calendar), "revision", w.edition.Revision,
		"rows", w.edition.Rows, "final", w.edition.IsFinal, "to", w.edition.Destination, "file", w.edition.Files[0])
	if err := w.audit(ctx, didDeliver, lacking); err != nil {
		return editionDone{}, err
	}
	if lacking != nil {
		w.announce(ctx, lacking)
	}
	return editionDone{w.edition, didDeliver, lacking}, nil
}

// enterMade enters what was made.
func (w *editing) enterMade(made *madeEdition, files []export.File) {
	e := &w.edition
	e.Status, e.Error = store.Delivering, ""
	e.Files = nil
	for _, file := range files {
		e.Files = append(e.Files, file.Name)
	}
	e.SHA256, e.Rows, e.Bytes = made.data.SumHex(), int64(made.rows), made.data.Size
	e.CoveragePct = made.tally.Manifest(w.config.edition(w.window(), e.Revision), made.data.Name, export.Form{}).CoveragePct
	e.IsFinal, e.Basis, e.Horizon, e.Program = made.isFinal, made.basis, made.horizon, made.program
	e.Attempts, e.AttemptedAt = e.Attempts+1, w.clock.Now()
}

// files returns the edition's files in the order of delivery, and keeps its
// manifest. An edition made again keeps the one it has.
func (w *editing) files(made *madeEdition, before *store.Edition) ([]export.File, error) {
	edition := w.config.edition(w.window(), w.edition.Revision)
	name, err := w.config.file.Name(edition)
	if err != nil {
		return nil, err
	}
	made.data.Name = name
	manifest := made.tally.Manifest(edition, name, w.form())
	manifest.Rows, manifest.IsFinal, manifest.Reason = made.rows, made.isFinal, w.edition.Reason
	if before != nil {
		manifest.Supersedes = before.Files[0]
	}
	var dialect *export.Dialect
	if w.config.format == "csv" {
		dialect = &made.table.Dialect
	}
	data := []export.File{made.data}
	manifest.Resources = []export.Resource{
		export.NewResource("data", made.data, w.config.format, dialect, made.rows, export.ColumnsOf(made.columns)),
	}
	if made.diff.draft != nil {
		diff, err := made.diff.draft.File(export.DiffName(made.data.Name))
		if err != nil {
			return nil, err
		}
		data = append(data, diff)
		manifest.Resources = append(manifest.Resources, export.NewResource("diff", diff, "csv",
			&export.Dialect{Delimiter: ",", Header: true}, made.diff.rows, made.diff.columns))
	}
	files, err := manifest.Sealed(data...)
	if err != nil {
		return nil, err
	}
	last := &files[len(files)-1]
	if w.edition.Manifest != "" && w.edition.SHA256 == made.data.SumHex() {
		*last = export.NewFile(last.Name, []byte(w.edition.Manifest))
		return files, nil
	}
	text := make([]byte, last.Size)
	if _, err := last.Content.ReadAt(text, 0); err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	w.edition.Manifest = string(text)
	return files, nil
}

// form is how the manifest tells of the data file's.
func (w *editing) form() export.Form {
	form := export.Form{Format: w.config.format}
	if w.config.format == "csv" {
		form.Profile, form.Version = w.config.form.Profile.Name, w.config.form.Profile.Version
		form.OnMissing, form.Locale = w.config.form.OnMissing(), w.config.locale()
	}
	return form
}

// abandon gives up an edition some of whose files were delivered before its
// figures changed: the next revision holds what they are now.
func (w *editing) abandon(ctx context.Context, why error) (editionDone, error) {
	given := w.edition
	given.Status, given.Error = store.Abandoned, why.Error()
	w.edition = nextRevision(given, w.clock.Now())
	if err := w.store.PutExport(ctx, &w.edition); err != nil {
		return editionDone{}, err
	}
	if err := w.store.PutExport(ctx, &given); err != nil {
		return editionDone{}, err
	}
	return w.work(ctx)
}

// fail enters that the attempt has failed, and announces it. Where ctx has ended
// it is only entered.
func (w *editing) fail(ctx context.Context, why error) (editionDone, error) {
	called := context.Cause(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWordsLimit)
	defer cancel()
	e := &w.edition
	e.Status, e.Error = store.Failed, why.Error()
	e.Attempts, e.AttemptedAt = e.Attempts+1, w.clock.Now()
	if err := w.store.PutExport(ctx, e); err != nil {
		return editionDone{}, errors.Join(why, err)
	}
	if err := w.audit(ctx, didFail, why); err != nil {
		return editionDone{}, errors.Join(why, err)
	}
	w.log.Error("export failed", "export", e.Name, "period", periodText(e.Span, w.config.calendar), "revision", e.Revision,
		"attempt", e.Attempts, "again_at", retryAt(e), "to", e.Destination, "error", why)
	if called == nil {
		w.announce(ctx, why)
	}
	return editionDone{*e, didFail, why}, nil
}

// lacking returns what is wrong with a delivered edition, if anything is.
func (w *editing) lacking(total *reports.Row) error {
	if total.IsCovered(w.config.requireCoverage) {
		return nil
	}
	milli, _ := total.Ratio(reports.Coverage, true)
	return withExit(exitPartial, fmt.Errorf("it was delivered, but its coverage is %d.%03d %%, below require_coverage %g",
		milli/1000, milli%1000, w.config.requireCoverage))
}

// exportAudit is the parameters of an export in the audit log.
type exportAudit struct {
	exportDefinition
	From        string `json:"from,omitempty"`
	To          string `json:"to,omitempty"`
	Revision    int    `json:"revision,omitempty"`
	Destination string `json:"destination"`
	AskedBy     string `json:"asked_by"` // schedule, run or rerun
	Outcome     string `json:"outcome"`
}

// auditNothing is the entry of a command that has worked on no edition.
func (e *exportConfig) auditNothing(ask asked, failed error) store.Audit {
	asked := exportAudit{exportDefinition: e.definition(), Destination: e.to.text, AskedBy: ask.by(), Outcome: "nothing is owed"}
	if failed != nil {
		asked.Outcome = didFail.String()
	}
	return store.Audit{Action: "export", Subject: e.name, Parameters: asked, ExitCode: codeOf(failed), Err: failed}
}

// audit enters what became of the edition into the audit log.
func (w *editing) audit(ctx context.Context, did didWhat, failed error) error {
	e := &w.edition
	entry := store.Audit{
		At: w.clock.Now(), Action: "export", Subject: e.Name, Rows: e.Rows, ExitCode: codeOf(failed), Err: failed,
		Parameters: exportAudit{
			w.config.definition(), e.From.Format(instantFormat), e.To.Format(instantFormat), e.Revision, e.Destination, w.ask.by(), did.String(),
		},
	}
	entry.User, entry.Host = whoRuns()
	return w.store.EnterAudit(ctx, entry)
}
