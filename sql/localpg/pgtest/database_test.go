package pgtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"talktime/sql/localpg/pgtest"
)

// The test program is its own child: with childName set it makes one database
// of that name and holds it until it is killed or its standard input ends.
const childName = "PGTEST_CHILD_NAME"

func TestMain(m *testing.M) { pgtest.Main(m) }

func migrate(ctx context.Context, url string) error {
	return onConnection(ctx, url, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE TABLE filled AS SELECT 7 AS x")
		return err
	})
}

func onConnection(ctx context.Context, url string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return errors.Join(do(conn), conn.Close(ctx))
}

func query(t *testing.T, url, sql string, args ...any) (value string) {
	t.Helper()
	err := onConnection(t.Context(), url, func(conn *pgx.Conn) error {
		return conn.QueryRow(t.Context(), sql, args...).Scan(&value)
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// fresh is a key no other run of these tests has, so that its templates are
// made by this one.
var fresh = strconv.FormatUint(rand.Uint64(), 36)

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	var fills atomic.Int32
	counting := func(ctx context.Context, url string) error {
		fills.Add(1)
		return migrate(ctx, url)
	}
	name := "pgtest_own"
	var first string
	t.Run("first", func(t *testing.T) {
		first = pgtest.NewDatabase(t, name, fresh, counting)
		query(t, first, "INSERT INTO filled VALUES (8) RETURNING x::text")
	})
	t.Run("second", func(t *testing.T) {
		second := pgtest.NewDatabase(t, name, fresh, counting)
		if got := query(t, second, "SELECT count(*)::text FROM filled"); got != "1" {
			t.Errorf("the new database has %s rows, want the template's 1", got)
		}
		if exists(t, second, databaseOf(t, first)) {
			t.Error("the first test's database was not dropped")
		}
	})
	if fills.Load() != 1 {
		t.Errorf("the template was filled %d times, want once", fills.Load())
	}
}

func TestAnotherKeyIsAnotherTemplate(t *testing.T) {
	name := "pgtest_key"
	with := func(x int) pgtest.Migrate {
		return func(ctx context.Context, url string) error {
			return onConnection(ctx, url, func(conn *pgx.Conn) error {
				_, err := conn.Exec(ctx, fmt.Sprintf("CREATE TABLE filled AS SELECT %d AS x", x))
				return err
			})
		}
	}
	for _, key := range []int{1, 2, 1} {
		url := pgtest.NewDatabase(t, name, fresh+strconv.Itoa(key), with(key))
		if got := query(t, url, "SELECT x::text FROM filled"); got != strconv.Itoa(key) {
			t.Errorf("key %d gives the content of %s", key, got)
		}
	}
}

func TestParallelTests(t *testing.T) {
	name := "pgtest_parallel"
	t.Run("all", func(t *testing.T) {
		for i := range 8 {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				url := pgtest.NewDatabase(t, name, fresh, migrate)
				query(t, url, "INSERT INTO filled VALUES (8) RETURNING x::text")
				if got := query(t, url, "SELECT count(*)::text FROM filled"); got != "2" {
					t.Errorf("%s rows, want 2", got)
				}
			})
		}
	})
}

func databaseOf(t *testing.T, url string) string {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return config.Database
}

func exists(t *testing.T, url, database string) bool {
	t.Helper()
	return query(t, url, "SELECT count(*)::text FROM pg_database WHERE datname = $1", database) == "1"
}

// TestHold is the child's part: it does nothing in an ordinary run.
func TestHold(t *testing.T) {
	name := os.Getenv(childName)
	if name == "" {
		return
	}
	fmt.Println("holds", pgtest.NewDatabase(t, name, fresh, migrate))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestWhatAKilledProgramLeftIsSwept(t *testing.T) {
	name := "pgtest_killed"
	here := pgtest.NewDatabase(t, "pgtest_sweeper", fresh, nil)
	killed := startChild(t, name)
	database := databaseOf(t, killed.url)
	if !exists(t, here, database) {
		t.Fatalf("the child's database %s is not there", database)
	}
	if err := killed.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.cmd.Wait() // killed, as it should be
	awaitDeath(t, here, database)

	next := startChild(t, name)
	if exists(t, here, database) {
		t.Errorf("the killed program's database %s is still there", database)
	}
	if !exists(t, here, databaseOf(t, here)) {
		t.Error("a living program's database was swept")
	}
	_ = next.stdin.Close()
	if err := next.cmd.Wait(); err != nil {
		t.Errorf("the next program ended with %v", err)
	}
	if exists(t, here, databaseOf(t, next.url)) {
		t.Error("the next program's database outlives its test")
	}
}

// awaitDeath waits until the server has seen the end of the program whose
// database is named, by waiting for the lock it held.
func awaitDeath(t *testing.T, anyURL, database string) {
	t.Helper()
	maintenance, err := url.Parse(anyURL)
	if err != nil {
		t.Fatal(err)
	}
	maintenance.Path = "/postgres"
	token, _, _ := strings.Cut(strings.TrimPrefix(database, "test_"), "_")
	query(t, maintenance.String(), "SELECT pg_advisory_lock($1, $2::text::int)::text", pgtest.LockProgram, token)
}

func TestAFailedFillIsDoneAgain(t *testing.T) {
	name := "pgtest_failing"
	failing := func(context.Context, string) error { return errors.New("no luck") }
	if message := fatal(t, func(tb testing.TB) { pgtest.NewDatabase(tb, name, fresh, failing) }); !strings.Contains(message, "no luck") {
		t.Errorf("the test says %q", message)
	}
	query(t, pgtest.NewDatabase(t, name, fresh, migrate), "SELECT x::text FROM filled")
}

func TestABadNameIsRefused(t *testing.T) {
	for _, name := range []string{"", "Store", "a-b", `a"b`, strings.Repeat("a", 41)} {
		if message := fatal(t, func(tb testing.TB) { pgtest.NewDatabase(tb, name, fresh, nil) }); !strings.Contains(message, "must match") {
			t.Errorf("the name %q gives %q", name, message)
		}
	}
}

func BenchmarkNewDatabase(b *testing.B) {
	name := "pgtest_bench"
	for b.Loop() {
		pgtest.NewDatabase(b, name, fresh, migrate)
	}
}

// fatal runs do on a test of its own and returns what that failed with.
func fatal(t *testing.T, do func(testing.TB)) string {
	t.Helper()
	recorder := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(recorder)
	}()
	<-done
	return recorder.message
}

// failing is a test that may fail without failing the one it stands in.
type failing struct {
	testing.TB
	message string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (f *failing) Fatal(args ...any) { f.Fatalf("%s", fmt.Sprint(args...)) }

// child is another test program.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	url   string
}

func startChild(t *testing.T, name string) *child {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestHold$")
	cmd.Env = append(os.Environ(), childName+"="+name)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	word, url, _ := strings.Cut(strings.TrimSpace(line), " ")
	if err != nil || word != "holds" {
		t.Fatalf("the child says %q (%v), want what it holds", line, err)
	}
	return &child{cmd, stdin, url}
}
