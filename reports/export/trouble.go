package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// PassingError is trouble that may pass by itself: it is worth trying again.
type PassingError struct{ Err error }

func (e *PassingError) Error() string { return e.Err.Error() }

func (e *PassingError) Unwrap() error { return e.Err }

// Passing marks an error, if there is one, as trouble that may pass.
func Passing(err error) error {
	if err == nil {
		return nil
	}
	return &PassingError{err}
}

// MayPass reports whether an error is marked as trouble that may pass.
func MayPass(err error) bool {
	_, passes := errors.AsType[*PassingError](err)
	return passes
}

// ConflictError says that a file of other bytes stands under a name already.
// What was delivered is never overwritten.
type ConflictError struct{ Destination, Name string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s holds another %s already; what was delivered is not overwritten: deliver a new revision, or move that file away",
		e.Destination, e.Name)
}

// whyLocal adds to an error of this machine's disk what to do about it.
func whyLocal(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: make room on that disk, then run the export again", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: let the user talktime runs as (uid %d) write there", err, os.Getuid())
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: mount it writable", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: the folder is gone; make it, or mount what it is on", err)
	case errors.Is(err, syscall.ESTALE), errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.EBUSY):
		return Passing(err) // a network file system
	default:
		return err
	}
}
