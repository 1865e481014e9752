package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"talktime/ingest"
	"talktime/reports"
	"talktime/reports/export"
	"talktime/sql/store"
)

// exporting delivers what exports owe. One goroutine uses it.
type exporting struct {
	store   *store.Store
	clock   ingest.Clock
	log     *slog.Logger
	program string
	environ []string          // of on_failure
	onDone  func(editionDone) // told of every edition worked on; may be nil
	rosters map[string]string // by export: the roster's sum when its periods were last held against it
}

// editionDone is what became of an edition.
type editionDone struct {
	store.Edition
	did didWhat
	err error // why it failed, or what is wrong with what was delivered
}

// didWhat is what a turn has done with an edition.
type didWhat int

const (
	didWait    didWhat = iota // its figures are not final
	didDeliver                // its files are there now
	didFind                   // its files were there, to the byte
	didKeep                   // its figures have not changed
	didFail
)

// String is the word for it in the audit log.
func (d didWhat) String() string {
	return [...]string{"waits", "delivered", "unchanged, all files there", "unchanged", "failed"}[d]
}

// asked is what is wanted of a turn. The zero value is what an export owes.
type asked struct {
	span        *reports.Span // nothing but this period
	isAgain     bool          // deliver what was delivered again
	provisional bool          // deliver what is not final, too
	byHand      bool          // try now what failed a moment ago
}

// by names who wants it, in the audit log.
func (ask asked) by() string {
	switch {
	case ask.isAgain:
		return "rerun"
	case ask.byHand:
		return "run"
	default:
		return "schedule"
	}
}

// newExporting returns what delivers the app's exports.
func (a *app) newExporting(s *store.Store) *exporting {
	return &exporting{
		store: s, clock: a.clock, log: a.log, program: programVersion(), environ: a.environ, rosters: make(map[string]string),
	}
}

// turns gives each export its turn. What fails in one does not keep the others
// from theirs.
func (x *exporting) turns(ctx context.Context, exports []*exportConfig) error {
	var failed []error
	for _, e := range exports {
		err := x.turn(ctx, e, asked{})
		if errors.Is(err, store.ErrExportLocked) {
			x.log.Debug("export left to another program", "export", e.name)
			continue
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("export %s: %w", e.name, err))
		}
	}
	return errors.Join(failed...)
}

// turn enters what the export owes into the ledger and works on it: periods in
// the order in which they were due, each once, and again where what was delivered
// has changed. Where a destination fails, the periods after it wait; where a
// report cannot be made, they do not.
func (x *exporting) turn(ctx context.Context, e *exportConfig, ask asked) error {
	unlock, err := x.store.LockExport(ctx, e.name)
	if err != nil {
		return err
	}
	defer unlock()
	ledger, err := x.enter(ctx, e, ask)
	if err != nil {
		return err
	}
	stale, roster, err := x.stale(ctx, e)
	if err != nil {
		return err
	}
	var failed []error
	for _, latest := range ledger.latest() {
		if ask.span != nil && latest.Span != *ask.span {
			continue
		}
		done, err := x.period(ctx, e, ledger, latest, stale[latest.Span], ask)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		if done.err != nil {
			failed = append(failed, fmt.Errorf("period %s: %w", periodText(done.Span, e.calendar), done.err))
		}
		if latest.Status != store.Delivered && (done.did == didWait || done.did == didFail && done.SHA256 != "") {
			break
		}
	}
	x.rosters[e.name] = roster
	return errors.Join(failed...)
}

// stale returns by period what may have changed since it was delivered, and the
// roster's sum.
func (x *exporting) stale(ctx context.Context, e *exportConfig) (map[reports.Span]*store.StaleExport, string, error) {
	roster, err := x.store.RosterSum(ctx)
	if err != nil {
		return nil, "", err
	}
	found, err := x.store.StaleExports(ctx, e.name, roster != x.rosters[e.name])
	stale := make(map[reports.Span]*store.StaleExport)
	for i := range found {
		stale[found[i].Span] = &found[i]
	}
	return stale, roster, err
}

