package main

import (
	"context"
	"errors"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

// How a recorder waits for its database.
const (
	awayPause     = time.Second
	awayToldEvery = time.Minute
)

// outwait does what needs the database again and again while that is away.
// Every other error, and ctx's, ends it.
func (a *app) outwait(ctx context.Context, do func() error) error {
	var told time.Time
	for {
		err := do()
		if !errors.Is(err, store.ErrAway) {
			return err
		}
		if now := time.Now(); now.Sub(told) >= awayToldEvery && ctx.Err() == nil {
			told = now
			a.log.Warn("waiting for the database", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(awayPause):
		}
	}
}

// awaitDatabase opens the store, once the database can be reached.
func (a *app) awaitDatabase(ctx context.Context, url ingest.Secret) (s *store.Store, err error) {
	err = a.outwait(ctx, func() error {
		s, err = store.Open(ctx, url)
		return err
	})
	return s, err
}
