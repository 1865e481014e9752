package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

// How long a recorder's beats may stay away before another takes over: the
// shortest period of its schedules, within these bounds.
const (
	shortestTTL = time.Second
	longestTTL  = 10 * time.Second
)

// beatsPerTTL is how often in that time the holder beats, and a standby looks.
const beatsPerTTL = 4

// leaseTTL returns how long the beats of a recorder of these schedules may stay
// away.
func leaseTTL(schedules []ingest.Schedule, now time.Time) time.Duration {
	ttl := longestTTL
	for _, s := range schedules {
		ttl = min(ttl, shortestPeriod(s, now))
	}
	return max(ttl, shortestTTL)
}

// holderName names this process for others to find.
func holderName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

// patience tells when a reign is to be ended: it left, or its beats stayed away in
// as many looks in a row as span its TTL. A look that is not answered begins the
// count anew: a holder that could not beat meanwhile gets its whole time again.
type patience struct {
	seen  store.Reign
	still int // looks since seen that found nothing moved
}

// isOver notes a look that was answered.
func (p *patience) isOver(now store.Reign) bool {
	if now.IsOver {
		return true
	}
	if p.seen.Epoch == 0 || now.HasMoved(p.seen) {
		*p = patience{seen: now}
		return false
	}
	p.still++
	return p.still >= beatsPerTTL
}

// A standby waits for the lease. Its time is the machine's, even beside a clock
// that is played: it is about processes, not samples.
type standby struct {
	recording
	patience patience
	isTold   bool // that it waits
	isBlind  bool // the last look was not answered
}

// awaitLease takes the lease, as a standby for as long as another recorder holds
// it, or returns ctx's error where that ends first.
func (r recording) awaitLease(ctx context.Context) (*store.Lease, error) {
	s := standby{recording: r}
	for {
		lease, err := s.look(ctx)
		s.board.Moved()
		if lease != nil || err != nil {
			return lease, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(s.patience.seen.TTL / beatsPerTTL):
		}
	}
}

// look looks at the lease once, and takes it where that is time. It returns
// neither lease nor error where it is to look again.
func (s *standby) look(ctx context.Context) (*store.Lease, error) {
	seen, err := s.see(ctx)
	if err != nil {
		return nil, s.tellBlind(ctx, err)
	}
	if s.isBlind {
		s.isBlind = false
		s.log.Info("standby: the lease can be looked at again")
	}
	if !s.patience.isOver(seen) && !s.marks.isDead(seen.Epoch, seen.From()) {
		if !s.isTold {
			s.isTold = true
			s.log.Info("waiting as standby: another recorder holds the lease", "holder", seen.Holder, "epoch", seen.Epoch)
			if s.onStandby != nil {
				s.onStandby(seen)
			}
		}
		return nil, nil //nolint:nilnil // to look again
	}
	return s.take(ctx, seen)
}

// see looks, no longer than half the time in which a holder must beat: a slow
// answer says little about its beats.
func (s *standby) see(ctx context.Context) (store.Reign, error) {
	if s.isTold {
		limited, cancel := context.WithTimeout(ctx, s.patience.seen.TTL/2)
		defer cancel()
		ctx = limited
	}
	return s.store.LookAtLease(ctx)
}

// tellBlind deals with a look that failed: fatal where it was the first one.
func (s *standby) tellBlind(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !s.isTold {
		return err
	}
	if !s.isBlind {
		s.isBlind = true
		s.log.Warn("standby: the lease cannot be looked at", "error", err)
	}
	s.patience.still = 0
	return nil
}

// take ends the reign that was seen and takes the lease.
func (s *standby) take(ctx context.Context, seen store.Reign) (*store.Lease, error) {
	// Whoever reigned until now may have brought a newer schema along.
	if err := s.store.CheckSchema(ctx); errors.Is(err, store.ErrSchemaNewer) {
		return nil, schemaError(err)
	}
	now := s.clock.Now()
	lease, err := s.store.TakeLease(ctx, store.Claim{Seen: seen, Holder: holderName(), TTL: leaseTTL(s.orders.now().schedules, now), Now: now})
	if errors.Is(err, store.ErrLeaseHeld) {
		s.patience = patience{seen: seen}
		return nil, nil //nolint:nilnil // somebody was faster
	}
	if err != nil {
		return nil, s.tellBlind(ctx, err)
	}
	isDead := !seen.IsOver && s.marks.isDead(seen.Epoch, seen.From())
	if s.isTold || isDead {
		why := "its beats stayed away for " + seen.TTL.String()
		switch {
		case seen.IsOver:
			why = "it left"
		case isDead:
			why = "its process has ended"
		}
		s.log.Info("taking over from the other recorder: "+why, "holder", seen.Holder, "epoch", lease.Epoch(), "from", lease.From())
	}
	return lease, nil
}
