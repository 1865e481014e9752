package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"

	"talktime/ingest"
)

// nameAside returns what a file is called that is set aside for an error; empty
// where it is not to be.
func nameAside(err error) string {
	switch {
	case errors.Is(err, errNewer):
		return "newer"
	case errors.Is(err, errForeign):
		return "foreign"
	case errors.Is(err, errTorn):
		return "torn"
	}
	return ""
}

// asidePath returns the path of what is set aside of a file, which does not exist
// yet: 0.db.torn-20261122T084500Z.
func (s *Spool) asidePath(f *file, name string) string {
	path := f.path + "." + name + "-" + s.options.Clock.Now().UTC().Format("20060102T150405Z")
	for again := 2; ; again++ {
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			return path
		}
		path = strings.TrimRight(path, "-0123456789") + "-" + strconv.Itoa(again)
	}
}

// replace sets a file aside that cannot be used, says what it is and what to do,
// and opens a new one in its place, with what can be read of a damaged one.
func (s *Spool) replace(f *file, name string, why error) error {
	aside := s.asidePath(f, name)
	if err := os.Rename(f.path, aside); err != nil {
		return fmt.Errorf("set the spool file %s aside, for %w: %w", f.path, why, err)
	}
	*f = file{path: f.path, lock: f.lock}
	if err := f.open(); err != nil {
		s.options.Log.Error("a spool file is set aside, and no new one can be made", "file", aside, "why", why, "error", err)
		return err
	}
	switch name {
	case "newer":
		s.options.Log.Error("a spool file of a newer talktime is set aside, its rounds are not stored: start that version with the file renamed back",
			"file", aside, "was", filepath.Base(f.path), "why", why)
	case "foreign":
		s.options.Log.Error("a file that is no spool of talktime, or past recognition, is set aside: look whose it is", "file", aside, "was", filepath.Base(f.path), "why", why)
	default:
		read, err := f.rescue(aside)
		s.options.Log.Error("a damaged spool file is set aside; what could be read of it is stored, the rest is missed: look into the disk",
			"file", aside, "was", filepath.Base(f.path), "entries_read", read, "why", why, "error", err)
	}
	return nil
}

// rescue appends the entries of a damaged file that can still be read and tells
// how many they are.
func (f *file) rescue(path string) (read int, err error) {
	db, err := openBolt(path, true)
	if err != nil {
		return 0, err
	}
	err = guard(func() error {
		return db.View(func(tx *bolt.Tx) error {
			entries := tx.Bucket(entriesBucket)
			if entries == nil {
				return errTorn
			}
			cursor := entries.Cursor()
			for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
				if _, err := checked(value); err != nil {
					continue
				}
				if err := f.append(value, ""); err != nil {
					return err
				}
				read++
			}
			return nil
		})
	})
	return read, errors.Join(err, guard(db.Close))
}

// SetAside implements ingest.Spool: the entry goes to N.db.refused-… with its
// reason. Those count as used bytes until the program ends.
func (s *Spool) SetAside(reason string) (ingest.SpoolSize, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.size()
	err := s.setAside(reason)
	after := s.size()
	return ingest.SpoolSize{
		Entries: before.Entries - after.Entries, Rounds: before.Rounds - after.Rounds,
		Polls: before.Polls - after.Polls, Bytes: before.Bytes - after.Bytes,
	}, err
}

func (s *Spool) setAside(reason string) error {
	f := s.front()
	if f == nil {
		return nil
	}
	value, err := f.oldest()
	if err != nil {
		return s.abandon(f, err)
	}
	if s.refused == nil {
		refused := &file{path: s.asidePath(s.own, "refused")}
		if err := refused.open(); err != nil {
			return fmt.Errorf("set a spooled entry aside: %w", err)
		}
		s.refused = refused
	}
	if err := s.refused.append(value, reason); err != nil {
		return fmt.Errorf("set a spooled entry aside: %w", err)
	}
	s.options.Log.Error("a spooled entry is set aside: to have it stored mend what is wrong, rename the file to "+filepath.Base(s.freePath())+" and start again",
		"file", s.refused.path, "at", f.front.at, "reason", reason)
	_ = s.removeFront() // it may come back in a later program, which sets it aside again
	return nil
}

// freePath returns the path of a number without a file.
func (s *Spool) freePath() string {
	for number := 0; ; number++ {
		path := s.path(number)
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			return path
		}
	}
}

// abandon sets a whole file aside whose pages turn out to be damaged while it
// is in use. What can be read goes on in a new one.
func (s *Spool) abandon(f *file, why error) error {
	s.current = nil
	if f.db != nil {
		_ = guard(f.db.Close) // whatever it says, the file is given up
	}
	return s.replace(f, "torn", why)
}
