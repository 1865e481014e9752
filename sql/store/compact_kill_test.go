package store_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

// compactVariable makes the test program compact a database and kill itself: "S at
// URL", where S is a step or a number of quarter-hours after which it dies, or never.
const compactVariable = "TALKTIME_TEST_COMPACT"

// compactAndDie compacts and, where it gets to the point, dies as by kill -9.
func compactAndDie() int {
	after, url, _ := strings.Cut(os.Getenv(compactVariable), " at ")
	die := func(now string) {
		if now != after {
			return
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {} // until the signal is there
	}
	ctx := context.Background()
	s, err := store.Open(ctx, ingest.NewSecret(url))
	if err == nil {
		var m *store.Maintenance
		if m, err = s.Maintain(ctx); err == nil {
			c := compacting()
			c.Progress = func(_ time.Time, done, _ int) { die(fmt.Sprint(done)) }
			c.Step = func(_ time.Time, step store.CompactStep) { die(string(step)) }
			_, err = compact(ctx, m, c)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Killed with SIGKILL after any step, compacting goes on from there, and at no time
// is a sample missing or read twice.
func TestCompactKilled(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.aNight(t)
	samples, rows := d.read(t), d.derivedRows(t)
	for _, after := range []string{
		"1", "95", string(store.RunsMade), "100", string(store.FiguresCompared), string(store.DaySwitched),
		string(store.SamplesDetached), "never",
	} {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), compactVariable+"="+after+" at "+d.url, "PGAPPNAME=compactor")
		said, err := child.CombinedOutput()
		if isKilled := err != nil && len(said) == 0; isKilled == (after == "never") {
			t.Fatalf("to be killed after %q: %v\n%s", after, err, said)
		}
		for d.count(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'compactor'") > 0 {
			continue // the server has yet to hear that it is gone
		}
		expect(t, "samples after "+after, samples, d.read(t))
		derived, err := d.DeriveRange(t.Context(), at(20, 0, 0), at(28, 0, 0), deriving(at(60, 0, 0)))
		if err != nil || derived.Inserted+derived.Updated+derived.Deleted > 0 {
			t.Errorf("after %s deriving did %+v, %v", after, derived, err)
		}
		expect(t, "rows after "+after, rows, d.derivedRows(t))
	}
	expect(t, "compacted days", 1, d.count(t, "SELECT count(*) FROM talktime.compactions"))
	expect(t, "partitions", 0, d.count(t, "SELECT count(*) FROM pg_class WHERE relname = 'samples_20261116'"))
}
