package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Migrate fills a new, empty database, given its connection string. It closes
// all its connections before it returns.
type Migrate func(ctx context.Context, url string) error

// NewDatabase returns the connection string of a new database, which is
// dropped when the test ends. The database is a clone of a template that
// migrate fills once per name and key, for all test programs; key says what
// migrate puts in, such as a hash of the migrations, and a template of another
// key that nobody uses is dropped. The name is lower-case letters, digits and
// underscores, at most 40. A nil migrate gives an empty database.
//
// The test fails where there is no Postgres to use; the message says what to
// install.
func NewDatabase(t testing.TB, name, key string, migrate Migrate) string {
	t.Helper()
	if !templateWord.MatchString(name) {
		t.Fatalf("test database %q: the name must match %s", name, templateWord)
	}
	here.mu.Lock()
	defer here.mu.Unlock()
	ctx := t.Context()
	if err := here.open(ctx); err != nil {
		t.Fatal(err)
	}
	database, err := here.clone(ctx, name, key, migrate)
	if err != nil {
		t.Fatalf("test database %s: %v", name, err)
	}
	t.Cleanup(func() {
		here.mu.Lock()
		defer here.mu.Unlock()
		// The test's own context has ended by now.
		if err := here.exec(context.WithoutCancel(ctx), "DROP DATABASE "+quote(database)+" WITH (FORCE)"); err != nil {
			t.Errorf("drop test database %s: %v", database, err)
		}
	})
	return here.server.DatabaseURL(database)
}

// The server's advisory locks are pairs (kind, number). A program holds the
// lock of its token while it lives, and of each template it uses; a template
// is made under the lock of its name. All end with the program's connection.
const (
	lockProgram  = 0x7a1c + iota // number: the program's token
	lockMaking                   // number: hash of a template's name without key
	lockTemplate                 // number: hash of a template's full name
)

const (
	testPrefix     = "test_"
	templatePrefix = "template_"
)

// templateWord keeps a template's full name within Postgres's 63 bytes.
var templateWord = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

func (p *program) exec(ctx context.Context, sql string, args ...any) error {
	_, err := p.conn.Exec(ctx, sql, args...)
	return err
}

// clone makes a database from the template of name and key.
func (p *program) clone(ctx context.Context, name, key string, migrate Migrate) (string, error) {
	template := templateName(name, key)
	if !p.using[template] {
		if err := p.makeTemplate(ctx, name, template, migrate); err != nil {
			return "", err
		}
		p.using[template] = true
	}
	p.serial++
	database := fmt.Sprintf("%s%d_%d", testPrefix, p.token, p.serial)
	return database, p.exec(ctx, "CREATE DATABASE "+quote(database)+" TEMPLATE "+quote(template)+" STRATEGY file_copy")
}

func templateName(name, key string) string {
	sum := sha256.Sum256([]byte(key))
	return templatePrefix + name + "_" + hex.EncodeToString(sum[:6])
}

// makeTemplate makes the template where it is missing and keeps others from
// dropping it. A finished template is marked as one; an unmarked one was left
// by a killed program.
func (p *program) makeTemplate(ctx context.Context, name, template string, migrate Migrate) (err error) {
	if err := p.exec(ctx, "SELECT pg_advisory_lock($1, hashtext($2))", lockMaking, name); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, p.exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1, hashtext($2))", lockMaking, name))
	}()
	if err := p.exec(ctx, "SELECT pg_advisory_lock_shared($1, hashtext($2))", lockTemplate, template); err != nil {
		return err
	}
	if err := p.dropOldTemplates(ctx, name, template); err != nil {
		return err
	}
	var finished bool
	err = p.conn.QueryRow(ctx, "SELECT datistemplate FROM pg_database WHERE datname = $1", template).Scan(&finished)
	switch {
	case finished:
		return nil
	case err == nil:
		err = p.exec(ctx, "DROP DATABASE "+quote(template)+" WITH (FORCE)")
	case errors.Is(err, pgx.ErrNoRows):
		err = nil
	}
	if err == nil {
		err = p.exec(ctx, "CREATE DATABASE "+quote(template))
	}
	if err != nil {
		return err
	}
	if migrate != nil {
		if err := migrate(ctx, p.server.DatabaseURL(template)); err != nil {
			return fmt.Errorf("fill the template: %w", err)
		}
	}
	return p.exec(ctx, "ALTER DATABASE "+quote(template)+" WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")
}

// dropOldTemplates drops the templates of the name, but for the one to keep
// and those a living program uses.
func (p *program) dropOldTemplates(ctx context.Context, name, keep string) error {
	templates, err := p.names(ctx, "SELECT datname FROM pg_database WHERE datname ~ $1", "^"+templatePrefix+name+"_[0-9a-f]{12}$")
	if err != nil {
		return err
	}
	for _, template := range templates {
		if template == keep || p.using[template] {
			continue
		}
		var free bool
		err := p.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, hashtext($2))", lockTemplate, template).Scan(&free)
		if err != nil {
			return err
		}
		if !free {
			continue
		}
		err = errors.Join(
			p.exec(ctx, "ALTER DATABASE "+quote(template)+" WITH IS_TEMPLATE false"),
			p.exec(ctx, "DROP DATABASE "+quote(template)+" WITH (FORCE)"),
			p.exec(ctx, "SELECT pg_advisory_unlock($1, hashtext($2))", lockTemplate, template),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep drops the test databases of programs that live no longer.
func (p *program) sweep(ctx context.Context) error {
	databases, err := p.names(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", testPrefix)
	if err != nil {
		return err
	}
	for _, database := range databases {
		text, _, _ := strings.Cut(strings.TrimPrefix(database, testPrefix), "_")
		token, err := strconv.ParseInt(text, 10, 32)
		if err != nil || int32(token) == p.token {
			continue
		}
		var dead bool
		if err := p.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, $2)", lockProgram, token).Scan(&dead); err != nil {
			return err
		}
		if !dead {
			continue
		}
		err = errors.Join(
			p.exec(ctx, "DROP DATABASE IF EXISTS "+quote(database)+" WITH (FORCE)"),
			p.exec(ctx, "SELECT pg_advisory_unlock($1, $2)", lockProgram, token),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *program) names(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, err := p.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
