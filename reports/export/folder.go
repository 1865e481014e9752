package export

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder is a destination on this machine: the path of a folder that exists.
// Files get the mode that the process' umask leaves of 0666.
type Folder string

// String returns the path.
func (f Folder) String() string { return string(f) }

// Open returns the folder if it is one. Whether it can be written to is seen by
// writing: an account's rights are not the whole of it.
func (f Folder) Open(context.Context) (Inbox, error) {
	stat, err := os.Stat(string(f))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("the folder does not exist; make it, or mount what it is on")
	case err != nil:
		return nil, whyLocal(err)
	case !stat.IsDir():
		return nil, errors.New("it is not a folder")
	}
	return localInbox{string(f)}, nil
}

type localInbox struct{ path string }

func (in localInbox) Close() error { return nil }

func (in localInbox) Has(ctx context.Context, file File) (bool, error) {
	path := filepath.Join(in.path, file.Name)
	stat, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, whyLocal(err)
	}
	conflict := &ConflictError{in.path, file.Name}
	if !stat.Mode().IsRegular() || stat.Size() != file.Size {
		return false, conflict
	}
	there, err := os.Open(path)
	if err != nil {
		return false, whyLocal(err)
	}
	defer there.Close()
	same, err := file.Matches(WithContext(ctx, there))
	if err != nil {
		return false, err
	}
	if !same {
		return false, conflict
	}
	return true, nil
}

// Put writes the file beside its final name and has the disk keep it before it
// is renamed, and the new name after: a crash of the machine leaves a whole file
// or none.
func (in localInbox) Put(ctx context.Context, file File) (err error) {
	partial := filepath.Join(in.path, PartialName(file.Name))
	out, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return whyLocal(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(whyLocal(err), removeIfThere(partial))
		}
	}()
	_, err = io.Copy(out, WithContext(ctx, file.Reader()))
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	if err := os.Rename(partial, filepath.Join(in.path, file.Name)); err != nil {
		return err
	}
	return syncFolder(in.path)
}

// syncFolder has the disk keep a folder's names.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func (in localInbox) RemovePartials(_ context.Context, names []string) error {
	entries, err := os.ReadDir(in.path)
	if err != nil {
		return whyLocal(err)
	}
	for _, entry := range entries {
		for _, name := range names {
			if !IsPartialOf(entry.Name(), name) {
				continue
			}
			if err := removeIfThere(filepath.Join(in.path, entry.Name())); err != nil {
				return whyLocal(err)
			}
		}
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// WithContext returns a reader that ends with the context's error once that is
// over.
func WithContext(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
