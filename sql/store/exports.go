package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"talktime/reports"
	"talktime/sql/store/internal/db"
)

// ExportStatus says how far an edition of an export has come.
type ExportStatus string

// The statuses. An edition that is Abandoned was begun, and its figures changed
// before all of its files were delivered; the next revision holds them.
const (
	Waiting    ExportStatus = "waiting" // for its figures to be final
	Delivering ExportStatus = "delivering"
	Delivered  ExportStatus = "delivered"
	Failed     ExportStatus = "failed"
	Abandoned  ExportStatus = "abandoned"
)

// Edition is an entry of the ledger of exports: one period of one export in one
// revision. Instants are UTC.
type Edition struct {
	Name string
	reports.Span
	Revision    int // from 1
	TimeZone    string
	DueAt       time.Time
	Status      ExportStatus
	Reason      string // why there is this revision
	Definition  string // what is exported, as the configuration has it
	Destination string // without secrets

	// What was made of it; nothing where that has not been tried.
	Files       []string // in the order in which they are delivered
	SHA256      string   // of the data file, in hexadecimal
	Rows, Bytes int64    // of the data file
	CoveragePct *float64 // nil where no poll was due
	IsFinal     bool
	Basis       ExportBasis
	Horizon     time.Time // up to which figures were derived
	Program     string    // that made it
	Manifest    string    // byte for byte

	Attempts    int
	Error       string    // of the last attempt, or what is wrong with what was delivered
	EnteredAt   time.Time // in the ledger
	AttemptedAt time.Time // zero before the first attempt
	DeliveredAt time.Time // zero until it is delivered
}

// ExportBasis is what figures of a window are read from.
type ExportBasis struct {
	DerivationID int64  // the last derivation
	RosterSum    string // checksum of the roster
	IsOpen       bool   // some quarter-hours of the window are not final
}

// ErrExportLocked is returned by LockExport while another program works on the
// export.
var ErrExportLocked = errors.New("another talktime is working on this export")

// unlockTimeout bounds how long giving a lock up waits for a server that may be
// gone.
const unlockTimeout = 3 * time.Second

// LockExport gives one program at a time the right to work on the export of a
// name, or returns ErrExportLocked at once. The lock lasts as long as its
// connection, so a program that dies gives it up.
func (s *Store) LockExport(ctx context.Context, name string) (unlock func(), err error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("lock export %s: %w", name, plain(err))
	}
	leave := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
		defer cancel()
		_ = db.New(conn).UnlockExport(ctx, name) // a server may notice a closed connection late
		_ = conn.Close(ctx)                      // the lock goes with the connection, however that ends
	}
	held, err := db.New(conn).TryLockExport(ctx, name)
	if err == nil && held {
		return leave, nil
	}
	_ = conn.Close(context.WithoutCancel(ctx))
	if err != nil {
		return nil, fmt.Errorf("lock export %s: %w", name, plain(err))
	}
	return nil, ErrExportLocked
}

// Exports returns the editions of the export of a name, of all exports for the
// empty one: by name, then as they were due, then by period and revision.
func (s *Store) Exports(ctx context.Context, name string) ([]Edition, error) {
	rows, err := db.New(s.pool).Exports(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read the ledger of exports: %w", plain(err))
	}
	editions := make([]Edition, len(rows))
	for i, row := range rows {
		editions[i] = editionOf(row)
	}
	return editions, nil
}

// PutExport enters an edition or its new state.
func (s *Store) PutExport(ctx context.Context, e *Edition) error {
	if err := db.New(s.pool).PutExport(ctx, exportParams(e)); err != nil {
		return fmt.Errorf("write the ledger of exports: %w", plain(err))
	}
	return nil
}

// DropExport takes an edition that was not delivered out of the ledger, if it is
// there.
func (s *Store) DropExport(ctx context.Context, e *Edition) error {
	err := db.New(s.pool).DropExport(ctx, db.DropExportParams{Name: e.Name, FromAt: e.From, ToAt: e.To, Revision: int32(e.Revision)})
	if err != nil {
		return fmt.Errorf("write the ledger of exports: %w", plain(err))
	}
	return nil
}

// StaleExport is a period whose latest delivered revision may not hold any more.
// Where neither is set, figures were still awaited when it was delivered.
type StaleExport struct {
	reports.Span
	IsRederived    bool // figures in it that were final were derived anew
	HasOtherRoster bool
}

