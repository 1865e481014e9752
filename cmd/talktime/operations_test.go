package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"talktime/ingest"
)

// served is talktime record in this process, whose operations are served.
type served struct {
	t     *testing.T
	url   string
	lines chan string // of its log; closed when it has ended
	log   strings.Builder
	stop  context.CancelFunc
	code  chan int
}

// serve starts a recorder with more in its configuration.
func (c *centre) serve(config string) *served {
	c.t.Helper()
	c.append("listen: {operations: 127.0.0.1:0}\n" + config)
	ctx, stop := context.WithCancel(c.t.Context())
	s := &served{t: c.t, lines: make(chan string, 10_000), stop: stop, code: make(chan int, 1)}
	read, write := io.Pipe()
	a := &app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: write, environ: os.Environ(), clock: c.clock}
	go func() {
		s.code <- a.run(ctx, []string{"record", "--config", c.config, "--log-level", "debug"})
		_ = write.Close()
	}()
	go func() {
		defer close(s.lines)
		for scan := bufio.NewScanner(read); scan.Scan(); {
			s.lines <- scan.Text()
		}
	}()
	line := s.await(`msg="operations are served"`)
	_, s.url, _ = strings.Cut(line, "url=")
	return s
}

// await reads the log up to a line that holds a text.
func (s *served) await(text string) string {
	s.t.Helper()
	for line := range s.lines {
		s.log.WriteString(line + "\n")
		if strings.Contains(line, text) {
			return line
		}
	}
	s.t.Fatalf("the recorder ended before it logged %q:\n%s", text, &s.log)
	return ""
}

// leave stops the recorder and returns its exit code.
func (s *served) leave() int {
	s.stop()
	for line := range s.lines {
		s.log.WriteString(line + "\n")
	}
	return <-s.code
}

// get asks the recorder.
func (s *served) get(path string) (status int, body string) {
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Do(request)
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		s.t.Error(err)
	}
	return reply.StatusCode, string(text)
}

// awaitAnswer asks until the answer holds a text, and returns it.
func (s *served) awaitAnswer(path, text string) string {
	s.t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	enough := time.After(time.Minute)
	for {
		_, body := s.get(path)
		if s.t.Failed() || strings.Contains(body, text) {
			return body
		}
		select {
		case <-again.C:
		case <-enough:
			s.t.Fatalf("/%s never said %q, but\n%s", path, text, body)
		}
	}
}

// A real recorder serves every metric there is, by the names, kinds and words
// that dashboards were built on; every alert rule reads what is served.
func TestRecorderServesItsOperations(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 108}), "* * * * * *")
	s := c.serve("derive: {cron: \"* * * * * *\"}\nmaintain: {cron: \"* * * * * *\"}\n")
	s.await(roundStored)
	s.await(roundStored)
	// The last of all to be known.
	s.awaitAnswer("readyz", "ready\nrecording\nschedule steady: 8 of 8 agents observed at ")
	s.awaitAnswer("metrics", "\ntalktime_job_last_success_timestamp_seconds{name=\"derive\"}")
	s.awaitAnswer("metrics", "\ntalktime_partitions_ahead{table=\"samples\"} 7\n")
	c.query(`INSERT INTO talktime.exports (name, from_at, to_at, revision, time_zone, due_at, status, reason, definition, destination, manifest, entered_at, delivered_at)
		VALUES ('daily', '2026-11-20Z', '2026-11-21Z', 1, 'UTC', '2026-11-21Z', 'delivered', '', '', '', 'm', '2026-11-21Z', '2026-11-21Z'),
			('daily', '2026-11-21Z', '2026-11-22Z', 1, 'UTC', '2026-11-22Z', 'failed', '', '', '', '', '2026-11-22Z', NULL)`)
	metrics := s.awaitAnswer("metrics", "\ntalktime_export_failed_periods{name=\"daily\"} 1\n")
	described, golden := describeMetrics(metrics), filepath.Join("testdata", "metrics.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(described), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || described != string(want) {
		t.Errorf("the metrics differ from %s (%v); -update rewrites it:\n%s", golden, err, described)
	}
	for _, of := range []string{"go_goroutines", "process_start_time_seconds"} {
		if !strings.Contains(metrics, "\n"+of+" ") {
			t.Errorf("there is no %s", of)
		}
	}
	checkAlerts(t, metrics)

	// Many ask at once; each polled agent is counted once.
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 5 {
				s.getIdentity()
				for path, want := range map[string]string{"healthz": "ok\n", "readyz": "ready\n", "metrics": "\ntalktime_ready "} {
					if status, body := s.get(path); status == http.StatusInternalServerError || !strings.Contains(body, want) {
						t.Errorf("/%s answered %d\n%s", path, status, body)
					}
				}
			}
		})
	}
	all.Wait()
	_, metrics = s.get("metrics")
	if code := s.leave(); code != exitOK {
		t.Errorf("left with %d:\n%s", code, &s.log)
	}
	rows := c.query("SELECT count(*), 8 * (SELECT count(*) FROM talktime.ticks WHERE status = 'taken') FROM talktime.samples")
	polls := 0.0
	for _, o := range ingest.Outcomes() {
		polls += number(t, metrics, fmt.Sprintf("talktime_polls_total{outcome=%q}", o))
	}
	if samples, _ := strconv.ParseFloat(rows[0][0], 64); polls < 16 || polls > samples || rows[0][0] != rows[0][1] {
		t.Errorf("%v polls were counted, %v are stored", polls, rows[0])
	}

	guids, err := os.ReadFile(filepath.Join(c.dir, "guids.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(guids) {
		if _, guid, _ := bytes.Cut(bytes.TrimSpace(line), []byte(",")); len(guid) > 8 && strings.Contains(metrics+s.log.String(), string(guid)) {
			t.Error("a GUID is shown")
		}
	}
}

