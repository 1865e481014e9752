package localpg

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// port names the socket file; nothing listens on it.
const (
	port       = "5432"
	socketFile = ".s.PGSQL." + port
)

// maxSocketPath is the longest path of a Unix socket in bytes, its final NUL
// not counted.
func maxSocketPath() int {
	if runtime.GOOS == "linux" {
		return 107
	}
	return 103
}

// fits reports whether a socket can be named in dir: short enough, and without
// the comma that separates directories in Postgres's and clients' settings.
func fits(dir string) bool {
	return len(dir)+len("/"+socketFile) <= maxSocketPath() && !strings.Contains(dir, ",")
}

// chooseSocketDir returns where the server's socket goes: under dir, or where
// that is too long, in a directory elsewhere whose name follows from dir.
func chooseSocketDir(dir directory) (string, error) {
	sum := sha256.Sum256([]byte(dir.path))
	name := "talktime-" + hex.EncodeToString(sum[:8])
	candidates := []string{dir.join("socket")}
	if os.Geteuid() == 0 {
		candidates = append(candidates, "/run/"+name)
	} else if runtimeDir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(runtimeDir) {
		candidates = append(candidates, filepath.Join(runtimeDir, name))
	}
	candidates = append(candidates, filepath.Join(os.TempDir(), name), "/tmp/"+name)
	for _, candidate := range candidates {
		parent, err := os.Stat(filepath.Dir(candidate))
		if fits(candidate) && err == nil && parent.IsDir() {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("no directory for a Unix socket of at most %d bytes (tried %s): choose a shorter data_dir",
		maxSocketPath(), strings.Join(candidates, ", "))
}

// makeSocketDir makes the socket's directory, open to the account alone, or
// takes the one that is there if it is the account's. A server's leftovers in
// it are removed: the caller knows that none runs.
func makeSocketDir(dir string, a account) error {
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		err = a.own(dir)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	uid, _, err := ownerOf(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || uid != a.uid {
		return fmt.Errorf("the socket directory %s is not %s's own but belongs to %s: remove it or choose a shorter data_dir",
			dir, userName(a.uid), userName(uid))
	}
	if info.Mode().Perm() != 0o700 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return err
		}
	}
	return removeSocket(dir)
}

// removeSocket removes what a server that runs no longer left in its socket's
// directory. Postgres heeds the pid in the lock file, which may be anybody's.
func removeSocket(dir string) error {
	for _, name := range []string{socketFile, socketFile + ".lock"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// removeSocketDir tidies up after a server that has ended. What stays, because
// it is not ours alone or gone already, does no harm.
func removeSocketDir(dir string) {
	if dir != "" && removeSocket(dir) == nil {
		_ = os.Remove(dir)
	}
}

// databaseURL is the connection string of a database behind the socket, which
// pgx and libpq read alike. It names all that the environment could otherwise
// change.
func databaseURL(socketDir, database string) string {
	settings := url.Values{
		"host": {socketDir}, "port": {port}, "user": {superuser}, "sslmode": {"disable"},
	}
	// libpq takes "+" for itself, not for a space.
	query := strings.ReplaceAll(settings.Encode(), "+", "%20")
	return "postgres:///" + url.PathEscape(database) + "?" + query
}
