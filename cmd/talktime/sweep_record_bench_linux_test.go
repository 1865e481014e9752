package main

import (
	"bufio"
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

// The program itself recording all agents each 10 s over HTTPS into Postgres: its
// memory and CPU, derivation's share of both included; polls that were not answered
// in time; and the CPU of the gateway. Each turn is a tick.
func BenchmarkRecorder(b *testing.B) {
	recordCentre(b, benchSize(b, "TALKTIME_BENCH_AGENTS", 5000))
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
	cron := "*/10 * * * * *"
	if agents < 1000 {
		cron = "* * * * * *" // only to see that it runs
	}
	c := startCentre(b, agents)
	dir, err := dataDir()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, err := localpg.Start(b.Context(), localpg.Options{Dir: filepath.Join(dir, "data", "postgres")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close(context.WithoutCancel(b.Context())) })
	config := filepath.Join(dir, configFileName)
	text := fmt.Sprintf(`data_dir: data
gateway: {url: %q, ca_file: %q, auth_mode: 1, concurrency: %d}
guids: {file: %q}
agents: {max_id: 999999}
schedules:
  - {name: centre, cron: %q}
`, c.url, c.caFile, sweepConcurrency, c.guids, cron)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(realProgram(b), "record", "--config", config, "--log-level", "debug")
	cmd.Env = benchEnviron()
	log, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL) // the bench fails before it is told to leave
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(log)
	var seen strings.Builder
	stored := func() {
		for lines.Scan() {
			if strings.Contains(lines.Text(), roundStored) {
				return
			}
			seen.WriteString(lines.Text() + "\n")
		}
		b.Fatalf("the recorder ended:\n%s", &seen)
	}

	stored() // the first makes the connections
	recorder, gateway := cpuOfProcess(b, cmd.Process.Pid), cpuOfProcess(b, c.cmd.Process.Pid)
	ticks := 0
	for b.Loop() {
		stored()
		ticks++
	}
	polls := float64(ticks * c.agents.Len())
	recorder, gateway = cpuOfProcess(b, cmd.Process.Pid)-recorder, cpuOfProcess(b, c.cmd.Process.Pid)-gateway
	rss := peakRSS(b, cmd.Process.Pid)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	for lines.Scan() {
	}

	var out bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &seen, environ: benchEnviron(), clock: newWallClock()}
	// Not the first, which may have begun late, nor one that was cut to leave.
	lost := fmt.Sprintf(`SELECT sum(CASE status WHEN 'missed' THEN %d ELSE unreachable + bad_reply + skipped END)
		FROM (SELECT * FROM talktime.ticks ORDER BY due_at OFFSET 1 LIMIT %d) AS t`, c.agents.Len(), ticks)
	if code := a.run(b.Context(), []string{"psql", "--config", config, "--", "-XAt", "-c", lost}); code != exitOK {
		b.Fatalf("psql: exit code %d\n%s", code, &seen)
	}
	late, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op") // the period
	b.ReportMetric(rss, "MB-RSS")
	b.ReportMetric(200, "bar-MB-RSS")
	b.ReportMetric(float64(late), "polls-lost")
	b.ReportMetric(0, "bar-polls-lost")
	b.ReportMetric(recorder.Seconds()*1e6/polls, "µs/poll")
	b.ReportMetric(gateway.Seconds()*1e6/polls, "gateway-µs/poll")
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
