package spool

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"talktime/ingest"
)

// Options say where a spool is and how much it may hold.
type Options struct {
	Dir      string        // made with mode 0700 where it is missing
	MaxBytes int64         // of all entries
	MaxAge   time.Duration // between the first entry's instant and a new one's, unless it was older at Open
	Clock    ingest.Clock  // dates what is set aside
	Log      *slog.Logger
}

// Spool is an ingest.Spool on disk: see the package's doc.
type Spool struct {
	options Options
	opened  time.Time

	mu      sync.Mutex
	own     *file
	others  []*file // taken up, not empty
	current *file   // whose front Oldest returned last
	refused *file   // holds what was set aside; nil where nothing was
}

var _ ingest.Spool = (*Spool)(nil)

// mostFiles bounds the numbers of files: more programs do not share a folder.
const mostFiles = 1000

// Open opens the file with the lowest number that no other program uses and
// takes up what programs that died have left in others. A disk that is full is
// no error yet: the file is made when there is room.
func Open(o Options) (*Spool, error) {
	s := &Spool{options: o, opened: o.Clock.Now()}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	for number := 0; s.own == nil; number++ {
		if number == mostFiles {
			return nil, fmt.Errorf("open the spool %s: all of %d files are in use", o.Dir, mostFiles)
		}
		f, err := s.take(s.path(number))
		if f != nil && isFull(err) {
			o.Log.Error("the spool's disk is full; until there is room, rounds the database does not take are refused", "dir", o.Dir, "error", err)
		} else if err != nil {
			return nil, fmt.Errorf("open the spool: %w", err)
		}
		s.own = f
	}
	if err := s.TakeUp(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Spool) path(number int) string {
	return filepath.Join(s.options.Dir, strconv.Itoa(number)+".db")
}

// isFull reports that there is no room on the disk.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// take locks and opens a file; nil means that another program has it. One that
// cannot be used is set aside and a new one made in its place. With an error of
// a full disk the file is there, to be made later.
func (s *Spool) take(path string) (*file, error) {
	l, err := tryLock(lockOf(path))
	if l == nil {
		return nil, err
	}
	f := &file{path: path, lock: l}
	err = s.open(f)
	if err != nil && !isFull(err) {
		l.release()
		return nil, err
	}
	return f, err
}

// open opens a file or sets it aside and makes a new one.
func (s *Spool) open(f *file) error {
	err := f.open()
	if name := nameAside(err); name != "" {
		err = s.replace(f, name, err)
	}
	if err != nil {
		return err
	}
	return syncFolder(f.path)
}

func lockOf(path string) string { return strings.TrimSuffix(path, ".db") + ".lock" }

// TakeUp looks for files that programs left which have ended since Open. Call it
// while nobody records.
func (s *Spool) TakeUp() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := os.ReadDir(s.options.Dir)
	if err != nil {
		return fmt.Errorf("look for spool files: %w", err)
	}
	for _, entry := range entries {
		path := filepath.Join(s.options.Dir, entry.Name())
		if !isSpoolName(entry.Name()) || s.has(path) {
			continue
		}
		f, err := s.take(path)
		switch {
		case err != nil:
			s.options.Log.Error("a spool file of an earlier recorder is not taken up: mend that and start again", "file", path, "error", err)
			if f != nil {
				f.lock.release()
			}
		case f == nil: // its program is at work
		case f.isEmpty():
			if err := s.drop(f); err != nil {
				s.options.Log.Warn("an empty spool file is not deleted", "file", path, "error", err)
			}
		default:
			s.others = append(s.others, f)
			s.options.Log.Info("a spool file of a recorder that ended is taken up", "file", path, "rounds", f.rounds, "from", f.front.at)
		}
	}
	return nil
}

// isSpoolName reports whether a file's name is a number and .db.
func isSpoolName(name string) bool {
	digits, isDB := strings.CutSuffix(name, ".db")
	_, err := strconv.ParseUint(digits, 10, 32)
	return isDB && err == nil
}

