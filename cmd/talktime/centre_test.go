package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
	"talktime/sql/localpg"
)

// centre is a contact centre to record: a simulated gateway, a configuration
// that polls it, and a private Postgres that is kept running between commands.
type centre struct {
	t       *testing.T
	clock   ingest.Clock // the commands' and the gateway's
	gateway *gatewaysim.Gateway
	dir     string
	config  string // the file's path
}

// newDir makes a folder for a test, which the user of a private Postgres can
// pass through.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := dataDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// openGateway starts a gateway, of these ways, and writes its files into a folder.
func openGateway(t *testing.T, dir string, clock ingest.Clock, agents ingest.AgentSet, ways ...func(*gatewaysim.Options)) *gatewaysim.Gateway {
	t.Helper()
	options := gatewaysim.Options{
		Play:   gatewaysim.Play{Seed: 1, Zone: time.UTC, Shift: gatewaysim.ShiftAlways},
		Agents: agents, Clock: clock, MachineTime: time.Now(),
	}
	for _, way := range ways {
		way(&options)
	}
	g, err := gatewaysim.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := g.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	return g
}

// playing is the way of a gateway with faults.
func playing(faults ...gatewaysim.Fault) func(*gatewaysim.Options) {
	return func(o *gatewaysim.Options) { o.Faults = faults }
}

// newCentre opens a centre of agents who are polled by a cron rule, and whose
// gateway is of these ways.
func newCentre(t *testing.T, clock ingest.Clock, agents ingest.AgentSet, cron string, ways ...func(*gatewaysim.Options)) *centre {
	t.Helper()
	dir := newDir(t)
	g := openGateway(t, dir, clock, agents, ways...)
	c := &centre{t: t, clock: clock, gateway: g, dir: dir, config: filepath.Join(dir, configFileName)}
	text := fmt.Sprintf(`data_dir: data
gateway: {url: %q, ca_file: ca.pem, auth_mode: 1}
guids: {file: guids.csv}
schedules:
  - {name: steady, cron: %q, agents: %q}
`, g.URL(), cron, agents)
	if err := os.WriteFile(c.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := localpg.Start(t.Context(), localpg.Options{Dir: filepath.Join(dir, "data", "postgres")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}

// run runs a command and returns what it printed.
func (c *centre) run(ctx context.Context, wantCode int, args ...string) (stdout, stderr string) {
	c.t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, environ: os.Environ(), clock: c.clock}
	if code := a.run(ctx, append(args, "--config", c.config)); code != wantCode {
		c.t.Fatalf("talktime %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, wantCode, &out, &errs)
	}
	return out.String(), errs.String()
}

// query runs a statement through talktime psql and returns its rows' fields.
func (c *centre) query(statement string) [][]string {
	c.t.Helper()
	a := &app{stdin: strings.NewReader(""), environ: os.Environ(), clock: c.clock}
	var out, errs bytes.Buffer
	a.stdout, a.stderr = &out, &errs
	if code := a.run(c.t.Context(), []string{"psql", "--config", c.config, "--", "-XAt", "-v", "ON_ERROR_STOP=1", "-c", statement}); code != exitOK {
		c.t.Fatalf("psql: exit code %d\n%s", code, &errs)
	}
	var rows [][]string
	for line := range strings.Lines(out.String()) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "|"))
	}
	return rows
}

// states is a row of report states: milliseconds by column.
type states map[string]int64

// statesOf reports the states of [from, to) and checks of every row that its
// thirteen measures sum to the window. Rows are by agent.
func (c *centre) statesOf(from, to time.Time) map[ingest.AgentID]states {
	c.t.Helper()
	stdout, _ := c.run(c.t.Context(), exitOK, "report", "states", "--by", "agent", "--format", "json",
		"--from", from.Format(time.RFC3339), "--to", to.Format(time.RFC3339))
	var report struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		c.t.Fatalf("%v in\n%s", err, stdout)
	}
	rows := map[ingest.AgentID]states{}
	for _, fields := range report.Rows {
		row := states{}
		for name, value := range fields {
			seconds, isNumber := value.(float64)
			if isNumber || value == nil { // null: nothing was observed
				row[strings.TrimSuffix(name, "_seconds")] = int64(math.Round(seconds * 1000))
			}
		}
		var sum int64
		for measure := range strings.FieldsSeq("talk reserved acw available busy rest pre_rest other signed_out failed recorder_down unscheduled pending") {
			ms, ok := row[measure]
			if !ok {
				c.t.Fatalf("no %s in %v", measure, fields)
			}
			sum += ms
		}
		if want := to.Sub(from).Milliseconds(); sum != want || row["window"] != want {
			c.t.Errorf("agent %v: the measures sum to %d ms and the window is %d ms, want %d", fields["agent_id"], sum, row["window"], want)
		}
		agent, err := strconv.Atoi(fmt.Sprint(fields["agent_id"]))
		if err != nil {
			c.t.Fatal(err)
		}
		rows[ingest.AgentID(agent)] = row
	}
	return rows
}
