package store

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// Segments yields the segments a timeline or the sessions of a window need, row
// by row as the server sends them. Where retention has dropped some the error is a
// *DroppedError.
func (s *Snapshot) Segments(ctx context.Context, q reports.SegmentQuery) iter.Seq2[reports.Segment, error] {
	return func(yield func(reports.Segment, error) bool) {
		if err := s.refuseDropped(ctx, "segments", quarterHours{{From: q.From, To: q.To}}); err != nil {
			yield(reports.Segment{}, err)
			return
		}
		// In the order of the statement's parameters: the generated methods would
		// gather all rows first.
		// Planned each time: for one agent and for all there is no plan in common.
		statement, args := db.SegmentsOfEpisodes, []any{pgx.QueryExecModeCacheDescribe, q.From, q.To, agentIDs(q.Agents)}
		if q.OfSessions {
			near := q.From.Add(-reports.SessionGap).Truncate(QuarterHour)
			statement = db.SegmentsOfSessions
			args = []any{pgx.QueryExecModeCacheDescribe, q.From, q.To, reports.SessionGap.Milliseconds(), near, agentIDs(q.Agents)}
		}
		ctx, giveUp := context.WithCancel(ctx)
		rows, err := s.tx.Query(ctx, statement, args...)
		if err != nil {
			giveUp()
			yield(reports.Segment{}, fmt.Errorf("read segments: %w", plain(err)))
			return
		}
		defer rows.Close()
		defer giveUp() // first: closing alone would read on to the last row
		for rows.Next() {
			var row db.SegmentsOfEpisodesRow
			if err := rows.Scan(&row.AgentID, &row.FromAt, &row.ToAt, &row.StartedAfter, &row.StartedBefore, &row.EndedAfter, &row.EndedBefore,
				&row.AgentState, &row.IsWorking, &row.Measure); err != nil {
				yield(reports.Segment{}, fmt.Errorf("read segments: %w", err))
				return
			}
			segment, err := segmentOf(&row)
			if !yield(segment, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(reports.Segment{}, fmt.Errorf("read segments: %w", plain(err)))
		}
	}
}

func segmentOf(row *db.SegmentsOfEpisodesRow) (reports.Segment, error) {
	measure, err := measureOf(row.Measure)
	return reports.Segment{
		Agent: ingest.AgentID(row.AgentID), From: row.FromAt.UTC(), To: row.ToAt.UTC(),
		Ends: reports.Ends{
			StartedAfter: instantOf(row.StartedAfter), StartedBefore: instantOf(row.StartedBefore),
			EndedAfter: instantOf(row.EndedAfter), EndedBefore: instantOf(row.EndedBefore),
		},
		Status: ingest.Status{AgentState: row.AgentState, IsWorking: row.IsWorking}, Measure: measure,
	}, err
}

// instantOf returns an instant of a column that may be empty, zero for none.
func instantOf(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.UTC()
}

// measureOf finds the measure a stored word stands for.
func measureOf(word string) (reports.Measure, error) {
	for m := range reports.Measure(reports.Measures) {
		if m.String() == word {
			return m, nil
		}
	}
	return 0, fmt.Errorf("read a measure: %q is none", word)
}

// agentIDs lists a set's agents as statements take them; none stand for all.
func agentIDs(agents ingest.AgentSet) []int32 {
	ids := make([]int32, 0, agents.Len())
	for agent := range agents.All() {
		ids = append(ids, int32(agent))
	}
	return ids
}
