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
	for ; from.Before(to); from = from.Add(QuarterHour) {
		if _, err := db.New(s.pool).MakeRuns(ctx, db.MakeRunsParams{FromAt: from, ToAt: from.Add(QuarterHour)}); err != nil {
			return err
		}
	}
	return nil
}

// HoldRuns tells whether the runs of a quarter-hour hold its samples and no others.
func (s *Store) HoldRuns(ctx context.Context, from time.Time) (bool, error) {
	compared, err := db.New(s.pool).CompareRuns(ctx, db.CompareRunsParams{FromAt: from, ToAt: from.Add(QuarterHour)})
	return compared.IsSame, err
}
