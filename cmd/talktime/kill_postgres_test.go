package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"talktime/sql/localpg"
)

// ownPostgres is a Postgres of a test's own, which may be killed and started
// again. It keeps what it has committed as any Postgres does.
type ownPostgres struct {
	t       *testing.T
	options localpg.Options
	holds   []*localpg.Server // one for each start; a killed server's hold does no harm
	url     string            // how the test itself reaches the server, past every trouble
}

// newOwnPostgres starts one whose files lie in dir.
func newOwnPostgres(t *testing.T, dir string) *ownPostgres {
	t.Helper()
	p := &ownPostgres{t: t, options: localpg.Options{Dir: dir}}
	p.start()
	p.url = p.holds[0].URL() // of every other start too
	t.Cleanup(func() {
		for _, hold := range p.holds {
			if err := hold.Close(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		}
	})
	return p
}

// start brings the server up, after a kill too, and returns when it answers.
func (p *ownPostgres) start() {
	p.t.Helper()
	hold, err := localpg.Start(p.t.Context(), p.options)
	if err != nil {
		p.t.Fatal(err)
	}
	p.holds = append(p.holds, hold)
}

// dial connects to the server's socket.
func (p *ownPostgres) dial() (net.Conn, error) {
	u, err := url.Parse(p.url)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(p.t.Context(), "unix", filepath.Join(u.Query().Get("host"), ".s.PGSQL."+u.Query().Get("port")))
}

// kill ends the server as a power cut does: its first process at once, the
// others when they notice.
func (p *ownPostgres) kill() {
	p.t.Helper()
	p.killProcess(p.pid())
}

// pid is the server's first process; empty where none runs.
func (p *ownPostgres) pid() string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.options.Dir, "cluster", "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		p.t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(first)
}

// killProcess ends one process of the server. If it is not the first one, that
// ends all others and recovers by itself. It may have gone meanwhile.
func (p *ownPostgres) killProcess(pid string) {
	p.t.Helper()
	number, err := strconv.Atoi(pid)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := syscall.Kill(number, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		p.t.Fatal(err)
	}
}

// processes are the ids of all the server's processes; none where it has ended.
func (p *ownPostgres) processes() []string {
	p.t.Helper()
	first := p.pid()
	children, err := os.ReadFile("/proc/" + first + "/task/" + first + "/children")
	if err != nil {
		return nil
	}
	return append(strings.Fields(string(children)), first)
}
