package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
)

// rewrite changes texts of the configuration file.
func (c *centre) rewrite(oldnew ...string) {
	c.t.Helper()
	text, err := os.ReadFile(c.config)
	if err != nil {
		c.t.Fatal(err)
	}
	changed := strings.NewReplacer(oldnew...).Replace(string(text))
	if changed == string(text) {
		c.t.Fatalf("nothing of %q is in\n%s", oldnew, text)
	}
	if err := os.WriteFile(c.config, []byte(changed), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// A recorder that is told by SIGHUP goes over to other schedules and another
// gateway without a hole, and a broken file changes nothing.
func TestRecorderReadsItsConfigurationAgain(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 130}), "* * * * * *")
	other, err := gatewaysim.Start(gatewaysim.Options{
		Play:   gatewaysim.Play{Seed: 2, Zone: time.UTC, Shift: gatewaysim.ShiftAlways},
		Agents: ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 140}), Clock: c.clock, MachineTime: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	})
	otherDir := filepath.Join(c.dir, "other")
	if err := os.Mkdir(otherDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := other.WriteFiles(otherDir); err != nil {
		t.Fatal(err)
	}

	p := c.startRecorder()
	p.await(roundStored, 2)
	good, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}

	// Broken: both faults are told, and nothing changes.
	c.rewrite("schedules:", "schedule:", "auth_mode: 1", "auth_mode: 3")
	p.signal(syscall.SIGHUP)
	p.await("configuration not taken over: the one read before stays in force", 1)
	for _, fault := range []string{"auth_mode", `did you mean \"schedules\"?`} {
		if !strings.Contains(p.seen.String(), fault) {
			t.Errorf("no word of %s in the log:\n%s", fault, &p.seen)
		}
	}
	p.await(roundStored, 2)

	// The same as before.
	if err := os.WriteFile(c.config, append(good, "# a comment\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.await(`msg="configuration read again"`, 1)
	if !strings.Contains(p.seen.String(), "changed=[] schedules=\"[steady: * * * * * * UTC, agents 101-130]\" agents=30") {
		t.Errorf("nothing has changed, and the log says\n%s", &p.seen)
	}
	if n := other.Requests(); n != 0 {
		t.Errorf("the other gateway was asked %d times before it was configured", n)
	}

	// Another gateway and one more schedule, in the middle of a round.
	c.rewrite(c.gateway.URL(), other.URL(), "ca_file: ca.pem", "ca_file: other/ca.pem", "file: guids.csv", "file: other/guids.csv",
		"data_dir: data", "data_dir: data\ntime_zone: Europe/Berlin", `"101-130"}`, `"101-130", time_zone: UTC}
  - {name: more, cron: "*/2 * * * * *", agents: "125-140"}`, "auth_mode: 1}", "auth_mode: 1, concurrency: 7}\nderive: {cron: \"30 * * * * *\"}")
	c.awaitRequest()
	p.signal(syscall.SIGHUP)
	p.await(`msg="schedules changed"`, 1)
	for _, want := range []string{
		`changed="[time_zone gateway.url gateway.ca_file gateway.concurrency guids.file schedules]" schedules="[steady: * * * * * * UTC, agents 101-130 more: */2 * * * * * Europe/Berlin, agents 125-140]" agents=40`,
		`msg="configuration: some changes need a restart" file=`, `keys=[derive.cron]`,
	} {
		if !strings.Contains(p.seen.String(), want) {
			t.Errorf("no %s in the log:\n%s", want, &p.seen)
		}
	}
	from := regexp.MustCompile(`msg="schedules changed" in_force_from=(\S+) closed=\[\] opened=\[more\] in_force=2`).FindStringSubmatch(p.seen.String())
	if from == nil {
		t.Fatalf("no instant in the log:\n%s", &p.seen)
	}
	p.await(roundStored+" schedule=more", 2)
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != exitOK {
		t.Errorf("after SIGTERM the exit code is %d:\n%s", code, &p.seen)
	}
	if other.Requests() == 0 {
		t.Error("the other gateway was never asked")
	}

	// Every due instant was taken whole, and those of the new schedule from the
	// logged instant on.
	rows := c.query(fmt.Sprintf(`SELECT (SELECT count(*) FROM talktime.schedules), (SELECT (valid_from = '%s')::int FROM talktime.schedules WHERE name = 'more'),
			(SELECT count(*) FROM talktime.ticks WHERE status = 'missed' OR unauthorized + unreachable + bad_reply + gateway_error > 0),
			(SELECT extract(epoch FROM max(due_at) - min(due_at)) + 1 - count(*) FROM talktime.ticks WHERE schedule = 'steady')::int,
			(SELECT (extract(epoch FROM max(due_at) - min(due_at)) / 2 + 1 - count(*))::int FROM talktime.ticks WHERE schedule = 'more'),
			(SELECT (min(due_at) >= '%[1]s' AND min(due_at) < '%[1]s'::timestamptz + interval '2 s')::int FROM talktime.ticks WHERE schedule = 'more'),
			(SELECT sum(observed + not_signed_in) FROM talktime.ticks) - (SELECT count(*) FROM talktime.samples)`, from[1]))
	if got := fmt.Sprint(rows); got != "[[2 1 0 0 0 1 0]]" {
		t.Errorf("what is stored is %s:\n%s\n%v", got, &p.seen, c.query("SELECT schedule, due_at, status, observed FROM talktime.ticks ORDER BY due_at"))
	}
}
