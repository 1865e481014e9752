package store

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"talktime/ingest"
)

// foreignKeyViolation says that a row names another one which is not there.
const foreignKeyViolation = "23503"

// refusal turns the driver's error of storing into words, as plain does, and
// tells what trying again cannot mend by ingest.ErrRefused: the server's classes
// of values it cannot take, constraints it keeps, and limits of its own. All
// else, from a lost connection to a full disk or a right that is missing, may
// pass.
//
// A set of agents that is gone, as after a restore of an older backup, is not
// for ever either: it is stored again with the next try.
func (s *Store) refusal(err error) error {
	said, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || len(said.Code) != 5 {
		return plain(err)
	}
	if said.Code == foreignKeyViolation {
		s.agentSets.forget()
		return plain(err)
	}
	switch said.Code[:2] {
	case "22", "23", "54":
		return fmt.Errorf("%w: %w", ingest.ErrRefused, plain(err))
	}
	return plain(err)
}
