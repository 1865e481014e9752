package spool_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"talktime/ingest"
	"talktime/ingest/spool"
)

// change gives the spool's file other bytes.
func (f *folder) change(change func([]byte) []byte) {
	f.t.Helper()
	path := filepath.Join(f.options.Dir, "0.db")
	content, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, change(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// A file that cannot be used is set aside whole with a message, and the spool
// works; what can be read of a damaged one goes on.
func TestSpoolSetsFilesAside(t *testing.T) {
	tests := map[string]struct {
		harm   func(*folder)
		aside  string // empty: nothing is
		log    string
		atMost int // rounds of 40 that are still there
	}{
		"no spool at all": {
			func(f *folder) {
				f.change(func([]byte) []byte { return []byte("agent_id,name,team\n101,Ada,Sales\n") })
			},
			"0.db.foreign-20261116T080000Z", "a file that is no spool of talktime, or past recognition, is set aside: look whose it is", 0,
		},
		"another program's bbolt file": {
			func(f *folder) { f.rewrite(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("header")) }) },
			"0.db.foreign-20261116T080000Z", "it has other things in it", 0,
		},
		"a newer format": {
			func(f *folder) {
				f.rewrite(func(tx *bolt.Tx) error {
					return tx.Bucket([]byte("header")).Put([]byte("talktime spool format"), []byte{2})
				})
			},
			"0.db.newer-20261116T080000Z", "start that version with the file renamed back", 0,
		},
		"both first pages overwritten": {
			func(f *folder) {
				f.change(func(b []byte) []byte { clear(b[:100]); clear(b[4096+32 : 4096+100]); return b })
			},
			"0.db.torn-20261116T080000Z", "look into the disk", 0,
		},
		"an entry is missing": {
			func(f *folder) {
				f.rewrite(func(tx *bolt.Tx) error {
					return tx.Bucket([]byte("entries")).Delete([]byte{0, 0, 0, 0, 0, 0, 0, 7})
				})
			},
			"0.db.torn-20261116T080000Z", "entry 8 follows entry 6", 39,
		},
		"all pages of entries zeroed":         {func(f *folder) { f.change(func(b []byte) []byte { clear(b[4*4096:]); return b }) }, "0.db.torn-20261116T080000Z", "look into the disk", 40},
		"half of the file is gone":            {func(f *folder) { f.change(func(b []byte) []byte { return b[:len(b)/2] }) }, "0.db.torn-20261116T080000Z", "look into the disk", 40},
		"all but the first page is gone":      {func(f *folder) { f.change(func(b []byte) []byte { return b[:4096] }) }, "0.db.torn-20261116T080000Z", "look into the disk", 0},
		"all but its first 100 bytes is gone": {func(f *folder) { f.change(func(b []byte) []byte { return b[:100] }) }, "0.db.torn-20261116T080000Z", "look into the disk", 0},
		"empty":                               {func(f *folder) { f.change(func([]byte) []byte { return nil }) }, "", "", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			s := f.open()
			for i := range 40 {
				mustAppend(t, s, roundAt(i, 1000))
			}
			closed(t, s)
			test.harm(f)

			s = f.open()
			defer func() { closed(t, s) }()
			if got, want := f.names(), strings.TrimSpace("0.db "+test.aside); got != want {
				t.Errorf("the files are %s, want %s", got, want)
			}
			if !strings.Contains(f.log.String(), test.log) || !strings.Contains(f.log.String(), test.aside) {
				t.Errorf("no %q in the log:\n%s", test.log, &f.log)
			}
			left := drainReadable(t, s)
			if len(left) > test.atMost || !slices.IsSorted(left) || test.atMost == 39 && len(left) != 39 {
				t.Errorf("rounds %v are still there", left)
			}
			mustAppend(t, s, roundAt(99, 3))
			closed(t, s)
			s = f.open()
			if got := drain(t, s); !slices.Equal(got, []int{99}) {
				t.Errorf("after that rounds %v are there", got)
			}
		})
	}
}

// rewrite changes the spool's file as a bbolt file.
func (f *folder) rewrite(change func(*bolt.Tx) error) {
	f.t.Helper()
	db, err := bolt.Open(filepath.Join(f.options.Dir, "0.db"), 0o600, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		f.t.Fatal(err)
	}
}

// drainReadable drains, setting aside what cannot be read.
func drainReadable(t testing.TB, s *spool.Spool) (seconds []int) {
	t.Helper()
	for {
		e, found, err := s.Oldest()
		switch {
		case errors.Is(err, ingest.ErrUnreadable):
			if _, err := s.SetAside("it cannot be read"); err != nil {
				t.Fatal(err)
			}
			continue
		case err != nil:
			t.Fatal(err)
		case !found:
			return seconds
		}
		seconds = append(seconds, int(e.At().Sub(monday)/time.Second))
		if err := s.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}

// Wherever a file is cut off, the next program records, in time, and says so
// unless all of it is still there.
func TestSpoolOutlivesEveryCut(t *testing.T) {
	f := newFolder(t)
	s := f.open()
	for i := range 10 {
		mustAppend(t, s, roundAt(i, 1000))
	}
	closed(t, s)
	whole, err := os.ReadFile(filepath.Join(f.options.Dir, "0.db"))
	if err != nil {
		t.Fatal(err)
	}
	for length := 0; length < len(whole); length += 1 + len(whole)/97 {
		f := newFolder(t)
		if err := os.Mkdir(f.options.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(f.options.Dir, "0.db"), whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		s := f.open()
		left := drainReadable(t, s)
		said := strings.Contains(f.log.String(), " set aside") && strings.Contains(f.names(), "0.db.")
		if !slices.IsSorted(left) || length > 0 && len(left) < 10 && !said {
			t.Errorf("cut off at %d of %d bytes, rounds %v are there and the files %s; the log:\n%s", length, len(whole), left, f.names(), &f.log)
		}
		mustAppend(t, s, roundAt(99, 3))
		closed(t, s)
	}
}

// One entry whose bytes have changed on the disk costs that entry only.
func TestSpoolSetsADamagedEntryAside(t *testing.T) {
	f := newFolder(t)
	s := f.open()
	mustAppend(t, s, roundAt(1, 3), roundAt(2, 1000), roundAt(3, 3))
	closed(t, s)
	second := bytes.Clone(encoded(roundAt(2, 1000)))
	f.change(func(content []byte) []byte {
		at := bytes.Index(content, second)
		if at < 0 {
			t.Fatal("the entry is not in the file")
		}
		content[at+len(second)/2] ^= 1
		return content
	})

	s = f.open()
	defer closed(t, s)
	if err := s.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Oldest(); !errors.Is(err, ingest.ErrUnreadable) {
		t.Fatalf("Oldest returned %v", err)
	}
	if gone, err := s.SetAside("it cannot be read"); err != nil || gone != (ingest.SpoolSize{Entries: 1, Rounds: 1, Polls: 1000, Bytes: int64(len(second))}) {
		t.Fatalf("%+v is set aside with error %v", gone, err)
	}
	if got := drain(t, s); !slices.Equal(got, []int{3}) {
		t.Errorf("rounds %v are left", got)
	}
}
