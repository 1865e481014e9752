package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// demoMarker is the file that says a directory is a demo's own. A running demo
// holds it locked.
const demoMarker = ".talktime-demo"

const demoMarkerText = "This directory is talktime demo's own: each run replaces what is in it.\n"

// demoDir is the directory a demo keeps everything in, locked for one run.
type demoDir struct {
	path   string
	marker *os.File
}

func (d *demoDir) join(name string) string { return filepath.Join(d.path, name) }

// release lets the next demo begin. The kernel does so for a killed one.
func (d *demoDir) release() { _ = d.marker.Close() }

// claimDemoDir makes the directory, or takes one that is empty or an earlier
// demo's, and locks it. Any other is refused and left alone.
func claimDemoDir(path string) (*demoDir, error) {
	if err := makeDemoDir(path); err != nil {
		return nil, usageError(fmt.Errorf("--dir: %w", err))
	}
	if err := checkOwner(path); err != nil {
		return nil, usageError(fmt.Errorf("--dir: %w", err))
	}
	marker, err := openMarker(path)
	if err != nil {
		return nil, usageError(fmt.Errorf("--dir: %w", err))
	}
	if err := syscall.Flock(int(marker.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = marker.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another demo is running in %s: wait for it, or give this one its own --dir", path)
		}
		return nil, fmt.Errorf("lock %s: %w", filepath.Join(path, demoMarker), err)
	}
	return &demoDir{path, marker}, nil
}

// makeDemoDir makes the directory and what is missing above it. For root, whose
// Postgres runs as another user, that user must be able to pass through all of
// it; the directories made here let him, whatever the umask.
func makeDemoDir(path string) error {
	if parent := filepath.Dir(path); parent != path {
		if err := makeDemoDir(parent); err != nil {
			return err
		}
	}
	asRoot := os.Geteuid() == 0
	err := os.Mkdir(path, 0o700)
	if err == nil && asRoot {
		return os.Chmod(path, 0o711)
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", path)
	case asRoot && info.Mode().Perm()&0o001 == 0:
		return fmt.Errorf("the user as whom root runs Postgres cannot enter %s: choose another place, or run `chmod a+x %s`", path, path)
	}
	return nil
}

// checkOwner refuses a directory of another user's, who could point what is
// written here elsewhere.
func checkOwner(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user: choose a directory of your own", path)
	}
	return nil
}

// openMarker opens the marker of an earlier demo, or marks an empty directory.
func openMarker(dir string) (*os.File, error) {
	path := filepath.Join(dir, demoMarker)
	marker, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return marker, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("%s holds files and is no demo's directory (there is no %s in it): choose a new or an empty one", dir, demoMarker)
	}
	marker, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(marker, demoMarkerText); err != nil {
		return nil, errors.Join(err, marker.Close())
	}
	return marker, nil
}
