package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"talktime/sql/store/internal/db"
)

// copyPart is how much of an edition's copy one row holds: little enough to be
// carried in memory.
const copyPart = 1 << 20

// BeginExport enters that an edition is about to be delivered, with a copy of its
// rows, as gzipped CSV. The copies of earlier revisions stay until it is
// delivered.
func (s *Store) BeginExport(ctx context.Context, e *Edition, rows io.Reader) error {
	err := s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if err := q.PutExport(ctx, exportParams(e)); err != nil {
			return err
		}
		revision := int32(e.Revision)
		if err := q.DropExportCopies(ctx, db.DropExportCopiesParams{
			Name: e.Name, FromAt: e.From, ToAt: e.To, FirstRevision: revision, LastRevision: revision,
		}); err != nil {
			return err
		}
		content := make([]byte, copyPart)
		for part := int32(0); ; part++ {
			n, err := io.ReadFull(rows, content)
			if n > 0 {
				if err := q.PutExportCopy(ctx, db.PutExportCopyParams{
					Name: e.Name, FromAt: e.From, ToAt: e.To, Revision: revision, Part: part, Content: content[:n],
				}); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
	if err != nil {
		return fmt.Errorf("write the ledger of exports: %w", plain(err))
	}
	return nil
}

// EndExport enters that an edition is delivered, and drops the copies of the
// period's revisions before keepFrom.
func (s *Store) EndExport(ctx context.Context, e *Edition, keepFrom int) error {
	err := s.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if err := q.PutExport(ctx, exportParams(e)); err != nil {
			return err
		}
		return q.DropExportCopies(ctx, db.DropExportCopiesParams{
			Name: e.Name, FromAt: e.From, ToAt: e.To, FirstRevision: 1, LastRevision: int32(keepFrom) - 1,
		})
	})
	if err != nil {
		return fmt.Errorf("write the ledger of exports: %w", plain(err))
	}
	return nil
}

// ExportCopy reads the copy of an edition's rows that BeginExport was given. It
// is empty where there is none.
func (s *Store) ExportCopy(ctx context.Context, e *Edition) io.Reader {
	return &exportCopy{ctx: ctx, store: s, edition: e}
}

// exportCopy reads a copy part by part.
type exportCopy struct {
	ctx     context.Context
	store   *Store
	edition *Edition
	part    int32  // to read next
	rest    []byte // of the part before
}

func (c *exportCopy) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		content, err := db.New(c.store.pool).ExportCopy(c.ctx, db.ExportCopyParams{
			Name: c.edition.Name, FromAt: c.edition.From, ToAt: c.edition.To, Revision: int32(c.edition.Revision), Part: c.part,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, fmt.Errorf("read the copy of export %s: %w", c.edition.Name, plain(err))
		}
		c.part++
		c.rest = content
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
