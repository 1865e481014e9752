package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/sql/localpg"
	"talktime/sql/store"
)

// A report of a million rows as CSV, by the program as users have it, against
// psql's \copy of the same statement to a file. TALKTIME_BENCH_ROWS is another
// number of rows. "MB" is the most memory the program had.
//
//	TALKTIME_BENCH_ROWS=1000000 go test ./cmd/talktime -run '^$' -bench ReportCSV -benchtime 5x
func BenchmarkReportCSV(b *testing.B) {
	s := newShelf(b, benchSize(b, "TALKTIME_BENCH_ROWS", 100_000))
	most := int64(0)
	compare(b, "ms",
		func() float64 {
			took, rss := s.report(b, "csv")
			most = max(most, rss)
			return took.Seconds() * 1000
		},
		func() float64 { return s.copy(b).Seconds() * 1000 })
	b.ReportMetric(2, "bar")
	b.ReportMetric(float64(most)/1e6, "MB")
	b.ReportMetric(100, "bar-MB")
}

// A report of a hundred thousand rows as a workbook, with all its columns.
func BenchmarkReportXLSX(b *testing.B) {
	s := newShelf(b, min(benchSize(b, "TALKTIME_BENCH_ROWS", 100_000), 100_000))
	var took []float64
	most := int64(0)
	for b.Loop() {
		d, rss := s.report(b, "xlsx")
		took, most = append(took, d.Seconds()), max(most, rss)
	}
	b.ReportMetric(0, "ns/op") // the program's start too: told in s
	b.ReportMetric(quantile(took, 0.5), "s")
	b.ReportMetric(5, "bar-s")
	b.ReportMetric(float64(most)/1e6, "MB")
	b.ReportMetric(100, "bar-MB")
}

// shelf is a database with quarter-hours, in which agents do a bit of everything.
type shelf struct {
	url, programs, dir string
	agents, bins       int
	from, to           time.Time
}

func newShelf(b *testing.B, rows int) *shelf {
	b.Helper()
	dir, err := dataDir()
	if err != nil {
		b.Fatal(err)
	}
	server, err := localpg.Start(b.Context(), localpg.Options{Dir: filepath.Join(dir, "postgres")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := server.Close(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	opened, err := store.Open(b.Context(), ingest.NewSecret(server.URL()))
	if err != nil {
		b.Fatal(err)
	}
	defer opened.Close()
	if _, err := opened.Migrate(b.Context(), slog.New(slog.DiscardHandler)); err != nil {
		b.Fatal(err)
	}
	s := &shelf{url: server.URL(), programs: server.Programs(), dir: b.TempDir(), bins: 10 * 96, from: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)}
	s.agents = (rows + s.bins - 1) / s.bins
	s.to = s.from.Add(time.Duration(s.bins) * 15 * time.Minute)
	if _, err := opened.MakePartitions(b.Context(), s.from, s.to); err != nil {
		b.Fatal(err)
	}
	s.psql(b, fmt.Sprintf(`INSERT INTO talktime.quarter_hours
		SELECT agent, bin, a, b, c, d, 0, e, 0, 0, 900000 - (a + b + c + d + e + f), f, 0, 0, 0,
		       a * 9 / 10, a / 5, 40000, b * 9 / 10, b / 5, 40000, c * 9 / 10, c / 5, 40000, d * 9 / 10, d / 5, 40000, 0, 0, 0,
		       e * 9 / 10, e / 5, 40000, 0, 0, 0, 0, 0, 0, 0, 20000, 10000, (a + c) * 9 / 10, (a + c) / 5, 40000, e * 9 / 10, e / 5, 40000,
		       (a + b + c + d + e) * 9 / 10, (a + b + c + d + e) / 5, 20000, 120000, 1200000000, 3, 0, 1, true, bin, 1
		FROM generate_series('%s'::timestamptz, '%s', '15 min') AS bin, generate_series(101, %d) AS agent,
		     LATERAL (SELECT (agent * 7919 + date_part('epoch', bin)::bigint / 900 * 104729) %% 800000 AS x) AS r,
		     LATERAL (SELECT x / 2 AS a, x / 20 AS b, x / 7 AS c, x / 9 AS d, x / 13 AS e, x %% 7919 AS f) AS s;
		INSERT INTO talktime.derivations VALUES (1, '%[2]s', '%[1]s', '%[4]s', '%[4]s', 0, 0, 0, 0);
		INSERT INTO talktime.agents (person) SELECT 'person ' || n FROM generate_series(101, %[3]d) AS n;
		INSERT INTO talktime.agent_history (agent_id, valid_from, agent_key, name, team)
		SELECT n, '2026-01-01', agent_key, 'Agent Number ' || n, 'Team ' || n %% 20 FROM generate_series(101, %[3]d) AS n JOIN talktime.agents ON person = 'person ' || n`,
		s.from.Format(time.RFC3339), s.to.Add(-time.Second).Format(time.RFC3339), 100+s.agents, s.to.Format(time.RFC3339)))
	s.psql(b, "VACUUM ANALYZE talktime.quarter_hours")
	return s
}

// psql runs a statement and returns how long that took.
func (s *shelf) psql(b *testing.B, statement string) time.Duration {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), filepath.Join(s.programs, "psql"), "-Xq", "-v", "ON_ERROR_STOP=1", "-d", s.url)
	cmd.Stdin = strings.NewReader(statement)
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("psql: %v\n%s", err, out)
	}
	return time.Since(began)
}