// StaleExports returns the periods of the export whose latest delivered revision
// may not hold any more, in the order they were due. It looks at the roster of
// each only where rosterIsNew says that something has changed anywhere.
func (s *Store) StaleExports(ctx context.Context, name string, rosterIsNew bool) ([]StaleExport, error) {
	rows, err := db.New(s.pool).StaleExports(ctx, db.StaleExportsParams{Name: name, RosterIsNew: rosterIsNew})
	if err != nil {
		return nil, fmt.Errorf("look for changes of export %s: %w", name, plain(err))
	}
	stale := make([]StaleExport, len(rows))
	for i, row := range rows {
		stale[i] = StaleExport{reports.Span{From: row.FromAt.UTC(), To: row.ToAt.UTC()}, row.IsRederived, row.HasOtherRoster}
	}
	return stale, nil
}

// RosterSum returns a checksum of the whole roster.
func (s *Store) RosterSum(ctx context.Context) (string, error) {
	sum, err := db.New(s.pool).RosterSum(ctx)
	if err != nil {
		return "", fmt.Errorf("read the roster: %w", plain(err))
	}
	return sum, nil
}

// ExportHealth says how an export is doing.
type ExportHealth struct {
	Name        string
	DeliveredAt time.Time // of its last success; zero where there is none
	Failed      int       // periods whose last attempt failed
}

// ExportHealth returns how every export in the ledger is doing, by name.
func (s *Store) ExportHealth(ctx context.Context) ([]ExportHealth, error) {
	rows, err := db.New(s.pool).ExportHealth(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the ledger of exports: %w", plain(err))
	}
	health := make([]ExportHealth, len(rows))
	for i, row := range rows {
		health[i] = ExportHealth{Name: row.Name, Failed: int(row.Failed)}
		if row.DeliveredAt.Unix() != 0 {
			health[i].DeliveredAt = row.DeliveredAt.UTC()
		}
	}
	return health, nil
}

// ExportBasis returns what figures of [from, to) are read from at the instant of
// the snapshot.
func (s *Snapshot) ExportBasis(ctx context.Context, from, to time.Time) (ExportBasis, error) {
	row, err := db.New(s.tx).ExportBasis(ctx, db.ExportBasisParams{FromAt: from, ToAt: to})
	if err != nil {
		return ExportBasis{}, fmt.Errorf("read what the figures stand on: %w", plain(err))
	}
	return ExportBasis{row.DerivationID, row.RosterSum, row.IsOpen}, nil
}

func editionOf(row db.TalktimeExport) Edition {
	e := Edition{
		Name: row.Name, Span: reports.Span{From: row.FromAt.UTC(), To: row.ToAt.UTC()}, Revision: int(row.Revision),
		TimeZone: row.TimeZone, DueAt: row.DueAt.UTC(), Status: ExportStatus(row.Status), Reason: row.Reason,
		Definition: row.Definition, Destination: row.Destination,
		Files: row.Files, SHA256: row.Sha256, Rows: row.RowCount, Bytes: row.Bytes, IsFinal: row.IsFinal,
		Basis:   ExportBasis{DerivationID: row.DerivationID, RosterSum: row.RosterSum},
		Horizon: orZero(row.HorizonAt), Program: row.Program, Manifest: row.Manifest,
		Attempts: int(row.Attempts), Error: row.Error,
		EnteredAt: row.EnteredAt.UTC(), AttemptedAt: orZero(row.AttemptedAt), DeliveredAt: orZero(row.DeliveredAt),
	}
	if row.CoveragePct.Valid {
		e.CoveragePct = &row.CoveragePct.Float64
	}
	return e
}

func exportParams(e *Edition) db.PutExportParams {
	p := db.PutExportParams{
		Name: e.Name, FromAt: e.From, ToAt: e.To, Revision: int32(e.Revision),
		TimeZone: e.TimeZone, DueAt: e.DueAt, Status: string(e.Status), Reason: e.Reason,
		Definition: e.Definition, Destination: e.Destination,
		Files: e.Files, Sha256: e.SHA256, RowCount: e.Rows, Bytes: e.Bytes, IsFinal: e.IsFinal,
		DerivationID: e.Basis.DerivationID, RosterSum: e.Basis.RosterSum,
		HorizonAt: orNull(e.Horizon), Program: e.Program, Manifest: e.Manifest,
		Attempts: int32(e.Attempts), Error: e.Error,
		EnteredAt: e.EnteredAt, AttemptedAt: orNull(e.AttemptedAt), DeliveredAt: orNull(e.DeliveredAt),
	}
	if p.Files == nil {
		p.Files = []string{}
	}
	if e.CoveragePct != nil {
		p.CoveragePct = pgtype.Float8{Float64: *e.CoveragePct, Valid: true}
	}
	return p
}

// orNull returns nothing for the zero instant.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// orZero returns the zero instant for nothing.
func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
