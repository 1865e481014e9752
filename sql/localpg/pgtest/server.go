package pgtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"talktime/sql/localpg"
)

// Main runs a package's tests and then gives up this program's hold on the
// shared server. Call it as the whole of TestMain. A server that cannot be
// stopped makes the tests fail.
func Main(m *testing.M) {
	code := m.Run()
	if err := here.close(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// program is this test program's hold on the shared server.
type program struct {
	mu     sync.Mutex
	server *localpg.Server // nil before the first use
	conn   *pgx.Conn       // to the maintenance database; its end frees the program's locks
	token  int32           // in the name of each of the program's databases
	serial int             // databases made so far
	using  map[string]bool // templates this program holds a lock on
}

var here program

// open joins the shared server on the first use. The caller holds p.mu.
func (p *program) open(ctx context.Context) error {
	if p.server != nil {
		if !p.conn.IsClosed() {
			return nil
		}
		if err := p.leave(ctx); err != nil { // the server was killed: start it again
			return err
		}
	}
	dir, err := sharedDir(ctx)
	if err != nil {
		return err
	}
	server, err := localpg.Start(ctx, localpg.Options{
		Dir:        dir,
		Disposable: true,
		Settings: map[string]string{
			"max_connections": "200", "shared_buffers": "64MB",
			"max_locks_per_transaction": "256", // each partition a statement touches takes one
			"jit":                       "off", // as in every private cluster
		},
	})
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, server.DatabaseURL("postgres"))
	if err != nil {
		return errors.Join(err, server.Close(ctx))
	}
	p.server, p.conn, p.using = server, conn, map[string]bool{}
	p.token = rand.Int32()
	if err := p.exec(ctx, "SELECT pg_advisory_lock($1, $2)", lockProgram, p.token); err != nil {
		return errors.Join(err, p.leave(ctx))
	}
	return p.sweep(ctx)
}

func (p *program) close(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return nil
	}
	return p.leave(ctx)
}

func (p *program) leave(ctx context.Context) error {
	err := errors.Join(p.conn.Close(ctx), p.server.Close(ctx))
	p.server, p.conn = nil, nil
	return err
}

// sharedDir is where the user's shared server of the Postgres in use lives: tests
// on several versions do not meet. Its parent is open to all, so it must prove to
// be ours.
func sharedDir(ctx context.Context) (string, error) {
	major, err := localpg.ProgramsMajor(ctx)
	if err != nil {
		return "", err
	}
	base := "/dev/shm"
	if probe, err := os.MkdirTemp(base, "talktime-probe-"); err != nil {
		base = os.TempDir()
	} else if err := os.Remove(probe); err != nil {
		return "", err
	}
	dir := filepath.Join(base, fmt.Sprintf("talktime-test-%d-pg%d", os.Geteuid(), major))
	// Root's server is another user's, who must be able to pass through.
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if !info.IsDir() || owner != uint32(os.Geteuid()) {
		return "", fmt.Errorf("%s belongs to user id %d: remove it", dir, owner)
	}
	return dir, nil
}
