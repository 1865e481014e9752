package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"talktime/cmd/talktime/internal/operations"
	"talktime/ingest"
	"talktime/ingest/spool"
	"talktime/sql/store"
)

// recording is a recorder beside its configuration: what talktime record runs
// on the machine's clock and talktime demo on one that is played. The store's
// schema is the program's own.
type recording struct {
	store     *store.Store
	poller    ingest.Poller
	clock     ingest.Clock
	orders    *orders
	spool     *spool.Spool // nil: rounds wait in memory
	marks     reignMarks
	accounts  *ingest.Accounts // may be nil
	log       *slog.Logger
	onStandby func(store.Reign) // called when it waits for another recorder to leave; may be nil
	onBegin   func()            // called before the first round; may be nil
	onRound   func(ingest.Tick) // see ingest.Recording; may be nil
	tally     *tally            // told of rounds too; may be nil
	board     *operations.Board // told of everything
	steps     *ingest.Steps     // see ingest.Recording; may be nil
	exports   *exporting        // delivers exports; may be nil
	until     time.Time         // see ingest.Recording; zero means never
}

// lastDeriveLimit is how long deriving once more may delay leaving. What it
// does not get to stays marked for the next recorder.
const lastDeriveLimit = 5 * time.Second

// run takes the lease, as a standby where another recorder holds it, and records
// until ctx ends or until comes: rounds, and beside them the jobs that derive,
// maintain and lay out calendars. Ticks that nobody took since the last recorder
// are stored as missed first. It leaves after deriving once more, with what
// ingest.Recording says could not be stored. Where another recorder takes over, the
// error wraps ingest.ErrSuperseded and run can be called again.
func (r recording) run(ctx context.Context) error {
	jobs, err := r.jobs()
	if err != nil {
		return err
	}
	r.board.Expect(jobs)
	stopReplay := r.replay(ctx)
	lease, err := r.awaitLease(ctx)
	stopReplay()
	if err != nil {
		return err
	}
	defer r.marks.keep(lease.Epoch(), lease.From(), r.log)()
	r.board.Reigns(lease.Epoch(), true)
	defer r.board.Reigns(lease.Epoch(), false)
	defer tellLeaving(ctx, r.log)()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	reign := beginReign(ctx, lease, r.log, stop)
	defer reign.end(ctx)
	err = r.reign(ctx, reign, jobs)
	if superseded := context.Cause(ctx); errors.Is(superseded, ingest.ErrSuperseded) {
		return errors.Join(superseded, err)
	}
	return err
}

// replay stores what is in the spool while another recorder holds the lease: the
// rounds of this one's own reign. stop ends that.
func (r recording) replay(ctx context.Context) (stop func()) {
	if r.spool == nil || r.spool.Size().Entries == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var replaying sync.WaitGroup
	replaying.Go(func() {
		ingest.Recording{Recorder: r.store, Spool: r.spool, Accounts: r.accounts, Clock: r.clock, Log: r.log, OnRound: r.told}.Replay(ctx)
	})
	return func() {
		cancel()
		replaying.Wait()
	}
}

// reign records for as long as the lease is held.
func (r recording) reign(ctx context.Context, reign *reign, jobs []ingest.Job) error {
	if r.spool != nil {
		if err := r.spool.TakeUp(); err != nil {
			return err
		}
	}
	// What is needed now must be there; for what is not yet, another role may care.
	now := r.clock.Now()
	if _, err := r.store.MakePartitions(ctx, now, now); err != nil {
		return err
	}
	ahead := maintaining{store: r.store, now: now, did: func(deed) {}}
	if err := ahead.makePartitions(ctx, nil); err != nil {
		r.log.Warn("partitions are not made ahead: see `talktime doctor`; recording goes on", "error", err)
	}

	// A clock that is played must not run for the jobs alone.
	release := sync.OnceFunc(join(r.clock))
	defer release()
	begun := sync.OnceFunc(func() {
		if r.onBegin != nil {
			r.onBegin()
		}
		release()
	})
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	holding, stopJobs := context.WithCancel(beside)
	defer stopJobs()
	var running sync.WaitGroup
	clock := r.clock
	if !r.until.IsZero() {
		clock = untilClock{r.clock, r.until}
	}
	running.Go(func() { ingest.RunJobs(holding, clock, jobs, r.board.Ledger(r.store), r.log) })
	running.Go(func() { r.layOutNow(holding) })
	if r.tally != nil {
		running.Go(func() { r.tally.run(beside, clock) })
	}

	told, epoch := r.orders.now(), reign.lease.Epoch()
	recording := ingest.Recording{
		Schedules: told.schedules, Clock: r.board.Clock(r.clock), Poller: r.poller,
		Recorder:    &recorder{Store: r.store, board: r.board, epoch: epoch},
		Concurrency: told.concurrency, Log: r.log, Epoch: epoch, From: reign.lease.From(), Until: r.until,
		OnBegin: begun, OnRound: r.told, OnFinished: r.board.Finished, OnMissed: r.board.Missed,
		Steps: r.steps, Changes: r.orders.changes, Accounts: r.accounts,
		OnLeave: func(from time.Time) {
			stopJobs() // they are the next holder's
			reign.leave(ctx, from)
		},
	}
	if r.spool != nil {
		recording.Spool = r.spool
	}
	err := recording.Run(ctx)
	release()
	defer join(r.clock)() // the jobs, as they end, are not to move it either
	stop()
	running.Wait()
	if !errors.Is(context.Cause(ctx), ingest.ErrSuperseded) {
		r.deriveLast(ctx)
	}
	return err
}

