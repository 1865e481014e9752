package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/sql/localpg"
)

// A database is dumped while a recorder writes and restored into an empty one,
// with a local day that is over, segments, and figures that are final. All of it
// is there and right; the next recorder goes on, and what was recorded after the
// dump is a hole with its cause.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	// The played part ends before the real clock begins, around a local midnight.
	midnight := time.Now().UTC().Add(-time.Hour).Truncate(time.Hour)
	began := midnight.Add(-20 * time.Minute)
	c := newCentre(t, ingest.NewSimClock(began), ingest.NewAgentSet(101, 102, 103), "* * * * * *")
	c.append("time_zone: " + zoneWithMidnightAt(midnight) + "\n")
	played, stop := context.WithCancel(t.Context())
	defer stop()
	simulated := c.clock.(*ingest.SimClock)
	c.clock = &stopAt{simulated, midnight.Add(20 * time.Minute), stop}
	c.run(played, exitOK, "record")
	c.clock = newWallClock()

	live := c.startRecorder()
	live.await(roundStored, 2)
	dump := filepath.Join(c.dir, "talktime.dump")
	c.shell("pg_dump -Fc -f " + dump)
	live.await(roundStored, 2)
	live.signal(syscall.SIGTERM)
	if code := live.exitCode(); code != exitOK {
		t.Fatalf("the recorder ended with %d:\n%s", code, &live.seen)
	}

	restored := c.elsewhere("restored")
	restored.shell(`pg_restore -Ox -e -j 2 -d "$PGDATABASE" ` + dump)
	if stdout, _ := restored.run(t.Context(), exitOK, "migrate"); !strings.HasSuffix(stdout, ", as it was\n") {
		t.Errorf("migrate printed %q", stdout)
	}
	verified := []string{"verify", "--from", midnight.AddDate(0, 0, -1).Format(time.RFC3339), "--to", midnight.Format(time.RFC3339)}
	if stdout, _ := restored.run(t.Context(), exitOK, verified...); !strings.Contains(stdout, ": none different\n") || !strings.Contains(stdout, "compared 3 rows of whole days") {
		t.Errorf("verify printed\n%s", stdout)
	}
	for _, table := range []string{"quarter_hours", "segments", "samples", "days", "ticks"} {
		const figures = "SELECT count(*), md5(string_agg(x::text, '|' ORDER BY x::text)) FROM talktime.%s AS x WHERE %s < '%s'"
		column := map[string]string{"samples": "polled_at", "days": "from_at", "ticks": "due_at"}[table]
		if column == "" {
			column = "bin_start_at"
		}
		statement := fmt.Sprintf(figures, table, column, midnight.Format(time.RFC3339))
		was, is := fmt.Sprint(c.query(statement)), fmt.Sprint(restored.query(statement))
		if was != is || strings.HasPrefix(is, "[[0 ") {
			t.Errorf("%s: %s were dumped and %s restored", table, was, is)
		}
	}
	dumped := restored.query("SELECT max(due_at) FROM talktime.ticks")[0][0]

	again := restored.startRecorder()
	again.await(roundStored, 3)
	again.signal(syscall.SIGTERM)
	if code := again.exitCode(); code != exitOK {
		t.Errorf("the recorder of the restored database ended with %d:\n%s", code, &again.seen)
	}
	holes := restored.query("SELECT count(*) FILTER (WHERE status = 'missed') > 0, count(*) = extract(epoch FROM max(due_at) - min(due_at)) + 1 " +
		"FROM talktime.ticks WHERE due_at >= '" + dumped + "'")
	if fmt.Sprint(holes) != "[[t t]]" {
		t.Errorf("since the dump there is a missed tick, and every tick is there: %v, want [[t t]]", holes)
	}
	if stdout, _ := restored.run(t.Context(), exitOK, verified...); !strings.Contains(stdout, ": none different\n") {
		t.Errorf("after recording went on verify printed\n%s", stdout)
	}
	restored.run(t.Context(), exitOK, "doctor")
}

// zoneWithMidnightAt names a zone in which a full hour is a midnight.
func zoneWithMidnightAt(at time.Time) string {
	if hour := at.Hour(); hour <= 12 {
		return fmt.Sprintf("Etc/GMT+%d", hour) // west of Greenwich
	}
	return fmt.Sprintf("Etc/GMT-%d", 24-at.Hour())
}

// append adds to the configuration.
func (c *centre) append(yaml string) {
	c.t.Helper()
	text, err := os.ReadFile(c.config)
	if err == nil {
		err = os.WriteFile(c.config, append(text, yaml...), 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// shell runs a command of the shell as psql does, who gives it the way to the
// database. It must have nothing to say: psql does not tell its exit code.
func (c *centre) shell(command string) {
	c.t.Helper()
	var out bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &out, environ: os.Environ(), clock: c.clock}
	if code := a.run(c.t.Context(), []string{"psql", "--config", c.config, "--", "-X", "-c", `\! ` + command}); code != exitOK || out.Len() > 0 {
		c.t.Fatalf("%s: exit code %d\n%s", command, code, &out)
	}
}

// elsewhere is the same centre with another, empty private Postgres.
func (c *centre) elsewhere(dir string) *centre {
	c.t.Helper()
	other := c.configuredFor(dir)
	server, err := localpg.Start(c.t.Context(), localpg.Options{Dir: filepath.Join(c.dir, dir, "postgres")})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := server.Close(context.WithoutCancel(c.t.Context())); err != nil {
			c.t.Error(err)
		}
	})
	return other
}

// configuredFor is the same centre with another data_dir beside the first.
func (c *centre) configuredFor(dir string) *centre {
	c.t.Helper()
	other := *c
	other.config = filepath.Join(c.dir, dir+".yaml")
	text, err := os.ReadFile(c.config)
	if err == nil {
		err = os.WriteFile(other.config, bytes.Replace(text, []byte("data_dir: data"), []byte("data_dir: "+dir), 1), 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return &other
}
