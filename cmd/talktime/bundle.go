package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// isZip reports whether a bundle of that name is one file.
func isZip(path string) bool { return strings.EqualFold(filepath.Ext(path), ".zip") }

// checkBundle tells before any work is done why a bundle cannot be made: its name is
// taken, or its folder is not there.
func checkBundle(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--out %s is there already: name one that is not", path)
	}
	if stat, err := os.Stat(filepath.Dir(path)); err != nil || !stat.IsDir() {
		return fmt.Errorf("--out %q: there is no folder %s", path, filepath.Dir(path))
	}
	return nil
}

// writeBundle makes several files in a new folder, or in one zip file, that none but
// the user may read. It is there when write has made all of them, and not at all where
// anything failed. A file is done when the next one is made.
func writeBundle(path string, write func(create func(name string) (io.Writer, error)) error) error {
	made := writeFolder
	if isZip(path) {
		made = writeZip
	}
	if err := made(path, write); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeZip(path string, write func(create func(name string) (io.Writer, error)) error) error {
	file, err := renameio.NewPendingFile(path, renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { _ = file.Cleanup() }() // does nothing once it is renamed
	out := zip.NewWriter(file)
	if err := write(out.Create); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return file.CloseAtomicallyReplace()
}

func writeFolder(path string, write func(create func(name string) (io.Writer, error)) error) (err error) {
	folder, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part") // 0700
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	var open *os.File
	done := func() error {
		if open == nil {
			return nil
		}
		file := open
		open = nil
		return errors.Join(file.Sync(), file.Close())
	}
	err = write(func(name string) (io.Writer, error) {
		err := done()
		if err == nil {
			open, err = os.OpenFile(filepath.Join(folder, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		}
		return open, err
	})
	if err = errors.Join(err, done()); err != nil {
		return err
	}
	return os.Rename(folder, path)
}
