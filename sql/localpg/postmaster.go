package localpg

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// postmaster is what postmaster.pid says of a running server. Postgres writes
// the file line by line while it starts, so all but the pid may be missing.
type postmaster struct {
	pid       int
	socketDir string
	status    string // "starting", "ready", "stopping"
}

const ready = "ready"

// readPostmaster reads the cluster's postmaster.pid and reports whether it
// names a running server of that cluster. A file left behind by a killed
// server does not, even where its pid is somebody else's by now.
func readPostmaster(cluster string) (p postmaster, running bool, err error) {
	text, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return postmaster{}, false, nil
	}
	if err != nil {
		return postmaster{}, false, err
	}
	// pid, data directory, start time, port, socket directory, listen address,
	// shared memory, status
	lines := append(strings.Split(string(text), "\n"), make([]string, 8)...)
	p.socketDir, p.status = strings.TrimSpace(lines[4]), strings.TrimSpace(lines[7])
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err == nil && pid > 0 { // else half written by a killed server
		p.pid = pid
		running = isServerOf(pid, cluster)
	}
	return p, running, nil
}

// isServerOf reports whether the process is a postgres whose working directory
// is the cluster, which tells a server from whoever got its pid later. A
// killed one that nobody has waited for yet does not count.
func isServerOf(pid int, cluster string) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	if _, err := os.Stat("/proc/self/cwd"); err != nil { // not Linux
		out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
		return err == nil && strings.Contains(string(out), "postgres") && strings.Contains(string(out), cluster)
	}
	proc := "/proc/" + strconv.Itoa(pid)
	name, err := os.ReadFile(proc + "/comm")
	if err != nil || !strings.HasPrefix(string(name), "postgres") {
		return false
	}
	cwd, err := os.Readlink(proc + "/cwd")
	return err == nil && cwd == cluster
}

// disownPidFile makes a left-behind postmaster.pid harmless. Postgres refuses
// to start while the pid in it is anybody's, so our own goes in: it takes its
// parent's for stale. The rest stays, for it lets Postgres see whether backends
// of the killed server still work on the cluster.
func disownPidFile(cluster string, a account) error {
	path := filepath.Join(cluster, "postmaster.pid")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	if _, err := strconv.Atoi(strings.TrimSpace(first)); err != nil {
		return os.Remove(path) // killed before it wrote a word, so it has no backends
	}
	replacement := path + ".new"
	if err := os.Remove(replacement); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(replacement, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(strconv.Itoa(os.Getpid()) + "\n" + rest)
	if err := errors.Join(err, file.Close(), a.own(replacement)); err != nil {
		return err
	}
	return os.Rename(replacement, path)
}
