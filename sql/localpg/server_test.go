package localpg_test

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"talktime/sql/localpg"
)

func TestStartMakesAPrivateServerAndCloseStopsIt(t *testing.T) {
	dir := filepath.Join(tempDir(t, 0), "not", "there yet")
	server := start(t, localpg.Options{Dir: dir, Disposable: true, Settings: map[string]string{"work_mem": "5MB"}})
	for sql, want := range map[string]string{
		"SELECT current_database()":    "talktime",
		"SHOW listen_addresses":        "",
		"SHOW unix_socket_permissions": "0700",
		"SHOW timezone":                "UTC",
		"SHOW server_encoding":         "UTF8",
		"SHOW max_connections":         "50",
		"SHOW data_checksums":          "on",
		"SHOW fsync":                   "off",
		"SHOW work_mem":                "5MB",
		"SELECT count(*) FROM pg_hba_file_rules WHERE type<>'local' AND auth_method<>'reject'": "0",
	} {
		if got := query(t, server.URL(), sql); got != want {
			t.Errorf("%s is %q, want %q", sql, got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(server.Programs(), "initdb")); err != nil {
		t.Error(err)
	}
	pid := serverPID(t, dir)
	if sid, _, errno := syscall.RawSyscall(syscall.SYS_GETSID, uintptr(pid), 0, 0); errno != 0 || int(sid) != pid {
		t.Errorf("the server is in session %d (%v), want one of its own, %d", sid, errno, pid)
	}
	closeServer(t, server)
	wantStopped(t, dir, server.URL())
	if err := syscall.Kill(pid, 0); err == nil {
		t.Error("the server process is still there")
	}
	closeServer(t, server) // twice does nothing
}

func TestADurableServerKeepsItsContentOverRestarts(t *testing.T) {
	dir := tempDir(t, 0)
	server := start(t, localpg.Options{Dir: dir})
	if got := query(t, server.URL(), "CREATE TABLE kept AS SELECT 7 AS x; SHOW fsync"); got != "on" {
		t.Errorf("fsync is %s", got)
	}
	closeServer(t, server)
	server = start(t, localpg.Options{Dir: dir})
	if got := query(t, server.URL(), "SELECT x FROM kept"); got != "7" {
		t.Errorf("the content is %q after a restart", got)
	}
}

func TestLastOneOutStopsTheServer(t *testing.T) {
	dir := tempDir(t, 0)
	first := start(t, localpg.Options{Dir: dir, Disposable: true})
	pid := serverPID(t, dir)
	second := start(t, localpg.Options{Dir: dir, Disposable: true})
	third := startChild(t, dir, nil)
	if third.url != first.URL() || second.URL() != first.URL() {
		t.Errorf("one server has three addresses: %s, %s, %s", first.URL(), second.URL(), third.url)
	}
	closeServer(t, first)
	query(t, second.URL(), "SELECT 1")
	closeServer(t, second)
	query(t, third.url, "SELECT 1")
	if now := serverPID(t, dir); now != pid {
		t.Errorf("the server's pid went from %d to %d", pid, now)
	}
	third.end(t)
	wantStopped(t, dir, third.url)
}

func TestManyStartAtOnce(t *testing.T) {
	dir := tempDir(t, 0)
	ctx := deadline(t)
	failures := make(chan error)
	const many = 6
	for range many {
		go func() {
			server, err := localpg.Start(ctx, localpg.Options{Dir: dir, Disposable: true})
			if err == nil {
				var conn *pgx.Conn
				if conn, err = pgx.Connect(ctx, server.URL()); err == nil {
					err = conn.Close(ctx)
				}
				if closeErr := server.Close(ctx); err == nil {
					err = closeErr
				}
			}
			failures <- err
		}()
	}
	for range many {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "cluster", "postmaster.pid")); !os.IsNotExist(err) {
		t.Errorf("a server was left running (%v)", err)
	}
}

func TestSIGTERMLeavesNothingRunning(t *testing.T) {
	dir := tempDir(t, 0)
	holder := startChild(t, dir, nil)
	if err := holder.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := holder.cmd.Wait(); err != nil {
		t.Errorf("the holder ended with %v", err)
	}
	wantStopped(t, dir, holder.url)
}

func TestAStartThatIsCutShortLeavesNothingRunning(t *testing.T) {
	dir := tempDir(t, 0)
	closeServer(t, start(t, localpg.Options{Dir: dir, Disposable: true}))
	ctx, cancel := context.WithCancel(deadline(t))
	log := cancelOn{message: "starting the private Postgres", cancel: cancel}
	if _, err := localpg.Start(ctx, localpg.Options{Dir: dir, Disposable: true, Log: log.logger()}); err == nil {
		t.Fatal("a start outlived its context")
	}
	if _, err := os.Stat(filepath.Join(dir, "cluster", "postmaster.pid")); !os.IsNotExist(err) {
		t.Errorf("a server was left running (%v)", err)
	}
	query(t, start(t, localpg.Options{Dir: dir, Disposable: true}).URL(), "SELECT 1")
}

func TestLongAndAwkwardDirectories(t *testing.T) {
	for name, below := range map[string]string{
		"longer than a socket path": strings.Repeat("long/", 30),
		"with a comma":              "a,b",
		"with all else":             `a b+c [d]* it's "so" %20`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(tempDir(t, 0), below)
			server := start(t, localpg.Options{Dir: dir, Disposable: true})
			query(t, server.URL(), "SELECT 1")
			config, err := pgx.ParseConfig(server.URL())
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(config.Host)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o700 {
				t.Errorf("the socket directory %s is open to others: %v", config.Host, info.Mode())
			}
			closeServer(t, server)
			wantStopped(t, dir, server.URL())
		})
	}
}

