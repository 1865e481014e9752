package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"talktime/reports/export"
)

// The extensions of the protocol that OpenSSH and others have.
const (
	syncExtension   = "fsync@openssh.com"
	renameExtension = "posix-rename@openssh.com"
)

type inbox struct {
	folder string
	name   string // the destination's
	line   *line
	client *ssh.Client
	files  *sftp.Client // nil before enter
	cut    func()
}

// Close ends the connection. What the server has not confirmed by then, no
// method has called done, so nothing is lost by it.
func (in *inbox) Close() error {
	in.cut()
	if in.files != nil {
		_ = in.files.Close()
	}
	_ = in.client.Close()
	_ = in.line.Close()
	return nil
}

func (in *inbox) path(name string) string { return path.Join(in.folder, name) }

func (in *inbox) Has(ctx context.Context, file export.File) (bool, error) {
	stat, err := in.files.Lstat(in.path(file.Name))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, in.why(err)
	}
	conflict := &export.ConflictError{Destination: in.name, Name: file.Name}
	if !stat.Mode().IsRegular() || stat.Size() != file.Size {
		return false, conflict
	}
	there, err := in.files.Open(in.path(file.Name))
	if err != nil {
		return false, in.why(err)
	}
	defer there.Close()
	same, err := file.Matches(there)
	switch {
	case err != nil && ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil:
		return false, in.why(err)
	case !same:
		return false, conflict
	}
	return true, nil
}

func (in *inbox) Put(ctx context.Context, file export.File) error {
	partial := in.path(export.PartialName(file.Name))
	err := in.send(ctx, file, partial)
	if err == nil {
		err = in.rename(partial, in.path(file.Name))
	}
	if err == nil {
		return nil
	}
	// Where even that fails, the next delivery does it.
	_ = in.files.Remove(partial)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return in.why(err)
}

// send has the server keep the file's bytes under another name.
func (in *inbox) send(ctx context.Context, file export.File, partial string) error {
	out, err := in.files.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(&io.LimitedReader{R: export.WithContext(ctx, file.Reader()), N: file.Size})
	if _, canSync := in.files.HasExtension(syncExtension); err == nil && canSync {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	stat, err := in.files.Lstat(partial)
	if err == nil && stat.Size() != file.Size {
		err = fmt.Errorf("the server has %d of %d bytes", stat.Size(), file.Size)
	}
	return err
}

func (in *inbox) rename(partial, final string) error {
	if _, canRename := in.files.HasExtension(renameExtension); canRename {
		return in.files.PosixRename(partial, final)
	}
	return in.files.Rename(partial, final)
}

func (in *inbox) RemovePartials(ctx context.Context, names []string) error {
	entries, err := in.files.ReadDirContext(ctx, in.folder)
	if err != nil {
		return in.why(err)
	}
	for _, entry := range entries {
		for _, name := range names {
			if !export.IsPartialOf(entry.Name(), name) {
				continue
			}
			if err := in.files.Remove(in.path(entry.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
				return in.why(err)
			}
		}
	}
	return nil
}

// failure is the protocol's word for everything it has no word for.
const failure = 4

// why adds to an error of the server what it means and whether it may pass.
func (in *inbox) why(err error) error {
	if isLost(err) {
		return export.Passing(in.line.lost(err))
	}
	if status, isStatus := errors.AsType[*sftp.StatusError](err); isStatus && status.Code == failure {
		return fmt.Errorf("%w: the server does not say why; its disk may be full or a quota used up", err)
	}
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: the account may not do that in %s; have the server's operator allow it", err, in.folder)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w: the folder %s on the server is gone, or something removes files there", err, in.folder)
	default:
		return err
	}
}

// isLost reports whether an error means that the connection is gone.
func isLost(err error) bool {
	_, isNetwork := errors.AsType[*net.OpError](err)
	return isNetwork || errors.Is(err, sftp.ErrSSHFxConnectionLost) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