// files are all that are in use.
func (s *Spool) files() []*file { return append([]*file{s.own}, s.others...) }

func (s *Spool) has(path string) bool {
	return slices.ContainsFunc(s.files(), func(f *file) bool { return f.path == path })
}

// drop deletes the empty file of another program.
func (s *Spool) drop(f *file) error {
	err := errors.Join(f.close(), os.Remove(f.path))
	f.lock.release()
	return err
}

// Append implements ingest.Spool.
func (s *Spool) Append(e ingest.Entry) error {
	value := Encode(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	size := s.size()
	held := size.Bytes
	if s.refused != nil {
		held += s.refused.bytes
	}
	switch {
	case held+int64(len(value)) > s.options.MaxBytes:
		return fmt.Errorf("%w: %d bytes of spool.max_bytes %d are in use", ingest.ErrSpoolFull, held, s.options.MaxBytes)
	case s.isTooOld(size, e.At()):
		return fmt.Errorf("%w: its oldest entry is of %s, longer ago than spool.max_age %s",
			ingest.ErrSpoolFull, size.Oldest.Format(time.RFC3339), s.options.MaxAge)
	}
	if s.own.db == nil {
		if err := s.open(s.own); err != nil {
			return err
		}
	}
	return s.own.append(value, "")
}

// isTooOld reports whether the first entry waits for too long to add another one.
// What was found too old at Open does not count: a recorder that was off for
// long has only just begun to replay.
func (s *Spool) isTooOld(size ingest.SpoolSize, at time.Time) bool {
	waits := size.Entries > 0 && at.Sub(size.Oldest) > s.options.MaxAge
	return waits && s.opened.Sub(size.Oldest) <= s.options.MaxAge
}

// Oldest implements ingest.Spool: the oldest of all files' first entries.
func (s *Spool) Oldest() (ingest.Entry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.front()
	if f == nil {
		return ingest.Entry{}, false, nil
	}
	value, err := f.oldest()
	if err != nil {
		return ingest.Entry{}, true, fmt.Errorf("read %s: %w: %w", f.path, ingest.ErrUnreadable, err)
	}
	e, err := Decode(value)
	if err != nil {
		return e, true, fmt.Errorf("read %s: %w", f.path, err)
	}
	return e, true, nil
}

// front chooses the file whose first entry is the next, until that is gone.
func (s *Spool) front() *file {
	if s.current != nil {
		return s.current
	}
	for _, f := range s.files() {
		if !f.isEmpty() && (s.current == nil || f.front.at.Before(s.current.front.at)) {
			s.current = f
		}
	}
	return s.current
}

// Remove implements ingest.Spool.
func (s *Spool) Remove() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removeFront()
}

func (s *Spool) removeFront() error {
	f := s.front()
	if f == nil {
		return nil
	}
	s.current = nil
	err := f.remove()
	if f == s.own || !f.isEmpty() {
		return err
	}
	s.others = slices.DeleteFunc(s.others, func(other *file) bool { return other == f })
	return errors.Join(err, s.drop(f))
}

// Size implements ingest.Spool.
func (s *Spool) Size() ingest.SpoolSize {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size()
}

func (s *Spool) size() ingest.SpoolSize {
	var size ingest.SpoolSize
	for _, f := range s.files() {
		size.Entries += int(f.end - f.first)
		size.Rounds += f.rounds
		size.Polls += f.polls
		size.Bytes += f.bytes
		if !f.isEmpty() && (size.Oldest.IsZero() || f.front.at.Before(size.Oldest)) {
			size.Oldest = f.front.at
		}
	}
	return size
}

// Close gives the files back, with what they hold. An empty one of its own is
// kept for the next program.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, f := range s.files() {
		if f == nil {
			continue
		}
		err = errors.Join(err, f.close())
		f.lock.release()
	}
	if s.refused != nil {
		err = errors.Join(err, s.refused.close())
	}
	return err
}
