package main

import (
	"context"

	"talktime/reports"
	"talktime/sql/store"
)

// withReportSource hands use one snapshot of the stored quarter-hours.
func (a *app) withReportSource(ctx context.Context, c *config, use func(reports.Source) error) error {
	return a.withStore(ctx, c, func(s *store.Store) error {
		_, err := readSnapshot(ctx, s, func(snapshot *store.Snapshot) (int64, error) { return 0, use(snapshot) })
		return err
	})
}
