package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"talktime/reports/export"
)

// process is the program itself, which this test binary is by that name.
func (s *shipper) process(args ...string) *exec.Cmd {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), self, append(args, "--config", s.config)...)
	cmd.Args[0] = "talktime"
	return cmd
}

// fixed are two exports of one definition: what becomes of the first must not
// differ from the second.
const fixed = `  - {name: killed, cron: "0 0 1 * * *", report: states, by: [agent, 15m], window: {from: 2025-11-16, to: 2025-11-18}, to: out}
  - {name: spared, cron: "0 0 1 * * *", report: states, by: [agent, 15m], window: {from: 2025-11-16, to: 2025-11-18}, to: spared}
`

func newKillShipper(t *testing.T) *shipper {
	t.Helper()
	s := newShipper(t, time.Now(), fixed)
	if err := os.Mkdir(filepath.Join(s.dir, "spared"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.hour(time.Date(2025, 11, 16, 8, 0, 0, 0, time.UTC), isTalking)
	s.run(exitOK, "export", "run", "spared")
	return s
}

// checkWhole fails where a manifest stands beside less than it names, or a
// checksum beside another file.
func (s *shipper) checkWhole() {
	s.t.Helper()
	names, files := s.delivered()
	for _, name := range names {
		if data, isSum := strings.CutSuffix(name, ".sha256"); isSum {
			file := export.NewFile(data, []byte(files[data]))
			if want := file.SumHex() + "  " + data + "\n"; files[name] != want {
				s.t.Errorf("%s holds %q, want %q", name, files[name], want)
			}
		}
		if strings.HasSuffix(name, ".manifest.json") {
			var manifest struct{ Resources []struct{ Path, Hash string } }
			if err := json.Unmarshal([]byte(files[name]), &manifest); err != nil {
				s.t.Fatal(err)
			}
			for _, r := range manifest.Resources {
				if file := export.NewFile(r.Path, []byte(files[r.Path])); "sha256:"+file.SumHex() != r.Hash {
					s.t.Errorf("%s is not the one %s names", r.Path, name)
				}
			}
		}
	}
}

// Killed at any instant and run again, an export is one entry in the ledger and
// the same files, to the byte.
func TestAKilledExportIsFinished(t *testing.T) {
	t.Parallel()
	s := newKillShipper(t)
	random := rand.New(rand.NewPCG(3, 4))
	kills, halfway := 0, 0
	for n := range 24 {
		cmd := s.process("export", "run", "killed")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait() // killed, or done before
			close(ended)
		}()
		if n%2 == 0 {
			s.awaitFiles(n/2%4, ended)
		} else {
			<-time.After(time.Duration(random.IntN(400)) * time.Millisecond) // any instant will do
		}
		_ = cmd.Process.Kill() // it may be done
		<-ended
		if cmd.ProcessState.ExitCode() < 0 {
			kills++
		}
		s.checkWhole()
		switch status := s.query("SELECT status FROM exports WHERE name = 'killed'")[0]; status {
		case "delivering":
			halfway++
		case "delivered": // nothing is left to be killed at: begin anew
			s.awaitUnlocked("killed")
			s.query("DELETE FROM exports WHERE name = 'killed'")
			s.clear()
		}
	}
	t.Logf("%d of 24 were killed, %d of them between the ledger's two entries", kills, halfway)
	if kills == 0 {
		t.Fatal("nothing was killed")
	}
	s.awaitUnlocked("killed")
	s.run(exitOK, "export", "run", "killed")
	s.run(exitOK, "export", "rerun", "killed", "2025-11-16..2025-11-18")
	s.checkWhole()
	names, files := s.delivered()
	if len(names) != 3 {
		t.Errorf("the folder holds %q", names)
	}
	spared, err := os.ReadFile(filepath.Join(s.dir, "spared", "spared_20251116T0000Z_20251118T0000Z_r1.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if files["killed_20251116T0000Z_20251118T0000Z_r1.csv"] != string(spared) {
		t.Error("the file is not the one of an export that was left alone")
	}
	editions, err := s.store.Exports(t.Context(), "killed")
	if err != nil {
		t.Fatal(err)
	}
	if len(editions) != 1 || editions[0].Status != "delivered" || editions[0].Revision != 1 {
		t.Errorf("the ledger has %+v", editions)
	}
}

// awaitFiles waits until the folder holds more than so many files, unfinished
// ones included, or the program has ended.
func (s *shipper) awaitFiles(files int, ended <-chan struct{}) {
	s.t.Helper()
	for {
		select {
		case <-ended:
			return
		default:
		}
		if names, _ := os.ReadDir(s.out); len(names) > files {
			return
		}
	}
}

// clear empties the folder.
func (s *shipper) clear() {
	s.t.Helper()
	names, _ := s.delivered()
	for _, name := range names {
		if err := os.Remove(filepath.Join(s.out, name)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// awaitUnlocked waits until a killed program's session is gone.
func (s *shipper) awaitUnlocked(name string) {
	s.t.Helper()
	for {
		unlock, err := s.store.LockExport(s.t.Context(), name)
		if err == nil {
			unlock()
			return
		}
		if s.t.Context().Err() != nil {
			s.t.Fatal(err)
		}
	}
}

// Programs that run an export at once deliver it once: the others find it at work
// or done.
func TestExportsAreDeliveredOnce(t *testing.T) {
	t.Parallel()
	s := newKillShipper(t)
	var running sync.WaitGroup
	outputs := make([]bytes.Buffer, 4)
	for i := range outputs {
		cmd := s.process("export", "run", "killed")
		cmd.Stdout, cmd.Stderr = &outputs[i], &outputs[i]
		running.Go(func() { _ = cmd.Run() }) // what it printed says how it ended
	}
	running.Wait()
	delivered := 0
	for i := range outputs {
		text := outputs[i].String()
		switch {
		case strings.Contains(text, "delivered 384 rows"):
			delivered++
		case strings.Contains(text, "another talktime is working on this export"):
		case strings.Contains(text, "nothing is owed"):
		default:
			t.Errorf("a program printed %s", text)
		}
	}
	if delivered != 1 {
		t.Errorf("%d programs delivered it", delivered)
	}
	s.expect("ledger", s.editions("killed"), []string{"2025-11-16 r1 delivered first final=true rows=384 attempts=1"})
	s.checkWhole()
}

// An edition whose figures change after some of its files were delivered and
// before the rest is given up: what stands at the destination is not overwritten,
// and the next revision holds what is true.
func TestAnEditionWhoseFiguresChangeHalfwayIsAbandoned(t *testing.T) {
	t.Parallel()
	s := newKillShipper(t)
	s.run(exitOK, "export", "run", "killed")
	editions, err := s.store.Exports(t.Context(), "killed")
	if err != nil {
		t.Fatal(err)
	}
	// As a kill before the manifest leaves it.
	begun := editions[0]
	begun.Status, begun.DeliveredAt = "delivering", time.Time{}
	if err := s.store.PutExport(t.Context(), &begun); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.out, begun.Files[2])); err != nil {
		t.Fatal(err)
	}
	s.hour(time.Date(2025, 11, 17, 8, 0, 0, 0, time.UTC), isIdle)
	stdout, _ := s.run(exitOK, "export", "run", "killed")
	if !strings.Contains(stdout, "revision 2: delivered 384 rows") {
		t.Errorf("it printed %s", stdout)
	}
	s.expect("ledger", s.editions("killed"), []string{
		"2025-11-16 r1 abandoned first final=true rows=384 attempts=2",
		"2025-11-16 r2 delivered first final=true rows=384 attempts=1",
	})
	names, files := s.delivered()
	if len(names) != 5 {
		t.Errorf("the folder holds %q", names)
	}
	if manifest := files["killed_20251116T0000Z_20251118T0000Z_r2.csv.manifest.json"]; strings.Contains(manifest, "supersedes") {
		t.Errorf("it supersedes what was never delivered:\n%s", manifest)
	}
	s.checkWhole()
}
