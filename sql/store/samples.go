package store

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// storeSamples runs ledger and, where it says that they are new, stores the
// samples, in one transaction: those of compacted days as runs, all others in
// samples. Where a partition was missing for their days, it makes it and does all
// of it once more. It makes those days' partitions only: a clock that jumped in the
// middle of a round leaves years between its samples.
func (s *Store) storeSamples(ctx context.Context, samples []ingest.Sample, ledger func(q *db.Queries) (isNew bool, err error)) error {
	days := daysOf(samples)
	var compacted []time.Time
	store := func() error {
		return s.inTx(ctx, func(tx pgx.Tx, q *db.Queries) (err error) {
			// A statement of its own: what the next ones see must be later than the lock.
			if err := q.LockDaysShared(ctx, days); err != nil {
				return err
			}
			if compacted, err = q.CompactedDays(ctx, days); err != nil {
				return err
			}
			if err := q.NoteLostSamples(ctx, days); err != nil {
				return err
			}
			if isNew, err := ledger(q); err != nil || !isNew {
				return err
			}
			timely, late := splitSamples(samples, compacted)
			if err := putLateSamples(ctx, q, late); err != nil {
				return err
			}
			return copySamples(ctx, tx.Conn().PgConn(), timely)
		})
	}
	err := store()
	if !isNoPartition(err) {
		return err
	}
	for _, day := range days {
		if _, err := s.MakePartitions(ctx, day, day); err != nil {
			return err
		}
	}
	for _, day := range compacted {
		if err := s.MakePartition(ctx, partitionOf("sample_runs", day)); err != nil {
			return err
		}
	}
	return store()
}

// splitSamples tells apart the samples of compacted days, the late ones.
func splitSamples(samples []ingest.Sample, compacted []time.Time) (timely, late []ingest.Sample) {
	if len(compacted) == 0 {
		return samples, nil
	}
	for _, sample := range samples {
		day := dayOf(sample)
		if slices.ContainsFunc(compacted, day.Equal) {
			late = append(late, sample)
		} else {
			timely = append(timely, sample)
		}
	}
	return timely, late
}

func putLateSamples(ctx context.Context, q *db.Queries, samples []ingest.Sample) error {
	if len(samples) == 0 {
		return nil
	}
	var rows db.PutLateSamplesParams
	for _, s := range samples {
		rows.PolledAt = append(rows.PolledAt, s.PolledAt)
		rows.AgentIds = append(rows.AgentIds, int32(s.AgentID))
		rows.PeriodMs = append(rows.PeriodMs, int32(s.Period.Milliseconds()))
		rows.Outcomes = append(rows.Outcomes, s.Outcome.String())
		rows.AgentStates = append(rows.AgentStates, s.Status.AgentState)
		rows.AreWorking = append(rows.AreWorking, s.Status.IsWorking)
		rows.Retcodes = append(rows.Retcodes, s.Retcode)
	}
	return q.PutLateSamples(ctx, rows)
}

// copySamples loads samples by binary COPY. The rows are written by hand: that
// takes a tenth of the driver's general way.
func copySamples(ctx context.Context, conn *pgconn.PgConn, samples []ingest.Sample) error {
	if len(samples) == 0 {
		return nil
	}
	_, err := conn.CopyFrom(ctx, bytes.NewReader(encodeCopy(samples)),
		"COPY talktime.samples (polled_at, agent_id, period_ms, agent_state, is_working, outcome, retcode) FROM STDIN BINARY")
	return err
}

// daysOf returns the starts of the UTC days that samples lie in, each once.
func daysOf(samples []ingest.Sample) []time.Time {
	var days []time.Time
	for _, sample := range samples {
		if day := dayOf(sample); !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	return days
}

func dayOf(sample ingest.Sample) time.Time { return sample.PolledAt.UTC().Truncate(24 * time.Hour) }

// isNoPartition reports whether the server found no partition for a row. It
// says so as a check violation without a constraint's name.
func isNoPartition(err error) bool {
	said, ok := errors.AsType[*pgconn.PgError](err)
	return ok && said.Code == "23514" && said.ConstraintName == ""
}
