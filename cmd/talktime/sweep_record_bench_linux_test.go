package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"talktime/sql/localpg"
)

// The program itself recording all agents each 10 s over HTTPS into Postgres, from
// its first start on: its memory and CPU, derivation's share of both included; polls
// that were not answered in time; and the CPU of the gateway. Each turn is a tick.
func BenchmarkRecorder(b *testing.B) {
	recordCentre(b, benchSize(b, "TALKTIME_BENCH_AGENTS", 5000))
}

// The same of 5,000 agents at most, as they were polled by what a user would pick
// instead: a fifth of its CPU for each sample, and a tenth of its memory, are the
// bars. BenchmarkBesideTelegraf measures both in one run.
func BenchmarkRecorderOf5000(b *testing.B) {
	c := startCentre(b, min(benchSize(b, "TALKTIME_BENCH_AGENTS", 5000), 5000))
	took, _ := benchRecorder(b, c)
	took.report(b)
	b.ReportMetric(530./5, "bar-µs/poll")
	b.ReportMetric(578./10, "bar-MB-RSS")
}

// The CPU of a poll, all that the program does with it included, by the number of
// agents. .ci/bench makes a table of all sizes; the store has the other columns.
func BenchmarkGrowth(b *testing.B) {
	most := benchSize(b, "TALKTIME_BENCH_AGENTS", 5000)
	for _, agents := range []int{1000, 5000, 20_000, 59_899} {
		agents = min(agents, most)
		b.Run(fmt.Sprintf("%d_agents", agents), func(b *testing.B) { recordCentre(b, agents) })
		if agents == most {
			return
		}
	}
}

func recordCentre(b *testing.B, agents int) {
	b.Helper()
	c := startCentre(b, agents)
	took, gateway := benchRecorder(b, c)
	took.report(b)
	b.ReportMetric(gateway.Seconds()*1e6/float64(took.samples), "gateway-µs/poll")
	b.ReportMetric(200, "bar-MB-RSS")
}

func benchRecorder(b *testing.B, c *centreProcess) (took recordingCost, gateway time.Duration) {
	b.Helper()
	r := startRecorder(b, c)
	next := time.NewTicker(c.period())
	defer next.Stop()
	gateway = cpuOfProcess(b, c.cmd.Process.Pid)
	r.begin(b)
	for b.Loop() {
		<-next.C
	}
	r.end(b)
	gateway = cpuOfProcess(b, c.cmd.Process.Pid) - gateway
	b.ReportMetric(0, "ns/op") // the period
	b.ReportMetric(float64(r.lost(b, b.N)), "polls-lost")
	b.ReportMetric(0, "bar-polls-lost")
	return r.cost(b, "talktime.samples", "polled_at"), gateway
}

// recordingCost is what recording took of a program.
type recordingCost struct {
	cpu     time.Duration
	peakMB  float64 // of its memory since it was started
	samples int
	bytes   float64 // on disk, of each sample
}

// each is the CPU of a sample in microseconds.
func (c recordingCost) each() float64 { return c.cpu.Seconds() * 1e6 / float64(c.samples) }

func (c recordingCost) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(c.each(), "µs/poll")
	b.ReportMetric(c.peakMB, "MB-RSS")
}

// recordingProgram is a program that records a centre, in a database of its own.
type recordingProgram struct {
	cmd      *exec.Cmd
	said     string        // the file of its log
	ended    chan struct{} // closed once it has
	server   *localpg.Server
	database string
	from, to time.Time // what was measured
	cpu      time.Duration
	peakMB   float64
}

// startRecorder starts talktime on a new database and returns when it has stored the
// first round, for which it made its connections.
func startRecorder(b *testing.B, c *centreProcess) *recordingProgram {
	b.Helper()
	server, dir := newServer(b)
	config := filepath.Join(dir, configFileName)
	text := fmt.Sprintf(`data_dir: data
gateway: {url: %q, ca_file: %q, auth_mode: 1, concurrency: %d}
guids: {file: %q}
agents: {max_id: 999999}
schedules:
  - {name: centre, cron: %q}
`, c.url, c.caFile, c.concurrency(), c.guids, c.cron())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(realProgram(b), "record", "--config", config)
	cmd.Env = benchEnviron()
	r := &recordingProgram{cmd: cmd, server: server, database: localpg.Database}
	r.start(b, dir)
	r.await(b, "SELECT to_regclass('talktime.epochs') IS NOT NULL")
	r.await(b, "SELECT EXISTS (SELECT FROM talktime.ticks WHERE status = 'taken')")
	return r
}

