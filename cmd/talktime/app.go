package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"talktime/ingest"
)

// app is one run of the program: what it was given by its surroundings, and
// what its global flags say. Production and tests start the same value.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string // "KEY=value", as os.Environ gives it
	clock          ingest.Clock
	clockIsKept    func() (bool, error) // whether a time server keeps the machine's clock; nil where nobody knows

	// log is ready when a command's RunE begins.
	log *slog.Logger

	ownsProcess bool // what libraries print anywhere in the process is this run's

	configFile string // --config, empty to search for one
	logLevel   string // --log-level
	logFormat  string // --log-format
	started    bool   // a command's own work has begun: flags and arguments were good
}

// run parses the arguments, runs the command they name, prints the error it
// ends with, if any, once, and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)

	return a.finish(ctx, root.ExecuteContext(ctx))
}

// finish prints the error the program ends with, if any, and returns the exit
// code it stands for.
func (a *app) finish(ctx context.Context, err error) int {
	if err == nil {
		return exitOK
	}
	_, coded := errors.AsType[*exitError](err)
	switch {
	case errors.Is(err, syscall.EPIPE): // whoever read the output has enough
		return exitFailed
	case coded:
	case !a.started:
		err = usageError(err)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		err = fmt.Errorf("interrupted: %w", err)
	}
	a.printError(err)
	return codeOf(err)
}

// printError writes every line of the error's text with the program's name
// before it. An error without text (a passed-through exit code) prints nothing.
func (a *app) printError(err error) {
	text := strings.TrimSpace(err.Error())
	if text == "" {
		return
	}
	for line := range strings.Lines(text) {
		_, _ = fmt.Fprintf(a.stderr, "talktime: %s\n", strings.TrimRight(line, "\n"))
	}
}

// getenv returns an environment variable's value, empty when it is not set.
func (a *app) getenv(name string) string {
	value, _ := a.lookupEnv(name)
	return value
}

// lookupEnv returns an environment variable's value and whether it is set.
func (a *app) lookupEnv(name string) (string, bool) {
	for _, entry := range a.environ {
		if key, value, found := strings.Cut(entry, "="); found && key == name {
			return value, true
		}
	}
	return "", false
}

// start is every command's common beginning: by now flags and arguments are
// good, except the checks that cobra would make after it.
func (a *app) start(cmd *cobra.Command, _ []string) error {
	if err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
		return err
	}
	level := cmp.Or(a.logLevel, cmd.Annotations[ownLogLevel], "warn")
	log, err := newLogger(a.stderr, level, a.logFormat)
	if err != nil {
		return err
	}
	a.log = log
	if a.ownsProcess {
		takeStrayLog(log)
	}
	a.started = true
	return nil
}
