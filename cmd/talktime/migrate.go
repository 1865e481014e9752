package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"talktime/sql/store"
)

func (a *app) migrateCommand() *cobra.Command {
	var down, yes bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to this program's",
		Long: `migrate makes the tables of a new database, or brings an older schema up to the
one this program works with. Programs that start together take turns. It needs a
role that may create in the database; a newer schema is left alone (exit code 4).

--down takes every migration back and so destroys all that was ever recorded and
derived: it needs --yes beside it.`,
		Example: `  talktime migrate
  TALKTIME_DATABASE_URL=postgres://owner@db/talktime talktime migrate
  talktime migrate --down --yes`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if down {
				return a.migrateDown(cmd.Context(), yes)
			}
			if yes {
				return usagef("--yes says yes to nothing without --down")
			}
			return a.migrate(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&down, "down", false, "destroy the schema and everything in it")
	cmd.Flags().BoolVar(&yes, "yes", false, "say that --down is meant")
	return cmd
}

func (a *app) migrate(ctx context.Context) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	return a.withAnySchema(ctx, c, func(s *store.Store) error {
		before, err := s.CurrentSchema(ctx)
		if err != nil {
			return err
		}
		p := a.newProgress("migrating")
		_, err = s.Migrate(ctx, a.log)
		p.end()
		if err != nil {
			return schemaError(err)
		}
		return a.tellSchema(before, store.SchemaVersion())
	})
}

func (a *app) migrateDown(ctx context.Context, yes bool) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	return a.withAnySchema(ctx, c, func(s *store.Store) error {
		if !yes {
			return usagef("migrate --down destroys every sample, tick and quarter-hour in the database %s; if that is meant, add --yes", s.Place())
		}
		before, err := s.CurrentSchema(ctx)
		if err != nil {
			return err
		}
		if before > store.SchemaVersion() {
			return schemaError(s.CheckSchema(ctx))
		}
		free, err := s.LeaseIsFree(ctx)
		if err != nil {
			return err
		}
		if !free {
			return errors.New("a recorder is at work on this database: stop it first")
		}
		if err := s.MigrateDown(ctx, a.log); err != nil {
			return err
		}
		return a.tellSchema(before, 0)
	})
}

// tellSchema prints what became of the schema; version 0 is none at all.
func (a *app) tellSchema(before, after int64) error {
	line := fmt.Sprintf("the schema is at version %d, as it was", after)
	if before != after {
		line = fmt.Sprintf("the schema went from version %d to %d", before, after)
	}
	_, err := fmt.Fprintln(a.stdout, line)
	return err
}
