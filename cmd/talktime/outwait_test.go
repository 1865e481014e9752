package main

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"talktime/ingest"
)

// useDatabase writes the centre's private Postgres into its configuration as one
// that is reached by TCP.
func (c *centre) useDatabase(address string) {
	c.t.Helper()
	text, err := os.ReadFile(c.config)
	if err != nil {
		c.t.Fatal(err)
	}
	text = fmt.Appendf(text, "database: {url: \"postgres://%s/talktime?sslmode=disable\"}\n", address)
	if err := os.WriteFile(c.config, text, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// freeAddress is one of loopback at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// serveSocket passes connections at an address on to a socket, until stop or the
// end of the test cuts them.
func serveSocket(t *testing.T, address, socket string) (stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	open := []io.Closer{listener}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := new(net.Dialer).DialContext(t.Context(), "unix", socket)
			if err != nil {
				_ = client.Close()
				continue
			}
			mu.Lock()
			open = append(open, client, server)
			mu.Unlock()
			go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
			go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
		}
	}()
	stop = func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			_ = c.Close()
		}
	}
	t.Cleanup(stop)
	return stop
}

// socket returns the private Postgres' socket and the user to reach it as.
func (c *centre) socket() (path, user string) {
	c.t.Helper()
	row := c.query("SELECT current_setting('unix_socket_directories'), current_setting('port'), current_user")[0]
	return filepath.Join(row[0], ".s.PGSQL."+row[1]), row[2]
}

// A recorder that starts before its database waits for it.
func TestRecorderWaitsForItsDatabase(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102, 103), "* * * * * *")
	socket, user := c.socket()
	address := freeAddress(t)
	c.useDatabase(user + "@" + address)
	const waiting = `msg="waiting for the database" error="open the database talktime at 127.0.0.1 port `

	stopped := c.startRecorder()
	stopped.await(waiting, 1)
	stopped.signal(syscall.SIGTERM)
	if code := stopped.exitCode(); code != exitOK {
		t.Errorf("stopped while it waits, the exit code is %d:\n%s", code, &stopped.seen)
	}

	p := c.startRecorder()
	p.await(waiting, 1)
	serveSocket(t, address, socket)
	p.await(roundStored, 2)
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != exitOK {
		t.Errorf("after SIGTERM the exit code is %d:\n%s", code, &p.seen)
	}
	if n := strings.Count(p.seen.String(), waiting); n != 1 {
		t.Errorf("the recorder said %d times that it waits:\n%s", n, &p.seen)
	}
}

// What does not mend itself ends a recorder at once.
func TestRecorderDoesNotWaitInVain(t *testing.T) {
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102, 103), "* * * * * *")
	socket, user := c.socket()
	at := func(database, user string) string {
		return "postgres:///" + database + "?" + url.Values{"host": {filepath.Dir(socket)}, "user": {user}}.Encode()
	}
	c.query("CREATE ROLE reader LOGIN")
	for name, test := range map[string]struct {
		url  string
		code int
		says string
	}{
		"a missing database":               {at("nowhere", user), exitFailed, `database "nowhere" does not exist`},
		"an older schema it may not raise": {at("talktime", "reader"), exitSchema, "the database's schema is older than this program"},
	} {
		t.Setenv("TALKTIME_DATABASE_URL", test.url)
		if _, stderr := c.run(t.Context(), test.code, "record"); !strings.Contains(stderr, test.says) {
			t.Errorf("%s: record said %q", name, stderr)
		}
	}
}
