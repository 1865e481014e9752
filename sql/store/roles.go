package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"talktime/sql/store/internal/db"
)

// The roles of talktime, which may not log in themselves: others become members.
const (
	ViewOwnerRole = "talktime_bi"     // owns the views of bi_v1
	ReaderRole    = "talktime_reader" // sees all of bi_v1 and nothing else
	WriterRole    = "talktime_writer" // may record and derive, and make nothing
)

// settleRoles makes the roles where they are missing and gives them, and every role
// that was granted bi_v1, their rights. A role that may not do that leaves a warning
// that says what to do: recording needs none of them. Who does not own the schema
// leaves all as it is.
func (s *Store) settleRoles(ctx context.Context, log *slog.Logger) error {
	err := s.inTx(ctx, func(tx pgx.Tx, q *db.Queries) error {
		if owns, err := q.OwnsSchema(ctx); err != nil || !owns {
			return err
		}
		absent, err := settle(ctx, tx, q)
		for _, role := range absent {
			log.Warn("a role that was granted bi_v1 does not exist here: make it and run `talktime migrate`, or run `talktime bi revoke` for it", "role", role)
		}
		return err
	})
	if err == nil || isAway(err) || ctx.Err() != nil {
		return err
	}
	log.Warn("BI tools have no access yet, recording is not concerned", "error", worded(err))
	return nil
}

// settle is settleRoles for the schema's owner; it returns roles with grants that
// do not exist.
func settle(ctx context.Context, tx pgx.Tx, q *db.Queries) (absent []string, err error) {
	if absent, err = q.SettleRoles(ctx); err != nil {
		return nil, err
	}
	lacking, err := q.MissingRights(ctx, WriterRole)
	if err != nil {
		return nil, err
	}
	for _, right := range lacking {
		if right.ForPartitions {
			continue
		}
		if _, err := tx.Exec(ctx, right.Remedy); err != nil {
			return nil, err
		}
	}
	return absent, nil
}

// Roles returns the server's roles but for Postgres' own, by name.
func (s *Store) Roles(ctx context.Context) ([]string, error) {
	names, err := db.New(s.pool).RoleNames(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the roles: %w", plain(err))
	}
	return names, nil
}

// UnknownRoleError is a role that the server does not have.
type UnknownRoleError struct {
	Role  string
	Known []string // those it has, but for Postgres' own
}

func (e *UnknownRoleError) Error() string { return fmt.Sprintf("there is no role %q", e.Role) }

// ErrNotGrantable wraps why a role cannot be granted what was asked for.
var ErrNotGrantable = errors.New("it cannot be granted")

// Rails are settings that keep a reader from harming others by mistake. Postgres lets
// a session change all but the last, so they protect nothing: the grants do.
type Rails struct {
	StatementSeconds int // longest query
	Connections      int // of the role at one time, over all databases of the server
}

// GrantBI lets a role read bi_v1: with teams, agents while they were in these and
// nothing else, else everything. It takes the place of what the role was granted
// before. Rails that this role may not set are returned as missed, and the grant
// stands. The error is an *UnknownRoleError or wraps ErrNotGrantable where the role
// is at fault.
func (s *Store) GrantBI(ctx context.Context, role string, teams []string, rails Rails) (missed error, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx, q *db.Queries) error {
		if err := checkGrantable(ctx, q, role, teams); err != nil {
			return err
		}
		if _, err := settle(ctx, tx, q); err != nil {
			return err
		}
		if _, err := q.DropBIGrants(ctx, role); err != nil {
			return err
		}
		granted := teams
		if len(granted) == 0 {
			granted = []string{""}
		}
		if err := q.PutBIGrants(ctx, db.PutBIGrantsParams{RoleName: role, Teams: granted}); err != nil {
			return err
		}
		for _, right := range []string{"USAGE ON SCHEMA bi_v1", "SELECT ON ALL TABLES IN SCHEMA bi_v1"} {
			if _, err := tx.Exec(ctx, "GRANT "+right+" TO "+quoteName(role)); err != nil {
				return err
			}
		}
		missed = setRails(ctx, tx, role, rails)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("grant bi_v1 to %s: %w", role, plain(err))
	}
	return missed, nil
}

