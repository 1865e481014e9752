package sftp_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"talktime/reports/export"
	"talktime/reports/export/sftp"
)

// What was delivered is there, whole; what an earlier delivery left is not;
// again changes nothing; other bytes are refused.
func TestDeliver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, line string }{
		{"with OpenSSH's extensions", ""},
		{"without them", "Subsystem sftp internal-sftp -P posix-rename,fsync"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, c.line)
			files := delivery(5 << 20)
			left := filepath.Join(s.folder, export.PartialName(files[0].Name))
			if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
				t.Fatal(err)
			}
			d := s.destination()
			names := []string{"daily_r1.csv", "daily_r1.csv.sha256"}
			if got, err := newCourier().Deliver(t.Context(), d, files); err != nil || !slices.Equal(got.Put, names) {
				t.Fatal(got, err)
			}
			if got, err := newCourier().Deliver(t.Context(), d, files); err != nil || !slices.Equal(got.Found, names) || len(got.Put) > 0 {
				t.Fatal(got, err)
			}
			for _, other := range [][]byte{[]byte("short"), make([]byte, 5<<20)} {
				_, err := newCourier().Deliver(t.Context(), d, []export.File{export.NewFile(names[0], other)})
				if _, isConflict := errors.AsType[*export.ConflictError](err); !isConflict {
					t.Error(err)
				}
			}
			if got := s.files(); !maps.Equal(got, contents(files)) {
				t.Errorf("there are %s", brief(got))
			}
		})
	}
}

// What is no file under the name is left alone too.
func TestOtherThingsUnderTheName(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	if err := os.Symlink("/etc/hosts", filepath.Join(s.folder, "daily_r1.csv")); err != nil {
		t.Fatal(err)
	}
	_, err := newCourier().Deliver(t.Context(), s.destination(), delivery(10))
	if _, isConflict := errors.AsType[*export.ConflictError](err); !isConflict {
		t.Error(err)
	}
}

// A connection that breaks at any byte leaves nothing under a final name that is
// not whole, and the attempt after it finishes the delivery.
func TestConnectionBreaks(t *testing.T) {
	t.Parallel()
	files := delivery(300_000)
	want := contents(files)
	for _, sent := range []int64{0, 1, 100, 2000, 3000, 4000, 5000, 8000, 50_000, 200_000, 302_500, 303_000, 303_300, 303_600, 303_900, 304_200} {
		t.Run(fmt.Sprint(sent), func(t *testing.T) {
			t.Parallel()
			s := startServer(t)
			s.budget = func(connection int64) (int64, func(net.Conn)) {
				if connection > 1 {
					return 1 << 40, nil
				}
				return sent, func(conn net.Conn) {
					_ = conn.Close()
					for name, content := range s.files() {
						if final, isFinal := want[name]; isFinal && content != final {
							t.Errorf("%s has %d of %d bytes", name, len(content), len(final))
						}
					}
				}
			}
			if _, err := newCourier().Deliver(t.Context(), s.destination(), files); err != nil {
				t.Error(err)
			}
			if got := s.files(); !maps.Equal(got, want) {
				t.Errorf("there are %s", brief(got))
			}
			if n := s.connections.Load(); n != 2 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// A server that stops listening is given up after the time-out, and asked again.
func TestServerFallsSilent(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]int64{"at once": 0, "in the middle": 100_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t)
			s.budget = func(int64) (int64, func(net.Conn)) {
				return sent, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)); awaitEnd(conn) }
			}
			cfg := s.config()
			cfg.Timeout = 1e9
			d, err := sftp.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = deliverOnce(t.Context(), d, delivery(10<<20))
			if !export.MayPass(err) || !strings.Contains(err.Error(), "silent") && !strings.Contains(err.Error(), "no answer within 1s") {
				t.Error(err)
			}
		})
	}
}

// awaitEnd waits until the other side has closed the connection.
func awaitEnd(conn net.Conn) {
	for {
		if _, err := conn.Read(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

// deliverOnce is one attempt.
func deliverOnce(ctx context.Context, d *sftp.Destination, files []export.File) error {
	inbox, err := d.Open(ctx)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err = inbox.Put(ctx, file); err != nil {
			break
		}
	}
	return errors.Join(err, inbox.Close())
}

// A delivery called off in the middle of a file leaves nothing of it.
func TestCalledOff(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("Ctrl-C")
	file := export.NewFile("daily_r1.csv", make([]byte, 1<<20))
	file.Content = readerAt(func(p []byte, at int64) (int, error) {
		if at > 500_000 {
			cancel(reason)
		}
		return len(p), nil
	})
	if _, err := newCourier().Deliver(ctx, s.destination(), []export.File{file}); !errors.Is(err, reason) {
		t.Error(err)
	}
	if got := s.files(); len(got) > 0 {
		t.Errorf("left: %s", brief(got))
	}
}

type readerAt func([]byte, int64) (int, error)

func (r readerAt) ReadAt(p []byte, at int64) (int, error) { return r(p, at) }

// A server that cannot keep the bytes says only that it failed; nothing is left,
// and it is not asked again at once.
func TestServerCannotKeepIt(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.limits = "trap '' XFSZ; ulimit -f 200;" // blocks of 512 bytes
	_, err := newCourier().Deliver(t.Context(), s.destination(), delivery(1<<20))
	if err == nil || !strings.Contains(err.Error(), "put daily_r1.csv: ") || !strings.Contains(err.Error(), "its disk may be full or a quota used up") {
		t.Error(err)
	}
	if got := s.files(); len(got) > 0 {
		t.Errorf("left: %s", brief(got))
	}
	if n := s.connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
