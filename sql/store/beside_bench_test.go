//go:build clients

package store_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports"
)

// The report of a day of 5,000 agents, by the program from its start to its end,
// against DuckDB, already running, over the 43.2 million samples of such a day in a
// file of its own: counting them by agent and state, which says nothing of time that
// nobody saw, and summing the time to the next one.
func BenchmarkBesideDuckDB(b *testing.B) {
	agents := benchSize(b, "TALKTIME_BENCH_DAY_AGENTS", 5000)
	d := newDatabase(b)
	day := reports.Span{From: monday, To: monday.AddDate(0, 0, 1)}
	if _, err := d.MakePartitions(b.Context(), day.From, day.To); err != nil {
		b.Fatal(err)
	}
	d.putQuarterHours(b, anyQuarterHours(rand.New(rand.NewPCG(7, 8)), agentRange(101, ingest.AgentID(100+agents)), day, 1))
	d.keepDays(b, day.To, calendar(b, "UTC", "00:00"))
	d.exec(b, "INSERT INTO talktime.derivations VALUES (1, $1, $1, $1, $1, 0, 0, 0, 0)", day.To)
	d.exec(b, "VACUUM ANALYZE")
	p, duck := newProgram(b, d.url), startDuckDB(b, agents)
	ours := func() time.Duration {
		return p.report(b, agents, "--by", "agent", "--from", day.From.Format(time.DateOnly), "--to", day.To.Format(time.DateOnly)).took
	}
	b.Run("count", func(b *testing.B) {
		compare(b, ours, func() time.Duration { return duck.sum(b, "count") })
		b.ReportMetric(1, "bar")
	})
	b.Run("lead", func(b *testing.B) {
		compare(b, ours, func() time.Duration { return duck.sum(b, "lead") })
	})
}

// duckDB is a DuckDB that has a day of samples; see testdata/beside/duckdb.cjs.
type duckDB struct {
	asked io.Writer
	said  *bufio.Reader
}

func startDuckDB(b *testing.B, agents int) duckDB {
	b.Helper()
	cmd := exec.Command("node", "testdata/beside/duckdb.cjs", filepath.Join(b.TempDir(), "samples.duckdb"), fmt.Sprint(agents))
	cmd.Stderr = os.Stderr
	asked, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = asked.Close() // it ends then
		_ = cmd.Wait()
	})
	duck := duckDB{asked, bufio.NewReader(said)}
	if line, err := duck.said.ReadString('\n'); line != "ready\n" {
		b.Fatalf("DuckDB said %q (%v): use .ci/run beside, which brings it", line, err)
	}
	return duck
}

// sum runs a query and returns how long that took.
func (d duckDB) sum(b *testing.B, query string) time.Duration {
	b.Helper()
	if _, err := fmt.Fprintln(d.asked, query); err != nil {
		b.Fatal(err)
	}
	var ms float64
	var rows int
	if _, err := fmt.Fscanln(d.said, &ms, &rows); err != nil || rows == 0 {
		b.Fatalf("DuckDB gave %d rows: %v", rows, err)
	}
	return time.Duration(ms * float64(time.Millisecond))
}