// tellLeaving says when ctx ends what there is to wait for. done ends that.
func tellLeaving(ctx context.Context, log *slog.Logger) (done func()) {
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		log.Info("leaving after the round in flight; another signal ends at once")
		close(told)
	})
	return func() {
		if !stop() {
			<-told
		}
	}
}

// told tells of a round that is stored.
func (r recording) told(tick ingest.Tick) {
	r.board.Stored(tick)
	if r.onRound != nil {
		r.onRound(tick)
	}
	if r.tally != nil {
		r.tally.add(tick)
	}
}

// jobs are what a recorder does beside its rounds.
func (r recording) jobs() ([]ingest.Job, error) {
	hourly, err := ingest.NewJobTimes("0 8 * * * *", "UTC") // a reload may name other zones
	if err != nil {
		return nil, err
	}
	jobs := []ingest.Job{
		{Name: "derive", Times: r.orders.now().derive.times, Run: func(ctx context.Context, _ time.Time) error { return r.deriveNow(ctx) }},
		// What takes long, long lasts: it is gone on with, not begun anew.
		{Name: "maintain", Times: r.orders.now().maintain.times, RunsOn: true, Run: func(ctx context.Context, _ time.Time) error { return r.maintain(ctx) }},
		{Name: "calendars", Times: hourly, Run: r.layOutCalendars},
	}
	if r.exports == nil {
		return jobs, nil
	}
	// Behind the derivation of the same minute, most of the time. What is owed is
	// in the ledger: it does not matter which minutes are passed over.
	eachMinute, err := ingest.NewJobTimes("20 * * * * *", "UTC")
	if err != nil {
		return nil, err
	}
	return append(jobs, ingest.Job{Name: "exports", Times: eachMinute, RunsOn: true, Run: func(ctx context.Context, _ time.Time) error {
		return r.exports.turns(ctx, r.orders.now().exports)
	}}), nil
}

// maintain keeps the tables in shape. Where the role does not own them that is the
// owner's affair, and doctor and the alerts tell how it stands.
func (r recording) maintain(ctx context.Context) error {
	orders := r.orders.now()
	err := maintaining{
		store: r.store, now: r.clock.Now(), maintainConfig: orders.maintain, settle: orders.derive.settle, calendars: orders.derive.calendars,
		did: func(d deed) { d.log(r.log) },
	}.run(ctx)
	if errors.Is(err, store.ErrNotOwner) || errors.Is(err, store.ErrMaintained) {
		r.log.Debug("nothing maintained", "error", err)
		return nil
	}
	return err
}

// layOutCalendars keeps the calendars of bi_v1 ahead of the clock. Only recorders
// do: another program's configuration may name other zones.
func (r recording) layOutCalendars(ctx context.Context, now time.Time) error {
	return r.store.LayOutCalendars(ctx, now, programVersion(), r.orders.now().derive.calendars)
}

// layOutNow lays out calendars for a database that has none yet, beside the first
// rounds: they do not wait for it.
func (r recording) layOutNow(ctx context.Context) {
	if err := r.layOutCalendars(ctx, r.clock.Now()); err != nil && ctx.Err() == nil {
		r.log.Warn("bi_v1 lacks local dates until the job calendars runs", "error", err)
	}
}

// deriveNow derives what can be derived by now.
func (r recording) deriveNow(ctx context.Context) error {
	d, err := settle(ctx, r.store, r.clock.Now(), r.orders.now().derive)
	if err != nil {
		return err
	}
	r.board.Settled(d.Horizon)
	if _, err := r.store.DeriveDirty(ctx, d); err != nil {
		return err
	}
	r.board.Derived(d.Horizon)
	return nil
}

// deriveLast derives once more before leaving, whether ctx has ended or not. A
// database that does not even take rounds is not asked for more.
func (r recording) deriveLast(ctx context.Context) {
	if r.spool != nil && r.spool.Size().Entries > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastDeriveLimit)
	defer cancel()
	if err := r.deriveNow(ctx); err != nil {
		r.log.Warn("not everything is derived yet; the next derive does it", "error", err)
	}
}

// recorder is the store as a recorder uses it.
type recorder struct {
	*store.Store
	board    *operations.Board
	epoch    int64
	caughtUp bool
}

// Declare also stores as missed, the first time in its own reign, what was due
// before and not taken: the rounds begin at that very instant, so that none is
// left out in between.
func (r *recorder) Declare(ctx context.Context, d ingest.Declaration) error {
	if d.Epoch == r.epoch && !r.caughtUp {
		settled, err := r.CatchUp(ctx, d.At)
		if err != nil {
			return err
		}
		r.board.FoundMissed(settled.Missed)
		r.caughtUp = true
	}
	return r.Store.Declare(ctx, d)
}

// untilClock is a clock on which nothing happens after an instant: a clock that
// is played would otherwise run on, for the jobs alone, while the recording
// they belong to has ended.
type untilClock struct {
	ingest.Clock
	until time.Time
}

var errClockEnds = errors.New("the clock ends before")

func (c untilClock) SleepUntil(ctx context.Context, t time.Time) error {
	if t.After(c.until) {
		return errClockEnds
	}
	return c.Clock.SleepUntil(ctx, t)
}

// Join joins a clock that is played.
func (c untilClock) Join() (leave func()) { return join(c.Clock) }

// join joins a clock that is played, whose time stands still meanwhile; see
// ingest.SimClock. Others take no notice.
func join(clock ingest.Clock) (leave func()) {
	if played, ok := clock.(interface{ Join() (leave func()) }); ok {
		return played.Join()
	}
	return func() {}
}
