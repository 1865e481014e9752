package store

import (
	"context"
	"fmt"
	"time"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// fence lets ticks of an epoch pass that were due from first to last, if it
// reigned then. It is asked in the transaction that stores them.
func fence(ctx context.Context, q *db.Queries, epoch int64, first, last time.Time) error {
	did, err := q.Reigned(ctx, db.ReignedParams{Epoch: epoch, FirstAt: first, LastAt: last})
	if err == nil && !did {
		err = fmt.Errorf("epoch %d: %w", epoch, ingest.ErrSuperseded)
	}
	return err
}

// fenceMissed is the fence for missed ticks, which may be of several epochs.
func fenceMissed(ctx context.Context, q *db.Queries, ticks []ingest.Tick) error {
	type span struct{ first, last time.Time }
	spans := map[int64]span{}
	for _, t := range ticks {
		s, known := spans[t.Epoch]
		if !known {
			s = span{t.DueAt, t.DueAt}
		}
		spans[t.Epoch] = span{earlier(s.first, t.DueAt), later(s.last, t.DueAt)}
	}
	for epoch, s := range spans {
		if err := fence(ctx, q, epoch, s.first, s.last); err != nil {
			return err
		}
	}
	return nil
}

// fenceDeclaration is the fence for a declaration. One that comes late, when
// another recorder has begun to reign, is out of force and would put its own out.
func fenceDeclaration(ctx context.Context, q *db.Queries, d ingest.Declaration) error {
	if err := fence(ctx, q, d.Epoch, d.At, d.At); err != nil || d.Epoch == 0 {
		return err
	}
	has, err := q.HasSuccessor(ctx, d.Epoch)
	if err == nil && has {
		err = fmt.Errorf("epoch %d: %w", d.Epoch, ingest.ErrSuperseded)
	}
	return err
}