// A database that hangs keeps nobody waiting: rounds go to the spool and come
// back, the identity of polls holds at every scrape, and /readyz tells of it.
func TestOperationsOutliveTheDatabase(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102), "* * * * * *")
	s := c.serve("")
	s.await(roundStored)
	s.awaitAnswer("metrics", "\ntalktime_partitions_ahead_seconds{")
	s.awaitAnswer("metrics", "\ntalktime_polls_spooled 0\n")
	var hanging sync.WaitGroup
	hanging.Go(func() {
		a := &app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, environ: os.Environ(), clock: c.clock}
		a.run(t.Context(), []string{"psql", "--config", c.config, "--", "-X", "-c", "BEGIN; LOCK talktime.derivations, talktime.ticks; SELECT pg_sleep(600)"})
	})
	answer := s.awaitAnswer("readyz", " rounds wait in the spool, which is ")
	if !strings.HasPrefix(answer, "ready\nrecording\nthe database has not answered since ") || !strings.Contains(answer, ": no answer within 3s: bring Postgres back; ") {
		t.Errorf("/readyz says %s", answer)
	}
	metrics := s.awaitAnswer("metrics", "\ntalktime_database_up 0\n")
	if ahead := number(t, metrics, `talktime_partitions_ahead_seconds{table="samples"}`); ahead <= 0 {
		t.Errorf("partitions end in %v s", ahead)
	}
	if spooled := s.getIdentity(); spooled == 0 {
		t.Error("nothing is in the spool")
	}
	if status, body := s.get("healthz"); status != http.StatusOK {
		t.Errorf("/healthz answered %d %s", status, body)
	}
	c.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()")
	hanging.Wait()
	for s.getIdentity() > 0 { // replayed while asked
		if t.Failed() {
			break
		}
	}
	s.awaitAnswer("metrics", "\ntalktime_database_up 1\n")
	s.awaitAnswer("readyz", "ready\nrecording\nschedule ")
	if code := s.leave(); code != exitOK {
		t.Errorf("left with %d:\n%s", code, &s.log)
	}
	if refused := number(t, metrics, "talktime_polls_refused_total"); refused > 0 {
		t.Errorf("%v polls were refused", refused)
	}
}

// getIdentity checks of one scrape that the polls due are those stored, spooled
// and refused, and returns how many are spooled.
func (s *served) getIdentity() (spooled float64) {
	_, metrics := s.get("metrics")
	of := func(what string) float64 { return number(s.t, metrics, "talktime_polls_"+what) }
	spooled = of("spooled")
	if due, sum := of("due_total"), of("stored_total")+spooled+of("refused_total"); due != sum || due == 0 {
		s.t.Errorf("%v polls were due, %v are stored, spooled or refused", due, sum)
	}
	return spooled
}

// A standby is ready without recording, and tells who does; after the other one
// has left it records.
func TestStandbyIsReady(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102), "* * * * * *")
	first := c.startRecorder()
	first.await(roundStored, 1)
	s := c.serve("")
	answer := s.awaitAnswer("readyz", "ready\nstandby: ")
	if want := fmt.Sprintf(":%d records, in epoch 1\n", first.cmd.Process.Pid); !strings.HasSuffix(answer, want) {
		t.Errorf("/readyz says %s, want %s", answer, want)
	}
	s.awaitAnswer("metrics", "\ntalktime_lease_held 0\n")
	first.signal(syscall.SIGTERM)
	s.awaitAnswer("readyz", "ready\nrecording\n")
	metrics := s.awaitAnswer("metrics", "\ntalktime_lease_held 1\n")
	if epoch := number(t, metrics, "talktime_lease_epoch"); epoch != 2 {
		t.Errorf("it records in epoch %v, want 2", epoch)
	}
	if code := first.exitCode(); code != exitOK {
		t.Errorf("the first left with %d:\n%s", code, &first.seen)
	}
	s.leave()
}

// systemd hears when recording begins, that it goes on, and that it ends.
func TestRecorderTellsSystemd(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101, 102), "* * * * * *")
	name := "@talktime-" + filepath.Base(c.dir)
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := socket.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	// until reads what systemd is told up to a state; only that it lives may come
	// in between.
	until := func(want string) {
		t.Helper()
		for {
			buffer := make([]byte, 4096)
			n, err := socket.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(buffer[:n]); got == want {
				return
			} else if got != "WATCHDOG=1" {
				t.Fatalf("told %q, want %q", got, want)
			}
		}
	}
	p := c.startRecorder("NOTIFY_SOCKET="+name, "WATCHDOG_USEC=40000")
	until("STATUS=opening the database")
	until("READY=1\nSTATUS=recording; schedules steady")
	until("WATCHDOG=1")
	p.signal(syscall.SIGHUP)
	until("RELOADING=1")
	until("READY=1\nSTATUS=recording; schedules steady")
	p.signal(syscall.SIGTERM)
	until("STOPPING=1\nSTATUS=leaving")
	if code := p.exitCode(); code != exitOK {
		t.Errorf("left with %d:\n%s", code, &p.seen)
	}
}

// A port that is taken is told before anything else is begun.
func TestRecordNeedsItsPort(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101), "* * * * * *")
	c.append(fmt.Sprintf("listen: {operations: %q}\n", taken.Addr()))
	_, stderr := c.run(t.Context(), exitFailed, "record")
	want := fmt.Sprintf("talktime: serve operations: listen tcp %s: bind: address already in use; free that port or give listen.operations another\n", taken.Addr())
	if stderr != want {
		t.Errorf("said %q, want %q", stderr, want)
	}
}
