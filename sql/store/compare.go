package store

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// comparison is what came of comparing one quarter-hour.
type comparison struct {
	start       time.Time
	rows        int64 // compared
	segments    int64 // compared
	openRows    int64 // not compared: not final
	differences []Difference
}

// row is the key of a row of quarter_hours or segments.
type row struct {
	start     time.Time // of the quarter-hour
	agent     int32
	isSegment bool
	from      time.Time // of the segment
}

func rowOf(r db.DerivedCellsRow) row {
	return row{r.BinStartAt.UTC(), r.AgentID, r.IsSegment, r.FromAt.UTC()}
}

// differs makes a difference of one of the row's columns, of all of it where the
// column is empty.
func (r row) differs(column, stored, again string) Difference {
	if column == "" {
		column = "row"
	}
	if r.isSegment {
		column += " of the segment from " + r.from.Format("15:04:05.000")
	}
	return Difference{ingest.AgentID(r.agent), r.start, column, stored, again}
}

// recomputed is what deriving once more makes of a row.
type recomputed struct {
	isFinal bool
	cells   string // empty where it stays as it is
}

// compareSpan derives the span once more, to the horizon and clock of d, compares
// that with what was stored, and takes it back. The caller holds the derive lock.
// Deriving leaves alone what is equal, so that only what differs is ever written.
func compareSpan(ctx context.Context, tx pgx.Tx, span reports.Span, d Deriving) ([]comparison, error) {
	byStart := map[time.Time]*comparison{}
	for at := span.From; at.Before(span.To); at = at.Add(QuarterHour) {
		byStart[at] = &comparison{start: at}
	}
	counts, err := db.New(tx).QuarterHourRows(ctx, db.QuarterHourRowsParams{FromAt: span.From, ToAt: span.To})
	if err != nil {
		return nil, err
	}
	for _, count := range counts {
		c := byStart[count.BinStartAt.UTC()]
		c.rows, c.openRows, c.segments = count.FinalRows, count.OpenRows, count.FinalSegments
	}

	again, err := deriveAndTakeBack(ctx, tx, span, d)
	if err != nil {
		return nil, err
	}
	if again != nil {
		if err := compareRows(ctx, tx, span, d, again, byStart); err != nil {
			return nil, err
		}
	}
	compared := make([]comparison, 0, len(byStart))
	for _, start := range slices.SortedFunc(maps.Keys(byStart), time.Time.Compare) {
		c := byStart[start]
		slices.SortFunc(c.differences, func(a, b Difference) int {
			return cmp.Or(cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Column, b.Column))
		})
		compared = append(compared, *c)
	}
	return compared, nil
}

// deriveAndTakeBack returns the rows and segments there are after deriving, nil
// where none differs from what is stored.
func deriveAndTakeBack(ctx context.Context, tx pgx.Tx, span reports.Span, d Deriving) (again map[row]recomputed, err error) {
	before, err := db.New(tx).CountSegments(ctx, db.CountSegmentsParams{FromAt: span.From, ToAt: span.To})
	if err != nil {
		return nil, err
	}
	trial, err := tx.Begin(ctx)
	if err != nil {
		return nil, err // and with it the whole transaction ends, here and below
	}
	derived, err := deriveBins(ctx, db.New(trial), span.From, span.To, d)
	if err != nil {
		return nil, err
	}
	after, err := db.New(trial).CountSegments(ctx, db.CountSegmentsParams{DerivationID: derived.DerivationID, FromAt: span.From, ToAt: span.To})
	if err != nil {
		return nil, err
	}
	if derived.InsertedRows+derived.UpdatedRows+derived.DeletedRows+after.Written > 0 || after.There != before.There {
		again = map[row]recomputed{}
		err = eachRow(ctx, trial, span, func(r db.DerivedCellsRow) error {
			now := recomputed{isFinal: r.IsFinal}
			if r.DerivationID == derived.DerivationID {
				now.cells = r.Cells
			}
			again[rowOf(r)] = now
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return again, trial.Rollback(ctx)
}

// compareRows compares what is stored with what deriving once more makes of it. A
// stored row that is not final counts as such until no period and no delay can
// explain it.
func compareRows(ctx context.Context, tx pgx.Tx, span reports.Span, d Deriving, again map[row]recomputed, byStart map[time.Time]*comparison) error {
	err := eachRow(ctx, tx, span, func(r db.DerivedCellsRow) error {
		key := rowOf(r)
		now, isThere := again[key]
		delete(again, key)
		c := byStart[key.start]
		if !r.IsFinal {
			if key.start.Add(QuarterHour+longestHold).After(d.Horizon) || isThere && !now.isFinal {
				return nil
			}
			if !key.isSegment {
				c.openRows--
			}
			c.count(key)
		}
		if !isThere {
			c.differences = append(c.differences, key.differs("", "there", "none"))
			return nil
		}
		if now.cells == "" {
			return nil
		}
		differences, err := compareCells(key, r.Cells, now.cells)
		c.differences = append(c.differences, differences...)
		return err
	})
	if err != nil {
		return err
	}
	for key, now := range again {
		c := byStart[key.start]
		switch {
		case now.isFinal:
			c.count(key)
			c.differences = append(c.differences, key.differs("", "none", "there"))
		case !key.isSegment:
			c.openRows++
		}
	}
	return nil
}

// count counts one more row or segment as compared.
func (c *comparison) count(key row) {
	if key.isSegment {
		c.segments++
	} else {
		c.rows++
	}
}

// compareCells compares two JSON objects of columns.
func compareCells(key row, stored, again string) ([]Difference, error) {
	var before, after map[string]json.RawMessage
	if err := json.Unmarshal([]byte(stored), &before); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(again), &after); err != nil {
		return nil, err
	}
	var differences []Difference
	for _, column := range slices.Sorted(maps.Keys(after)) {
		if string(before[column]) != string(after[column]) {
			differences = append(differences, key.differs(column, string(before[column]), string(after[column])))
		}
	}
	return differences, nil
}

// eachRow hands over the span's rows and segments as the server sends them.
func eachRow(ctx context.Context, tx pgx.Tx, span reports.Span, do func(db.DerivedCellsRow) error) error {
	rows, err := tx.Query(ctx, db.DerivedCells, span.From, span.To)
	if err != nil {
		return err
	}
	var r db.DerivedCellsRow
	fields := []any{&r.BinStartAt, &r.AgentID, &r.IsSegment, &r.FromAt, &r.DerivationID, &r.IsFinal, &r.Cells}
	_, err = pgx.ForEachRow(rows, fields, func() error { return do(r) })
	return err
}
