package localpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// directory is Options.Dir: absolute, symbolic links resolved.
type directory struct {
	path     string
	uid, gid uint32 // its owner, who is given the files made in it
}

func (d directory) join(name string) string { return filepath.Join(d.path, name) }

// openDirectory makes the directory where it is missing and refuses one that
// is another user's.
func openDirectory(path string) (directory, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return directory{}, err
	}
	if err := makeAll(path); err != nil {
		return directory{}, err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return directory{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return directory{}, err
	}
	owner := info.Sys().(*syscall.Stat_t)
	if euid := os.Geteuid(); euid != 0 && uint32(euid) != owner.Uid {
		return directory{}, fmt.Errorf("%s belongs to %s: run as that user or choose another data_dir", path, userName(owner.Uid))
	}
	return directory{path, owner.Uid, owner.Gid}, nil
}

// MakeDataDir makes the data_dir that a private Postgres may lie under, and what is
// missing above it: as root one that others may pass through, for the server is
// another user's.
func MakeDataDir(path string) error {
	if err := makeAll(path); err != nil {
		return fmt.Errorf("make data_dir %s: %w", path, err)
	}
	return nil
}

// makeAll makes path and what is missing above it. What root makes, others may
// pass through but not list, whatever the umask: the server is another user's.
func makeAll(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeAll(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // somebody else was faster
		}
		return err
	}
	if os.Geteuid() == 0 {
		return os.Chmod(path, 0o711)
	}
	return nil
}

// open opens a file of the directory, making it where it is missing. It does
// not follow a symbolic link: the directory may be a lesser user's than ours.
func (d directory) open(name string, flags int) (*os.File, error) {
	path := d.join(name)
	file, err := os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err == nil {
		if os.Geteuid() == 0 {
			err = file.Chown(int(d.uid), int(d.gid))
		}
		return file, err
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.OpenFile(path, flags|syscall.O_NOFOLLOW, 0)
}

// mkdir makes a directory in the directory where it is missing.
func (d directory) mkdir(name string) error {
	err := os.Mkdir(d.join(name), 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil && os.Geteuid() == 0 {
		err = os.Lchown(d.join(name), int(d.uid), int(d.gid))
	}
	return err
}
