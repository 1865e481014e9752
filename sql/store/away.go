package store

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrAway is what an error is (errors.Is) that may pass without anybody doing
// anything about the program: the server cannot be reached, is starting or
// stopping, has no connection left, or answers too late. A wrong password, a
// missing database or a certificate that is not trusted is not.
var ErrAway = errors.New("the database is away")

// awayError is an error with the words of the one inside.
type awayError struct{ error }

func (e awayError) Unwrap() error { return e.error }

func (e awayError) Is(target error) bool { return target == ErrAway }

// isAway judges a driver's error.
func isAway(err error) bool {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		// 08: connection exceptions; 53300 too_many_connections; 57P01 to 57P03:
		// the server is told to stop, crashed, or is starting.
		return strings.HasPrefix(said.Code, "08") || slices.Contains([]string{"53300", "57P01", "57P02", "57P03"}, said.Code)
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		// Others are TLS alerts: "local error" and "remote error".
		return slices.Contains([]string{"dial", "read", "write"}, failed.Op)
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}
