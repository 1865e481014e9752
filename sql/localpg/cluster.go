package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// cluster is the database cluster of a directory and how its server is run.
// Its methods are called under the start lock.
type cluster struct {
	dir      directory
	data     string // the cluster's own directory
	options  Options
	programs programs
	account  account
	started  process // the last server this cluster value has started
}

// prepare finds the programs and the account and makes the cluster where there
// is none.
func (c *cluster) prepare(ctx context.Context) error {
	major, err := clusterMajor(c.data)
	if err != nil {
		return err
	}
	if c.programs, err = findPrograms(ctx, c.options.Search, major); err != nil {
		return err
	}
	if c.account, err = chooseAccount(c.data, c.dir.path); err != nil {
		return err
	}
	if err := c.account.checkReach(ctx, c.programs, c.dir.path); err != nil {
		return err
	}
	if major != 0 {
		return nil
	}
	c.options.Log.Info("making a private Postgres", "dir", c.dir.path, "programs", c.programs.dir)
	return c.makeCluster(ctx)
}

// maxAttempts bounds what is tried again because a server is just ending: some
// ten seconds.
const maxAttempts = 100

// errEnded says that a server ended before it was ready.
var errEnded = errors.New("the server ended before it was ready")

// run returns the cluster's server when it takes connections: the one that
// runs, else a new one. sole says that no other process uses the server.
func (c *cluster) run(ctx context.Context, sole bool) (postmaster, error) {
	var patience backoff
	for attempt := 1; ; attempt++ {
		_, running, err := readPostmaster(c.data)
		if err != nil {
			return postmaster{}, err
		}
		if !running {
			if err := c.spawn(); err != nil {
				return postmaster{}, err
			}
		}
		p, err := c.await(ctx, running)
		switch {
		case err == nil:
			if !running {
				c.options.Log.Info("started the private Postgres", "dir", c.dir.path, "pid", p.pid)
			}
			return p, nil
		case errors.Is(err, errSocketGone) && sole:
			// Something swept the socket away. Nobody can use this server.
			if err := c.stop(ctx); err != nil {
				return postmaster{}, err
			}
		case errors.Is(err, errEnded) && attempt < maxAttempts && (running || c.started.mayRetry()):
			if pauseErr := patience.pause(ctx); pauseErr != nil {
				return postmaster{}, fmt.Errorf("%w: %w", pauseErr, err)
			}
		default:
			return postmaster{}, err
		}
	}
}

// What may be wrong with a server that runs and is ready.
var (
	errSocketGone = errors.New("the server runs but its socket is gone")
	errRefused    = errors.New("the server takes no connection")
)

// await waits until the cluster's server takes connections and proves to be
// the cluster's: one that was found running, or the one just started. It gives
// errEnded where the server ends before.
func (c *cluster) await(ctx context.Context, found bool) (postmaster, error) {
	var patience backoff
	for refused := 0; ; {
		ended := !found && c.started.hasEnded()
		p, running, err := readPostmaster(c.data)
		switch {
		case err != nil:
			return postmaster{}, err
		case running && p.status == ready:
			err := c.greet(ctx, p)
			if refused++; !passes(err) || refused == maxAttempts || ctx.Err() != nil {
				return p, err
			}
		case ended:
			return postmaster{}, fmt.Errorf("%w: %s (more in %s)", errEnded, c.started.log.fatal(c.started.pid), c.dir.join(logFile))
		case found && !running:
			return postmaster{}, errEnded
		}
		if err := patience.pause(ctx); err != nil {
			return postmaster{}, fmt.Errorf("wait for the server: %w", err)
		}
	}
}

// greet connects to a ready server and makes sure it serves this cluster.
func (c *cluster) greet(ctx context.Context, p postmaster) error {
	socket := filepath.Join(p.socketDir, socketFile)
	if _, err := os.Lstat(socket); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s; end it with `kill -INT %d` and try again", errSocketGone, socket, p.pid)
	}
	var data string
	conn, err := pgx.Connect(ctx, databaseURL(p.socketDir, "postgres"))
	if err == nil {
		err = conn.QueryRow(ctx, "SHOW data_directory").Scan(&data)
		err = errors.Join(err, conn.Close(ctx))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if data != c.data {
		return fmt.Errorf("the server at %s serves %s, not %s", socket, data, c.data)
	}
	return nil
}

// passes reports whether a ready server refused us for a reason that will
// pass: it is just ending, so that its pid file tells more at the next look.
func passes(err error) bool {
	const operatorIntervention = "57P" // shutting down, starting up, crashed
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(refusal.Code, operatorIntervention)
	}
	return errors.Is(err, errRefused)
}

// stop shuts the server down: connections are ended, everything is written
// out. It returns when the server has ended; where none runs, at once.
func (c *cluster) stop(ctx context.Context) error {
	p, running, err := c.find()
	if err != nil {
		return err
	}
	if !running {
		removeSocketDir(p.socketDir) // a killed server's
		return nil
	}
	var patience backoff
	for {
		// Again at each look: a server just started may not listen to signals yet,
		// and to one that is shutting down another says nothing new.
		if err := syscall.Kill(p.pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end server process %d: %w", p.pid, err)
		}
		now, running, err := c.find()
		if err != nil {
			return err
		}
		if (!running || now.pid != p.pid) && !isServerOf(p.pid, c.data) {
			break
		}
		if err := patience.pause(ctx); err != nil {
			return fmt.Errorf("server process %d is still writing out: %w", p.pid, err)
		}
	}
	c.options.Log.Info("stopped the private Postgres", "dir", c.dir.path)
	removeSocketDir(p.socketDir)
	return nil
}

// find returns the cluster's running server: the one postmaster.pid names, or
// one just started that has not written it yet.
func (c *cluster) find() (p postmaster, running bool, err error) {
	p, running, err = readPostmaster(c.data)
	if err == nil && !running && c.started.pid != 0 && !c.started.hasEnded() {
		return postmaster{pid: c.started.pid, socketDir: p.socketDir}, true, nil
	}
	return p, running, err
}
