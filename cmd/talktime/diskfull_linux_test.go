package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk is a place to write to that can be full: a file system of its own
// in memory, or, where none may be mounted, any folder, and a limit to the size
// of files for the processes that write there.
type smallDisk struct {
	t         *testing.T
	path      string
	isMounted bool
	writers   func() []string // their process ids
}

// newSmallDisk makes a disk of so many MiB. writers tells who writes to it.
func newSmallDisk(t *testing.T, size int, writers func() []string) *smallDisk {
	t.Helper()
	d := &smallDisk{t: t, path: newDir(t), writers: writers}
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "mode=0711,size="+strconv.Itoa(size)+"m", "talktime-test", d.path).CombinedOutput()
	if err != nil {
		t.Logf("no file system of its own (%s): files are limited instead", strings.TrimSpace(string(out)))
		return d
	}
	d.isMounted = true
	t.Cleanup(func() {
		if out, err := exec.Command("umount", d.path).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return d
}

// ballast is the file that fills the disk.
func (d *smallDisk) ballast() string { return filepath.Join(d.path, "ballast") }

// fill leaves no room.
func (d *smallDisk) fill() {
	d.t.Helper()
	if !d.isMounted {
		d.limitFiles("0")
		return
	}
	file, err := os.Create(d.ballast())
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.Copy(file, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatalf("the disk is not full: %v", err)
	}
}

// free makes room again.
func (d *smallDisk) free() {
	d.t.Helper()
	if !d.isMounted {
		d.limitFiles("unlimited")
		return
	}
	if err := os.Remove(d.ballast()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *smallDisk) limitFiles(limit string) {
	d.t.Helper()
	for _, pid := range d.writers() {
		out, err := exec.Command("prlimit", "--pid", pid, "--fsize="+limit+":unlimited").CombinedOutput()
		if _, gone := os.Stat("/proc/" + pid); err != nil && gone == nil {
			d.t.Fatalf("prlimit: %v: %s", err, out)
		}
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Postgres runs out of disk under a recorder: for a table, which ends a
// transaction, or for its log, which ends Postgres. The recorder says so and
// goes on, and nothing is missing when there is room again.
func TestPostgresOnAFullDisk(t *testing.T) {
	t.Parallel()
	for name, isLog := range map[string]bool{"a table": false, "its log": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c *campaign
			disk := newSmallDisk(t, 256, func() []string { return c.postgres.processes() })
			many := quick
			many.agents.Last = 500 // a round needs pages of its own
			c = newCampaign(t, scene{postgres: filepath.Join(disk.path, "postgres")}, many)
			c.start()
			c.awaitRound(time.Now())

			disk.fill()
			if isLog {
				c.exhaustLog()
			}
			said := c.awaitWord(isTroubled)
			if disk.isMounted && !isLog && !strings.Contains(said.text, "free space") {
				t.Errorf("the recorder does not say what to do: %s", said.text)
			}
			c.awaitPolls(3)
			disk.free()
			c.postgres.start() // which the full log has ended, and the limit too

			c.awaitRound(time.Now())
			c.close()
			c.wantNothingMissed()
		})
	}
}

// isTroubled reports whether a recorder says that it cannot store.
func isTroubled(e entry) bool { return e.Level == "WARN" && strings.Contains(e.text, "stor") }

// exhaustLog has Postgres begin one file of its log after the other, until
// there is room for none.
func (c *campaign) exhaustLog() {
	c.t.Helper()
	for i := range 100 {
		var out strings.Builder
		a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &out, environ: os.Environ(), clock: c.clock}
		if a.run(c.t.Context(), []string{"psql", "--config", c.centre.config, "--", "-Xq", "-c", "CREATE TABLE grows_" + strconv.Itoa(i) + " (); SELECT pg_switch_wal()"}) != exitOK {
			return
		}
	}
	c.t.Fatal("Postgres still has room for its log")
}

// The disk of the spool is full. With Postgres there nobody takes notice, not
// even a recorder that starts; while it is away rounds are refused, which is
// said, and when there is room they are spooled again. What was acknowledged is
// stored in the end, what was refused is missed.
func TestSpoolOnAFullDisk(t *testing.T) {
	t.Parallel()
	var c *campaign
	disk := newSmallDisk(t, 16, func() []string { return []string{strconv.Itoa(c.posts[0].cmd.Process.Pid)} })
	many := quick
	many.agents.Last = 500 // a few rounds fill what the file has left
	c = newCampaign(t, scene{data: filepath.Join(disk.path, "data")}, many)
	c.start()
	c.awaitRound(time.Now())
	disk.fill()
	c.end(c.posts[0], syscall.SIGKILL)
	c.start()
	c.awaitRound(time.Now())

	disk.fill()
	c.posts[0].database.refuse()
	said := c.awaitWord(func(e entry) bool { return e.Msg == saidRefused })
	if said.Level != "ERROR" || disk.isMounted && !strings.Contains(said.text, "free space on its disk") {
		t.Errorf("the first refusal does not say what to do: %s", said.text)
	}
	c.awaitPolls(3)
	disk.free()
	freed := time.Now()
	c.awaitWord(func(e entry) bool { return e.Msg == saidSpooled && e.DueAt.After(freed) })

	c.posts[0].database.calm()
	c.close()
	refused := 0
	for cause, n := range c.tally.missed {
		if strings.HasPrefix(cause, "refused: the spool") {
			refused += n
		} else if cause != nobodyThere && cause != inFlight && !isLateness(cause) {
			t.Errorf("%d ticks are missed: %s\n%s", n, cause, c.posts[0].tail())
		}
	}
	if refused == 0 || c.tally.spooled == 0 {
		t.Errorf("%d rounds were refused, %d spooled", refused, c.tally.spooled)
	}
}