// copy lets psql write what the report reads to a file.
func (s *shelf) copy(b *testing.B) time.Duration {
	b.Helper()
	out := filepath.Join(s.dir, "copied.csv")
	took := s.psql(b, fmt.Sprintf(`\copy (%s) TO '%s' CSV HEADER`, s.statement(b), out))
	s.expectLines(b, out)
	return took
}

// report lets the program write the report and returns how long that took and the
// most bytes it had in memory.
func (s *shelf) report(b *testing.B, format string) (time.Duration, int64) {
	b.Helper()
	program, err := buildProgram()
	if err != nil {
		b.Fatal(err)
	}
	out := filepath.Join(s.dir, "report."+format)
	cmd := exec.CommandContext(b.Context(), program, "report", "states", "--tz", "UTC", "--by", "agent,15m", "--format", format, "--out", out,
		"--from", s.from.Format(time.RFC3339), "--to", s.to.Format(time.RFC3339))
	cmd.Env = append(benchEnviron(), "TALKTIME_DATABASE_URL="+s.url)
	began := time.Now()
	if said, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("report: %v\n%s", err, said)
	}
	took := time.Since(began)
	if format == "csv" {
		s.expectLines(b, out)
	}
	return took, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024 //nolint:forcetypeassert // of this system
}

// expectLines fails where a file has not a line for each row and the header.
func (s *shelf) expectLines(b *testing.B, path string) {
	b.Helper()
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	lines, piece := 0, make([]byte, 1<<20)
	for {
		n, err := file.Read(piece)
		lines += bytes.Count(piece[:n], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if want := s.agents*s.bins + 1; lines != want {
		b.Fatalf("%s has %d lines, want %d", path, lines, want)
	}
}

var (
	sqlComment   = regexp.MustCompile(`(?m)--.*$`)
	sqlParameter = regexp.MustCompile(`@([a-z_]+)`)
	blanks       = regexp.MustCompile(`\s+`)
)

// statement is the one the report sends, its parameters filled in, on one line.
func (s *shelf) statement(b *testing.B) string {
	b.Helper()
	file, err := os.ReadFile(filepath.Join("..", "..", "sql", "cells.sql"))
	if err != nil {
		b.Fatal(err)
	}
	_, statement, _ := strings.Cut(string(file), "-- name: QuarterHoursOfAgents :many")
	statement, _, _ = strings.Cut(sqlComment.ReplaceAllString(statement, ""), ";")
	array := func(n int, text func(i int) string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = text(i)
		}
		return "{" + strings.Join(items, ",") + "}"
	}
	from, to := s.from.Format(time.RFC3339), s.to.Format(time.RFC3339)
	values := map[string]string{
		"rest_from": from, "rest_to": to,
		"span_starts": array(s.bins, func(i int) string { return s.from.Add(time.Duration(i) * 15 * time.Minute).Format(time.RFC3339) }),
		"agents":      array(s.agents, func(i int) string { return strconv.Itoa(101 + i) }),
		"parts_from":  array(s.agents, func(int) string { return from }),
		"parts_to":    array(s.agents, func(int) string { return to }),
	}
	statement = sqlParameter.ReplaceAllStringFunc(statement, func(name string) string {
		value, isKnown := values[name[1:]]
		if !isKnown {
			b.Fatalf("the statement has a parameter %s that the benchmark does not know", name)
		}
		return "'" + value + "'"
	})
	return blanks.ReplaceAllString(statement, " ")
}
