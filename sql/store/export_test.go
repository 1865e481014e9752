package store

import (
	"context"
	"time"

	"talktime/sql/store/internal/db"
)

// For tests: what goes over the border as bytes and text.
var (
	EncodeCopy   = encodeCopy
	MultirangeOf = multirangeOf
	AgentsOf     = agentsOf
)

// MakeRuns makes the runs of whole quarter-hours, whatever their days are.
func (s *Store) MakeRuns(ctx context.Context, from, to time.Time) error {
	_, err := db.New(s.pool).MakeRuns(ctx, db.MakeRunsParams{FromAt: from, ToAt: to})
	return err
}
