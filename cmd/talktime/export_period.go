package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"talktime/reports"
	"talktime/reports/export"
	"talktime/sql/store"
)

// deliveryLimit bounds how long one edition may take: what hangs longer is tried
// again later.
const deliveryLimit = time.Hour

// period works on the latest edition of a period, if there is anything to do. The
// error is one of the ledger; what is wrong with the edition is told in the
// result.
func (x *exporting) period(ctx context.Context, e *exportConfig, l ledger, latest store.Edition, stale *store.StaleExport, ask asked) (editionDone, error) {
	nothing := editionDone{Edition: latest, did: didKeep}
	w := editing{exporting: x, config: e, ask: ask, edition: latest}
	switch isSame := latest.Definition == e.definition().text(); {
	case latest.Status == store.Delivered && (ask.isAgain || stale != nil && isSame):
		w.before, w.older = &latest, l.deliveredBefore(latest.Span, latest.Revision)
		w.edition = nextRevision(latest, x.clock.Now())
		w.edition.Reason = reasonOf(&latest, stale, isSame)
	case latest.Status == store.Delivered:
		return nothing, nil
	case latest.Status == store.Failed && !ask.byHand && x.clock.Now().Before(retryAt(&latest)):
		nothing.did = didFail
		return nothing, nil
	default:
		w.before = l.deliveredBefore(latest.Span, latest.Revision)
	}
	w.edition.Definition, w.edition.Destination = e.definition().text(), e.to.text
	ctx, cancel := context.WithTimeout(ctx, deliveryLimit)
	defer cancel()
	done, err := w.work(ctx)
	if err == nil && ask.byHand && (done.did == didWait || done.did == didKeep) { // each minute's schedule is no news
		w.edition = done.Edition
		err = w.audit(ctx, done.did, waits(done.did))
	}
	if err == nil && x.onDone != nil {
		x.onDone(done)
	}
	return done, err
}

// nextRevision returns the edition that follows one, with nothing made of it.
func nextRevision(e store.Edition, now time.Time) store.Edition {
	return store.Edition{
		Name: e.Name, Span: e.Span, Revision: e.Revision + 1, TimeZone: e.TimeZone, DueAt: e.DueAt, Status: store.Waiting,
		Reason: e.Reason, Definition: e.Definition, Destination: e.Destination, EnteredAt: now,
	}
}

// reasonOf says why a delivered edition would have a next one.
func reasonOf(before *store.Edition, stale *store.StaleExport, isSame bool) string {
	switch {
	case !isSame:
		return reasonDefinition
	case !before.IsFinal:
		return reasonFinal
	case stale != nil && stale.IsRederived:
		return reasonLate
	case stale != nil && stale.HasOtherRoster:
		return reasonRoster
	default:
		return reasonProgram
	}
}

// editing is the work on one edition.
type editing struct {
	*exporting
	config  *exportConfig
	ask     asked
	before  *store.Edition // the delivered revision before it; nil for none
	older   *store.Edition // the one before that
	edition store.Edition
}

// work makes the edition and delivers it, if it is due and new.
func (w *editing) work(ctx context.Context) (editionDone, error) {
	made, err := w.make(ctx, w.programFor())
	if notFinal, ok := errors.AsType[*notFinalError](err); ok {
		return w.wait(ctx, notFinal)
	}
	if err != nil {
		return w.fail(ctx, err)
	}
	defer func() { made.close() }()
	if w.before != nil {
		isNew, err := w.isNews(ctx, made)
		if err != nil {
			return w.fail(ctx, err)
		}
		if !isNew && w.edition.SHA256 == "" { // what was begun is finished
			return w.keep(ctx, made)
		}
		if made.program != w.program { // a new edition is this program's
			made.close()
			if made, err = w.make(ctx, w.program); err == nil {
				_, err = w.isNews(ctx, made)
			}
			if err != nil {
				return w.fail(ctx, err)
			}
		}
	}
	return w.deliver(ctx, made)
}

// programFor returns the program to be named in the edition: where it may turn
// out to be one that was made before, the one that made it.
func (w *editing) programFor() string {
	switch {
	case w.edition.Program != "":
		return w.edition.Program
	case w.before != nil:
		return w.before.Program
	default:
		return w.program
	}
}

