package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
	"talktime/ingest/gatewaysim"
)

// sweepConcurrency has room for 59,899 agents each 10 s at 20 to 50 ms a reply.
const sweepConcurrency = 300

// centreProcess is a simulated gateway in a process of its own, so that what it
// takes is not the recorder's.
type centreProcess struct {
	cmd                *exec.Cmd
	agents             ingest.AgentSet
	url, caFile, guids string
}

// startCentre plays so many agents, whose replies take 20 to 50 ms.
func startCentre(b *testing.B, agents int) *centreProcess {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	c := &centreProcess{
		agents: ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: ingest.AgentID(100 + agents)}),
		caFile: filepath.Join(dir, gatewaysim.CAFile), guids: filepath.Join(dir, gatewaysim.GUIDFile),
	}
	c.cmd = exec.Command(self, "gateway", "--dir", dir, "--agents", c.agents.String(), "--max-agent-id", "999999", "--fault", "latency=20ms..50ms")
	c.cmd.Args[0] = "talktime"
	if err := c.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		_ = c.cmd.Wait()
	})
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		url, err := os.ReadFile(filepath.Join(dir, gatewaysim.URLFile)) // written last
		if err == nil {
			c.url = strings.TrimSpace(string(url))
			return c
		}
		<-look.C
	}
}

// period is that of the rounds: 10 s, or 1 s where there are too few agents to say
// more than that it runs.
func (c *centreProcess) period() time.Duration {
	if c.agents.Len() < 1000 {
		return time.Second
	}
	return 10 * time.Second
}

// concurrency is the default, where that is enough.
func (c *centreProcess) concurrency() int {
	if c.agents.Len() <= 5000 {
		return 64
	}
	return sweepConcurrency
}

func (c *centreProcess) cron() string {
	return fmt.Sprintf("*/%d * * * * *", int(c.period().Seconds()))
}

// The CPU of a sweep's polls, without the gateway's and without storing, against a
// client written by hand for this one request; see plainSweep.
func BenchmarkSweep(b *testing.B) {
	c := startCentre(b, benchSize(b, "TALKTIME_BENCH_AGENTS", 5000))
	clock := newWallClock()
	book, err := ccgateway.OpenBook(c.guids, ingest.LimitMaxAgentID, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	client, err := ccgateway.New(ccgateway.Config{
		BaseURL: c.url, CAFile: c.caFile, Timeout: 3 * time.Second, Concurrency: sweepConcurrency,
		AuthMode: ccgateway.AuthModeStatic, MaxAgentID: ingest.LimitMaxAgentID,
	}, book, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	hourly, err := ingest.NewSchedule("hourly", "@hourly", "UTC", ingest.AgentSet{}, true)
	if err != nil {
		b.Fatal(err)
	}
	recording := ingest.Recording{
		Schedules: []ingest.Schedule{hourly}, Clock: clock, Poller: client, Concurrency: sweepConcurrency, Log: slog.New(slog.DiscardHandler),
	}
	ours := func() (seen int) {
		samples, err := recording.SampleNow(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for _, s := range samples {
			if s.Outcome.IsObservation() {
				seen++
			}
		}
		return seen
	}
	ours() // this makes the connections
	plain := newPlainSweep(b, c)
	compare(b, "µs/poll",
		func() float64 { return cpuOf(b, c.agents.Len(), ours) },
		func() float64 { return cpuOf(b, c.agents.Len(), plain.sweep) })
	b.ReportMetric(1.8, "bar")
	if n := client.Connections(); n > sweepConcurrency {
		b.Errorf("%d connections were made for %d at once: they are not kept", n, sweepConcurrency)
	}
}

// cpuOf returns how much CPU each poll of a sweep took of this process. All agents
// must have been seen.
func cpuOf(b *testing.B, agents int, sweep func() int) (microseconds float64) {
	b.Helper()
	before := ownCPU(b)
	if seen := sweep(); seen != agents {
		b.Fatalf("%d of %d agents were seen", seen, agents)
	}
	return (ownCPU(b) - before).Seconds() * 1e6 / float64(agents)
}

// ownCPU is what this process has taken of the CPUs so far.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
