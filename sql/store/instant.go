package store

import (
	"context"
	"fmt"
	"iter"
	"time"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// Near tells what was due near an instant. Where retention has dropped samples that
// are needed the error is a *DroppedError. A period matters where a tick of it was stored near the instant or where a schedule in
// force then has one.
func (s *Snapshot) Near(ctx context.Context, at time.Time) (reports.Near, error) {
	near, err := readNear(ctx, db.New(s.tx), at)
	if err != nil {
		return reports.Near{}, fmt.Errorf("read what was due near %s: %w", at.UTC().Format(time.RFC3339), plain(err))
	}
	span := reports.Span{From: at.Add(-reach * near.Longest), To: at.Add(reach * near.Longest)}
	if err := s.refuseDropped(ctx, "samples", quarterHours{span}); err != nil {
		return reports.Near{}, err
	}
	return near, nil
}

func readNear(ctx context.Context, q *db.Queries, at time.Time) (near reports.Near, err error) {
	bin := at.Truncate(QuarterHour)
	if near.Facts, err = readBackground(ctx, q, bin, bin.Add(QuarterHour)); err != nil {
		return near, err
	}
	if near.Longest, err = largestPeriodNear(ctx, q, at, at); err != nil {
		return near, err
	}
	inForce, err := readInForce(ctx, q, at.Add(-time.Hour*reach))
	if err != nil {
		return near, err
	}
	var agents []ingest.AgentRange
	for _, f := range inForce {
		if f.From.After(at) || !f.To.IsZero() && !f.To.After(at) {
			continue
		}
		agents = append(agents, f.Agents().Ranges()...)
		for _, due := range []time.Time{f.Prev(at.Add(1)), f.Next(at)} {
			if p := f.Period(due); !due.IsZero() && at.Sub(due).Abs() <= reach*p {
				near.Longest = max(near.Longest, p)
			}
		}
	}
	near.Agents = ingest.NewAgentSetOfRanges(agents...)
	from, to := at.Add(-reach*near.Longest), at.Add(reach*near.Longest)
	if near.Ticks, err = readTicks(ctx, q, from, to); err != nil {
		return near, err
	}
	stored := map[db.StoredTicksRow]bool{}
	for _, t := range near.Ticks {
		stored[db.StoredTicksRow{Schedule: t.Schedule, DueAt: t.DueAt}] = true
	}
	near.Awaited = ingest.Outstanding(inForce, func(schedule string, due time.Time) bool {
		return stored[db.StoredTicksRow{Schedule: schedule, DueAt: due}]
	}, from, at.Add(reports.Hold(near.Longest)))
	return near, nil
}

// readTicks reads the ticks due in [from, to) by schedule and due instant.
func readTicks(ctx context.Context, q *db.Queries, from, to time.Time) ([]ingest.Tick, error) {
	rows, err := q.TicksNear(ctx, db.TicksNearParams{FromAt: from, ToAt: to})
	if err != nil {
		return nil, err
	}
	sets := map[int64]ingest.AgentSet{}
	var ids []int64
	for _, row := range rows {
		if _, known := sets[row.AgentSetID]; !known {
			sets[row.AgentSetID] = ingest.AgentSet{}
			ids = append(ids, row.AgentSetID)
		}
	}
	texts, err := q.AgentSets(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		if sets[text.AgentSetID], err = agentsOf(text.Agents); err != nil {
			return nil, err
		}
	}
	ticks := make([]ingest.Tick, len(rows))
	for i, row := range rows {
		ticks[i] = ingest.Tick{
			Schedule: row.Schedule, DueAt: row.DueAt.UTC(), Period: time.Duration(row.PeriodMs) * time.Millisecond, Agents: sets[row.AgentSetID],
		}
	}
	return ticks, nil
}

// Around yields what was observed of each agent nearest an instant, no further
// than reach.
func (s *Snapshot) Around(ctx context.Context, at time.Time, reach time.Duration, agents ingest.AgentSet) iter.Seq2[reports.Around, error] {
	return func(yield func(reports.Around, error) bool) {
		from := at.Add(-reach)
		rows, err := db.New(s.tx).ObservationsAround(ctx, db.ObservationsAroundParams{At: at, FromAt: from, ToAt: at.Add(reach + time.Millisecond), Agents: agentIDs(agents)})
		if err != nil {
			yield(reports.Around{}, fmt.Errorf("read samples: %w", plain(err)))
			return
		}
		var around reports.Around
		for _, row := range rows {
			if agent := ingest.AgentID(row.AgentID); agent != around.Agent {
				if around.Agent != 0 && !yield(around, nil) {
					return
				}
				around = reports.Around{Agent: agent}
			}
			measure, err := measureOf(row.Measure)
			if err != nil {
				yield(reports.Around{}, err)
				return
			}
			side := &around.Before
			if row.IsAfter {
				side = &around.After
			}
			*side = reports.Observation{
				At: from.Add(time.Duration(row.AfterFromMs) * time.Millisecond), Period: time.Duration(row.PeriodMs) * time.Millisecond,
				Status: ingest.Status{AgentState: row.AgentState, IsWorking: row.IsWorking}, Measure: measure,
			}
		}
		if around.Agent != 0 {
			yield(around, nil)
		}
	}
}

// Polls yields the polls of each named agent in [from, to), a day at most.
func (s *Snapshot) Polls(ctx context.Context, from, to time.Time, agents ingest.AgentSet) iter.Seq2[reports.Polls, error] {
	return func(yield func(reports.Polls, error) bool) {
		rows, err := s.tx.Query(ctx, db.PollsNear, agentIDs(agents), from, to)
		if err != nil {
			yield(reports.Polls{}, fmt.Errorf("read samples: %w", plain(err)))
			return
		}
		defer rows.Close()
		var polls reports.Polls
		var row db.PollsNearRow
		for rows.Next() {
			if err := rows.Scan(&row.AgentID, &row.PolledAt, &row.Outcome); err != nil {
				yield(reports.Polls{}, fmt.Errorf("read samples: %w", err))
				return
			}
			if agent := ingest.AgentID(row.AgentID); agent != polls.Agent {
				if polls.Agent != 0 && !yield(polls, nil) {
					return
				}
				polls = reports.Polls{Agent: agent, Polls: polls.Polls[:0]}
			}
			outcome, err := outcomeOf(row.Outcome)
			if err != nil {
				yield(reports.Polls{}, err)
				return
			}
			polls.Polls = append(polls.Polls, ingest.Poll{PolledAt: row.PolledAt.UTC(), Outcome: outcome})
		}
		if err := rows.Err(); err != nil {
			yield(reports.Polls{}, fmt.Errorf("read samples: %w", plain(err)))
			return
		}
		if polls.Agent != 0 {
			yield(polls, nil)
		}
	}
}

// outcomeOf finds the outcome a stored word stands for.
func outcomeOf(word string) (ingest.Outcome, error) {
	for _, o := range ingest.Outcomes() {
		if o.String() == word {
			return o, nil
		}
	}
	return 0, fmt.Errorf("read an outcome: %q is none", word)
}
