package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"io/fs"
	"log/slog"
	"os"
	"testing"

	"talktime/ingest"
	"talktime/migrations"
	"talktime/sql/localpg/pgtest"
	"talktime/sql/store"
)

// A random case here is many derivations of a real database: the ordinary tests
// take fewer than rapid's hundred, -rapid.checks takes as many as it says.
func TestMain(m *testing.M) {
	if os.Getenv(compactVariable) != "" {
		os.Exit(compactAndDie())
	}
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	pgtest.Main(m)
}

// newURL makes a migrated, empty database and returns how to connect to it.
func newURL(t testing.TB) string {
	t.Helper()
	return pgtest.NewDatabase(t, "store", migrationsKey(t), func(ctx context.Context, url string) (err error) {
		s, err := store.Open(ctx, ingest.NewSecret(url))
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = s.Migrate(ctx, slog.New(slog.DiscardHandler))
		return err
	})
}

func openStore(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), ingest.NewSecret(url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// migrationsKey changes whenever a migration does, or the rights that Migrate
// gives to talktime_writer.
func migrationsKey(t testing.TB) string {
	t.Helper()
	sum := sha256.New()
	files, err := fs.Glob(migrations.FS, "*.sql")
	for _, file := range files {
		content, readErr := migrations.FS.ReadFile(file)
		err = errors.Join(err, readErr)
		sum.Write([]byte(file))
		sum.Write(content)
	}
	rights, readErr := os.ReadFile("../examine.sql")
	sum.Write(rights)
	if err = errors.Join(err, readErr); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
