package store

import (
	"context"
	"fmt"
	"time"

	"talktime/sql/store/internal/db"
)

// Condition is what the database knows of how the recording goes.
type Condition struct {
	DerivedTo  time.Time            // the furthest horizon derived to; zero where nothing was derived yet
	DirtyMarks int64                // marks that wait for a derive, or for the horizon to pass them
	JobSuccess map[string]time.Time // when each job's last run that went well ended; without those that never did
	// PartitionsUntil is, for each partitioned table, the first instant from now
	// on for which it has no partition: now itself where it takes no row now.
	PartitionsUntil map[string]time.Time
	// PartitionsAhead is how many follow the one that takes rows now.
	PartitionsAhead map[string]int
	Exports         []ExportHealth
}

// Condition looks at the database as of now, in a few milliseconds where it
// answers. jobs are those whose last success is wanted.
func (s *Store) Condition(ctx context.Context, now time.Time, jobs []string) (Condition, error) {
	c := Condition{JobSuccess: map[string]time.Time{}, PartitionsUntil: map[string]time.Time{}, PartitionsAhead: map[string]int{}}
	last, err := s.lastDerivation(ctx)
	if err != nil {
		return Condition{}, err
	}
	c.DerivedTo = last.HorizonAt
	q := db.New(s.pool)
	if c.DirtyMarks, err = q.CountDirtyMarks(ctx); err != nil {
		return Condition{}, fmt.Errorf("count the dirty marks: %w", plain(err))
	}
	runs, err := q.LastJobSuccesses(ctx, jobs)
	if err != nil {
		return Condition{}, fmt.Errorf("read the last runs of jobs: %w", plain(err))
	}
	for _, run := range runs {
		c.JobSuccess[run.Job] = run.FinishedAt.UTC()
	}
	tables, err := partitionsAhead(ctx, q, now)
	if err != nil {
		return Condition{}, err
	}
	for _, table := range tables {
		c.PartitionsUntil[table.Table], c.PartitionsAhead[table.Table] = table.Until, table.Partitions
	}
	if c.Exports, err = s.ExportHealth(ctx); err != nil {
		return Condition{}, err
	}
	return c, nil
}
