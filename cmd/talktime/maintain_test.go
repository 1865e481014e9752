package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
)

// newAged opens a centre with four samples a day of the last fifty days, all of it
// derived: there is no tick, so nothing comes of them.
func newAged(t *testing.T) *centre {
	t.Helper()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101), "0 0 * * * *")
	c.add(t, "compact_after: never\n")
	c.run(t.Context(), exitOK, "migrate")
	c.query("SELECT talktime.make_partitions(now() - interval '50 days', now())")
	c.query(`INSERT INTO samples (polled_at, agent_id, period_ms, outcome)
		SELECT at, 101, 1000, 'unreachable' FROM generate_series(date_trunc('day', now(), 'UTC') - interval '50 days', date_trunc('day', now(), 'UTC') - interval '6 hours', '6 hours') AS at`)
	c.query("INSERT INTO derivations SELECT 1, t, t - interval '1 day', date_trunc('day', t), t, 0, 0, 0, 0 FROM now() AS t")
	return c
}

// wholeDays counts the days that have all of their samples, those that have some,
// and the tables of samples that no query finds.
func (c *centre) wholeDays() (whole, parts, apart string) {
	c.t.Helper()
	row := c.query(`SELECT count(*) FILTER (WHERE n = 4), count(*) FILTER (WHERE n < 4),
			(SELECT count(*) FROM pg_class WHERE relname LIKE 'samples\_2%' AND relkind = 'r' AND NOT relispartition)
		FROM (SELECT count(*) AS n FROM samples GROUP BY date_trunc('day', polled_at, 'UTC')) AS d`)[0]
	return row[0], row[1], row[2]
}

// What maintain is going to do is told by a dry run, done by the next, and nothing
// is left to do after that.
func TestMaintain(t *testing.T) {
	t.Parallel()
	c := newAged(t)
	would, _ := c.run(t.Context(), exitOK, "maintain", "--dry-run")
	if whole, _, _ := c.wholeDays(); whole != "50" {
		t.Errorf("after a dry run %s days are whole, want 50", whole)
	}
	did, _ := c.run(t.Context(), exitOK, "maintain")
	plain := strings.NewReplacer("would make", "made", "would drop", "dropped", "would keep", "kept")
	if squeezed(plain.Replace(would)) != squeezed(did) || strings.Count(did, "dropped  samples_") != 20 || !strings.Contains(did, "made     segments_") {
		t.Errorf("a dry run said\n%s\nand then was done\n%s", would, did)
	}
	if whole, parts, apart := c.wholeDays(); whole != "30" || parts != "0" || apart != "0" {
		t.Errorf("%s days are whole and %s in part, and %s tables are apart; want 30, 0, 0", whole, parts, apart)
	}
	if again, _ := c.run(t.Context(), exitOK, "maintain"); again != "nothing to do\n" {
		t.Errorf("the next run said\n%s", again)
	}
}

