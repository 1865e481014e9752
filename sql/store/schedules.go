package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// Declare says which schedules are in force from `at` on. Those whose cron, zone
// or agents differ from what was in force, or that are gone, are closed at `at`;
// new and differing ones are opened. Equal ones stay as they are.
func (s *Store) Declare(ctx context.Context, at time.Time, schedules []ingest.Schedule) error {
	err := s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		rows, err := q.LockedSchedulesInForce(ctx)
		if err != nil {
			return err
		}
		wanted := map[string]ingest.Schedule{}
		for _, schedule := range schedules {
			wanted[schedule.Name()] = schedule
		}
		for _, row := range rows {
			told, err := scheduleOf(row.Name, row.Cron, row.TimeZone, row.Agents, row.AllAgents)
			if schedule, ok := wanted[row.Name]; ok && err == nil && schedule.Equal(told) {
				delete(wanted, row.Name)
				continue
			}
			if err := q.CloseSchedule(ctx, db.CloseScheduleParams{At: at, ScheduleID: row.ScheduleID}); err != nil {
				return err
			}
		}
		for _, schedule := range schedules {
			if _, ok := wanted[schedule.Name()]; !ok {
				continue
			}
			set, err := s.agentSetID(ctx, q, schedule.Agents())
			if err != nil {
				return err
			}
			err = q.OpenSchedule(ctx, db.OpenScheduleParams{
				Name: schedule.Name(), Cron: schedule.Cron(), TimeZone: schedule.Zone(),
				AllAgents: schedule.All(), AgentSetID: set, At: at,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("declare schedules: %w", plain(err))
	}
	return nil
}

// InForce returns the schedules in force at `since` or later, by name and time.
func (s *Store) InForce(ctx context.Context, since time.Time) ([]ingest.InForce, error) {
	rows, err := db.New(s.pool).SchedulesSince(ctx, since)
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

// agentSetID returns the id of a set of agents, storing it first where it is
// new. An id found inside a transaction that fails later may be of no row, so
// only ids of sets that were there before are remembered.
func (s *Store) agentSetID(ctx context.Context, q *db.Queries, agents ingest.AgentSet) (int64, error) {
	text := multirangeOf(agents)
	s.mu.Lock()
	id, known := s.agentSets[text]
	s.mu.Unlock()
	if known {
		return id, nil
	}
	id, err := q.AgentSetID(ctx, text)
	if err == nil {
		s.mu.Lock()
		s.agentSets[text] = id
		s.mu.Unlock()
		return id, nil
	}
	if err := q.PutAgentSet(ctx, text); err != nil {
		return 0, err
	}
	return q.AgentSetID(ctx, text)
}

// multirangeOf writes a set of agents as Postgres writes an int4multirange:
// half-open, ascending.
func multirangeOf(agents ingest.AgentSet) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, r := range agents.Ranges() {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "[%d,%d)", r.First, r.Last+1)
	}
	b.WriteByte('}')
	return b.String()
}

// agentsOf reads an int4multirange as Postgres writes it.
func agentsOf(multirange string) (ingest.AgentSet, error) {
	inner := strings.TrimSuffix(strings.TrimPrefix(multirange, "{"), "}")
	if inner == "" {
		return ingest.AgentSet{}, nil
	}
	var ranges []ingest.AgentRange
	for part := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(inner, "["), ")"), "),[") {
		first, end, _ := strings.Cut(part, ",")
		a, errA := strconv.ParseInt(first, 10, 32)
		b, errB := strconv.ParseInt(end, 10, 32)
		if errA != nil || errB != nil {
			return ingest.AgentSet{}, fmt.Errorf("agent set %q is not of the form {[101,105),[200,201)}", multirange)
		}
		ranges = append(ranges, ingest.AgentRange{First: ingest.AgentID(a), Last: ingest.AgentID(b - 1)})
	}
	return ingest.NewAgentSetOfRanges(ranges...), nil
}
