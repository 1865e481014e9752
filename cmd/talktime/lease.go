package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"talktime/sql/store"
)

// leasePause is how long a recorder waits before it tries again to get a lost
// lease back.
const leasePause = time.Second

// keepLease takes the recorder's lease and holds on to it: where its connection
// dies, as it does when Postgres restarts, it is taken again and recording goes
// on meanwhile. giveUp ends that.
func keepLease(ctx context.Context, s *store.Store, log *slog.Logger) (giveUp func() error, err error) {
	lease, err := s.TakeLease(ctx)
	if errors.Is(err, store.ErrLeaseHeld) {
		return nil, fmt.Errorf("%w: stop that recorder first, or record into a database of its own", err)
	}
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			lost := lease.Lost(ctx)
			if ctx.Err() != nil {
				return
			}
			log.Error("the recorder's lease is lost with its connection; taking it again while recording goes on", "error", lost)
			_ = lease.Release(ctx) // its connection is gone
			again, err := retakeLease(ctx, s, log)
			if err != nil {
				return
			}
			lease = again
			log.Info("the recorder's lease is taken again")
		}
	})
	return func() error {
		stop()
		watching.Wait()
		return lease.Release(ctx)
	}, nil
}

// retakeLease tries until it has the lease or ctx ends.
func retakeLease(ctx context.Context, s *store.Store, log *slog.Logger) (*store.Lease, error) {
	told := ""
	for {
		lease, err := s.TakeLease(ctx)
		if err == nil || ctx.Err() != nil {
			return lease, err
		}
		if errors.Is(err, store.ErrLeaseHeld) {
			err = fmt.Errorf("%w: stop one of the two", err)
		}
		if told != err.Error() {
			told = err.Error()
			log.Warn("the recorder's lease is not taken again yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(leasePause):
		}
	}
}
