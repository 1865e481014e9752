package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
)

func (a *app) psqlCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "psql [-- ARGUMENTS OF PSQL]",
		Short: "Open psql on the configured or private database",
		Long: `psql opens Postgres' own terminal on the database that the configuration names,
or on the private Postgres. Tables are found without naming the schema talktime.
What follows -- is handed to psql, whose exit code becomes this one's.`,
		Example: `  talktime psql
  talktime psql --config talktime.yaml -- -c 'SELECT count(*) FROM samples'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
				return usagef("psql's own arguments stand after --, as in: talktime psql -- %s", args[0])
			}
			return a.psql(cmd.Context(), args)
		},
	}
}

func (a *app) psql(ctx context.Context, args []string) (err error) {
	cfg, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	db, err := a.openDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close(ctx)) }()

	program, err := findPsql(db.programs)
	if err != nil {
		return err
	}
	env, err := psqlEnv(a.environ, db.url)
	if err != nil {
		return err
	}
	// psql ends by itself: at a signal it has a query to cancel and a terminal
	// to restore.
	child := exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	child.Env = env
	child.Stdin, child.Stdout, child.Stderr = a.stdin, a.stdout, a.stderr
	err = runForeground(child)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		return &exitError{code: exit.ExitCode()}
	}
	return err
}

// findPsql looks on the PATH, then beside the private Postgres' programs.
func findPsql(programs string) (string, error) {
	if path, err := exec.LookPath("psql"); err == nil {
		return path, nil
	}
	if programs != "" {
		if path, err := exec.LookPath(filepath.Join(programs, "psql")); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("psql is not on the PATH: install Postgres' client programs (Debian: apt-get install postgresql-client)")
}

// runForeground runs a program that owns the terminal. An interrupt typed there
// reaches it directly and is its affair; a termination sent to us is passed on.
func runForeground(child *exec.Cmd) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := child.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- child.Wait() }()
	for {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			if s == syscall.SIGTERM {
				// An error here means that it has just ended.
				_ = child.Process.Signal(s)
			}
		}
	}
}
