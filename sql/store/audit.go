package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"talktime/sql/store/internal/db"
)

// Audit is an entry of the audit log. The role of the database is added to it.
type Audit struct {
	At         time.Time
	Action     string // report or export
	Subject    string // the report's or the export's name
	User, Host string // who the program ran as, and where
	Parameters any    // what was asked for; it is written as JSON
	Rows       int64  // that came of it
	Err        error  // nil if it went well
}

// Audit writes an entry into the audit log.
func (s *Store) Audit(ctx context.Context, entry Audit) error {
	parameters, err := json.Marshal(entry.Parameters)
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	row := db.AuditParams{
		At: entry.At, Action: entry.Action, Subject: entry.Subject, OsUser: entry.User, Host: entry.Host,
		Parameters: parameters, RowCount: entry.Rows,
	}
	if entry.Err != nil {
		row.Error = entry.Err.Error()
	}
	if err := db.New(s.pool).Audit(ctx, row); err != nil {
		return fmt.Errorf("write the audit log: %w", plain(err))
	}
	return nil
}
