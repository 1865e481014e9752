package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

// A reign is the time in which this program holds the lease: it beats until it
// leaves or is superseded.
type reign struct {
	lease *store.Lease
	log   *slog.Logger

	stopBeating context.CancelFunc
	beating     sync.WaitGroup
	leaving     sync.WaitGroup
	leaveOnce   sync.Once
}

// beginReign beats for the lease, on a connection of its own, until the reign is
// left. depose is called where another recorder has taken over.
func beginReign(ctx context.Context, lease *store.Lease, log *slog.Logger, depose func(error)) *reign {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &reign{lease: lease, log: log, stopBeating: stop}
	r.beating.Go(func() {
		if err := r.beat(ctx); err != nil {
			depose(err)
		}
	})
	return r
}

// beat beats until ctx ends, or returns that the reign is superseded. A database
// that is away ends nothing: nobody else can take over there.
func (r *reign) beat(ctx context.Context) error {
	pace := time.NewTicker(r.lease.TTL() / beatsPerTTL)
	defer pace.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-pace.C:
		}
		err := r.lease.Beat(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ingest.ErrSuperseded):
			return err
		case err != nil && !failing:
			r.log.Warn("the lease's beats do not get through; recording goes on", "error", err)
		case err == nil && failing:
			r.log.Info("the lease's beats get through again")
		}
		failing = err != nil
	}
}

// leave ends the reign at an instant, at once and without waiting for it. Only
// the first call counts.
func (r *reign) leave(ctx context.Context, until time.Time) {
	r.leaveOnce.Do(func() {
		r.leaving.Go(func() {
			r.stopBeating()
			r.beating.Wait()
			ctx := context.WithoutCancel(ctx)
			if err := r.lease.Release(ctx, until); err != nil {
				r.log.Warn("the lease is not released; another recorder takes over when it misses the beats", "error", err)
			}
			r.lease.Close(ctx)
		})
	})
}

// end leaves, where that was not done yet, and waits for it. Nothing is begun in
// a reign that nobody left before.
func (r *reign) end(ctx context.Context) {
	r.leave(ctx, r.lease.From())
	r.leaving.Wait()
}
