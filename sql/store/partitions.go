package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// partitionedTable is a table that is kept in partitions.
type partitionedTable struct {
	name     string
	isByDay  bool // one a UTC day, else one a UTC month
	ahead    int  // how many are made ahead: enough for a failure to be noticed in time; see noneAhead
	isToOwed bool // made back to the horizon too: what was owed while nobody recorded is derived into them
}

// noneAhead is for a table whose partitions are made when they are filled.
const noneAhead = -1

// Samples of the past come with rounds, which make the partitions they need.
var partitionedTables = []partitionedTable{
	{name: "samples", isByDay: true, ahead: 7},
	{name: "sample_runs", isByDay: true, ahead: noneAhead},
	{name: "quarter_hours", ahead: 3, isToOwed: true},
	{name: "segments", ahead: 3, isToOwed: true},
}

// holding returns the partition that is to hold an instant.
func (t partitionedTable) holding(at time.Time) Partition {
	at = at.UTC()
	p := Partition{Table: t.name, Span: reports.Span{From: at.Truncate(24 * time.Hour)}}
	layout := "20060102"
	if t.isByDay {
		p.To = p.From.AddDate(0, 0, 1)
	} else {
		layout = "200601"
		p.From = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
		p.To = p.From.AddDate(0, 1, 0)
	}
	p.Name = t.name + "_" + p.From.Format(layout)
	return p
}

// Partition is a part of a table that holds the rows of a stretch of time.
type Partition struct {
	Table string // that it is of
	Name  string
	reports.Span

	isLeaving bool // its detaching was begun
}

// readPartitions returns those of every partitioned table, ascending; a table
// without any is there with none. One with a bound that is no instant, which
// talktime does not make, counts as none.
func readPartitions(ctx context.Context, q *db.Queries) (map[string][]Partition, error) {
	rows, err := q.Partitions(ctx)
	if err != nil {
		return nil, fmt.Errorf("look which partitions there are: %w", plain(err))
	}
	tables := map[string][]Partition{}
	for _, row := range rows {
		span := reports.Span{From: row.FromAt.UTC(), To: row.ToAt.UTC()}
		if tables[row.Parent] == nil {
			tables[row.Parent] = []Partition{}
		}
		if span.From.Before(span.To) {
			tables[row.Parent] = append(tables[row.Parent], Partition{row.Parent, row.Name, span, row.IsLeaving})
		}
	}
	return tables, nil
}

// Ahead is how far a partitioned table takes rows without a gap from now on.
type Ahead struct {
	Table      string
	Until      time.Time // now itself where it takes none now
	Partitions int       // that follow the one for now
}

// PartitionsAhead tells of the partitioned tables how far they take rows from now
// on, the one that ends first before the others.
func (s *Store) PartitionsAhead(ctx context.Context, now time.Time) (tables []Ahead, err error) {
	err = s.look(ctx, func(_ pgx.Tx, q *db.Queries) error {
		tables, err = partitionsAhead(ctx, q, now)
		return err
	})
	return tables, err
}

func partitionsAhead(ctx context.Context, q *db.Queries, now time.Time) ([]Ahead, error) {
	partitions, err := readPartitions(ctx, q)
	if err != nil {
		return nil, err
	}
	var tables []Ahead
	for table, of := range partitions {
		if slices.Contains(partitionedTables, partitionedTable{name: table, isByDay: true, ahead: noneAhead}) {
			continue
		}
		ahead := Ahead{table, now, 0}
		for _, p := range of {
			if p.isLeaving || p.From.After(ahead.Until) || !p.To.After(ahead.Until) {
				continue
			}
			if p.From.After(now) {
				ahead.Partitions++
			}
			ahead.Until = p.To
		}
		tables = append(tables, ahead)
	}
	slices.SortFunc(tables, func(a, b Ahead) int { return cmp.Or(a.Until.Compare(b.Until), strings.Compare(a.Table, b.Table)) })
	return tables, nil
}

// MakePartitions makes the partitions that instants from `from` to `to` need, in
// one transaction, and returns how many were missing.
func (s *Store) MakePartitions(ctx context.Context, from, to time.Time) (int, error) {
	made, err := db.New(s.pool).MakePartitions(ctx, db.MakePartitionsParams{FromAt: from, ToAt: to})
	if err != nil {
		return 0, fmt.Errorf("make partitions from %s to %s: %w", from.UTC().Format(time.DateOnly), to.UTC().Format(time.DateOnly), plain(err))
	}
	return int(made), nil
}

// PartitionsWanted returns the partitions that are missing: those that rows need
// from now on, a week of days and three months, and those of the time since the
// horizon, which after weeks without a recorder is far back.
func (s *Store) PartitionsWanted(ctx context.Context, now time.Time) ([]Partition, error) {
	last, err := s.lastDerivation(ctx)
	if err != nil {
		return nil, err
	}
	owed := now
	if !last.HorizonAt.IsZero() {
		owed = earlier(now, last.HorizonAt)
	}
	there, err := readPartitions(ctx, db.New(s.pool))
	if err != nil {
		return nil, err
	}
	var wanted []Partition
	for _, table := range partitionedTables {
		known := map[string]bool{}
		for _, p := range there[table.name] {
			known[p.Name] = true
		}
		from, ahead := now, 0
		if table.isToOwed {
			from = owed
		}
		for p := table.holding(from); ahead <= table.ahead; p = table.holding(p.To) {
			if !known[p.Name] {
				wanted = append(wanted, p)
			}
			if p.To.After(now) {
				ahead++
			}
		}
	}
	return wanted, nil
}

// MakePartition makes a partition unless it is there: it is made apart, with a
// CHECK that spares attaching it a scan, and attached in one short transaction.
// Readers and writers of the table go on meanwhile; it waits for nobody longer than
// lockWait and tries again for as long as lockPatience.
func (s *Store) MakePartition(ctx context.Context, p Partition) error {
	if len(p.Name) <= len(p.Table)+1 {
		return fmt.Errorf("make partition %q of %s: it has no name of its own", p.Name, p.Table)
	}
	err := patiently(ctx, func() error {
		return s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
			if err := q.LimitLockWait(ctx, lockWait.String()); err != nil {
				return err
			}
			if err := q.LockPartitions(ctx); err != nil {
				return err
			}
			_, err := q.MakePartition(ctx, db.MakePartitionParams{
				Parent: p.Table, FromAt: p.From, ToAt: p.To, Suffix: p.Name[len(p.Table)+1:],
			})
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("make partition %s: %w", p.Name, plain(err))
	}
	return nil
}

// How changes of tables wait for locks. Who waits for a lock that excludes others
// makes those wait who come after it: so each waits a moment only, and tries again.
const (
	lockWait     = 20 * time.Millisecond
	lockPause    = 180 * time.Millisecond
	lockPatience = 20 * time.Second
)

// errBusy says that others held a lock for as long as somebody waited for it.
var errBusy = errors.New("others have read or changed it all the time, such as a report or a session that stays in its transaction (pg_stat_activity); it is tried again with the next run")

// patiently tries until the server no longer says that a lock is not to be had, or
// lockPatience is over.
func patiently(ctx context.Context, try func() error) error {
	pause := time.NewTicker(lockPause)
	defer pause.Stop()
	for range int(lockPatience / (lockWait + lockPause)) {
		err := try()
		if !isLockTimeout(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
	}
	return errBusy
}

func isLockTimeout(err error) bool {
	const lockNotAvailable = "55P03"
	said, ok := errors.AsType[*pgconn.PgError](err)
	return ok && said.Code == lockNotAvailable
}
