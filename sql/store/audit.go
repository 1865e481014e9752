package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/sql/store/internal/db"
)

// Audit is an entry of the audit log: who ran which report or export.
type Audit struct {
	At         time.Time
	Action     string // report or export
	Subject    string // the report's or the export's name
	User, Host string // who the program ran as, and where
	Role       string // as whom it was connected to the database, which enters it
	Parameters any    // what was asked for; JSON when it is read
	Rows       int64  // that came of it
	ExitCode   int    // of the program, had it done nothing else; 0 is done
	Err        error  // nil if it went well
}

// EnterAudit appends an entry to the audit log. It needs no right but to use the
// schema, also where the role's transactions are read-only unless told otherwise.
func (s *Store) EnterAudit(ctx context.Context, entry Audit) error {
	parameters, err := json.Marshal(entry.Parameters)
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	row := db.EnterAuditParams{
		At: entry.At, Action: entry.Action, Subject: entry.Subject, OsUser: entry.User, Host: entry.Host,
		Parameters: parameters, RowCount: entry.Rows, ExitCode: int32(entry.ExitCode),
	}
	if entry.Err != nil {
		row.Error = entry.Err.Error()
	}
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		return db.New(tx).EnterAudit(ctx, row)
	})
	if err != nil {
		return fmt.Errorf("write the audit log: %w", plain(err))
	}
	return nil
}

// AuditQuery says which entries of the audit log are wanted. An empty word wants
// all.
type AuditQuery struct {
	From, To        time.Time // of the entries, To not included
	User            string    // of the operating system, or a role of the database
	Action, Subject string
}

// AuditLog yields entries of the audit log in order, one by one as the server
// sends them. It needs the right to read the table.
func (s *Store) AuditLog(ctx context.Context, q AuditQuery) iter.Seq2[Audit, error] {
	return func(yield func(Audit, error) bool) {
		rows, err := s.pool.Query(ctx, db.AuditLog, q.From, q.To, q.User, q.Action, q.Subject)
		if err != nil {
			yield(Audit{}, fmt.Errorf("read the audit log: %w", plain(err)))
			return
		}
		defer rows.Close()
		for rows.Next() {
			entry, err := scanAudit(rows)
			if !yield(entry, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Audit{}, fmt.Errorf("read the audit log: %w", plain(err)))
		}
	}
}

// scanAudit reads a row of AuditLog, in the order of its columns.
func scanAudit(rows pgx.Rows) (Audit, error) {
	var entry Audit
	var parameters []byte
	var failed string
	err := rows.Scan(&entry.At, &entry.Action, &entry.Subject, &entry.User, &entry.Host, &entry.Role, &parameters, &entry.Rows, &entry.ExitCode, &failed)
	if err != nil {
		return Audit{}, fmt.Errorf("read the audit log: %w", err)
	}
	entry.At, entry.Parameters = entry.At.UTC(), json.RawMessage(parameters)
	if failed != "" {
		entry.Err = errors.New(failed)
	}
	return entry, nil
}
