package main

import (
	"testing"
	"time"

	"talktime/ingest"
)

func TestReach(t *testing.T) {
	for _, c := range []struct {
		name   string
		reach  reach
		polls  int
		period time.Duration
		want   string // empty where it fits
	}{
		{
			"the issue's",
			reach{64, 0, 45 * time.Millisecond, "gateway.latency"},
			59_899, 10 * time.Second,
			"59,899 agents × 45 ms / 64 in flight = 42 s > 10 s: raise gateway.concurrency to at least 300 (45 ms is gateway.latency)",
		},
		{"as advised", reach{300, 0, 45 * time.Millisecond, ""}, 59_899, 10 * time.Second, ""},
		{"a demo's", reach{64, 0, 45 * time.Millisecond, ""}, 24, time.Second, ""},
		{"nobody", reach{1, 1, time.Minute, ""}, 0, time.Second, ""},
		{"exactly", reach{10, 0, 100 * time.Millisecond, ""}, 100, time.Second, ""},
		{
			"hardly too much",
			reach{10, 0, 100 * time.Millisecond, "seen"},
			101, time.Second,
			"101 agents × 100 ms / 10 in flight = 1.01 s > 1 s: raise gateway.concurrency to at least 20 (100 ms is seen)",
		},
		{
			"a short period",
			reach{64, 0, 1500 * time.Microsecond, "seen"},
			50_000, time.Second,
			"50,000 agents × 1.5 ms / 64 in flight = 1.2 s > 1 s: raise gateway.concurrency to at least 90 (1.5 ms is seen)",
		},
		{
			"beyond all",
			reach{10_000, 0, 3 * time.Second, "seen"},
			59_899, 10 * time.Second,
			"59,899 agents × 3 s / 10,000 in flight = 18 s > 10 s: no gateway.concurrency is enough, poll less often or fewer agents (3 s is seen)",
		},
		{
			"held back",
			reach{300, 500, 45 * time.Millisecond, ""},
			59_899, 10 * time.Second,
			"59,899 agents / 500 a second = 120 s > 10 s: raise gateway.max_rate to at least 6,660, or to 0 for no limit",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := c.reach.check(c.polls, c.period); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// What is asked about is who is due and has a GUID, in the shortest period there
// is; all schedules that ask for too much are told.
func TestCheckSweeps(t *testing.T) {
	schedule := func(name, cron string, agents ingest.AgentSet, all bool) ingest.Schedule {
		s, err := ingest.NewSchedule(name, cron, "UTC", agents, all)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	agents := func(first, last ingest.AgentID) ingest.AgentSet {
		return ingest.NewAgentSetOfRanges(ingest.AgentRange{First: first, Last: last})
	}
	schedules := []ingest.Schedule{
		schedule("all", "*/10 * * * * *", ingest.AgentSet{}, true),
		schedule("named", "*/10 * * * * *", agents(1, 2200), false),
		schedule("uneven", "0,3 * * * * *", agents(1101, 2100), false),
		schedule("rare", "0 * * * * *", ingest.AgentSet{}, true),
	}
	r := reach{10, 0, 100 * time.Millisecond, "seen"}
	now := time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	if err := r.checkSweeps(schedules, agents(1101, 1300), now); err != nil {
		t.Errorf("few have a GUID: %v", err)
	}
	const want = `schedule "all": 1,100 agents × 100 ms / 10 in flight = 11 s > 10 s: raise gateway.concurrency to at least 20 (100 ms is seen)
schedule "named": 1,100 agents × 100 ms / 10 in flight = 11 s > 10 s: raise gateway.concurrency to at least 20 (100 ms is seen)
schedule "uneven": 1,000 agents × 100 ms / 10 in flight = 10 s > 3 s: raise gateway.concurrency to at least 40 (100 ms is seen)`
	if err := r.checkSweeps(schedules, agents(1101, 2200), now); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// Rounds that begin together are made side by side: each fits alone, both do not. Of
// a minute's round a sixth comes up within 10 s, and who is in both is asked once.
func TestCheckTogether(t *testing.T) {
	agents := func(first, last ingest.AgentID) ingest.AgentSet {
		return ingest.NewAgentSetOfRanges(ingest.AgentRange{First: first, Last: last})
	}
	schedule := func(name, cron string, of ingest.AgentSet) ingest.Schedule {
		s, err := ingest.NewSchedule(name, cron, "UTC", of, false)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	r, now := reach{10, 0, 100 * time.Millisecond, "seen"}, time.Date(2026, 11, 16, 8, 0, 3, 0, time.UTC)
	office := schedule("office", "*/10 * * * * *", agents(101, 1000))
	for _, c := range []struct {
		name  string
		other ingest.Schedule
		want  string
	}{
		{"the same agents", schedule("too", "*/10 * * * * *", agents(101, 900)), ""},
		{"as many as fit", schedule("too", "*/10 * * * * *", agents(951, 1100)), ""},
		{"at other instants", schedule("too", "5/10 * * * * *", agents(1001, 1800)), ""},
		{
			"too many", schedule("too", "*/10 * * * * *", agents(951, 1200)),
			`schedules "office", "too", due at the same instants, within the shortest of their periods: 1,100 agents × 100 ms / 10 in flight = 11 s > 10 s: raise gateway.concurrency to at least 20 (100 ms is seen)`,
		},
		{"a minute's round", schedule("rare", "0 * * * * *", agents(1001, 1600)), ""},
		{
			"a minute's round of too many", schedule("rare", "0 * * * * *", agents(1001, 2200)),
			`schedules "office", "rare", due at the same instants, within the shortest of their periods: 1,100 agents × 100 ms / 10 in flight = 11 s > 10 s: raise gateway.concurrency to at least 20 (100 ms is seen)`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := r.checkSweeps([]ingest.Schedule{office, c.other}, agents(101, 5000), now); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestOpenFiles(t *testing.T) {
	if err := (reach{concurrency: 960}).checkOpenFiles(1024); err != nil {
		t.Error(err)
	}
	const want = "gateway.concurrency 961 takes 1025 open files with all else, and this process may have 1024: raise LimitNOFILE of its systemd unit or `ulimit -n`, or lower gateway.concurrency"
	if err := (reach{concurrency: 961}).checkOpenFiles(1024); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
