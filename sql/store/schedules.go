package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// Declare says which schedules are in force from d.At on. Those whose cron, zone
// or agents differ from what was in force, or that are gone, are closed there;
// new and differing ones are opened. Equal ones stay as they are. Where its epoch
// did not reign at d.At, or a later one has begun, nothing is stored and the
// error wraps ingest.ErrSuperseded.
func (s *Store) Declare(ctx context.Context, d ingest.Declaration) error {
	wanted := map[string]ingest.Schedule{}
	sets := map[string]int64{}
	for _, schedule := range d.Schedules {
		set, err := s.agentSetID(ctx, schedule.Agents())
		if err != nil {
			return fmt.Errorf("declare schedules: %w", plain(err))
		}
		wanted[schedule.Name()], sets[schedule.Name()] = schedule, set
	}
	err := s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if err := fenceDeclaration(ctx, q, d); err != nil {
			return err
		}
		if err := q.LockSchedules(ctx); err != nil {
			return err
		}
		rows, err := q.SchedulesInForce(ctx)
		if err != nil {
			return err
		}
		for _, row := range rows {
			told, err := scheduleOf(row.Name, row.Cron, row.TimeZone, row.Agents, row.AllAgents)
			if schedule, ok := wanted[row.Name]; ok && err == nil && schedule.Equal(told) {
				delete(wanted, row.Name)
				continue
			}
			if err := q.CloseSchedule(ctx, db.CloseScheduleParams{At: d.At, ScheduleID: row.ScheduleID}); err != nil {
				return err
			}
		}
		for _, schedule := range d.Schedules {
			if _, ok := wanted[schedule.Name()]; !ok {
				continue
			}
			err := q.OpenSchedule(ctx, db.OpenScheduleParams{
				Name: schedule.Name(), Cron: schedule.Cron(), TimeZone: schedule.Zone(),
				AllAgents: schedule.All(), AgentSetID: sets[schedule.Name()], At: d.At,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("declare schedules: %w", s.refusal(err))
	}
	return nil
}

// InForce returns the schedules in force at `since` or later, by name and time.
func (s *Store) InForce(ctx context.Context, since time.Time) ([]ingest.InForce, error) {
	return readInForce(ctx, db.New(s.pool), since)
}

func readInForce(ctx context.Context, q *db.Queries, since time.Time) ([]ingest.InForce, error) {
	rows, err := q.SchedulesSince(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", plain(err))
	}
	inForce := make([]ingest.InForce, len(rows))
	for i, row := range rows {
		schedule, err := scheduleOf(row.Name, row.Cron, row.TimeZone, row.Agents, row.AllAgents)
		if err != nil {
			return nil, fmt.Errorf("read schedules: %w", err)
		}
		inForce[i] = ingest.InForce{Schedule: schedule, From: row.ValidFrom.UTC()}
		if row.ValidTo != nil {
			inForce[i].To = row.ValidTo.UTC()
		}
	}
	return inForce, nil
}

func scheduleOf(name, cron, zone, multirange string, all bool) (ingest.Schedule, error) {
	agents, err := agentsOf(multirange)
	if err != nil {
		return ingest.Schedule{}, err
	}
	return ingest.NewSchedule(name, cron, zone, agents, all)
}
