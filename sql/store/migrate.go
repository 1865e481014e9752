package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"talktime/migrations"
	"talktime/sql/store/internal/db"
)

// A schema that is not the program's own. Nothing is read or written then.
var (
	ErrSchemaOlder = errors.New("the database's schema is older than this program: run `talktime migrate`")
	ErrSchemaNewer = errors.New("the database's schema is newer than this program: install the talktime it was made with, or a later one")
)

// migrationsTable is goose's own ledger. It lies outside schema talktime, which
// the first migration makes.
const migrationsTable = "public.talktime_migrations"

// SchemaVersion returns the version of the schema this program works with: the
// number of its last migration.
func SchemaVersion() int64 {
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil || len(files) == 0 {
		panic("store: no migrations are embedded")
	}
	version, err := goose.NumericComponent(files[len(files)-1])
	if err != nil {
		panic("store: " + err.Error())
	}
	return version
}

// CurrentSchema returns the version of the database's schema, 0 where there is
// none. It writes nothing.
func (s *Store) CurrentSchema(ctx context.Context) (version int64, err error) {
	var known bool
	err = s.pool.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", migrationsTable).Scan(&known)
	if err == nil && known {
		err = s.pool.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM "+migrationsTable+" WHERE is_applied").Scan(&version)
	}
	if err != nil {
		return 0, fmt.Errorf("check the schema: %w", plain(err))
	}
	return version, nil
}

// CheckSchema returns nil where the schema is the program's own, else
// ErrSchemaOlder or ErrSchemaNewer. It writes nothing.
func (s *Store) CheckSchema(ctx context.Context) error {
	current, err := s.CurrentSchema(ctx)
	switch {
	case err != nil:
		return err
	case current < SchemaVersion():
		return fmt.Errorf("%w (it is at version %d, this program needs %d)", ErrSchemaOlder, current, SchemaVersion())
	case current > SchemaVersion():
		return fmt.Errorf("%w (it is at version %d, this program knows %d)", ErrSchemaNewer, current, SchemaVersion())
	}
	return nil
}

// Migrate brings the schema up to the program's own and returns how many
// migrations it ran. Programs that start together take turns. A newer schema is
// left alone and returned as ErrSchemaNewer. The roles and their rights are settled
// too, also where the schema is as it should be, for a dump has neither; log hears
// of what this role may not do for them.
func (s *Store) Migrate(ctx context.Context, log *slog.Logger) (ran int, err error) {
	err = s.CheckSchema(ctx)
	if errors.Is(err, ErrSchemaOlder) {
		if err := db.New(s.pool).JoinViewsOwner(ctx); err != nil {
			return 0, fmt.Errorf("migrate: %w", plain(err))
		}
		err = s.withGoose(log, func(p *goose.Provider) error {
			results, err := p.Up(ctx)
			ran = len(results)
			return err
		})
		if err != nil {
			return ran, fmt.Errorf("migrate: %w", plain(err))
		}
	}
	if err != nil {
		return 0, err
	}
	if err := s.settleRoles(ctx, log); err != nil {
		return ran, fmt.Errorf("migrate: settle the roles: %w", plain(err))
	}
	return ran, nil
}

// MigrateDown takes every migration back: all of talktime's tables and what is
// in them are gone.
func (s *Store) MigrateDown(ctx context.Context, log *slog.Logger) error {
	err := s.withGoose(log, func(p *goose.Provider) error {
		_, err := p.DownTo(ctx, 0)
		return err
	})
	if err != nil {
		return fmt.Errorf("migrate down: %w", plain(err))
	}
	return nil
}

// withGoose runs do with goose on this store's connections, under a lock that
// lets one program migrate at a time.
func (s *Store) withGoose(log *slog.Logger, do func(p *goose.Provider) error) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // looks every second, for five minutes
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, stdlib.OpenDBFromPool(s.pool), migrations.FS,
		goose.WithSessionLocker(locker), goose.WithSlog(log), goose.WithTableName(migrationsTable))
	if err != nil {
		return err
	}
	return errors.Join(do(p), p.Close())
}
