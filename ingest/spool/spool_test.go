package spool_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/ingest/spool"
)

// folder is a spool's folder and what was logged of it.
type folder struct {
	t       testing.TB
	options spool.Options
	log     bytes.Buffer
}

func newFolder(t testing.TB) *folder {
	return folderAt(t, filepath.Join(scratch(t), "spool"))
}

func folderAt(t testing.TB, dir string) *folder {
	f := &folder{t: t}
	f.options = spool.Options{
		Dir: dir, MaxBytes: 1 << 30, MaxAge: 7 * 24 * time.Hour,
		Clock: ingest.NewSimClock(monday), Log: slog.New(slog.NewTextHandler(&f.log, nil)),
	}
	return f
}

// scratch is a folder in memory where there is one: the tests sync thousands of
// times.
func scratch(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "talktime-spool-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (f *folder) open() *spool.Spool {
	f.t.Helper()
	s, err := spool.Open(f.options)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// names lists the folder's files without locks.
func (f *folder) names() string {
	f.t.Helper()
	entries, err := os.ReadDir(f.options.Dir)
	if err != nil {
		f.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, " ")
}

func closed(t testing.TB, s *spool.Spool) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// roundAt is a round of so many agents, due so many seconds after monday.
func roundAt(second, agents int) ingest.Entry {
	due := monday.Add(time.Duration(second) * time.Second)
	set := ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: ingest.AgentID(100 + agents)})
	e := ingest.Entry{Tick: ingest.Tick{
		Schedule: "office", DueAt: due, Period: time.Second, Agents: set, StartedAt: due, FinishedAt: due.Add(time.Second),
	}}
	for agent := range set.All() {
		e.Samples = append(e.Samples, ingest.Sample{AgentID: agent, Period: time.Second, Poll: ingest.Poll{
			PolledAt: due.Add(time.Duration(agent%800) * time.Millisecond), Outcome: ingest.Observed,
			Status: ingest.Status{AgentState: int32(agent) % 9, IsWorking: agent%3 == 0},
		}})
	}
	e.Tick.Polls[ingest.Observed] = agents
	return e
}

func encoded(e ingest.Entry) []byte { return spool.Encode(e) }

func mustAppend(t testing.TB, s *spool.Spool, entries ...ingest.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := s.Append(e); err != nil {
			t.Fatal(err)
		}
	}
}

// drain reads and removes everything and returns the seconds of the rounds.
func drain(t testing.TB, s *spool.Spool) (seconds []int) {
	t.Helper()
	for {
		e, found, err := s.Oldest()
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			return seconds
		}
		seconds = append(seconds, int(e.At().Sub(monday)/time.Second))
		if err := s.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever is appended, removed and set aside, and however often the spool is
// closed between: what is there is what should be, in order, and so is its size.
func TestSpoolIsAQueue(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := newFolder(t)
		f.options.MaxAge = 1000 * time.Hour
		s := f.open()
		defer func() { closed(t, s) }()
		type kept struct {
			encoded []byte
			size    ingest.SpoolSize
		}
		var model []kept
		var total ingest.SpoolSize
		drop := func() {
			if len(model) == 0 {
				return
			}
			gone := model[0].size
			model = model[1:]
			total.Entries--
			total.Rounds, total.Polls, total.Bytes = total.Rounds-gone.Rounds, total.Polls-gone.Polls, total.Bytes-gone.Bytes
		}
		large := encoded(roundAt(0, 30_000))
		r.Repeat(map[string]func(*rapid.T){
			"append": func(r *rapid.T) {
				e := drawEntry(r)
				k := kept{encoded: encoded(e)}
				if rapid.IntRange(0, 9).Draw(r, "large") == 0 {
					e, k.encoded = roundAt(0, 30_000), large
				}
				mustAppend(t, s, e)
				k.size = ingest.SpoolSize{Polls: int64(len(e.Samples)), Bytes: int64(len(k.encoded)), Oldest: e.At()}
				if e.Declaration == nil {
					k.size.Rounds = 1
				}
				model = append(model, k)
				total.Entries++
				total.Rounds, total.Polls, total.Bytes = total.Rounds+k.size.Rounds, total.Polls+k.size.Polls, total.Bytes+k.size.Bytes
			},
			"remove": func(r *rapid.T) {
				if err := s.Remove(); err != nil {
					r.Fatal(err)
				}
				drop()
			},
			"set aside": func(r *rapid.T) {
				gone, err := s.SetAside("refused")
				if err != nil || gone.Entries != min(1, len(model)) {
					r.Fatalf("%d entries are set aside with error %v", gone.Entries, err)
				}
				drop()
			},
			"close": func(*rapid.T) { closed(t, s); s = f.open() },
			"": func(r *rapid.T) {
				want := total
				if len(model) > 0 {
					want.Oldest = model[0].size.Oldest
				}
				if got := s.Size(); got != want {
					r.Fatalf("the size is %+v, want %+v", got, want)
				}
				e, found, err := s.Oldest()
				if err != nil || found != (len(model) > 0) {
					r.Fatalf("found is %v with error %v", found, err)
				}
				if found && !bytes.Equal(encoded(e), model[0].encoded) {
					r.Fatalf("the oldest is of %v, want what was appended for %v", e.At(), want.Oldest)
				}
			},
		})
	})
}

