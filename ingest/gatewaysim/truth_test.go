package gatewaysim_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A seed means the same for ever: the golden files may only change with a
// reason told in the commit.
func TestTruthIsGolden(t *testing.T) {
	agents := ingest.NewAgentSet(101, 103, 105)
	for _, shift := range []gatewaysim.Shift{gatewaysim.ShiftDay, gatewaysim.ShiftAlways} {
		t.Run(shift.String(), func(t *testing.T) {
			play := gatewaysim.Play{Seed: 1, Zone: berlin(t), Shift: shift}
			from := instant(t, "2026-11-20T08:00:00Z")
			var got bytes.Buffer
			if err := play.WriteTruth(&got, agents, from, from.Add(75*time.Minute)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "truth-"+shift.String()+".csv")
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("the truth of seed 1 changed (-golden +now):\n%s", diff)
			}
		})
	}
}

// truthLine is a line of truth.csv as a reader who knows only its header has it.
type truthLine struct {
	agent ingest.AgentID
	gatewaysim.Span
}

// readTruth parses a truth.csv and fails the test on anything unusual.
func readTruth(t *testing.T, content []byte) []truthLine {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"agent_id", "from", "to", "agent_state", "is_working"}; !slices.Equal(records[0], want) {
		t.Fatalf("the header is %q", records[0])
	}
	var lines []truthLine
	for _, r := range records[1:] {
		agent, err := ingest.ParseAgentID(r[0], ingest.DefaultMaxAgentID)
		if err != nil {
			t.Fatal(err)
		}
		state, err := strconv.ParseInt(r[3], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		working, err := strconv.ParseBool(r[4])
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, truthLine{agent, gatewaysim.Span{
			From: instant(t, r[1]), To: instant(t, r[2]),
			Status: ingest.Status{AgentState: int32(state), IsWorking: working},
		}})
	}
	return lines
}

func TestTruthParsesBack(t *testing.T) {
	play := gatewaysim.Play{Seed: 5, Zone: time.UTC}
	agents := ingest.NewAgentSet(107, 4000)
	from := instant(t, "2026-11-20T08:00:00Z").Add(time.Millisecond)
	to := from.Add(50 * time.Hour)
	var out bytes.Buffer
	if err := play.WriteTruth(&out, agents, from, to); err != nil {
		t.Fatal(err)
	}
	var want []truthLine
	for agent := range agents.All() {
		for span := range play.Script(agent).Spans(from, to) {
			want = append(want, truthLine{agent, span})
		}
	}
	if diff := cmp.Diff(want, readTruth(t, out.Bytes()), cmp.AllowUnexported(truthLine{})); diff != "" {
		t.Errorf("the written truth differs (-spans +read):\n%s", diff)
	}
}

func TestTruthTellsThatItCouldNotBeWritten(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	from := instant(t, "2026-11-20T08:00:00Z")
	for _, window := range []time.Duration{time.Minute, 100 * time.Hour} {
		if err := (gatewaysim.Play{Zone: time.UTC}).WriteTruth(full, ingest.NewAgentSet(101), from, from.Add(window)); err == nil {
			t.Errorf("a full disk went unnoticed over %s", window)
		}
	}
}
