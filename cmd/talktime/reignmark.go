package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// reignMarks is the folder, data_dir, where a recorder keeps a locked file for its
// reign. The kernel drops the lock when the process ends, however it ends: whoever
// comes next on this machine need not wait until a dead one's beats stay away. Where
// there is no mark of a reign, as on another machine, only its beats tell. The zero
// value keeps none.
type reignMarks string

// name is of a reign by its epoch and its first instant, for recorders of other
// databases may use the same folder.
func (m reignMarks) name(epoch int64, from time.Time) string {
	return filepath.Join(string(m), fmt.Sprintf("reign-%d-%d.lock", epoch, from.UnixMilli()))
}

// keep marks a reign as this process' own until it is left. A mark that cannot be
// made is only a wait longer for the next recorder.
func (m reignMarks) keep(epoch int64, from time.Time, log *slog.Logger) (leave func()) {
	if m == "" {
		return func() {}
	}
	m.sweep()
	file, err := os.CreateTemp(string(m), "reign-*.new") // it has its name once it is locked
	if err == nil {
		err = errors.Join(lockFile(file), os.Rename(file.Name(), m.name(epoch, from)))
	}
	if err != nil {
		log.Debug("the reign is not marked", "error", err)
	}
	return func() {
		_ = os.Remove(m.name(epoch, from))
		_ = file.Close() // nothing was written
	}
}

// isDead says that the process which held a reign is known to have ended.
func (m reignMarks) isDead(epoch int64, from time.Time) bool {
	return m != "" && isUnlocked(m.name(epoch, from))
}

// sweep removes the marks of processes that ended.
func (m reignMarks) sweep() {
	left, _ := filepath.Glob(filepath.Join(string(m), "reign-*"))
	for _, name := range left {
		if isUnlocked(name) {
			_ = os.Remove(name)
		}
	}
}

// isUnlocked says that a file is there and no process has it locked.
func isUnlocked(name string) bool {
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	return lockFile(file) == nil
}

// lockFile locks a file for as long as it is open, or returns why not, such as that
// another process has it.
func lockFile(file *os.File) error {
	for {
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
