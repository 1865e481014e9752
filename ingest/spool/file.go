package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// What a file holds: a header that says what it is, entries by ascending number
// without a gap, and in a file of refused entries the reasons by their numbers.
var (
	headerBucket  = []byte("header")
	entriesBucket = []byte("entries")
	reasonsBucket = []byte("reasons")
	formatKey     = []byte("talktime spool format")
)

// format is the version of entries and buckets. A file of a higher one is left
// to the program that wrote it.
const format = 1

// Faults of a file, which is set aside then.
var (
	errTorn    = errors.New("it is damaged")
	errForeign = errors.New("it is no spool of talktime")
	errNewer   = errors.New("a newer talktime wrote it")
)

const (
	// removedAtOnce is how many removals are written at once where no append
	// comes before.
	removedAtOnce = 64
	// A file that has grown larger is replaced when its last entry is removed.
	keepBelow = 1 << 20 // bytes
	// growBy is how much a file grows at once, so that little is taken in vain.
	growBy = 1 << 20
	// lockWait bounds the wait for bbolt's own lock, which only a program that
	// ignores N.lock can hold.
	lockWait = time.Second
)

// A file is one bbolt file and what is known of it. It belongs to one goroutine
// at a time.
type file struct {
	path string
	lock *lock
	db   *bolt.DB // nil where it could not be made yet

	first, end uint64 // numbers of the entries: [first, end)
	onDisk     uint64 // the lowest number not removed there
	rounds     int
	polls      int64
	bytes      int64
	front      head // of the first entry
}

func (f *file) isEmpty() bool { return f.first == f.end }

// open opens or makes the file and looks through all of it. The error wraps
// errTorn, errForeign or errNewer where the file is to be set aside.
func (f *file) open() error {
	db, err := openBolt(f.path, false)
	if err != nil {
		return err
	}
	if err := guard(func() error { return f.examine(db) }); err != nil {
		return errors.Join(err, guard(db.Close))
	}
	f.db = db
	return nil
}

// openBolt opens or makes a bbolt file. It leaves no lock behind where it fails.
func openBolt(path string, readOnly bool) (db *bolt.DB, err error) {
	var opened *os.File
	err = guard(func() (err error) {
		db, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout: lockWait, FreelistType: bolt.FreelistMapType, NoStatistics: true, ReadOnly: readOnly,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				var err error
				opened, err = os.OpenFile(name, flag, mode)
				return opened, err
			},
		})
		return err
	})
	if err != nil {
		if opened != nil { // closed already unless bbolt panicked
			// The mapping that bbolt leaves would keep the lock.
			_ = syscall.Flock(int(opened.Fd()), syscall.LOCK_UN)
			_ = opened.Close()
		}
		return nil, classify(path, err)
	}
	db.AllocSize = growBy
	return db, nil
}

// guard runs do and turns what bbolt does with a damaged file, which is mapped
// into memory, into an error: panics, and faults where the file ends too early.
func guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if met := recover(); met != nil {
			err = fmt.Errorf("%w: %v", errTorn, met)
		}
	}()
	return do()
}

// classify tells a file that cannot be opened now from one that never can be:
// bbolt's own complaints are about the file, the system's about the moment.
func classify(path string, err error) error {
	_, isSystems := errors.AsType[syscall.Errno](err)
	switch {
	case errors.Is(err, errTorn):
		return err
	case isSystems, errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("open the spool file %s: %w", path, err)
	case looksLikeBolt(path):
		return fmt.Errorf("%w: %w", errTorn, err)
	}
	return fmt.Errorf("%w: %w", errForeign, err)
}

// looksLikeBolt reports whether one of the first pages is still marked as bbolt
// marks them.
func looksLikeBolt(path string) bool {
	const pages = 64 << 10
	magic := binary.NativeEndian.AppendUint32(nil, 0xED0CDAED)
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, pages)
	n, _ := f.Read(start)
	return bytes.Contains(start[:n], magic)
}

// examine reads the header, making it in a new file, and every entry.
func (f *file) examine(db *bolt.DB) error {
	isNew := false
	err := db.View(func(tx *bolt.Tx) error {
		header := tx.Bucket(headerBucket)
		if header == nil {
			if first, _ := tx.Cursor().First(); first != nil {
				return fmt.Errorf("%w: it has other things in it", errForeign)
			}
			isNew = true
			return nil
		}
		switch version, n := binary.Uvarint(header.Get(formatKey)); {
		case n <= 0:
			return fmt.Errorf("%w: its header is another one's", errForeign)
		case version > format:
			return fmt.Errorf("%w: its format is %d, this program reads up to %d", errNewer, version, format)
		}
		return f.count(tx.Bucket(entriesBucket))
	})
	if err != nil || !isNew {
		return err
	}
	return db.Update(func(tx *bolt.Tx) error {
		header, err := tx.CreateBucket(headerBucket)
		if err != nil {
			return err
		}
		_, err = tx.CreateBucket(entriesBucket)
		return errors.Join(err, header.Put(formatKey, binary.AppendUvarint(nil, format)))
	})
}