func checkGrantable(ctx context.Context, q *db.Queries, role string, teams []string) error {
	known, err := q.RoleNames(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(known, role) {
		return &UnknownRoleError{role, known}
	}
	if role == ViewOwnerRole || role == WriterRole || role == ReaderRole {
		return fmt.Errorf("%w: %s is one of talktime's own roles", ErrNotGrantable, role)
	}
	if len(teams) == 0 {
		return nil
	}
	sees, err := q.SeesEverythingAnyway(ctx, role)
	if err == nil && sees {
		err = fmt.Errorf("%w certain teams only: it is a superuser, has rights on the tables, or is a member of a role that sees everything", ErrNotGrantable)
	}
	return err
}

// setRails sets what it may, in a savepoint of its own.
func setRails(ctx context.Context, tx pgx.Tx, role string, rails Rails) error {
	return worded(pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		return runEach(ctx, tx, rails.statements(role))
	}))
}

// settings are what a grant sets of a role in this database, and a revoke takes back.
func (r Rails) settings() map[string]string {
	return map[string]string{
		"default_transaction_read_only":       "on",
		"statement_timeout":                   fmt.Sprintf("'%ds'", r.StatementSeconds),
		"idle_in_transaction_session_timeout": "'5min'",
		"idle_session_timeout":                "'1h'",
		// Compiling the views' many columns costs more than it saves; and a team looked up
		// by time is taken for one of thousands, whose hash 4 MB would not hold.
		"jit":      "off",
		"work_mem": "'16MB'",
	}
}

func (r Rails) statements(role string) []string {
	statements := []string{fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT %d", quoteName(role), r.Connections)}
	for name, value := range r.settings() {
		statements = append(statements, inThisDatabase(role, "SET "+name+" = "+value))
	}
	return statements
}

// inThisDatabase words a change of a role's settings. Postgres takes no expression
// for the database's name.
func inThisDatabase(role, change string) string {
	text := fmt.Sprintf("ALTER ROLE %s IN DATABASE %%I %s", strings.ReplaceAll(quoteName(role), "%", "%%"), change)
	return "DO $do$ BEGIN EXECUTE format(" + quoteText(text) + ", current_database()); END $do$"
}

func runEach(ctx context.Context, tx pgx.Tx, statements []string) error {
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// RevokeBI takes back all that GrantBI gave but the connection limit, which may be
// another's. It returns false where there was nothing to take back. A role that is
// gone only leaves the ledger.
func (s *Store) RevokeBI(ctx context.Context, role string) (had bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx, q *db.Queries) error {
		if role == ReaderRole {
			return fmt.Errorf("%w or taken away: make or end a membership in it instead", ErrNotGrantable)
		}
		grants, err := q.BIGrants(ctx)
		if err != nil {
			return err
		}
		for _, grant := range grants {
			if grant.RoleName != role {
				continue
			}
			had = true
			if _, err := q.DropBIGrants(ctx, role); err != nil || !grant.IsThere {
				return err
			}
			if err := runEach(ctx, tx, []string{
				"REVOKE ALL ON ALL TABLES IN SCHEMA bi_v1 FROM " + quoteName(role),
				"REVOKE ALL ON SCHEMA bi_v1 FROM " + quoteName(role),
			}); err != nil {
				return err
			}
			// Rails that may not be taken off harm nobody who has no rights.
			_ = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
				for name := range (Rails{}).settings() {
					if _, err := tx.Exec(ctx, inThisDatabase(role, "RESET "+name)); err != nil {
						return err
					}
				}
				return nil
			})
			return nil
		}
		known, err := q.RoleNames(ctx)
		if err == nil && !slices.Contains(known, role) {
			err = &UnknownRoleError{role, known}
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("revoke bi_v1 from %s: %w", role, plain(err))
	}
	return had, nil
}

// BIGrant is what a role sees of bi_v1.
type BIGrant struct {
	Role           string
	IsThere        bool // false: the ledger names a role that does not exist
	CanLogin       bool
	MayReadTables  bool     // sees everything, granted or not
	SeesEverything bool     // granted without teams
	Teams          []string // sorted; with SeesEverything false and none here, it sees no agent
	Members        []string // roles that are members, and so see the same
}

// BIGrants lists the roles that were granted bi_v1, and those that have a right on
// its views without, by name.
func (s *Store) BIGrants(ctx context.Context) ([]BIGrant, error) {
	rows, err := db.New(s.pool).BIGrants(ctx)
	if err != nil {
		return nil, fmt.Errorf("list who may read bi_v1: %w", plain(err))
	}
	grants := make([]BIGrant, len(rows))
	for i, r := range rows {
		grants[i] = BIGrant{r.RoleName, r.IsThere, r.CanLogin, r.MayReadTables, r.SeesEverything, r.Teams, r.Members}
	}
	return grants, nil
}

func quoteName(name string) string { return pgx.Identifier{name}.Sanitize() }

func quoteText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
