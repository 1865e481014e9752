package localpg_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"talktime/sql/localpg"
)

func TestRestartBringsAKilledServerBack(t *testing.T) {
	dir := tempDir(t, 0)
	server := start(t, localpg.Options{Dir: dir})
	query(t, server.URL(), "CREATE TABLE kept AS SELECT 7 AS x")
	restart := func(want bool) {
		t.Helper()
		restarted, err := server.Restart(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		if restarted != want {
			t.Errorf("restarted is %t, want %t", restarted, want)
		}
	}
	restart(false)
	if err := syscall.Kill(serverPID(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for gone := false; !gone; { // a killed process ends a moment later
		x, err := localpg.Examine(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		gone = !x.Running
	}
	restart(true)
	restart(false)
	if got := query(t, server.URL(), "SELECT x FROM kept"); got != "7" {
		t.Errorf("the content is %q", got)
	}
	closeServer(t, server)
	wantStopped(t, dir, server.URL())
}

// Why a server gave up is told by itself, else by a child; what it says to
// clients meanwhile tells nothing.
func TestFatal(t *testing.T) {
	const away = "2026-11-22 18:49:50.669 UTC [27014] FATAL:  the database system is not yet accepting connections\n"
	const child = "2026-11-22 18:49:50.660 UTC [27010] FATAL:  could not write to file \"pg_wal/xlogtemp.27010\": No space left on device\n"
	const own = "2026-11-22 18:49:50.660 UTC [22012] FATAL:  could not write lock file \"postmaster.pid\": No space left on device\n"
	const end = "2026-11-22 18:49:50.683 UTC [22012] LOG:  database system is shut down\n"
	for _, c := range []struct{ name, log, want string }{
		{"itself", child + own + away, `could not write lock file "postmaster.pid": No space left on device`},
		{"a child", child + away + end, `could not write to file "pg_wal/xlogtemp.27010": No space left on device`},
		{"nobody", away + end, "2026-11-22 18:49:50.669 UTC [27014] FATAL:  the database system is not yet accepting connections; 2026-11-22 18:49:50.683 UTC [22012] LOG:  database system is shut down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "postgres.log")
			if err := os.WriteFile(log, []byte(c.log), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := localpg.Fatal(log, 22012); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
