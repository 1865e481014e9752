package gatewaysim_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
)

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// checkFiles says that the directory's files are those of the gateway now.
func checkFiles(t *testing.T, b *bench, dir string) {
	t.Helper()
	if got := read(t, dir, "ca.pem"); !bytes.Equal(got, b.CAPEM()) {
		t.Errorf("ca.pem holds %s", got)
	}
	if got := string(read(t, dir, "gateway.url")); got != b.URL()+"\n" {
		t.Errorf("gateway.url holds %q", got)
	}
	records, err := csv.NewReader(bytes.NewReader(read(t, dir, "guids.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"agentid", "guid"}}
	for agent := ingest.AgentID(101); agent <= 124; agent++ {
		want = append(want, []string{strconv.Itoa(int(agent)), b.GUIDs()[agent].Reveal()})
	}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Errorf("guids.csv differs (-want +got):\n%s", diff)
	}
	entry, err := os.Stat(filepath.Join(dir, "guids.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if entry.Mode().Perm() != 0o600 {
		t.Errorf("guids.csv has mode %o", entry.Mode().Perm())
	}
}

func TestWriteFiles(t *testing.T) {
	b := start(t, nil)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "guids.csv"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := b.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	checkFiles(t, b, dir)
	if err := b.WriteFiles(filepath.Join(dir, "nowhere")); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a directory that is not there gives %v", err)
	}
	if err := b.Follow(t.Context(), filepath.Join(dir, "nowhere")); err == nil {
		t.Error("Follow works in a directory that is not there")
	}
}

func TestWriteTruthToAFile(t *testing.T) {
	b := start(t, nil)
	path := filepath.Join(t.TempDir(), "truth.csv")
	from := instant(t, noon)
	if err := b.WriteTruth(path, from, from.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	talk := map[ingest.AgentID]time.Duration{}
	for _, line := range readTruth(t, read(t, filepath.Dir(path), "truth.csv")) {
		if line.Status.IsWorking {
			talk[line.agent] += line.To.Sub(line.From)
		}
	}
	for agent, totals := range b.Truth(from, from.Add(time.Hour)) {
		if talk[agent] != totals["talk"] {
			t.Errorf("agent %d talks %s in the file and %s in the sums", agent, talk[agent], totals["talk"])
		}
	}
	if err := b.WriteTruth(t.TempDir(), from, from.Add(time.Hour)); err == nil {
		t.Error("a directory is written to as a file")
	}
}

func TestFollowKeepsTheFilesUpToDate(t *testing.T) {
	b := start(t, func(o *gatewaysim.Options) { o.AuthMode = gatewaysim.AuthDynamic })
	dir := t.TempDir()
	begin := b.clock.Now()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- b.Follow(ctx, dir) }()

	first := b.request(t, 101).Header.Get("Guid")
	var seen int
	for next := b.clock.awaitSleeper(t); next.Sub(begin) <= 5*time.Minute; next = b.clock.awaitSleeper(t) {
		checkFiles(t, b, dir)
		lines := readTruth(t, read(t, dir, "truth.csv"))
		if len(lines) < seen {
			t.Fatalf("truth.csv shrank from %d to %d lines", seen, len(lines))
		}
		for _, line := range lines {
			if line.To.After(b.clock.Now()) {
				t.Errorf("at %s truth.csv knows of %v", b.clock.Now(), line)
			}
		}
		seen = len(lines)
		b.clock.set(next)
	}
	if seen < 24 {
		t.Errorf("after five minutes truth.csv has %d lines", seen)
	}
	if b.request(t, 101).Header.Get("Guid") == first {
		t.Error("the GUID is still the first one")
	}

	// A clock that leaps, as on a machine that slept, and the end amid a step.
	b.clock.set(begin.Add(time.Hour + 2*time.Second))
	if next := b.clock.awaitSleeper(t); !next.Equal(begin.Add(time.Hour + 5*time.Second)) {
		t.Errorf("after a leap it waits until %s", next)
	}
	checkFiles(t, b, dir)
	end := begin.Add(time.Hour + 3*time.Second)
	b.clock.set(end)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}

	lines := readTruth(t, read(t, dir, "truth.csv"))
	slices.SortStableFunc(lines, func(a, b truthLine) int { return int(a.agent - b.agent) })
	path := filepath.Join(dir, "whole.csv")
	if err := b.WriteTruth(path, begin, end); err != nil {
		t.Fatal(err)
	}
	want := readTruth(t, read(t, dir, "whole.csv"))
	if diff := cmp.Diff(want, lines, cmp.AllowUnexported(truthLine{})); diff != "" {
		t.Errorf("the truth told bit by bit differs from the whole (-whole +told):\n%s", diff)
	}
}
