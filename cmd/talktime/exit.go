package main

import (
	"errors"
	"fmt"
)

// The exit codes, a contract with scripts and service units.
const (
	exitOK      = 0 // done
	exitFailed  = 1 // the work failed
	exitUsage   = 2 // wrong flags, arguments or configuration; nothing was changed
	exitPartial = 3 // done in part: some agents failed, or coverage is below --require-coverage
	exitSchema  = 4 // the database's schema is older or newer than the program's
)

// exitError is an error that ends the program with a code other than
// exitFailed.
type exitError struct {
	code int
	err  error // nil for a code passed through from another program
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// withExit gives err an exit code. A nil err stays nil.
func withExit(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code, err}
}

// usageError marks err as the caller's mistake in flags, arguments or
// configuration. A nil err stays nil.
func usageError(err error) error { return withExit(exitUsage, err) }

// usagef makes a usage error from a format.
func usagef(format string, args ...any) error { return usageError(fmt.Errorf(format, args...)) }

// codeOf returns the exit code an error stands for.
func codeOf(err error) int {
	if err == nil {
		return exitOK
	}
	if coded, ok := errors.AsType[*exitError](err); ok {
		return coded.code
	}
	return exitFailed
}