// count goes through all entries. One with a wrong checksum is found when its
// turn comes; here it is only touched.
func (f *file) count(entries *bolt.Bucket) error {
	if entries == nil {
		return fmt.Errorf("%w: its entries are gone", errTorn)
	}
	f.first, f.end, f.rounds, f.polls, f.bytes = 0, 0, 0, 0, 0
	cursor := entries.Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		number, err := numberOf(key)
		switch {
		case err != nil:
			return err
		case f.end == 0:
			f.first, f.onDisk, f.front = number, number, headOf(value)
		case number != f.end:
			return fmt.Errorf("%w: entry %d follows entry %d", errTorn, number, f.end-1)
		}
		f.end = number + 1
		f.add(headOf(value), 1)
		_, _ = checked(value) // every page is read now rather than in the middle of an outage
	}
	return nil
}

// add counts an entry in, or out by -1.
func (f *file) add(h head, sign int) {
	if h.isRound() {
		f.rounds += sign
		f.polls += int64(sign) * h.polls
	}
	f.bytes += int64(sign) * h.size
}

func keyOf(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

func numberOf(key []byte) (uint64, error) {
	if len(key) != 8 {
		return 0, fmt.Errorf("%w: an entry's number has %d bytes", errTorn, len(key))
	}
	return binary.BigEndian.Uint64(key), nil
}

// append writes an entry, with a reason where there is one, and what was removed
// before; synced. The file must be open.
func (f *file) append(value []byte, reason string) error {
	err := guard(func() error {
		return f.db.Update(func(tx *bolt.Tx) error {
			entries := tx.Bucket(entriesBucket)
			entries.FillPercent = 1 // nothing is ever put between
			if err := f.forget(entries); err != nil {
				return err
			}
			if reason != "" {
				reasons, err := tx.CreateBucketIfNotExists(reasonsBucket)
				if err != nil {
					return err
				}
				if err := reasons.Put(keyOf(f.end), []byte(reason)); err != nil {
					return err
				}
			}
			return entries.Put(keyOf(f.end), value)
		})
	})
	if err != nil {
		return f.cannotWrite(err)
	}
	if f.isEmpty() {
		f.front = headOf(value)
	}
	f.onDisk = f.first
	f.end++
	f.add(headOf(value), 1)
	return nil
}

// forget deletes what was removed.
func (f *file) forget(entries *bolt.Bucket) error {
	for number := f.onDisk; number < f.first; number++ {
		if err := entries.Delete(keyOf(number)); err != nil {
			return err
		}
	}
	return nil
}

// oldest returns a copy of the first entry. There must be one.
func (f *file) oldest() (value []byte, err error) {
	err = guard(func() error {
		return f.db.View(func(tx *bolt.Tx) error {
			value = bytes.Clone(tx.Bucket(entriesBucket).Get(keyOf(f.first)))
			return nil
		})
	})
	if err == nil && value == nil {
		err = fmt.Errorf("%w: entry %d is gone", errTorn, f.first)
	}
	return value, err
}

// remove drops the first entry, which must be there: at once as far as this
// program goes, on disk with the next append or together with others.
func (f *file) remove() error {
	f.add(f.front, -1)
	f.first++
	if f.isEmpty() {
		return f.clear()
	}
	f.front = head{}
	value, err := f.oldest()
	if err == nil {
		f.front = headOf(value)
	}
	if f.first-f.onDisk >= removedAtOnce {
		err = errors.Join(err, f.flush())
	}
	return err
}

// flush writes what was removed.
func (f *file) flush() error {
	if f.db == nil || f.onDisk == f.first {
		return nil
	}
	err := guard(func() error {
		return f.db.Update(func(tx *bolt.Tx) error { return f.forget(tx.Bucket(entriesBucket)) })
	})
	if err != nil {
		return f.cannotWrite(err)
	}
	f.onDisk = f.first
	return nil
}

// cannotWrite words why the file cannot be written to and, where that helps, what
// to do.
func (f *file) cannotWrite(err error) error {
	if named, ok := errors.AsType[*fs.PathError](err); ok {
		err = named.Err // the path is told already
	}
	if isFull(err) {
		return fmt.Errorf("write to %s: %w: free space on its disk", f.path, err)
	}
	return fmt.Errorf("write to %s: %w", f.path, err)
}

// clear frees the disk behind the last entry: a file that has grown makes way
// for a new one.
func (f *file) clear() error {
	if info, err := os.Stat(f.path); err == nil && info.Size() <= keepBelow {
		return f.flush()
	}
	err := errors.Join(guard(f.db.Close), os.Remove(f.path))
	*f = file{path: f.path, lock: f.lock}
	err = errors.Join(err, f.open(), syncFolder(f.path))
	// Nothing comes back even if the old file could not be deleted.
	f.first, f.rounds, f.polls, f.bytes = f.end, 0, 0, 0
	return err
}

// close gives the file back.
func (f *file) close() error {
	if f.db == nil {
		return nil
	}
	err := errors.Join(f.flush(), guard(f.db.Close))
	f.db = nil
	return err
}

// syncFolder makes a new or renamed file of the folder outlive a power cut.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
