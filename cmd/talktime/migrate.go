package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"talktime/sql/store"
)

func (a *app) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to this program's",
		Long: `migrate makes the tables of a new database, or brings an older schema up to the
one this program works with. Programs that start together take turns. It needs a
role that may create in the database; a newer schema is left alone (exit code 4).`,
		Example: `  talktime migrate
  TALKTIME_DATABASE_URL=postgres://owner@db/talktime talktime migrate`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.migrate(cmd.Context()) },
	}
}

func (a *app) migrate(ctx context.Context) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	return a.withAnySchema(ctx, c, func(s *store.Store) error {
		ran, err := s.Migrate(ctx, a.log)
		if err != nil {
			return schemaError(err)
		}
		_, err = fmt.Fprintf(a.stdout, "the schema is at version %d (migrations run: %d)\n", store.SchemaVersion(), ran)
		return err
	})
}
