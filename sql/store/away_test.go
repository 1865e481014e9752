package store_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"talktime/ingest"
	"talktime/sql/store"
)

// serverThat listens, does something with each connection, closes it, and
// returns the address.
func serverThat(t *testing.T, serves func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serves(conn)
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// refusing answers a client's first message with an error of that code.
func refusing(code, message string) func(net.Conn) {
	return func(conn net.Conn) {
		backend := pgproto3.NewBackend(conn, conn)
		if _, err := backend.ReceiveStartupMessage(); err != nil {
			return
		}
		backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: message})
		_ = backend.Flush()
		_, _ = io.Copy(io.Discard, conn) // until the client has read it
	}
}

// What may pass is told from what somebody must mend.
func TestErrAway(t *testing.T) {
	withServer := func(serves func(net.Conn)) func(t *testing.T) string {
		return func(t *testing.T) string {
			t.Helper()
			return "postgres://kim:hush@" + serverThat(t, serves) + "/talktime?sslmode=disable"
		}
	}
	tests := map[string]struct {
		url    func(t *testing.T) string
		isAway bool
		says   string
	}{
		"nobody listens": {
			func(t *testing.T) string {
				t.Helper()
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = listener.Close() }()
				return fmt.Sprintf("postgres://kim:hush@%s/talktime", listener.Addr())
			}, true, "connection refused",
		},
		"no socket is there":     {func(*testing.T) string { return "host=/nowhere/at/all dbname=talktime" }, true, "no such file"},
		"it hangs up":            {withServer(func(net.Conn) {}), true, ""},
		"it is starting":         {withServer(refusing("57P03", "the database system is starting up")), true, "starting up"},
		"it is stopping":         {withServer(refusing("57P01", "terminating connection due to administrator command")), true, "terminating"},
		"it is full":             {withServer(refusing("53300", "sorry, too many clients already")), true, "too many clients"},
		"the password is wrong":  {withServer(refusing("28P01", `password authentication failed for user "kim"`)), false, "password"},
		"the role may not enter": {withServer(refusing("28000", "no pg_hba.conf entry")), false, "pg_hba.conf"},
		"it speaks no TLS": {func(t *testing.T) string {
			t.Helper()
			return "postgres://" + serverThat(t, noTLS) + "/a?sslmode=require"
		}, false, "TLS"},
		"the URL is none":         {func(*testing.T) string { return "postgres://a:b@[" }, false, "not a valid"},
		"the database is missing": {missingDatabase, false, `database "nowhere" does not exist`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), ingest.NewSecret(test.url(t)))
			if err == nil {
				s.Close()
				t.Fatal("Open returned no error")
			}
			if errors.Is(err, store.ErrAway) != test.isAway || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hush") {
				t.Errorf("away: %v, want %v, of: %v", errors.Is(err, store.ErrAway), test.isAway, err)
			}
		})
	}
}

func missingDatabase(t *testing.T) string {
	t.Helper()
	where, err := url.Parse(newURL(t))
	if err != nil {
		t.Fatal(err)
	}
	where.Path = "/nowhere"
	return where.String()
}

// noTLS answers as a Postgres without TLS does.
func noTLS(conn net.Conn) {
	_, _ = io.ReadFull(conn, make([]byte, 8))
	_, _ = conn.Write([]byte("N"))
	_, _ = io.Copy(io.Discard, conn)
}
