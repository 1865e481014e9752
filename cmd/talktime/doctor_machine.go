package main

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// What should be free where data_dir lies: less and the day's samples of a
// large centre may not fit, or a Postgres cannot even checkpoint.
const (
	scarceBytes  = 2 << 30
	tooFewBytes  = 256 << 20
	scarceInodes = 10_000
	tooFewInodes = 500
)

// dataDir checks the place of the spool and the private Postgres, and the disk
// it is on.
func (d *doctor) dataDir(c *config) {
	const check = "data_dir"
	if c.dataDir == "" {
		d.fail(check, "set data_dir", "HOME is not set, so there is no place for the spool")
		return
	}
	dir, info, err := nearestDir(c.dataDir)
	if err != nil {
		d.failWith(check, "choose another data_dir", err)
		return
	}
	const writable, searchable = 2, 1
	denied := syscall.Access(dir, writable|searchable)
	switch {
	case denied != nil:
		d.fail(check, "run as its owner, or choose another data_dir", "%s belongs to %s and is not ours to write: %v", dir, ownerName(info), denied)
	case dir != c.dataDir:
		d.ok(check, "%s is not there yet; the first command that needs it makes it", c.dataDir)
	case info.Mode().Perm()&0o022 != 0:
		d.warn(check, "chmod go-w "+dir, "%s can be written by others, mode %#o", dir, info.Mode().Perm())
	default:
		d.ok(check, "%s, of %s, writable", dir, ownerName(info))
	}
	d.disk(dir)
}

// nearestDir returns a directory, or the nearest above it that exists.
func nearestDir(path string) (string, fs.FileInfo, error) {
	for {
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			return path, info, nil
		case err == nil:
			return "", nil, errors.New(path + " is not a directory")
		case !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path):
			return "", nil, err
		}
		path = filepath.Dir(path)
	}
}

func ownerName(info fs.FileInfo) string {
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "an unknown user"
	}
	id := strconv.FormatUint(uint64(owner.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return "user " + u.Username
	}
	return "user id " + id
}

// disk checks what is free on the file system of a directory.
func (d *doctor) disk(dir string) {
	const check = "disk"
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		d.failWith(check, "", err)
		return
	}
	size := uint64(disk.Bsize)
	d.free, d.diskSeen = disk.Bavail*size, true
	d.diskOf(dir, disk.Blocks*size, d.free, disk.Files, disk.Ffree)
}

// diskOf judges what is free. Some file systems make inodes as they go and have
// no number of files.
func (d *doctor) diskOf(dir string, total, free, files, inodes uint64) {
	const check = "disk"
	const remedy = "free some, or move data_dir to a larger disk"
	seen := tellBytes(free)
	if files > 0 {
		seen += ", " + strconv.FormatUint(inodes, 10) + " inodes"
	}
	seen += " free of " + tellBytes(total) + " under " + dir
	switch {
	case free < tooFewBytes, files > 0 && inodes < tooFewInodes:
		d.fail(check, remedy, "%s", seen)
	case free < scarceBytes, files > 0 && inodes < scarceInodes:
		d.warn(check, remedy, "%s", seen)
	default:
		d.ok(check, "%s", seen)
	}
}

// machineClock checks that something keeps the clock right.
func (d *doctor) machineClock() {
	const check = "clock"
	if d.clockIsKept == nil {
		d.ok(check, "whether it is kept right is not known on this system")
		return
	}
	switch kept, err := d.clockIsKept(); {
	case err != nil:
		d.ok(check, "whether it is kept right cannot be seen from here: %v", err)
	case kept:
		d.ok(check, "kept right by a time server")
	default:
		d.warn(check, "run chrony, systemd-timesyncd or ntpd: samples carry this clock's time", "the kernel says that nothing keeps it right")
	}
}
