package store_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
)

// Reports of a day of 5,000 agents at 10 s, 43.2 million samples, and of the month
// that ends with it, by the program as users have it, from its start to its end; a
// timeline by itself, as somebody who looks through agents has it.
func BenchmarkDay(b *testing.B) {
	agents := benchSize(b, "TALKTIME_BENCH_DAY_AGENTS", 200)
	d := newDayOfCentre(b, agents)
	p := newProgram(b, d.url)
	reporting := func(rows int, from, to time.Time, by string) func() run {
		return func() run {
			return p.report(b, rows, "--from", from.Format(time.RFC3339), "--to", to.Format(time.RFC3339), "--by", by)
		}
	}
	end := monday.AddDate(0, 0, 1)
	month := end.AddDate(0, 0, -30)

	b.Run("by_agent", func(b *testing.B) {
		bare, report := connectBare(b, d.url), reporting(agents, monday, end, "agent")
		compare(b,
			func() time.Duration { return report().took },
			func() time.Duration { return lead(b, bare, monday, end) })
		b.ReportMetric(0.01, "bar")
		b.ReportMetric(300, "bar-ms")
	})
	b.Run("by_agent_and_15m", func(b *testing.B) {
		peak := alone(b, reporting(96*agents, monday, end, "agent,15m"))
		b.ReportMetric(3000, "bar-ms")
		b.ReportMetric(peak, "MB")
		b.ReportMetric(100, "bar-MB")
	})
	b.Run("30_days_by_agent", func(b *testing.B) {
		alone(b, reporting(agents, month, end, "agent"))
		b.ReportMetric(1000, "bar-ms")
	})
	// The last day is not over: its quarter-hours are read.
	b.Run("29_days_and_a_half_by_agent", func(b *testing.B) {
		alone(b, reporting(agents, month, end.Add(-12*time.Hour), "agent"))
	})
	b.Run("timeline", func(b *testing.B) {
		request := windowOf(monday, end, ingest.NewAgentSet(142))
		alone(b, func() run {
			return run{took: timed(b, func() error {
				snapshot := d.snapshot(b)
				defer snapshot.Close(b.Context())
				if episodes := timelineOf(b, snapshot, request); len(episodes) < 100 {
					b.Fatalf("the day has %d episodes", len(episodes))
				}
				return nil
			})}
		})
		b.ReportMetric(20, "bar-ms")
	})
}

// alone runs what has no baseline until the benchmark ends, reports the median and
// returns the largest peak of memory.
func alone(b *testing.B, do func() run) (peakMB float64) {
	b.Helper()
	var took []float64
	for b.Loop() {
		r := do()
		took = append(took, r.took.Seconds()*1000)
		peakMB = max(peakMB, r.peakMB)
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(took[len(took)/2], "ms")
	return peakMB
}

// program is talktime as users have it, on a database.
type program struct{ path, config, out string }

// run is what a run of it came to.
type run struct {
	took   time.Duration
	peakMB float64 // of its memory
}

func newProgram(b *testing.B, url string) program {
	b.Helper()
	dir := b.TempDir()
	p := program{filepath.Join(dir, "talktime"), filepath.Join(dir, "talktime.yaml"), filepath.Join(dir, "report.csv")}
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", p.path, "talktime/cmd/talktime").CombinedOutput(); err != nil {
		b.Fatalf("build the program: %v\n%s", err, out)
	}
	if err := os.WriteFile(p.config, fmt.Appendf(nil, "data_dir: %q\ndatabase: {url: %q}\n", dir, url), 0o600); err != nil {
		b.Fatal(err)
	}
	return p
}

// report writes a report of so many rows to a file, as CSV.
func (p program) report(b *testing.B, rows int, flags ...string) run {
	b.Helper()
	var said bytes.Buffer
	cmd := exec.Command(p.path, append([]string{"report", "states", "--config", p.config, "--format", "csv", "--out", p.out}, flags...)...)
	cmd.Stderr = &said
	cmd.Env = slices.DeleteFunc(os.Environ(), func(set string) bool { return strings.HasPrefix(set, "TALKTIME_") }) // or they configure it
	var r run
	r.took = timed(b, func() error {
		if err := cmd.Start(); err != nil {
			return err
		}
		done := make(chan struct{})
		peak := make(chan float64)
		go func() { peak <- peakUntil(cmd.Process.Pid, done) }()
		err := cmd.Wait()
		close(done)
		r.peakMB = <-peak
		if err != nil {
			return fmt.Errorf("%w: %s", err, said.Bytes())
		}
		return nil
	})
	written, err := os.ReadFile(p.out)
	if err != nil {
		b.Fatal(err)
	}
	if lines := bytes.Count(written, []byte("\n")); lines != rows+1 {
		b.Fatalf("the report has %d lines, want a header and %d", lines, rows)
	}
	return r
}

var peakLine = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// peakUntil returns the peak of a process' memory in MB, as the kernel last told
// before it ended. What wait tells of it would be the benchmark's own, from which
// the process was forked.
func peakUntil(pid int, ended <-chan struct{}) (peak float64) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if found := peakLine.FindSubmatch(status); err == nil && found != nil {
			kB, _ := strconv.ParseFloat(string(found[1]), 64) // digits only
			peak = max(peak, kB/1024)
		}
		select {
		case <-ended:
			return peak
		case <-look.C:
		}
	}
}
