package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// Settled says how far the stored ticks are complete.
type Settled struct {
	// Horizon is the instant before which every due tick is stored
	// (metrics.md §1), at most the given now.
	Horizon time.Time
	// Upcoming holds, for each schedule in force, its agents and the largest
	// period of the ticks due from the horizon on that can still change what
	// lies before it.
	Upcoming []Upcoming
	Missed   int // ticks written as missed
}

// Upcoming is the ticks still to come of one schedule.
type Upcoming struct {
	Agents ingest.AgentSet
	Period time.Duration
}

// Settle enumerates what was due since the last derivation and is not stored.
// While no recorder holds the lease, outstanding ticks older than two of their
// periods are written as missed, so that a dead recorder shows as what it is.
func (s *Store) Settle(ctx context.Context, now time.Time) (Settled, error) {
	free, err := s.LeaseIsFree(ctx)
	if err != nil {
		return Settled{}, err
	}
	return s.settle(ctx, now, func(outstanding []ingest.Tick) []ingest.Tick {
		if !free {
			return nil
		}
		return ingest.Lapsed(outstanding, now)
	})
}

// CatchUp writes every outstanding tick before now as missed. It is for the
// holder of the lease before it takes its first round: nobody else will take
// those ticks.
func (s *Store) CatchUp(ctx context.Context, now time.Time) (Settled, error) {
	return s.settle(ctx, now, func(outstanding []ingest.Tick) []ingest.Tick { return outstanding })
}

// missedAtOnce bounds the missed ticks written in one statement.
const missedAtOnce = 50_000

// settle writes the outstanding ticks that missed chooses and looks again.
func (s *Store) settle(ctx context.Context, now time.Time, missed func([]ingest.Tick) []ingest.Tick) (Settled, error) {
	last, err := s.lastDerivation(ctx)
	if err != nil {
		return Settled{}, err
	}
	inForce, err := s.InForce(ctx, last.HorizonAt)
	if err != nil {
		return Settled{}, err
	}
	since := last.HorizonAt
	if since.IsZero() && len(inForce) > 0 {
		since = inForce[0].From
		for _, f := range inForce {
			since = earlier(since, f.From)
		}
	}
	settled := Settled{}
	for {
		outstanding, err := s.outstanding(ctx, inForce, since, now)
		if err != nil {
			return Settled{}, err
		}
		gone := missed(outstanding)
		if len(gone) == 0 {
			settled.Horizon = ingest.Horizon(outstanding, now)
			settled.Upcoming = upcoming(inForce, settled.Horizon)
			return settled, nil
		}
		for len(gone) > 0 {
			n := min(len(gone), missedAtOnce)
			if err := s.RecordMissed(ctx, gone[:n]); err != nil {
				return Settled{}, err
			}
			settled.Missed += n
			gone = gone[n:]
		}
	}
}

func (s *Store) outstanding(ctx context.Context, inForce []ingest.InForce, since, now time.Time) ([]ingest.Tick, error) {
	rows, err := db.New(s.pool).StoredTicks(ctx, db.StoredTicksParams{FromAt: since, ToAt: now})
	if err != nil {
		return nil, fmt.Errorf("read ticks since %s: %w", since.UTC().Format(time.RFC3339), plain(err))
	}
	stored := make(map[db.StoredTicksRow]bool, len(rows))
	for _, row := range rows {
		stored[db.StoredTicksRow{Schedule: row.Schedule, DueAt: row.DueAt.UTC()}] = true
	}
	isStored := func(schedule string, due time.Time) bool {
		return stored[db.StoredTicksRow{Schedule: schedule, DueAt: due}]
	}
	return ingest.Outstanding(inForce, isStored, since, now), nil
}

// longestHold is 2.5 of the longest period: no later tick can change what lies
// further back (metrics.md §1).
const longestHold = 5 * ingest.MaxPeriod / 2

func upcoming(inForce []ingest.InForce, horizon time.Time) []Upcoming {
	var all []Upcoming
	for _, f := range inForce {
		if !f.To.IsZero() && !f.To.After(horizon) {
			continue
		}
		u := Upcoming{Agents: f.Agents()}
		for due := range f.Due(horizon, horizon.Add(longestHold)) {
			u.Period = max(u.Period, f.Period(due))
		}
		if u.Period > 0 {
			all = append(all, u)
		}
	}
	return all
}

// lastDerivation returns the furthest horizon derived to and the clock then,
// zero where nothing was derived yet.
func (s *Store) lastDerivation(ctx context.Context) (db.LastDerivationRow, error) {
	return lastDerivation(ctx, db.New(s.pool))
}

func lastDerivation(ctx context.Context, q *db.Queries) (db.LastDerivationRow, error) {
	row, err := q.LastDerivation(ctx)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return row, fmt.Errorf("read the last derivation: %w", plain(err))
	}
	if !row.HorizonAt.IsZero() {
		row.HorizonAt, row.DerivedAt = row.HorizonAt.UTC(), row.DerivedAt.UTC()
	}
	return row, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
