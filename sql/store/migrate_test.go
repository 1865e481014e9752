package store_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"talktime/migrations"
	"talktime/sql/localpg/pgtest"
	"talktime/sql/store"
)

// newEmptyDatabase makes a database that nothing was migrated into.
func newEmptyDatabase(t *testing.T) database {
	t.Helper()
	return openDatabase(t, pgtest.NewDatabase(t, "empty", "", nil))
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func countMigrations(t *testing.T) int {
	t.Helper()
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func (d database) migrate(t *testing.T) {
	t.Helper()
	ran, err := d.Migrate(t.Context(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	if want := countMigrations(t); ran != want {
		t.Fatalf("%d migrations ran, want %d", ran, want)
	}
}

func TestMigrateUpDownUp(t *testing.T) {
	d := newEmptyDatabase(t)
	d.migrate(t)
	first := describeSchema(t, d)
	// Going down takes partitions and rows along.
	d.exec(t, "SELECT talktime.make_partitions('2026-11-16', '2026-12-16')")
	d.exec(t, `INSERT INTO talktime.samples (polled_at, agent_id, period_ms, outcome) VALUES ('2026-11-16 12:00Z', 101, 10000, 'skipped')`)

	if err := d.MigrateDown(t.Context(), quiet()); err != nil {
		t.Fatal(err)
	}
	left := all[string](t, d, `
		SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
		WHERE (nspname = 'talktime' OR nspname = 'public') AND relname NOT LIKE 'talktime_migrations%'
		UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'talktime'`)
	if len(left) > 0 {
		t.Errorf("after migrating down there still are %s", strings.Join(left, ", "))
	}
	if err := d.CheckSchema(t.Context()); !errors.Is(err, store.ErrSchemaOlder) {
		t.Errorf("after migrating down CheckSchema returned %v, want ErrSchemaOlder", err)
	}

	d.migrate(t)
	if diff := cmp.Diff(first, describeSchema(t, d)); diff != "" {
		t.Errorf("the schema is another one the second time (-first +second):\n%s", diff)
	}
}

func TestMigrateAgainDoesNothing(t *testing.T) {
	d := newDatabase(t)
	if ran, err := d.Migrate(t.Context(), quiet()); err != nil || ran != 0 {
		t.Errorf("migrating a migrated database ran %d migrations with error %v, want none", ran, err)
	}
}

func TestMigrateAtOnce(t *testing.T) {
	d := newEmptyDatabase(t)
	stores := []*store.Store{d.Store, openStore(t, d.url), openStore(t, d.url)}
	ran, errs := make([]int, len(stores)), make([]error, len(stores))
	var programs sync.WaitGroup
	for i, s := range stores {
		programs.Go(func() { ran[i], errs[i] = s.Migrate(t.Context(), quiet()) })
	}
	programs.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if sum, want := ran[0]+ran[1]+ran[2], countMigrations(t); sum != want {
		t.Errorf("three programs ran %v migrations, want %d together", ran, want)
	}
	if err := d.CheckSchema(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCheckSchema(t *testing.T) {
	tests := map[string]struct {
		database func(*testing.T) database
		change   string
		want     error
	}{
		"the program's own":     {newMigrated, "SELECT", nil},
		"nothing migrated":      {newEmptyDatabase, "SELECT", store.ErrSchemaOlder},
		"one migration missing": {newMigrated, "DELETE FROM talktime_migrations WHERE version_id = (SELECT max(version_id) FROM talktime_migrations)", store.ErrSchemaOlder},
		"one migration more":    {newMigrated, "INSERT INTO talktime_migrations (version_id, is_applied) SELECT max(version_id) + 1, true FROM talktime_migrations", store.ErrSchemaNewer},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := test.database(t)
			d.exec(t, test.change)
			if err := d.CheckSchema(t.Context()); !errors.Is(err, test.want) {
				t.Errorf("CheckSchema returned %v, want %v", err, test.want)
			}
			// Whoever may only read can still be told.
			reader := openStore(t, d.url+"&default_transaction_read_only=on")
			if err := reader.CheckSchema(t.Context()); !errors.Is(err, test.want) {
				t.Errorf("CheckSchema of a reader returned %v, want %v", err, test.want)
			}
		})
	}
}

func newMigrated(t *testing.T) database {
	t.Helper()
	return newDatabase(t)
}

func TestMigrateLeavesANewerSchemaAlone(t *testing.T) {
	d := newDatabase(t)
	d.exec(t, "INSERT INTO talktime_migrations (version_id, is_applied) SELECT max(version_id) + 1, true FROM talktime_migrations")
	before := d.count(t, "SELECT count(*) FROM talktime_migrations")
	if _, err := d.Migrate(t.Context(), quiet()); !errors.Is(err, store.ErrSchemaNewer) {
		t.Errorf("Migrate returned %v, want ErrSchemaNewer", err)
	}
	if after := d.count(t, "SELECT count(*) FROM talktime_migrations"); after != before {
		t.Errorf("goose's ledger went from %d to %d rows", before, after)
	}
}

// A role without rights of its own sees an empty database as what it is, and
// is told what it lacks where there is something to see.
func TestCheckSchemaWithoutRights(t *testing.T) {
	for name, test := range map[string]struct {
		database func(*testing.T) database
		mayLook  bool
		want     string // in the error's text; empty: no error
	}{
		"nothing migrated":        {newEmptyDatabase, false, "run `talktime migrate`"},
		"migrated, may not look":  {newMigrated, false, "permission denied for table talktime_migrations"},
		"migrated, may only look": {newMigrated, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := test.database(t)
			role := "reader_of_" + one[string](t, d, "SELECT current_database()")
			d.exec(t, "CREATE ROLE "+role+" LOGIN")
			t.Cleanup(func() {
				ctx := context.WithoutCancel(t.Context())
				if _, err := d.pool.Exec(ctx, "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
					t.Error(err)
				}
			})
			if test.mayLook {
				d.exec(t, "GRANT SELECT ON talktime_migrations TO "+role)
			}
			reader := openStore(t, d.url+"&role="+role)
			err := reader.CheckSchema(t.Context())
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("CheckSchema returned %v, want %q", err, test.want)
			}
		})
	}
}
