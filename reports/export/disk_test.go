package export_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"talktime/reports/export"
)

// deliverToFullDisk mounts a disk of 256 kB on a folder, delivers more than fits,
// and says what is left and what was wrong.
func deliverToFullDisk(args []string) error {
	folder := args[0]
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to this process: %w", err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=256k"); err != nil {
		return fmt.Errorf("mount a small disk: %w", err)
	}
	small := export.NewFile("small.csv", make([]byte, 1000))
	large := export.NewFile("large.csv", make([]byte, 300_000))
	_, err := newCourier().Deliver(context.Background(), export.Folder(folder), []export.File{small, large})
	if err == nil {
		return errors.New("a full disk took everything")
	}
	fmt.Println(err)
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		fmt.Println("left:", entry.Name())
	}
	return err
}

// A full disk is told, and nothing of the file that did not fit is left. The
// disk is a small one of a child process' own, which root may mount, and others
// in a user namespace.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	cmd := child(t, "deliver full", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	said, err := cmd.Output()
	if err != nil {
		t.Fatal(err, cmd.Stderr)
	}
	for _, want := range []string{"put large.csv: write ", "no space left on device: make room on that disk, then run the export again\nleft: small.csv\n"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("got %s\nwant %q in it", said, want)
		}
	}
	if strings.Count(string(said), "left:") != 1 {
		t.Error(string(said))
	}
}

func TestFolderTrouble(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, folder, want string }{
		{"gone", filepath.Join(t.TempDir(), "gone"), "gone: the folder does not exist; make it, or mount what it is on"},
		{"a file", file, "file: it is not a folder"},
		// Not even root may write there.
		{"not writable", "/sys", "let the user talktime runs as (uid "},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := newCourier().Deliver(t.Context(), export.Folder(c.folder), []export.File{export.NewFile("a.csv", []byte("a"))})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %q in it", err, c.want)
			}
		})
	}
}

// A folder taken away while it is open is told as one.
func TestFolderGoesAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	inbox, err := export.Folder(path).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	file := export.NewFile("a.csv", []byte("a"))
	err = errors.Join(inbox.Put(t.Context(), file), inbox.RemovePartials(t.Context(), []string{file.Name}))
	if !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), "the folder is gone; make it") != 2 {
		t.Error(err)
	}
}

// A delivery called off in the middle of a file leaves nothing of it.
func TestFolderDeliveryCalledOff(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("Ctrl-C")
	file := export.NewFile("a.csv", make([]byte, 1<<20))
	file.Content = readerAt(func(p []byte, at int64) (int, error) {
		if at > 100_000 {
			cancel(reason)
		}
		return len(p), nil
	})
	if _, err := newCourier().Deliver(ctx, export.Folder(folder), []export.File{file}); !errors.Is(err, reason) {
		t.Error(err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

type readerAt func([]byte, int64) (int, error)

func (r readerAt) ReadAt(p []byte, at int64) (int, error) { return r(p, at) }
