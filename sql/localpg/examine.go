package localpg

import (
	"context"
	"path/filepath"
)

// Examination is what a directory holds of a private Postgres.
type Examination struct {
	Programs string // directory of the server programs Start would use
	Major    int    // their version
	Exists   bool   // there is a cluster
	Running  bool   // and its server runs
}

// Examine looks where Start would start, and changes nothing. The error is that
// of Start where no programs fit.
func Examine(ctx context.Context, dir string) (Examination, error) {
	cluster := filepath.Join(dir, "cluster")
	major, err := clusterMajor(cluster)
	if err != nil {
		return Examination{}, err
	}
	x := Examination{Exists: major != 0}
	p, err := findPrograms(ctx, defaultSearch(), major)
	if err != nil {
		return x, err
	}
	x.Programs, x.Major = p.dir, p.major
	if resolved, err := filepath.EvalSymlinks(cluster); err == nil {
		cluster = resolved
	}
	if x.Exists {
		_, x.Running, err = readPostmaster(cluster)
	}
	return x, err
}

// RunningURL returns the connection string of Database where the private Postgres
// in dir runs and takes connections. It changes nothing: the server is neither
// started nor kept from being stopped.
func RunningURL(dir string) (url string, isRunning bool) {
	cluster, err := filepath.EvalSymlinks(filepath.Join(dir, "cluster"))
	if err != nil {
		return "", false
	}
	p, isRunning, err := readPostmaster(cluster)
	if err != nil || !isRunning || p.status != ready {
		return "", false
	}
	return databaseURL(p.socketDir, Database), true
}
