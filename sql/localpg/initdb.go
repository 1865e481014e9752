package localpg

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// superuser owns the private cluster. Whoever reaches its socket may be this
// user; the socket's directory is what keeps others out.
const superuser = "talktime"

// firstSettings go into a new cluster's postgresql.conf, where an operator may
// change them.
const firstSettings = `
# talktime wrote these once, when it made the cluster; change them as you like.
max_connections = 50
shared_buffers = 128MB
max_locks_per_transaction = 256 # each partition a statement touches takes one
jit = off # compiling our many columns costs more than it saves
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
`

// makeCluster makes the cluster in a directory beside it and moves it to its
// place when it is whole.
func (c *cluster) makeCluster(ctx context.Context) error {
	prefix := filepath.Base(c.data) + ".new-"
	entries, err := os.ReadDir(c.dir.path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) {
			// The initdb of a killed process may still write here: then some
			// of it stays until the next time.
			_ = os.RemoveAll(c.dir.join(entry.Name()))
		}
	}
	fresh, err := os.MkdirTemp(c.dir.path, prefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh) //nolint:errcheck // swept by the next start if need be
	if err := c.account.own(fresh); err != nil {
		return err
	}
	args := []string{
		"--pgdata=" + fresh, "--username=" + superuser, "--encoding=UTF8", "--locale=" + locale(),
		"--auth-local=trust", "--auth-host=reject", "--data-checksums", "--no-instructions",
	}
	if c.options.Disposable {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, c.programs.path("initdb"), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", serverEnvironment(), c.account.attributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLines(string(out), 3))
	}
	if err := appendTo(filepath.Join(fresh, "postgresql.conf"), firstSettings); err != nil {
		return err
	}
	if err := os.Rename(fresh, c.data); err != nil {
		return err
	}
	return syncDirectory(c.dir.path)
}

// serverEnvironment keeps the caller's PG* variables and language away from
// the server programs.
func serverEnvironment() []string {
	env := []string{"LC_ALL=" + locale(), "TZ=UTC", "PATH=" + os.Getenv("PATH")}
	if libraries, set := os.LookupEnv("LD_LIBRARY_PATH"); set {
		env = append(env, "LD_LIBRARY_PATH="+libraries)
	}
	return env
}

// locale sorts by code point on every system; macOS has no C.UTF-8.
func locale() string {
	if runtime.GOOS == "darwin" {
		return "C"
	}
	return "C.UTF-8"
}

func appendTo(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // Sync has said what there was to say
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	return file.Sync()
}

func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // opened for reading
	return dir.Sync()
}

// lastLines joins the last n lines of a program's output that are not empty.
func lastLines(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}
