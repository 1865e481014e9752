package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lock is a flock on a file of its own. The kernel drops it when the process
// ends, however it ends; child processes do not inherit it.
type lock struct{ file *os.File }

// openLock opens the lock file, making it for the directory's owner.
func openLock(d directory, name string) (*lock, error) {
	file, err := d.open(name, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	return &lock{file}, nil
}

// try takes the lock alone or shared if nobody is in the way. Where it fails,
// a lock held before may be lost.
func (l *lock) try(alone bool) (bool, error) {
	how := syscall.LOCK_SH
	if alone {
		how = syscall.LOCK_EX
	}
	for {
		err := syscall.Flock(int(l.file.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, fmt.Errorf("lock %s: %w", l.file.Name(), err)
		}
	}
}

// wait takes the lock alone, waiting for it until ctx ends.
func (l *lock) wait(ctx context.Context) error {
	var patience backoff
	for {
		if got, err := l.try(true); got || err != nil {
			return err
		}
		if err := patience.pause(ctx); err != nil {
			return fmt.Errorf("wait for %s: %w", l.file.Name(), err)
		}
	}
}

// release drops the lock.
func (l *lock) release() {
	_ = l.file.Close() // nothing was written
}

// backoff spaces repeated looks at something that is about to happen: 2 ms at
// first, doubling to 100 ms.
type backoff struct{ last time.Duration }

func (b *backoff) pause(ctx context.Context) error {
	b.last = min(max(2*b.last, 2*time.Millisecond), 100*time.Millisecond)
	timer := time.NewTimer(b.last)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