// ledger is the editions of one export, in order.
type ledger []store.Edition

// latest returns the latest revision of each period, as they were due.
func (l ledger) latest() []store.Edition {
	last := make(map[reports.Span]store.Edition)
	for _, e := range l {
		last[e.Span] = e
	}
	var latest []store.Edition
	for _, e := range l {
		if e.Revision == 1 {
			latest = append(latest, last[e.Span])
		}
	}
	return latest
}

// deliveredBefore returns the latest delivered edition of a period before a
// revision, nil where there is none.
func (l ledger) deliveredBefore(span reports.Span, revision int) *store.Edition {
	var before *store.Edition
	for i := range l {
		if e := &l[i]; e.Span == span && e.Revision < revision && e.Status == store.Delivered {
			before = e
		}
	}
	return before
}

// enter reads the export's ledger and enters the periods that are due, or the one
// that is asked for.
func (x *exporting) enter(ctx context.Context, e *exportConfig, ask asked) (ledger, error) {
	editions, err := x.store.Exports(ctx, e.name)
	if err != nil {
		return nil, err
	}
	var last time.Time
	known := make(map[reports.Span]bool)
	for _, edition := range editions {
		known[edition.Span] = true
		if edition.Revision == 1 && edition.Reason != reasonByHand && edition.DueAt.After(last) {
			last = edition.DueAt
		}
	}
	now := x.clock.Now()
	var due []export.Due
	if ask.span == nil {
		due = export.Owed(e.times, e.at, last, now)
	} else {
		due = []export.Due{{At: now, Window: reports.Window{Span: *ask.span}}}
	}
	for _, d := range due {
		if known[d.Window.Span] {
			continue
		}
		edition := store.Edition{
			Name: e.name, Span: d.Window.Span, Revision: 1, TimeZone: e.calendar.Zone.String(), DueAt: d.At, Status: store.Waiting,
			Reason: reasonFirst, Definition: e.definition().text(), Destination: e.to.text, EnteredAt: now,
		}
		if ask.span != nil {
			edition.Reason = reasonByHand
		}
		if err := x.store.PutExport(ctx, &edition); err != nil {
			return nil, err
		}
		editions = append(editions, edition)
	}
	slices.SortStableFunc(editions, func(a, b store.Edition) int { return a.DueAt.Compare(b.DueAt) })
	return editions, nil
}

// The reasons for a revision.
const (
	reasonFirst      = "first"
	reasonByHand     = "by_hand"          // the first, of a period that was asked for
	reasonFinal      = "final"            // figures were still awaited before
	reasonLate       = "late_observation" // figures that were final have changed
	reasonRoster     = "roster"           // who held an agent id, by what name, in which team
	reasonDefinition = "definition"       // something else is exported than before
	reasonProgram    = "program"          // it is written in another way
)

// Failed attempts are repeated after a minute, two, four, ... an hour.
const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// retryAt returns when a failed edition is tried again.
func retryAt(e *store.Edition) time.Time {
	pause := firstRetry
	for range min(e.Attempts-1, 10) {
		pause = min(2*pause, lastRetry)
	}
	return e.AttemptedAt.Add(pause)
}

// periodText writes a period as people read it: a day by its date, other days by
// the first and the last, anything else by its instants.
func periodText(span reports.Span, c reports.Calendar) string {
	days := c.Days(span)
	if len(days) == 0 || !days[0].From.Equal(span.From) || !days[len(days)-1].To.Equal(span.To) {
		return span.From.Format(time.RFC3339) + ".." + span.To.Format(time.RFC3339)
	}
	if first, last := days[0].Date, days[len(days)-1].Date; first != last {
		return first + ".." + last
	}
	return days[0].Date
}
