package localpg_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/sql/localpg"
)

// The test program is its own child: with childDir set it holds the private
// Postgres of that directory until its standard input or it itself ends.
const childDir = "LOCALPG_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(holdServer(dir))
	}
	os.Exit(m.Run())
}

func holdServer(dir string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server, err := localpg.Start(ctx, localpg.Options{Dir: dir, Disposable: true})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("ready", server.URL())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	<-ctx.Done()
	if err := server.Close(context.Background()); err != nil {
		fmt.Println("error", err)
		return 1
	}
	return 0
}

// child is a process that holds a private Postgres.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	url   string
}

// startChild runs the child, as the given user where that is not nil.
func startChild(t *testing.T, dir string, as *user.User) *child {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	if as != nil {
		cmd.Path = copyProgram(t, program)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: number(t, as.Uid), Gid: number(t, as.Gid)}}
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd, stdin: stdin}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if err != nil || word != "ready" {
		t.Fatalf("the child says %q (%v), want a ready server", line, err)
	}
	c.url = rest
	return c
}

// copyProgram puts the test program where every user can run it.
func copyProgram(t *testing.T, program string) string {
	t.Helper()
	path := filepath.Join(tempDir(t, 0), "child")
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// end lets the child close its hold and waits for it.
func (c *child) end(t *testing.T) {
	t.Helper()
	_ = c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the child ended with %v", err)
	}
}

func number(t *testing.T, id string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// tempDir makes a directory in memory where possible, which every user can
// pass through and which belongs to uid.
func tempDir(t *testing.T, uid int) string {
	t.Helper()
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = ""
	}
	dir, err := os.MkdirTemp(base, "localpg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if uid != 0 {
		if err := os.Chown(dir, uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// deadline is far beyond what any start takes.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, o localpg.Options) *localpg.Server {
	t.Helper()
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	server, err := localpg.Start(deadline(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeServer(t, server) })
	return server
}

func closeServer(t *testing.T, server *localpg.Server) {
	t.Helper()
	if err := server.Close(deadline(t)); err != nil {
		t.Error(err)
	}
}

// query runs a statement on a connection of its own and returns its first
// value as text, empty where there is none.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	ctx := deadline(t)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last := results[len(results)-1]
	if len(last.Rows) == 0 {
		return ""
	}
	return string(last.Rows[0][0])
}

// serverPID reads the pid of the running server.
func serverPID(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "cluster", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// wantStopped checks that the server of dir is gone without a trace.
func wantStopped(t *testing.T, dir, url string) {
	t.Helper()
	if conn, err := pgx.Connect(deadline(t), url); err == nil {
		_ = conn.Close(deadline(t))
		t.Error("the server still takes connections")
	}
	if _, err := os.Stat(filepath.Join(dir, "cluster", "postmaster.pid")); !os.IsNotExist(err) {
		t.Errorf("postmaster.pid is still there (%v)", err)
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(config.Host); !os.IsNotExist(err) {
		t.Errorf("the socket directory %s is still there (%v)", config.Host, err)
	}
}
