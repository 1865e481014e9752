package spool

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock is a flock on a file of its own, which stays where it is: the spool's file
// beside it may be moved and replaced. The kernel drops the lock when the
// process ends, however it ends.
type lock struct{ file *os.File }

// tryLock takes the lock of a file name; nil means that another program has it.
func tryLock(name string) (*lock, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return &lock{file}, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return nil, file.Close()
		default:
			return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), file.Close())
		}
	}
}

func (l *lock) release() {
	_ = l.file.Close() // nothing was written
}