func TestSpoolIsPrivate(t *testing.T) {
	f := newFolder(t)
	s := f.open()
	defer closed(t, s)
	mustAppend(t, s, roundAt(0, 3))
	for name, want := range map[string]os.FileMode{".": 0o700, "0.db": 0o600, "0.lock": 0o600} {
		info, err := os.Stat(filepath.Join(f.options.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

// A bound refuses the new round, never an old one, and there is room again when
// rounds have left.
func TestSpoolBounds(t *testing.T) {
	size := int64(len(encoded(roundAt(0, 100))))
	for name, c := range map[string]struct {
		change func(*spool.Options)
		want   string
		step   int // seconds between rounds
	}{
		"bytes": {func(o *spool.Options) { o.MaxBytes = 3*size + size/2 }, "the spool is full: ", 1},
		"age":   {func(o *spool.Options) { o.MaxAge = time.Hour }, "the spool is full: its oldest entry is of 2026-11-16T08:00:00Z, longer ago than spool.max_age 1h0m0s", 1500},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			c.change(&f.options)
			s := f.open()
			defer closed(t, s)
			mustAppend(t, s, roundAt(0, 100), roundAt(c.step, 100), roundAt(2*c.step, 100))
			for range 2 {
				err := s.Append(roundAt(3*c.step, 100))
				if !errors.Is(err, ingest.ErrSpoolFull) || !strings.HasPrefix(err.Error(), c.want) {
					t.Fatalf("Append returned %v, want %s", err, c.want)
				}
			}
			if err := s.Remove(); err != nil {
				t.Fatal(err)
			}
			mustAppend(t, s, roundAt(3*c.step, 100))
			if got, want := drain(t, s), []int{c.step, 2 * c.step, 3 * c.step}; !slices.Equal(got, want) {
				t.Errorf("rounds %v are there, want %v", got, want)
			}
		})
	}
}

// What was too old already when the program started keeps nothing out.
func TestSpoolTakesRoundsBehindOldOnes(t *testing.T) {
	f := newFolder(t)
	s := f.open()
	mustAppend(t, s, roundAt(-8*86400, 3))
	closed(t, s)
	s = f.open()
	defer closed(t, s)
	mustAppend(t, s, roundAt(0, 3))
	if got, want := drain(t, s), []int{-8 * 86400, 0}; !slices.Equal(got, want) {
		t.Errorf("rounds %v are there, want %v", got, want)
	}
}

// bbolt files do not shrink: one that has grown is replaced when it is empty.
func TestSpoolGivesTheDiskBack(t *testing.T) {
	f := newFolder(t)
	s := f.open()
	defer closed(t, s)
	sizeOnDisk := func() int64 {
		info, err := os.Stat(filepath.Join(f.options.Dir, "0.db"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for i := range 20 {
		mustAppend(t, s, roundAt(i, 30_000))
	}
	if grown := sizeOnDisk(); grown < 2<<20 {
		t.Fatalf("20 rounds take %d bytes only", grown)
	}
	if got := len(drain(t, s)); got != 20 {
		t.Errorf("%d rounds were there, want 20", got)
	}
	if left := sizeOnDisk(); left > 1<<20 {
		t.Errorf("the empty spool takes %d bytes", left)
	}
	mustAppend(t, s, roundAt(99, 3))
	if got := drain(t, s); !slices.Equal(got, []int{99}) {
		t.Errorf("after that rounds %v are there", got)
	}
}

// Every program has a file of its own; those of programs that ended are taken up
// by the next, in the order of time, and deleted when they are empty.
func TestSpoolTakesUpFiles(t *testing.T) {
	f := newFolder(t)
	first, second, third := f.open(), f.open(), f.open()
	mustAppend(t, first, roundAt(1, 3), roundAt(6, 3))
	mustAppend(t, second, roundAt(3, 3), roundAt(4, 3))
	mustAppend(t, third, roundAt(2, 3), roundAt(5, 3))
	if got := f.names(); got != "0.db 1.db 2.db" {
		t.Fatalf("three programs have the files %s", got)
	}
	closed(t, second)
	closed(t, first)

	next := f.open()
	mustAppend(t, next, roundAt(9, 3))
	if got := next.Size(); got.Rounds != 5 || !got.Oldest.Equal(monday.Add(time.Second)) {
		t.Errorf("the next program has %+v", got)
	}
	closed(t, third)
	if err := next.TakeUp(); err != nil {
		t.Fatal(err)
	}
	if got, want := drain(t, next), []int{1, 2, 3, 4, 5, 6, 9}; !slices.Equal(got, want) {
		t.Errorf("rounds come as %v, want %v", got, want)
	}
	if got := f.names(); got != "0.db" {
		t.Errorf("the files %s are left", got)
	}
	closed(t, next)
}

// What is set aside is a spool file: renamed, it is taken up.
func TestSetAsideCanBeTakenUpAgain(t *testing.T) {
	f := newFolder(t)
	s := f.open()
	mustAppend(t, s, roundAt(1, 3), roundAt(2, 3), roundAt(3, 3))
	for range 2 {
		if gone, err := s.SetAside("the database refuses it: violates a constraint"); err != nil || gone.Polls != 3 {
			t.Fatalf("%d polls are set aside with error %v", gone.Polls, err)
		}
	}
	closed(t, s)
	const aside = "0.db.refused-20261116T080000Z"
	if got := f.names(); got != "0.db "+aside {
		t.Fatalf("the files are %s", got)
	}
	for _, want := range []string{"rename the file to 1.db and start again", aside, "violates a constraint"} {
		if !strings.Contains(f.log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, &f.log)
		}
	}
	if err := os.Rename(filepath.Join(f.options.Dir, aside), filepath.Join(f.options.Dir, "1.db")); err != nil {
		t.Fatal(err)
	}
	s = f.open()
	defer closed(t, s)
	if got := drain(t, s); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("rounds %v are there", got)
	}
}
