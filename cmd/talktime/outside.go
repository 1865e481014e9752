package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"talktime/cmd/talktime/internal/operations"
	"talktime/cmd/talktime/internal/systemd"
	"talktime/ingest"
	"talktime/ingest/spool"
	"talktime/sql/store"
)

// outside is what a recorder shows of itself while it runs: its board, over HTTP
// where listen.operations says so, and to systemd where that has started it.
type outside struct {
	board   *operations.Board
	systemd systemd.Notifier
	log     *slog.Logger
	orders  *orders
	steps   *ingest.Steps
	polls   *ingest.Accounts
	server  *operations.Server
	about   atomic.Pointer[string] // what the recorder does; nil until it is ready
	running context.Context        //nolint:containedctx // ends with close
	stop    context.CancelFunc
	follow  func() // begins to ask the database, the first time
	beside  sync.WaitGroup
}

// operate begins to show a recorder that is starting. Close it when the
// recorder has left.
func (a *app) operate(c *config, poller *polling, orders *orders, kept *spool.Spool) (*outside, error) {
	o := &outside{
		board:   operations.NewBoard(a.clock, programBuild()),
		systemd: systemd.New(a.getenv, os.Getpid()),
		log:     a.log,
		orders:  orders,
		steps:   new(ingest.Steps),
		polls:   new(ingest.Accounts),
	}
	o.board.Watch(operations.Recorder{
		Schedules: o.schedules, GUIDs: poller.GUIDs, Gateway: poller.Counts, Steps: o.steps.Counts,
		Polls: o.polls.Polls, Spool: kept.Size, SpoolLimit: c.spool.maxBytes,
	})
	o.board.Enter(operations.Starting, "opening the database; while it cannot be reached the log says why, once a minute")
	if c.operations != "" {
		server, err := o.board.Serve(c.operations, a.log)
		if err != nil {
			return nil, err
		}
		o.server = server
		a.log.Info("operations are served", "url", "http://"+server.Addr()+"/")
		if at, err := netip.ParseAddrPort(server.Addr()); err == nil && !at.Addr().IsLoopback() {
			a.log.Warn("operations are open to the network, without a password: see that only those who may can reach them")
		}
	}
	o.running, o.stop = context.WithCancel(context.Background())
	if every := o.systemd.WatchdogInterval(); every > 0 {
		o.beside.Go(func() { o.board.Watchdog(o.running, every, func() { o.tell(o.systemd.Alive()) }) })
	}
	o.tell(o.systemd.Status("opening the database"))
	return o, nil
}

// opened names the store to ask once its schema is known to be the program's.
func (o *outside) opened(s *store.Store) {
	o.board.Enter(operations.Starting, "taking the lease")
	o.follow = sync.OnceFunc(func() { o.beside.Go(func() { o.board.Follow(o.running, s) }) })
}

// standby shows that another recorder records, and this one would take over.
func (o *outside) standby(reign store.Reign) {
	o.show(operations.Standby, fmt.Sprintf("standby: %s records, in epoch %d", reign.Holder, reign.Epoch))
}

// recording shows that rounds begin.
func (o *outside) recording() { o.show(operations.Recording, "recording") }

func (o *outside) show(phase operations.Phase, about string) {
	o.follow()
	o.board.Enter(phase, about)
	o.about.Store(&about)
	o.tellReady()
}

// reloading shows that the configuration is read again.
func (o *outside) reloading() {
	if o.about.Load() != nil {
		o.tell(o.systemd.Reloading())
	}
}

// reloaded shows that it was.
func (o *outside) reloaded() {
	if o.about.Load() != nil {
		o.tellReady()
	}
}

func (o *outside) tellReady() {
	o.tell(o.systemd.Ready(*o.about.Load() + "; schedules " + strings.Join(names(o.schedules()), ", ")))
}

func (o *outside) schedules() []ingest.Schedule { return o.orders.now().schedules }

// leaving shows that the recorder was told to stop.
func (o *outside) leaving() {
	o.board.Enter(operations.Leaving, "the recorder was told to stop; what is in flight is stored")
	o.tell(o.systemd.Stopping())
}

// close shows nothing any more.
func (o *outside) close() error {
	o.stop()
	o.beside.Wait()
	if o.server == nil {
		return nil
	}
	return o.server.Close()
}

// tell logs what systemd could not be told: recording does not depend on it.
func (o *outside) tell(err error) {
	if err != nil {
		o.log.Warn("systemd is not told how the recorder is", "error", err)
	}
}

func names(schedules []ingest.Schedule) []string {
	names := make([]string, len(schedules))
	for i, s := range schedules {
		names[i] = s.Name()
	}
	return names
}
