package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
)

// recorderProcess is talktime record as a process of its own, whose log is read
// line by line.
type recorderProcess struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string // closed when the process has ended
	seen  strings.Builder
}

// startRecorder starts the program, which this test binary is by that name.
func (c *centre) startRecorder(environ ...string) *recorderProcess {
	c.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	p := &recorderProcess{t: c.t, lines: make(chan string, 10_000)}
	p.cmd = exec.CommandContext(c.t.Context(), self, "record", "--config", c.config, "--log-level", "debug")
	p.cmd.Args[0] = "talktime"
	p.cmd.Env = append(os.Environ(), environ...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.lines <- lines.Text()
		}
	}()
	return p
}

// await reads the log until so many lines have held a text. A line that does not
// come fails this test, not the whole package by its time limit.
func (p *recorderProcess) await(text string, times int) {
	p.t.Helper()
	tooLong := time.After(90 * time.Second)
	for times > 0 {
		select {
		case line, running := <-p.lines:
			if !running {
				p.t.Fatalf("the recorder ended before it logged %q:\n%s", text, &p.seen)
			}
			p.seen.WriteString(line + "\n")
			if strings.Contains(line, text) {
				times--
			}
		case <-tooLong:
			p.t.Fatalf("the recorder did not log %q:\n%s", text, &p.seen)
		}
	}
}

// signal sends one.
func (p *recorderProcess) signal(signal os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// signalUntilGone sends one again and again: the very first may come before the
// program has given the signal its usual effect back.
func (p *recorderProcess) signalUntilGone(signal os.Signal) {
	p.t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		p.signal(signal)
		select {
		case line, running := <-p.lines:
			if !running {
				return
			}
			p.seen.WriteString(line + "\n")
		case <-again.C:
		}
	}
}

// exitCode waits for the end; it is -1 where a signal ended the process.
func (p *recorderProcess) exitCode() int {
	for line := range p.lines {
		p.seen.WriteString(line + "\n")
	}
	_ = p.cmd.Wait() // its exit code says it all
	return p.cmd.ProcessState.ExitCode()
}

// awaitRequest waits until the gateway is asked again.
func (c *centre) awaitRequest() {
	before := c.gateway.Requests()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for c.gateway.Requests() == before {
		<-look.C
	}
}

const roundStored = `msg="round stored"`

// A killed recorder leaves a hole that the next one's start makes recorder_down,
// from half a period after the last sample to half a period before the next.
func TestKilledRecorderLeavesAnExactHole(t *testing.T) {
	t.Parallel()
	began := time.Now()
	c := newCentre(t, newWallClock(), ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 124}), "* * * * * *")
	killed := c.startRecorder()
	killed.await(roundStored, 2)
	killed.signal(syscall.SIGKILL)
	killed.exitCode()

	<-time.After(4 * time.Second) // the hole: it has to be longer than 2.5 periods

	again := c.startRecorder()
	again.await(roundStored, 3)
	again.signal(syscall.SIGTERM)
	if code := again.exitCode(); code != exitOK {
		t.Errorf("after SIGTERM the exit code is %d:\n%s", code, &again.seen)
	}
	c.run(t.Context(), exitOK, "derive")

	gaps := c.query(`SELECT agent_id, sum(gap) - 1000 * count(*) FROM (
		SELECT agent_id, (1000 * extract(epoch FROM polled_at - lag(polled_at) OVER (PARTITION BY agent_id ORDER BY polled_at)))::bigint AS gap
		FROM talktime.samples) AS gaps WHERE gap > 2500 GROUP BY agent_id`)
	from := began.UTC().Truncate(15 * time.Minute)
	rows := c.statesOf(from, from.Add(30*time.Minute))
	if len(gaps) != 24 || len(rows) != 24 {
		t.Fatalf("%d agents have a hole, %d are in the report, want 24", len(gaps), len(rows))
	}
	for _, gap := range gaps {
		agent, _ := strconv.Atoi(gap[0])
		row := rows[ingest.AgentID(agent)]
		if want := fmt.Sprint(row["recorder_down"]); gap[1] != want || row["recorder_down"] < 3000 || row["failed"] != 0 {
			t.Errorf("agent %d: the samples leave %s ms, recorder_down is %s ms, failed %d ms", agent, gap[1], want, row["failed"])
		}
	}
}

// Postgres ending every connection costs neither a round nor the lease.
func TestRecorderKeepsItsLease(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102, 103), "* * * * * *")
	p := c.startRecorder()
	p.await(roundStored, 1)
	if _, stderr := c.run(t.Context(), exitFailed, "migrate", "--down", "--yes"); stderr != "talktime: a recorder is at work on this database: stop it first\n" {
		t.Errorf("migrate --down said %q", stderr)
	}
	c.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'talktime'")
	// A beat or a round may find its connection gone or notice that before it asks.
	p.await(roundStored, 3)
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != exitOK {
		t.Errorf("after SIGTERM the exit code is %d:\n%s", code, &p.seen)
	}
	if rows := fmt.Sprint(c.query("SELECT (SELECT count(*) FROM talktime.ticks WHERE status = 'missed'), max(epoch) FROM talktime.epochs")); rows != "[[0 1]]" {
		t.Errorf("ticks missed and the last epoch are %s:\n%s", rows, &p.seen)
	}
}

// A first signal lets the round in flight finish, a second one does not.
func TestRecorderLeavesBySignals(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102, 103), "* * * * * *",
		playing(gatewaysim.Fault{Kind: gatewaysim.FaultLatency, Chance: 1, Least: 600 * time.Millisecond, Most: 600 * time.Millisecond}))
	const leaving = "leaving after the round in flight; another signal ends at once"

	once := c.startRecorder()
	once.await(roundStored, 1)
	c.awaitRequest()
	once.signal(syscall.SIGTERM)
	once.await(leaving, 1)
	if code := once.exitCode(); code != exitOK {
		t.Errorf("after one SIGTERM the exit code is %d:\n%s", code, &once.seen)
	}
	if rows := fmt.Sprint(c.query("SELECT count(*) FROM talktime.ticks WHERE status = 'missed' OR skipped > 0")); rows != "[[0]]" {
		t.Errorf("%s rounds are not whole:\n%s", rows, &once.seen)
	}

	twice := c.startRecorder()
	twice.await(roundStored, 1)
	c.awaitRequest()
	twice.signal(syscall.SIGTERM)
	twice.await(leaving, 1)
	twice.signalUntilGone(syscall.SIGTERM)
	if code := twice.exitCode(); code != -1 {
		t.Errorf("after two SIGTERM the exit code is %d:\n%s", code, &twice.seen)
	}
}
