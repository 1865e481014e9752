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

// Reports of a day of 5,000 agents at 10 s, 43.2 million samples, by the program
// as users have it, from its start to its end; a timeline by itself, as somebody
// who looks through agents has it.
func BenchmarkDay(b *testing.B) {
	agents := benchSize(b, "TALKTIME_BENCH_DAY_AGENTS", 200)
	d := newDayOfCentre(b, agents)
	p := newProgram(b, d.url)
	day := []string{"--from", monday.Format(time.DateOnly), "--to", monday.AddDate(0, 0, 1).Format(time.DateOnly)}
	month := []string{"--from", monday.AddDate(0, 0, -29).Format(time.DateOnly), "--to", monday.AddDate(0, 0, 1).Format(time.DateOnly)}

	b.Run("by_agent", func(b *testing.B) {
		compare(b,
			func() time.Duration { return p.report(b, agents, append(day, "--by", "agent")...).took },
			func() time.Duration {
				return timed(b, func() error {
					_, err := d.pool.Exec(b.Context(), `
						SELECT agent_id, agent_state, is_working, sum(next_at - polled_at)
						FROM (
							SELECT agent_id, agent_state, is_working, polled_at, lead(polled_at) OVER (PARTITION BY agent_id ORDER BY polled_at) AS next_at
							FROM talktime.samples WHERE polled_at >= $1 AND polled_at < $2
						) AS s
						GROUP BY agent_id, agent_state, is_working`, monday, monday.AddDate(0, 0, 1))
					return err
				})
			})
		b.ReportMetric(0.01, "bar")
		b.ReportMetric(300, "bar-ms")
	})
	b.Run("by_agent_and_15m", func(b *testing.B) {
		peak := alone(b, 3000, func() run { return p.report(b, 96*agents, append(day, "--by", "agent,15m")...) })
		b.ReportMetric(peak, "MB")
		b.ReportMetric(100, "bar-MB")
	})
	b.Run("30_days_by_agent", func(b *testing.B) {
		alone(b, 1000, func() run { return p.report(b, agents, append(month, "--by", "agent")...) })
	})
	b.Run("timeline", func(b *testing.B) {
		request := windowOf(monday, monday.AddDate(0, 0, 1), ingest.NewAgentSet(142))
		alone(b, 20, func() run {
			return run{took: timed(b, func() error {
				snapshot := d.snapshot(b)
				defer snapshot.Close(b.Context())
				if episodes := timelineOf(b, snapshot, request); len(episodes) < 100 {
					b.Fatalf("the day has %d episodes", len(episodes))
				}
				return nil
			})}
		})
	})
}

// newDayOfCentre stores and derives monday, and makes the 29 days before of its
// ticks and days, which is what a report of them reads. The samples have an index
// that serves lead() best.
func newDayOfCentre(b *testing.B, agents int) database {
	b.Helper()
	d := newDatabase(b)
	end := monday.AddDate(0, 0, 1)
	newFloor(agents).fill(b, d, monday.Add(-2*time.Minute), end.Add(2*time.Minute))
	d.exec(b, "VACUUM ANALYZE talktime.samples, talktime.ticks")
	deriving := deriving(end.Add(2 * time.Minute))
	deriving.Now = end.Add(time.Hour)
	deriving.Calendars = append(deriving.Calendars, calendar(b, "UTC", "00:00"))
	d.deriveWith(b, deriving)
	for table, moved := range map[string]string{
		"days": `'local_date', t.local_date - n, 'from_at', t.from_at - n * interval '1 day', 'to_at', t.to_at - n * interval '1 day',
			'last_bin_start_at', t.last_bin_start_at - n * interval '1 day'`,
		"kept_days": "'local_date', t.local_date - n, 'from_at', t.from_at - n * interval '1 day', 'to_at', t.to_at - n * interval '1 day'",
		"ticks":     "'due_at', t.due_at - n * interval '1 day'",
	} {
		d.exec(b, fmt.Sprintf(`INSERT INTO talktime.%[1]s SELECT moved.* FROM talktime.%[1]s AS t, generate_series(1, 29) AS n,
			LATERAL jsonb_populate_record(t, jsonb_build_object(%[2]s)) AS moved ON CONFLICT DO NOTHING`, table, moved))
	}
	d.exec(b, "TRUNCATE talktime.dirty") // the ticks before have no samples
	d.exec(b, "CREATE INDEX for_lead ON talktime.samples (agent_id, polled_at) INCLUDE (agent_state, is_working)")
	d.exec(b, "VACUUM ANALYZE")
	return d
}

// alone runs what has no baseline until the benchmark ends, reports the median and
// the most it may take, and returns the largest peak of memory.
func alone(b *testing.B, barMS float64, do func() run) (peakMB float64) {
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
	b.ReportMetric(barMS, "bar-ms")
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
