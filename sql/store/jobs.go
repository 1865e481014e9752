package store

import (
	"context"
	"fmt"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// JobRan writes a job's run into the ledger.
func (s *Store) JobRan(ctx context.Context, run ingest.JobRun) error {
	row := db.PutJobRunParams{Job: run.Name, DueAt: run.DueAt, StartedAt: run.StartedAt, FinishedAt: run.FinishedAt}
	if run.Err != nil {
		text := run.Err.Error()
		row.Error = &text
	}
	if err := db.New(s.pool).PutJobRun(ctx, row); err != nil {
		return fmt.Errorf("write the run of job %s: %w", run.Name, plain(err))
	}
	return nil
}
