package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// Roster returns who held which agent id when, at any time.
func (s *Store) Roster(ctx context.Context) (reports.Roster, error) {
	roster, err := readRoster(ctx, db.New(s.pool))
	if err != nil {
		return nil, fmt.Errorf("read the roster: %w", plain(err))
	}
	return roster, nil
}

// ImportRoster merges the lines of a roster file (reports.ParseRoster) into the
// roster, all or none, and returns what changed; with dryRun, what would.
// Imports at one time take turns. No figure is touched: reports join the roster
// when they are made.
func (s *Store) ImportRoster(ctx context.Context, lines []reports.Tenure, dryRun bool) (changes []reports.RosterChange, err error) {
	err = s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if !dryRun {
			if err := q.LockRoster(ctx); err != nil {
				return err
			}
		}
		old, err := readRoster(ctx, q)
		if err != nil {
			return err
		}
		var merged reports.Roster
		merged, changes = old.Merge(lines)
		if dryRun || len(changes) == 0 {
			return nil
		}
		return putRoster(ctx, q, old, merged)
	})
	if err != nil {
		return nil, fmt.Errorf("import the roster: %w", plain(err))
	}
	return changes, nil
}

// putRoster writes the tenures that are not in the old roster as they are.
func putRoster(ctx context.Context, q *db.Queries, old, merged reports.Roster) error {
	known := make(map[reports.Tenure]bool, len(old))
	for _, t := range old {
		known[t] = true
	}
	var put db.PutTenuresParams
	var persons []string
	for _, t := range merged {
		if known[t] {
			continue
		}
		if t.To.IsZero() {
			t.To = t.From // stands for no end in the statement
		}
		if t.Person != "" {
			persons = append(persons, t.Person)
		}
		put.Agents = append(put.Agents, int32(t.Agent))
		put.ValidFrom = append(put.ValidFrom, t.From)
		put.ValidTo = append(put.ValidTo, t.To)
		put.Persons = append(put.Persons, t.Person)
		put.Names = append(put.Names, t.Name)
		put.Teams = append(put.Teams, t.Team)
	}
	if err := q.AddPersons(ctx, persons); err != nil {
		return err
	}
	if err := q.PutTenures(ctx, put); err != nil {
		return err
	}
	return q.DropPersonsWithoutTenure(ctx)
}

func readRoster(ctx context.Context, q *db.Queries) (reports.Roster, error) {
	rows, err := q.Roster(ctx)
	if err != nil {
		return nil, err
	}
	var roster reports.Roster
	for _, row := range rows {
		t := reports.Tenure{
			Agent: ingest.AgentID(row.AgentID), Person: row.Person, Name: row.Name, Team: row.Team, From: row.ValidFrom.UTC(),
		}
		if row.ValidTo != nil {
			t.To = row.ValidTo.UTC()
		}
		roster = append(roster, t)
	}
	return roster, nil
}

// AgentsLike returns agents whose id begins with the digits, ascending, at most so
// many, with the names and teams they have at an instant. Agents that were polled
// and are not in the roster have none.
func (s *Store) AgentsLike(ctx context.Context, digits string, at time.Time, most int) ([]reports.Tenure, error) {
	rows, err := db.New(s.pool).AgentsLike(ctx, db.AgentsLikeParams{At: at, Digits: digits, Most: int32(most)})
	if err != nil {
		return nil, fmt.Errorf("read the roster: %w", plain(err))
	}
	held := make([]reports.Tenure, len(rows))
	for i, row := range rows {
		held[i] = reports.Tenure{Agent: ingest.AgentID(row.AgentID), Name: row.Name, Team: row.Team}
	}
	return held, nil
}

// Teams returns every team the roster has ever had, sorted.
func (s *Store) Teams(ctx context.Context) ([]string, error) {
	teams, err := db.New(s.pool).Teams(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the roster: %w", plain(err))
	}
	return teams, nil
}