// isNews holds the edition against the revision before. It has news if a cell, a
// byte or its being final has changed. Its diff is made where both are of one
// definition.
func (w *editing) isNews(ctx context.Context, made *madeEdition) (bool, error) {
	if w.before.Definition != w.edition.Definition {
		return true, nil
	}
	if err := w.compare(ctx, made, w.before); err != nil {
		return false, err
	}
	return made.diff.rows > 0 || made.data.SumHex() != w.before.SHA256 || made.isFinal != w.before.IsFinal, nil
}

// compare makes the diff to an earlier revision.
func (w *editing) compare(ctx context.Context, made *madeEdition, before *store.Edition) error {
	draft, err := made.newDraft()
	if err != nil {
		return err
	}
	old := export.Table{
		Open:    func() (io.Reader, error) { return unpack(w.store.ExportCopy(ctx, before)) },
		Dialect: made.table.Dialect, Columns: made.table.Columns,
	}
	diff := export.Diff{Old: old, New: made.table, IsByTeam: w.config.grouping.ByTeam, Cause: w.causeOf}
	made.diff.draft = draft
	if made.diff.rows, err = diff.Write(draft); err != nil {
		return fmt.Errorf("compare with revision %d: %w", before.Revision, err)
	}
	made.diff.columns, err = diff.Columns()
	return err
}

// causeOf says why a cell has changed: names and teams follow the roster.
func (w *editing) causeOf(column string) string {
	if w.edition.Reason != reasonFinal && (column == "agent_name" || column == "team") {
		return reasonRoster
	}
	return w.edition.Reason
}

// wait enters that the edition waits, if it is not one that only might come to
// be.
func (w *editing) wait(ctx context.Context, why *notFinalError) (editionDone, error) {
	done := editionDone{Edition: w.edition, did: didWait, err: nil}
	if w.before != nil && w.edition.Revision > w.before.Revision && w.edition.AttemptedAt.IsZero() {
		done.Edition = *w.before
		return done, nil
	}
	if w.edition.Horizon.Equal(why.horizon) && w.edition.Status == store.Waiting {
		return done, nil
	}
	w.edition.Status, w.edition.Horizon = store.Waiting, why.horizon
	done.Edition = w.edition
	return done, w.store.PutExport(ctx, &w.edition)
}

// keep enters that the revision before still holds, and delivers its files again
// where that is asked for.
func (w *editing) keep(ctx context.Context, made *madeEdition) (editionDone, error) {
	if err := w.store.DropExport(ctx, &w.edition); err != nil { // it may have failed before
		return editionDone{}, err
	}
	w.edition = *w.before
	did := didKeep
	if w.ask.isAgain {
		outcome, failed := w.deliverAgain(ctx, made)
		switch {
		case failed != nil:
			did = didFail
		case len(outcome.Put) > 0:
			did = didDeliver
		default:
			did = didFind
		}
		if err := w.audit(ctx, did, failed); err != nil || failed != nil {
			return editionDone{w.edition, did, failed}, err
		}
	}
	if w.edition.Basis.DerivationID != made.basis.DerivationID || w.edition.Basis.RosterSum != made.basis.RosterSum {
		w.edition.Basis = made.basis
		if err := w.store.PutExport(ctx, &w.edition); err != nil {
			return editionDone{}, err
		}
	}
	return editionDone{Edition: w.edition, did: did}, nil
}

// deliverAgain delivers the files of a delivered edition, with the very manifest
// it had.
func (w *editing) deliverAgain(ctx context.Context, made *madeEdition) (export.Outcome, error) {
	made.diff = madeDiff{}
	if older := w.older; older != nil && older.Definition == w.edition.Definition {
		if err := w.compare(ctx, made, older); err != nil {
			return export.Outcome{}, err
		}
	}
	files, err := w.files(made, w.older)
	if err != nil {
		return export.Outcome{}, err
	}
	return w.put(ctx, files)
}

// window is the edition's period with its calendar.
func (w *editing) window() reports.Window {
	return reports.Window{Span: w.edition.Span, Zone: w.config.calendar.Zone, DayStart: w.config.calendar.DayStart}
}

// put delivers files to the export's destination.
func (w *editing) put(ctx context.Context, files []export.File) (export.Outcome, error) {
	to, err := w.config.to.open()
	if err != nil {
		return export.Outcome{}, fmt.Errorf("deliver to %s: %w", w.config.to.text, err)
	}
	return export.Courier{Clock: w.clock, Log: w.log}.Deliver(ctx, to, files)
}
