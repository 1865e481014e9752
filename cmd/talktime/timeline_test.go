package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
)

// rowsOf returns the rows of a report in JSON.
func (c *centre) rowsOf(args ...string) []map[string]any {
	c.t.Helper()
	stdout, _ := c.run(c.t.Context(), exitOK, append(append([]string{"report"}, args...), "--format", "json")...)
	var report struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		c.t.Fatalf("%v in\n%s", err, stdout)
	}
	return report.Rows
}

// An hour and more, recorded and derived: the timeline sums to the report states,
// and what everyone was doing at an instant is the episode that holds it, though
// one is read from segments and the other from samples.
func TestTimelineOfARecordedHour(t *testing.T) {
	t.Parallel()
	nine := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	played := ingest.NewSimClock(nine.Add(-5 * time.Minute))
	agents := ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 104})
	c := newCentre(t, &stopAt{played, nine.Add(75 * time.Minute), stop}, agents, "*/10 * * * * *")
	c.run(ctx, exitOK, "record")
	last, err := time.Parse(time.RFC3339, c.query(`SELECT to_char(max(polled_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SSZ') FROM talktime.samples`)[0][0])
	if err != nil {
		t.Fatal(err)
	}
	c.clock = ingest.NewSimClock(last.Add(time.Minute))
	c.run(t.Context(), exitOK, "derive")

	window := []string{"--from", "2026-11-20T09:00:00Z", "--to", "2026-11-20T10:00:00Z"}
	episodes := c.rowsOf(append([]string{"timeline"}, window...)...)
	sums := map[ingest.AgentID]states{}
	for _, e := range episodes {
		agent := ingest.AgentID(e["agent_id"].(float64))
		if sums[agent] == nil {
			sums[agent] = states{}
		}
		sums[agent][told(e)] += int64(math.Round(e["seconds"].(float64) * 1000))
	}
	for agent, row := range c.statesOf(nine, nine.Add(time.Hour)) {
		for measure, ms := range sums[agent] {
			if row[measure] != ms {
				t.Errorf("agent %d: %d ms of %s in the timeline, %d in report states", agent, ms, measure, row[measure])
			}
		}
		if len(sums[agent]) < 3 {
			t.Errorf("agent %d was in %d states within an hour", agent, len(sums[agent]))
		}
	}

	for minute := 1; minute < 60; minute += 7 {
		at := nine.Add(time.Duration(minute)*time.Minute + 3*time.Second)
		states := c.rowsOf("at", at.Format(time.RFC3339))
		if len(states) != agents.Len() {
			t.Fatalf("%d agents at %s, want %d", len(states), at, agents.Len())
		}
		for _, s := range states {
			if want := holding(episodes, s["agent_id"], at); told(s) != want {
				t.Errorf("agent %v was %s at %s, the timeline says %s", s["agent_id"], told(s), at, want)
			}
		}
	}
	// The recorder took its last round a minute ago; derive wrote what is long due
	// since as missed, and the rest is still to come.
	if now := c.rowsOf("at", "now"); len(now) != agents.Len() || told(now[0]) != "pending" || now[0]["last_poll_outcome"] != "observed" {
		t.Errorf("now it is %v", now)
	}
	if after := c.rowsOf("at", last.Add(8*time.Second).Format(time.RFC3339))[0]; told(after) != "recorder_down" || after["before_age_seconds"] != 8.0 {
		t.Errorf("8 s after the last sample it is %v", after)
	}

	stdout, _ := c.run(t.Context(), exitOK, append([]string{"report", "timeline", "--agent", "101"}, window...)...)
	for _, want := range []string{"Timeline · Fri 2026-11-20 09:00 to Fri 2026-11-20 10:00 · UTC", "Agent 101\n", "09:00 │██████░", "\n█ talk "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the timeline's table has no %q:\n%s", want, stdout)
		}
	}
	out := filepath.Join(t.TempDir(), "episodes.csv")
	c.run(t.Context(), exitOK, append([]string{"report", "timeline", "--format", "csv", "--out", out}, window...)...)
	file, err := os.ReadFile(out)
	if err != nil || strings.Count(string(file), "\n") != len(episodes)+1 {
		t.Errorf("the file has not %d episodes and a header, %v:\n%s", len(episodes), err, file)
	}
	if meta, err := os.ReadFile(out + ".meta.json"); err != nil || !strings.Contains(string(meta), `"report": "timeline"`) {
		t.Errorf("the meta is %s, %v", meta, err)
	}

	// One of the agents signed out for two minutes.
	var kinds []string
	for _, s := range c.rowsOf(append([]string{"sessions", "--agent", "101-102"}, window...)...) {
		kinds = append(kinds, fmt.Sprint(s["agent_id"], s["end_kind"]))
	}
	if want := "101open 102observed 102open"; strings.Join(kinds, " ") != want {
		t.Errorf("the sessions are %v, want %s", kinds, want)
	}
	if stdout, _ = c.run(t.Context(), exitOK, append([]string{"report", "sessions"}, window...)...); strings.Count(stdout, " open") < agents.Len() {
		t.Errorf("the table of sessions is\n%s", stdout)
	}
}

// told is the measure or cause a row tells.
func told(row map[string]any) string {
	if row["measure"] != nil {
		return fmt.Sprint(row["measure"])
	}
	return fmt.Sprint(row["cause"])
}

// holding returns what the timeline tells of an agent's instant.
func holding(episodes []map[string]any, agent any, at time.Time) string {
	stamp := at.Format("2006-01-02T15:04:05.000Z")
	for _, e := range episodes {
		if e["agent_id"] == agent && e["started_at"].(string) <= stamp && stamp < e["ended_at"].(string) {
			return told(e)
		}
	}
	return "nothing"
}