// add adds to the configuration.
func (c *centre) add(t *testing.T, text string) {
	t.Helper()
	before, err := os.ReadFile(c.config)
	if err == nil {
		err = os.WriteFile(c.config, append(before, text...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Samples of an old day become runs and report and verify what they did.
func TestMaintainCompacts(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101), "0 0 * * * *")
	c.run(t.Context(), exitOK, "migrate")
	c.query("SELECT talktime.make_partitions(now() - interval '9 days', now())")
	c.query("INSERT INTO agent_sets (agents, fingerprint) VALUES ('{[101,102)}', 'one')")
	c.query(`INSERT INTO ticks (schedule, due_at, period_ms, agent_set_id, status, started_at, finished_at, observed)
		SELECT 'old', at, 10000, agent_set_id, 'taken', at, at + interval '1 s', 1
		FROM agent_sets, generate_series(date_trunc('day', now(), 'UTC') - interval '8 days', date_trunc('day', now(), 'UTC') - interval '7 days 23 hours', '10 s') AS at`)
	c.query(`INSERT INTO samples SELECT due_at + interval '123 ms', 101, 10000, 4 + extract(minute FROM due_at)::int / 20, false, 'observed', NULL FROM ticks`)
	day := strings.Fields(c.query("SELECT date_trunc('day', now(), 'UTC') - interval '8 days'")[0][0])[0]
	next := strings.Fields(c.query("SELECT date_trunc('day', now(), 'UTC') - interval '7 days'")[0][0])[0]
	window := []string{"--from", day + "T00:00:00Z", "--to", next + "T00:00:00Z"}
	c.run(t.Context(), exitOK, append([]string{"derive"}, window...)...)
	at := []string{"report", "at", day + "T00:30:04Z", "--format", "json"}
	states, _ := c.run(t.Context(), exitOK, append([]string{"report", "states", "--format", "csv"}, window...)...)
	instant, _ := c.run(t.Context(), exitOK, at...)

	would, _ := c.run(t.Context(), exitOK, "maintain", "--dry-run")
	did, _ := c.run(t.Context(), exitOK, "maintain")
	name := "samples_" + strings.ReplaceAll(day, "-", "")
	if !strings.Contains(squeezed(would), "would compact "+name+" "+day) || !strings.Contains(squeezed(did), "compacted "+name+" "+day) || !strings.Contains(did, " → ") {
		t.Errorf("a dry run said\n%s\nand then was done\n%s", would, did)
	}
	if rows := c.query("SELECT count(*) FROM samples"); rows[0][0] != "0" {
		t.Errorf("%s samples are no runs", rows[0][0])
	}
	c.run(t.Context(), exitOK, append([]string{"verify"}, window...)...)
	if again, _ := c.run(t.Context(), exitOK, append([]string{"report", "states", "--format", "csv"}, window...)...); again != states {
		t.Errorf("states were\n%s\nand are\n%s", states, again)
	}
	if again, _ := c.run(t.Context(), exitOK, at...); again != instant {
		t.Errorf("an instant was\n%s\nand is\n%s", instant, again)
	}
	if again, _ := c.run(t.Context(), exitOK, "maintain"); again != "nothing to do\n" {
		t.Errorf("the next run said\n%s", again)
	}
}

// squeezed takes the blanks that columns are set with for one.
func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

// Killed at any instant, maintain has taken whole days or none, and run again it
// ends what it had begun.
func TestAKilledMaintainIsFinished(t *testing.T) {
	t.Parallel()
	c := newAged(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	kills := 0
	noted := func() string { return c.query("SELECT count(*) FROM drops")[0][0] }
	for n := range 8 {
		before := noted()
		cmd := exec.CommandContext(t.Context(), self, "maintain", "--config", c.config)
		cmd.Args[0] = "talktime"
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait() // killed, or done before
			close(ended)
		}()
		isEnded := func() bool {
			select {
			case <-ended:
				return true
			default:
				return false
			}
		}
		for n%2 == 0 && !isEnded() && noted() == before { // in the middle of its work
		}
		<-time.After(time.Duration(random.IntN(40)) * time.Millisecond) // any instant will do
		_ = cmd.Process.Kill()                                          // it may be done
		<-ended
		if cmd.ProcessState.ExitCode() < 0 {
			kills++
		}
		if _, parts, _ := c.wholeDays(); parts != "0" {
			t.Errorf("%s days have lost some of their samples", parts)
		}
	}
	// The server lets the lock of a killed one go when its statement ends.
	for did := "another"; strings.HasPrefix(did, "another"); {
		did, _ = c.run(t.Context(), exitOK, "maintain")
	}
	whole, parts, apart := c.wholeDays()
	undone := c.query("SELECT count(*) FROM drops WHERE dropped_at IS NULL")[0][0]
	if whole != "30" || parts != "0" || apart != "0" || undone != "0" {
		t.Errorf("%s days are whole and %s in part, %s tables are apart and %s days undone; want 30, 0, 0, 0", whole, parts, apart, undone)
	}
	t.Logf("%d of 8 were killed", kills)
}