func TestASocketDirectoryOfSomebodyElseIsRefused(t *testing.T) {
	dir := tempDir(t, 0)
	server := start(t, localpg.Options{Dir: dir, Disposable: true})
	closeServer(t, server)
	socket := filepath.Join(dir, "socket")
	if err := os.Symlink(tempDir(t, 0), socket); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Start(deadline(t), localpg.Options{Dir: dir, Disposable: true})
	wantWords(t, err, socket, "remove it or choose a shorter data_dir")
}

func TestAsAnOrdinaryUser(t *testing.T) {
	// Not being root, all other tests are this one.
	for _, name := range otherUsers(t) {
		t.Run(name, func(t *testing.T) {
			as, err := user.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			uid := int(number(t, as.Uid))
			dir := tempDir(t, uid)
			holder := startChild(t, dir, as)
			if owner, _ := ownerOf(t, filepath.Join(dir, "cluster")); int(owner) != uid {
				t.Errorf("the cluster belongs to %d, want %d", owner, uid)
			}
			query(t, holder.url, "CREATE TABLE kept AS SELECT 7 AS x")
			holder.end(t)
			wantStopped(t, dir, holder.url)

			// Root on the user's directory takes nothing away from the user.
			server := start(t, localpg.Options{Dir: dir, Disposable: true})
			if got := query(t, server.URL(), "SELECT x FROM kept"); got != "7" {
				t.Errorf("root reads %q", got)
			}
			closeServer(t, server)
			again := startChild(t, dir, as)
			query(t, again.url, "SELECT x FROM kept")
			again.end(t)
		})
	}
}

// otherUsers lists whom root can turn into; for an ordinary user nobody.
func otherUsers(t *testing.T) []string {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	return []string{"nobody"}
}

func TestADirectoryTheServersUserCannotReach(t *testing.T) {
	outer := tempDir(t, 0)
	closed := filepath.Join(outer, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "inner")
	if os.Geteuid() == 0 {
		_, err := localpg.Start(deadline(t), localpg.Options{Dir: dir})
		wantWords(t, err, "cannot enter "+closed+":", "choose a data_dir that user can reach")
		if _, err := os.Stat(filepath.Join(dir, "cluster")); !os.IsNotExist(err) {
			t.Errorf("a cluster was begun (%v)", err)
		}
		return
	}
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Start(deadline(t), localpg.Options{Dir: dir})
	wantWords(t, err, dir, "permission denied")
}

func TestAServerThatGivesUpSaysWhy(t *testing.T) {
	_, err := localpg.Start(deadline(t), localpg.Options{
		Dir: tempDir(t, 0), Disposable: true, Settings: map[string]string{"max_connections": "none"},
	})
	wantWords(t, err, `invalid value for parameter "max_connections"`, "postgres.log")
}

func wantWords(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not say %q", err, w)
		}
	}
}
