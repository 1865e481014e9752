package localpg_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"talktime/sql/localpg"
)

func TestTheServerOfAKilledProcessIsTakenOver(t *testing.T) {
	dir := tempDir(t, 0)
	holder := startChild(t, dir, nil)
	query(t, holder.url, "CREATE TABLE kept AS SELECT 7 AS x")
	pid := serverPID(t, dir)
	kill(t, holder)
	query(t, holder.url, "SELECT x FROM kept") // the server runs on

	server := start(t, localpg.Options{Dir: dir, Disposable: true})
	if now := serverPID(t, dir); now != pid {
		t.Errorf("the server's pid went from %d to %d: it was not taken over", pid, now)
	}
	closeServer(t, server)
	wantStopped(t, dir, holder.url)
}

func TestAKilledServerRecoversItsContent(t *testing.T) {
	dir := tempDir(t, 0)
	server := start(t, localpg.Options{Dir: dir})
	ctx := deadline(t)
	conn, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE kept AS SELECT generate_series(1, 10000) AS x"); err != nil {
		t.Fatal(err)
	}
	// A backend at work outlives its server for a moment.
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		_, _ = conn.Exec(ctx, "SELECT count(*) FROM generate_series(1, 3000000)")
	}()
	pid := serverPID(t, dir)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	again := start(t, localpg.Options{Dir: dir})
	<-idle
	if got := query(t, again.URL(), "SELECT count(*) FROM kept"); got != "10000" {
		t.Errorf("%s of 10000 rows are there", got)
	}
	if now := serverPID(t, dir); now == pid {
		t.Error("the killed server's pid is still in use")
	}
	closeServer(t, again)
	query(t, server.URL(), "SELECT 1") // the first hold still holds
	closeServer(t, server)
	wantStopped(t, dir, server.URL())
}

func TestCloseAfterTheServerWasKilled(t *testing.T) {
	dir := tempDir(t, 0)
	server := start(t, localpg.Options{Dir: dir, Disposable: true})
	if err := syscall.Kill(serverPID(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	closeServer(t, server)
	if _, err := os.Stat(filepath.Join(dir, "socket")); !os.IsNotExist(err) {
		t.Errorf("the socket directory is still there (%v)", err)
	}
	// Postgres frees a killed server's shared memory when it starts again.
	query(t, start(t, localpg.Options{Dir: dir, Disposable: true}).URL(), "SELECT 1")
}

func TestAStartDuringAStopWaitsForItsEnd(t *testing.T) {
	dir := tempDir(t, 0)
	server := start(t, localpg.Options{Dir: dir})
	query(t, server.URL(), "CREATE TABLE kept AS SELECT generate_series(1, 100000) AS x")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := server.Close(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("a close without time gives %v", err)
	}
	again := start(t, localpg.Options{Dir: dir})
	if got := query(t, again.URL(), "SELECT count(*) FROM kept"); got != "100000" {
		t.Errorf("%s of 100000 rows are there", got)
	}
}

func TestBothKilled(t *testing.T) {
	dir := tempDir(t, 0)
	holder := startChild(t, dir, nil)
	query(t, holder.url, "SET synchronous_commit = on; CREATE TABLE kept AS SELECT 7 AS x")
	if err := syscall.Kill(serverPID(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	kill(t, holder)
	server := start(t, localpg.Options{Dir: dir, Disposable: true})
	if got := query(t, server.URL(), "SELECT x FROM kept"); got != "7" {
		t.Errorf("the content is %q", got)
	}
}

func TestAStalePostmasterPid(t *testing.T) {
	dir := tempDir(t, 0)
	closeServer(t, start(t, localpg.Options{Dir: dir, Disposable: true}))
	data := filepath.Join(dir, "cluster")
	uid, gid := ownerOf(t, data)
	// A process of the server's user that has nothing to do with the server.
	// Postgres would take it for one.
	bystander := exec.Command("cat")
	if os.Geteuid() == 0 {
		bystander.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	}
	stdin, err := bystander.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = bystander.Wait()
	})
	alive := strconv.Itoa(bystander.Process.Pid)
	for name, text := range map[string]string{
		"pid of somebody else": alive + "\n" + data + "\n1700000000\n5432\n" + dir + "/socket\n\n 1 2\nready   \n",
		"pid alone":            alive + "\n",
		"pid of nobody":        "4194303\n" + data + "\n",
		"empty":                "",
		"not a pid":            "x\n",
	} {
		t.Run(name, func(t *testing.T) {
			pidFile := filepath.Join(data, "postmaster.pid")
			if err := os.WriteFile(pidFile, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(pidFile, int(uid), int(gid)); err != nil {
				t.Fatal(err)
			}
			server := start(t, localpg.Options{Dir: dir, Disposable: true})
			query(t, server.URL(), "SELECT 1")
			closeServer(t, server)
			if err := bystander.Process.Signal(syscall.Signal(0)); err != nil {
				t.Fatalf("the bystander was ended: %v", err)
			}
		})
	}
}

func TestAServerWhoseSocketIsGoneIsReplaced(t *testing.T) {
	dir := tempDir(t, 0)
	holder := startChild(t, dir, nil)
	pid := serverPID(t, dir)
	if err := os.RemoveAll(filepath.Join(dir, "socket")); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Start(deadline(t), localpg.Options{Dir: dir, Disposable: true})
	wantWords(t, err, "its socket is gone", "kill -INT "+strconv.Itoa(pid))
	kill(t, holder)
	query(t, start(t, localpg.Options{Dir: dir, Disposable: true}).URL(), "SELECT 1")
}

func TestAnUnfinishedClusterIsMadeAnew(t *testing.T) {
	dir := tempDir(t, 0)
	ctx, cancel := context.WithCancel(deadline(t))
	log := cancelOn{message: "making a private Postgres", cancel: cancel}
	if _, err := localpg.Start(ctx, localpg.Options{Dir: dir, Disposable: true, Log: log.logger()}); err == nil {
		t.Fatal("a start outlived its context")
	}
	left := filepath.Join(dir, "cluster.new-killed")
	if err := os.MkdirAll(filepath.Join(left, "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	query(t, start(t, localpg.Options{Dir: dir, Disposable: true}).URL(), "SELECT 1")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "cluster.") {
			t.Errorf("%s is left over", e.Name())
		}
	}
}

func kill(t *testing.T, c *child) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait() // killed, as it should be
}

func ownerOf(t *testing.T, path string) (uid, gid uint32) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	return owner.Uid, owner.Gid
}

// cancelOn is a log that cancels a context when it is told a message.
type cancelOn struct {
	slog.Handler
	message string
	cancel  context.CancelFunc
}

func (c cancelOn) logger() *slog.Logger {
	c.Handler = slog.DiscardHandler
	return slog.New(c)
}

func (c cancelOn) Enabled(context.Context, slog.Level) bool { return true }

func (c cancelOn) Handle(_ context.Context, r slog.Record) error {
	if r.Message == c.message {
		c.cancel()
	}
	return nil
}