// newServer starts a Postgres in the folder data/postgres of a new one.
func newServer(b *testing.B) (server *localpg.Server, dir string) {
	b.Helper()
	dir, err := dataDir()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, err = localpg.Start(b.Context(), localpg.Options{Dir: filepath.Join(dir, "data", "postgres")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close(context.WithoutCancel(b.Context())) })
	return server, dir
}

// start starts the program, whose log goes to a file in dir.
func (r *recordingProgram) start(b *testing.B, dir string) {
	b.Helper()
	r.said = filepath.Join(dir, "log")
	log, err := os.Create(r.said)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the program has its own
	r.cmd.Stdout, r.cmd.Stderr = log, log
	if err := r.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	r.ended = make(chan struct{})
	go func() {
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	b.Cleanup(func() {
		_ = r.cmd.Process.Kill() // the benchmark failed before it was told to leave
		<-r.ended
	})
}

// await returns once a query of one boolean says so.
func (r *recordingProgram) await(b *testing.B, query string) {
	b.Helper()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for r.query(b, query) != "t" {
		select {
		case <-look.C:
		case <-r.ended:
			said, _ := os.ReadFile(r.said)
			b.Fatalf("%s ended:\n%s", r.cmd.Args[0], said)
		}
	}
}

// query returns the one value of a query.
func (r *recordingProgram) query(b *testing.B, query string) string {
	b.Helper()
	out, err := exec.Command(filepath.Join(r.server.Programs(), "psql"), "-XAtq", "-d", r.server.DatabaseURL(r.database), "-c", query).CombinedOutput()
	if err != nil {
		b.Fatalf("psql: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// number is a query's one value.
func (r *recordingProgram) number(b *testing.B, query string) int {
	b.Helper()
	n, err := strconv.Atoi(r.query(b, query))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// begin begins to measure.
func (r *recordingProgram) begin(b *testing.B) {
	b.Helper()
	r.from, r.cpu = time.Now(), -cpuOfProcess(b, r.cmd.Process.Pid)
}

// end ends that, and lets the program leave, so that it stores what it has.
func (r *recordingProgram) end(b *testing.B) {
	b.Helper()
	pid := r.cmd.Process.Pid
	r.to, r.cpu, r.peakMB = time.Now(), r.cpu+cpuOfProcess(b, pid), peakRSS(b, pid)
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	<-r.ended
}

// lost counts the polls that were not answered in time, or not made. The first tick
// is none of these, for it may have begun late, nor one that was cut to leave.
func (r *recordingProgram) lost(b *testing.B, ticks int) int {
	b.Helper()
	return r.number(b, fmt.Sprintf(`SELECT coalesce(sum(CASE status WHEN 'missed' THEN agents ELSE unreachable + bad_reply + skipped END), 0)
		FROM (SELECT * FROM talktime.ticks ORDER BY due_at OFFSET 1 LIMIT %d) AS t,
			(SELECT count(DISTINCT agent_id) AS agents FROM talktime.samples) AS s`, ticks))
}

// cost is what the time measured came to, of the rows in a table, or in the
// partition of it that has any.
func (r *recordingProgram) cost(b *testing.B, table, instant string) recordingCost {
	b.Helper()
	const layout = "2006-01-02 15:04:05.000"
	c := recordingCost{cpu: r.cpu, peakMB: r.peakMB}
	c.samples = r.number(b, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s BETWEEN '%s' AND '%s'",
		table, instant, r.from.UTC().Format(layout), r.to.UTC().Format(layout)))
	if c.samples == 0 {
		b.Fatalf("%s stored nothing", r.cmd.Args[0])
	}
	c.bytes = float64(r.number(b, fmt.Sprintf("SELECT sum(pg_total_relation_size(part)) FROM (SELECT DISTINCT tableoid AS part FROM %s) AS t", table))) /
		float64(r.number(b, "SELECT count(*) FROM "+table))
	return c
}

// cpuOfProcess is what a process has taken of the CPUs so far, by proc(5).
func cpuOfProcess(b *testing.B, pid int) time.Duration {
	b.Helper()
	const perSecond = 100 // USER_HZ, wherever Go runs on Linux
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	if errUser != nil || errSystem != nil {
		b.Fatalf("/proc/%d/stat: %s", pid, stat)
	}
	return time.Duration(user+system) * time.Second / perSecond
}

// peakRSS is the most memory a process has had resident, in MB.
func peakRSS(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, peak, found := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(peak)
	if !found || len(fields) < 1 {
		b.Fatalf("/proc/%d/status tells no VmHWM", pid)
	}
	kilobytes, err := strconv.Atoi(fields[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kilobytes) * 1024 / 1e6
}
