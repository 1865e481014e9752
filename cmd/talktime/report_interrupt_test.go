package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endless is a report that nobody lives to see the end of: a year of 2,900 agents
// of whom nothing is known.
var endless = []string{"report", "states", "--by", "agent,15m", "--agent", "101-3000", "--from", "2025-01-01", "--to", "2026-01-01", "--tz", "UTC"}

// A report that is ended in the middle leaves the file that was there, and nothing
// else.
func TestAnInterruptedReportLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newShipper(t, time.Now(), fixed)
	for name, c := range map[string]struct {
		format string
		signal syscall.Signal
		least  int64 // bytes to wait for
	}{
		"csv, Ctrl-C":    {"csv", syscall.SIGINT, 1 << 20},
		"table, Ctrl-C":  {"table", syscall.SIGINT, 1 << 16},
		"json, SIGTERM":  {"json", syscall.SIGTERM, 1 << 20},
		"xlsx, Ctrl-C":   {"xlsx", syscall.SIGINT, 0}, // written in the end
		"csv, kill -9":   {"csv", syscall.SIGKILL, 1 << 20},
		"again after it": {"csv", syscall.SIGTERM, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, temporary := t.TempDir(), t.TempDir()
			out := filepath.Join(dir, "report")
			if err := os.WriteFile(out, []byte("yesterday's"), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := s.process(append(endless, "--format", c.format, "--out", out)...)
			cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
			var said bytes.Buffer
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				_ = cmd.Wait() // interrupted
				close(ended)
			}()
			awaitGrowth(t, ended, c.least, dir, temporary)
			_ = cmd.Process.Signal(c.signal) // it may have failed by itself, which shows below
			<-ended
			if content, err := os.ReadFile(out); err != nil || string(content) != "yesterday's" {
				t.Errorf("the file holds %d bytes, %v", len(content), err)
			}
			if c.signal == syscall.SIGKILL {
				return // nothing can be swept any more
			}
			if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.HasPrefix(said.String(), "talktime: interrupted: "+out+" was not written: ") {
				t.Errorf("exit code %d, said %s", code, &said)
			}
			if left := append(filesIn(t, dir), filesIn(t, temporary)...); len(left) != 1 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// awaitGrowth waits until a file other than the report's own has so many bytes in
// one of the folders, or the program has ended.
func awaitGrowth(t *testing.T, ended <-chan struct{}, least int64, folders ...string) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ended:
			return
		case <-look.C:
		}
		for _, folder := range folders {
			for _, path := range filesIn(t, folder) {
				stat, err := os.Stat(path)
				if err == nil && filepath.Base(path) != "report" && stat.Size() >= least {
					return
				}
			}
		}
	}
}

func filesIn(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, entry := range entries {
		paths = append(paths, filepath.Join(folder, entry.Name()))
	}
	return paths
}

// Who reads only the beginning of a report is told nothing, and a full disk behind
// standard output is.
func TestReportsToWhereNobodyReads(t *testing.T) {
	t.Parallel()
	s := newShipper(t, time.Now(), fixed)
	for _, format := range []string{"csv", "table", "json"} {
		head := s.process(append(endless, "--format", format)...)
		var said bytes.Buffer
		head.Stderr = &said
		out, err := head.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := head.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		_ = head.Wait() // it cannot go on
		if code := head.ProcessState.ExitCode(); code != exitFailed || said.Len() > 0 {
			t.Errorf("%s: exit code %d, said %s", format, code, &said)
		}
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	cmd := s.process(append(endless, "--format", "csv")...)
	cmd.Stdout = full
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(said.String(), "no space left on device") {
		t.Errorf("%v, said %s", err, &said)
	}
}
