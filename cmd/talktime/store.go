package main

import (
	"context"
	"errors"

	"talktime/ingest"
	"talktime/sql/store"
)

// withStore hands use the store of the configured or private database, once
// its schema is the program's own; another schema is exit code 4 and the
// command to run.
func (a *app) withStore(ctx context.Context, c *config, use func(*store.Store) error) error {
	return a.withAnySchema(ctx, c, func(s *store.Store) error {
		if err := s.CheckSchema(ctx); err != nil {
			return schemaError(err)
		}
		return use(s)
	})
}

// withAnySchema hands use the store whatever its schema, and closes it and the
// private Postgres afterwards.
func (a *app) withAnySchema(ctx context.Context, c *config, use func(*store.Store) error) error {
	return a.withOpened(ctx, c, store.Open, use)
}

// withOpened is withAnySchema with a way of its own to open the store.
func (a *app) withOpened(ctx context.Context, c *config, open func(context.Context, ingest.Secret) (*store.Store, error), use func(*store.Store) error) (err error) {
	db, err := a.openDatabase(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close(ctx)) }()
	s, err := open(ctx, db.url)
	if err != nil {
		return err
	}
	defer s.Close()
	return use(s)
}

// schemaError gives a schema that is older or newer than the program's its exit
// code.
func schemaError(err error) error {
	if errors.Is(err, store.ErrSchemaOlder) || errors.Is(err, store.ErrSchemaNewer) {
		return withExit(exitSchema, err)
	}
	return err
}
