package main

import (
	"context"

	"talktime/reports"
	"talktime/sql/store"
)

// withReportSource hands use one snapshot of the stored quarter-hours.
func (a *app) withReportSource(ctx context.Context, c *config, use func(reports.Source) error) error {
	return a.withSnapshot(ctx, c, func(s *store.Snapshot) error { return use(s) })
}

// withSnapshot hands use one snapshot of the database.
func (a *app) withSnapshot(ctx context.Context, c *config, use func(*store.Snapshot) error) error {
	return a.withStore(ctx, c, func(s *store.Store) error {
		snapshot, err := s.Snapshot(ctx)
		if err != nil {
			return err
		}
		defer snapshot.Close(ctx)
		return use(snapshot)
	})
}
