package store_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

// A server that falls silent in the middle of a statement keeps nobody from
// leaving.
func TestCloseDoesNotWaitForASilentServer(t *testing.T) {
	d := newDatabase(t)
	defer d.holdAdvisory(t, "talktime.make_partitions")()
	address, silence := silenced(t, d.url)
	s, err := store.Open(t.Context(), ingest.NewSecret(address))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := s.MakePartitions(ctx, monday, monday)
		failed <- err
	}()
	d.awaitBlocked(t)
	silence()
	cancel()
	if err := <-failed; err == nil {
		t.Error("partitions were made")
	}
	began := time.Now()
	s.Close()
	if took := time.Since(began); took > 10*time.Second { // the driver's own patience is 15 s
		t.Errorf("closing took %s", took)
	}
}

// silenced is another way to a database, on which nothing comes through any more
// once it is silenced, and connections stay open.
func silenced(t *testing.T, database string) (address string, silence func()) {
	t.Helper()
	to, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(to.Query().Get("host"), ".s.PGSQL."+to.Query().Get("port"))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := (&net.Dialer{}).DialContext(t.Context(), "unix", socket)
			if err != nil {
				return
			}
			t.Cleanup(func() { _, _ = client.Close(), server.Close() })
			for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
				go func() { _, _ = io.Copy(way[0], until{ctx, way[1]}) }()
			}
		}
	}()
	to.Host = listener.Addr().String()
	to.RawQuery = url.Values{"user": {to.Query().Get("user")}, "sslmode": {"disable"}}.Encode()
	return to.String(), cancel
}

// until reads from a connection until ctx ends, and nothing after that.
type until struct {
	ctx  context.Context
	conn net.Conn
}

func (u until) Read(b []byte) (int, error) {
	n, err := u.conn.Read(b)
	if u.ctx.Err() != nil {
		return 0, io.EOF
	}
	return n, err
}
