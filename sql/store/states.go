package store

import (
	"context"
	"fmt"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// Meaning is what a pair that the gateway tells counts as.
type Meaning struct {
	Status  ingest.Status
	Measure string // a measure's stored word, such as "talk"
	Label   string // the pair in words
}

// Meanings returns what each of the given pairs counts as, in the order of the
// measures (metrics.md §2).
func (s *Store) Meanings(ctx context.Context, pairs []ingest.Status) ([]Meaning, error) {
	var params db.MeasuresOfParams
	for _, pair := range pairs {
		params.AgentStates = append(params.AgentStates, pair.AgentState)
		params.AreWorking = append(params.AreWorking, pair.IsWorking)
	}
	rows, err := db.New(s.pool).MeasuresOf(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("read what states count as: %w", plain(err))
	}
	meanings := make([]Meaning, len(rows))
	for i, row := range rows {
		meanings[i] = Meaning{ingest.Status{AgentState: row.AgentState, IsWorking: row.IsWorking}, row.Measure, row.Label}
	}
	return meanings, nil
}
