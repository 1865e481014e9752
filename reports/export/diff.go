package export

import (
	"encoding/csv"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"

	"talktime/reports"
)

// Diff is what tells a revision of a table from the one before.
type Diff struct {
	Old, New Table
	IsByTeam bool // rows are kept apart by team
	// Cause says why a cell of a column has changed.
	Cause func(column string) string
}

// diffFields are the columns of a diff behind those of its keys.
var diffFields = []string{"column", "old", "new", "cause"}

// Columns returns the columns of the file that Write writes.
func (d Diff) Columns() ([]Column, error) {
	fresh, err := d.New.read(d.IsByTeam)
	if err != nil {
		return nil, err
	}
	var columns []Column
	for _, name := range append(d.shown(fresh), diffFields...) {
		kind := map[string]reports.Kind{"agent_id": reports.Integer, "bin_start_at": reports.Instant, "interval_start_at": reports.Instant}[name]
		columns = append(columns, NewColumn(name, kind))
	}
	return columns, nil
}

// shown lists the columns that say which row a cell is of: the keys, and the
// agent's name where there is one.
func (d Diff) shown(r *tableReader) []string {
	var names []string
	for i, name := range r.columns {
		if slices.Contains(r.key, i) || name == nameColumn {
			names = append(names, name)
		}
	}
	return names
}

// Write writes a line for every cell that changed: whose row it is in, its
// column, the value before and the one now, and why. A row that is not there has
// no values. It returns how many lines it has written. Columns that only one of
// the tables has are left out: they are another version's, not news.
//
// It keeps a few words of each row's key, and the rows that changed.
func (d Diff) Write(w io.Writer) (cells int, err error) {
	sums, seed, err := d.sumOld()
	if err != nil {
		return 0, fmt.Errorf("read the revision before: %w", err)
	}
	changed, err := d.readChanged(sums, seed)
	if err != nil {
		return 0, fmt.Errorf("read the new revision: %w", err)
	}
	if err := d.addOld(changed, sums); err != nil {
		return 0, fmt.Errorf("read the revision before: %w", err)
	}
	return d.writeChanged(w, changed)
}

// changedRow is a row in both tables; nil cells where it is not in one.
type changedRow struct{ old, fresh []string }

// changedRows are those of the new table in its order, then those that are gone.
type changedRows struct {
	order []string
	rows  map[string]*changedRow
}

func (c *changedRows) at(key string) *changedRow {
	row := c.rows[key]
	if row == nil {
		row = new(changedRow)
		c.rows[key] = row
		c.order = append(c.order, key)
	}
	return row
}

// sumOld returns a checksum of each row of the old table by its key.
func (d Diff) sumOld() (map[string]uint64, maphash.Seed, error) {
	seed := maphash.MakeSeed()
	sums := make(map[string]uint64)
	err := d.each(d.Old, func(row tableRow) error {
		sums[row.key] = sumCells(seed, row.cells)
		return nil
	})
	return sums, seed, err
}

// readChanged keeps the rows of the new table that differ, and leaves in sums
// those that are gone.
func (d Diff) readChanged(sums map[string]uint64, seed maphash.Seed) (*changedRows, error) {
	changed := &changedRows{rows: make(map[string]*changedRow)}
	err := d.each(d.New, func(row tableRow) error {
		sum, known := sums[row.key]
		if !known || sum != sumCells(seed, row.cells) {
			changed.at(row.key).fresh = slices.Clone(row.cells)
		}
		delete(sums, row.key)
		return nil
	})
	return changed, err
}

// addOld adds what the changed rows were, and the rows that are gone.
func (d Diff) addOld(changed *changedRows, gone map[string]uint64) error {
	return d.each(d.Old, func(row tableRow) error {
		_, isGone := gone[row.key]
		if _, isChanged := changed.rows[row.key]; isChanged || isGone {
			changed.at(row.key).old = slices.Clone(row.cells)
		}
		return nil
	})
}

func (d Diff) writeChanged(w io.Writer, changed *changedRows) (cells int, err error) {
	old, err := d.Old.read(d.IsByTeam)
	if err != nil {
		return 0, err
	}
	fresh, err := d.New.read(d.IsByTeam)
	if err != nil {
		return 0, err
	}
	shown := d.shown(fresh)
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(append(slices.Clone(shown), diffFields...)); err != nil {
		return 0, err
	}
	for _, key := range changed.order {
		row := changed.rows[key]
		var who []string
		for _, name := range shown {
			if row.fresh != nil {
				who = append(who, fresh.cell(row.fresh, name))
			} else {
				who = append(who, old.cell(row.old, name))
			}
		}
		for i, column := range fresh.columns {
			if slices.Contains(fresh.key, i) || !slices.Contains(old.columns, column) {
				continue
			}
			before, now := old.cell(row.old, column), fresh.cell(row.fresh, column)
			if before == now {
				continue
			}
			cells++
			if err := out.Write(append(slices.Clone(who), column, before, now, d.Cause(column))); err != nil {
				return cells, err
			}
		}
	}
	out.Flush()
	return cells, out.Error()
}

func (d Diff) each(t Table, do func(tableRow) error) error {
	r, err := t.read(d.IsByTeam)
	if err != nil {
		return err
	}
	for {
		row, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = do(row)
		}
		if err != nil {
			return err
		}
	}
}

func sumCells(seed maphash.Seed, cells []string) uint64 {
	var sum maphash.Hash
	sum.SetSeed(seed)
	for _, cell := range cells {
		_, _ = sum.WriteString(cell) // a hash takes everything
		_ = sum.WriteByte(0)
	}
	return sum.Sum64()
}
