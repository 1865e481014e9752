package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// Record keeps a taken tick and its samples in one transaction. A tick that was
// stored as missed is replaced; one that was stored as taken stands, and the
// samples that come with it are left out, so that calling again after an
// uncertain error stores nothing twice. A partition missing for the samples'
// day is made. Where the tick's epoch did not reign at its due instant nothing
// is stored and the error wraps ingest.ErrSuperseded.
func (s *Store) Record(ctx context.Context, tick ingest.Tick, samples []ingest.Sample) error {
	set, err := s.agentSetID(ctx, tick.Agents)
	if err == nil {
		err = s.storeSamples(ctx, samples, func(q *db.Queries) (isNew bool, err error) {
			if err := fence(ctx, q, tick.Epoch, tick.DueAt, tick.DueAt); err != nil {
				return false, err
			}
			stored, err := q.PutTakenTick(ctx, takenTick(tick, set))
			return stored > 0, err
		})
	}
	if err != nil {
		return fmt.Errorf("record tick %s of %s with %d samples: %w", tick.DueAt.UTC().Format(time.RFC3339Nano), tick.Schedule, len(samples), s.refusal(err))
	}
	return nil
}

func takenTick(tick ingest.Tick, set int64) db.PutTakenTickParams {
	polls := func(o ingest.Outcome) int32 { return int32(tick.Polls[o]) }
	return db.PutTakenTickParams{
		Schedule: tick.Schedule, DueAt: tick.DueAt, PeriodMs: int32(tick.Period.Milliseconds()), AgentSetID: set, Epoch: tick.Epoch,
		StartedAt: &tick.StartedAt, FinishedAt: &tick.FinishedAt,
		Observed: polls(ingest.Observed), NotSignedIn: polls(ingest.NotSignedIn),
		Unauthorized: polls(ingest.Unauthorized), BadRequest: polls(ingest.BadRequest),
		GatewayError: polls(ingest.GatewayError), Unreachable: polls(ingest.Unreachable),
		BadReply: polls(ingest.BadReply), Skipped: polls(ingest.Skipped),
	}
}

// RecordMissed keeps ticks that no recorder took. Where one is already stored,
// taken or missed, that one stands. Where an epoch among theirs did not reign at
// all its due instants nothing is stored and the error wraps
// ingest.ErrSuperseded.
func (s *Store) RecordMissed(ctx context.Context, ticks []ingest.Tick) error {
	if len(ticks) == 0 {
		return nil
	}
	rows, err := s.missedTicks(ctx, ticks)
	if err == nil {
		err = s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
			if err := fenceMissed(ctx, q, ticks); err != nil {
				return err
			}
			return q.PutMissedTicks(ctx, rows)
		})
	}
	if err != nil {
		return fmt.Errorf("record %d missed ticks: %w", len(ticks), s.refusal(err))
	}
	return nil
}

func (s *Store) missedTicks(ctx context.Context, ticks []ingest.Tick) (rows db.PutMissedTicksParams, err error) {
	type knownSet struct {
		agents ingest.AgentSet
		id     int64
	}
	latest := map[string]knownSet{} // of each schedule: its ticks mostly share one set
	for _, tick := range ticks {
		set, known := latest[tick.Schedule]
		if !known || !set.agents.Equal(tick.Agents) {
			set.agents = tick.Agents
			if set.id, err = s.agentSetID(ctx, tick.Agents); err != nil {
				return rows, err
			}
			latest[tick.Schedule] = set
		}
		rows.Schedules = append(rows.Schedules, tick.Schedule)
		rows.DueAt = append(rows.DueAt, tick.DueAt)
		rows.PeriodMs = append(rows.PeriodMs, int32(tick.Period.Milliseconds()))
		rows.AgentSetID = append(rows.AgentSetID, set.id)
		rows.Epochs = append(rows.Epochs, tick.Epoch)
	}
	return rows, nil
}

// RecordByHand keeps the samples of a round that belongs to no tick, in one
// transaction, and marks their time dirty.
func (s *Store) RecordByHand(ctx context.Context, samples []ingest.Sample) error {
	if len(samples) == 0 {
		return nil
	}
	first, last, period := samples[0].PolledAt, samples[0].PolledAt, time.Duration(0)
	agents := make([]ingest.AgentID, len(samples))
	for i, sample := range samples {
		agents[i] = sample.AgentID
		period = max(period, sample.Period)
		first, last = earlier(first, sample.PolledAt), later(last, sample.PolledAt)
	}
	set, err := s.agentSetID(ctx, ingest.NewAgentSet(agents...))
	if err == nil {
		err = s.storeSamples(ctx, samples, func(q *db.Queries) (isNew bool, err error) {
			return true, q.PutHandRound(ctx, db.PutHandRoundParams{
				TakenFrom: first, TakenTo: last, PeriodMs: int32(period.Milliseconds()), AgentSetID: set,
			})
		})
	}
	if err != nil {
		return fmt.Errorf("record %d samples taken by hand: %w", len(samples), plain(err))
	}
	return nil
}
