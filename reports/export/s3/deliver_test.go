//go:build clients

package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"talktime/reports/export"
)

// contents is what a bucket holds that the files were delivered to.
func contents(files []export.File) map[string]string {
	all := make(map[string]string)
	for _, file := range files {
		content, _ := io.ReadAll(file.Reader())
		all["talktime/daily/"+file.Name] = string(content)
	}
	return all
}

func brief(objects map[string]string) string {
	var lines []string
	for key, content := range objects {
		lines = append(lines, fmt.Sprintf("%s: %d bytes", key, len(content)))
	}
	return strings.Join(lines, ", ")
}

// What was delivered is there, whole; what an earlier delivery left is not;
// again changes nothing; other bytes are refused. One size is put by one
// request, the other by parts.
func TestDeliver(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"nothing": 0, "one request": 5 << 20, "two parts": 70 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startServer(t)
			files := delivery(size)
			if _, err := b.core().NewMultipartUpload(t.Context(), "exports", "talktime/daily/daily_r1.csv", minio.PutObjectOptions{}); err != nil {
				t.Fatal(err)
			}
			d := b.destination()
			names := []string{"daily_r1.csv", "daily_r1.csv.sha256"}
			if got, err := newCourier().Deliver(t.Context(), d, files); err != nil || !slices.Equal(got.Put, names) {
				t.Fatal(got, err)
			}
			if left := b.uploads(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if got, err := newCourier().Deliver(t.Context(), d, files); err != nil || !slices.Equal(got.Found, names) || len(got.Put) > 0 {
				t.Fatal(got, err)
			}
			for _, other := range [][]byte{[]byte("short"), make([]byte, size+1)[1:]} {
				if len(other) == 0 {
					continue
				}
				_, err := newCourier().Deliver(t.Context(), d, []export.File{export.NewFile(names[0], other)})
				if _, isConflict := errors.AsType[*export.ConflictError](err); !isConflict {
					t.Error(err)
				}
			}
			if got := b.objects(); !maps.Equal(got, contents(files)) {
				t.Errorf("there are %s", brief(got))
			}
		})
	}
}

// The server itself refuses to replace an object, even where nobody looked.
func TestPutReplacesNothing(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	inbox, err := b.destination().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inbox.Close() }()
	first, second := export.NewFile("a.csv", []byte("first")), export.NewFile("a.csv", []byte("other"))
	if err := inbox.Put(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := inbox.Put(t.Context(), second); !export.MayPass(err) || !strings.Contains(err.Error(), "PreconditionFailed") {
		t.Error(err)
	}
	if got := b.objects(); !maps.Equal(got, contents([]export.File{first})) {
		t.Error(got)
	}
}

// Bytes that are not those of the checksum are refused by the server.
func TestServerVerifies(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	file := export.NewFile("a.csv", []byte("damaged on the way"))
	file.SHA256[0]++
	_, err := newCourier().Deliver(t.Context(), b.destination(), []export.File{file})
	if !export.MayPass(err) || !strings.Contains(err.Error(), "put a.csv: the server says ") {
		t.Error(err)
	}
	if got := b.objects(); len(got) > 0 {
		t.Error(got)
	}
}

// A connection that breaks at any byte leaves no object that is not whole and no
// upload, and the attempt after it finishes the delivery.
func TestConnectionBreaks(t *testing.T) {
	t.Parallel()
	files := delivery(70 << 20)
	want := contents(files)
	for _, sent := range []int64{0, 500, 3000, 1 << 20, 60 << 20} {
		t.Run(fmt.Sprint(sent), func(t *testing.T) {
			t.Parallel()
			b := startServer(t)
			b.budget = func(connection int64) int64 {
				if connection > 2 {
					return 1 << 40
				}
				return sent
			}
			if _, err := newCourier().Deliver(t.Context(), b.destination(), files); err != nil {
				t.Error(err)
			}
			if got := b.objects(); !maps.Equal(got, want) {
				t.Errorf("there are %s", brief(got))
			}
			if left := b.uploads(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// A delivery called off in the middle of a file leaves nothing of it.
func TestCalledOff(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"one request": 5 << 20, "two parts": 70 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startServer(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			reason := errors.New("Ctrl-C")
			file := export.NewFile("daily_r1.csv", make([]byte, size))
			file.Content = readerAt(func(p []byte, at int64) (int, error) {
				if at > int64(size)-1<<20 {
					cancel(reason)
				}
				return len(p), nil
			})
			if _, err := newCourier().Deliver(ctx, b.destination(), []export.File{file}); !errors.Is(err, reason) {
				t.Error(err)
			}
			if got := b.objects(); len(got) > 0 {
				t.Errorf("there are %s", brief(got))
			}
			// The server may still be at work on a part that was on its way.
			for len(b.uploads()) > 0 {
				if err := b.removePartials(file); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// removePartials is what the next delivery of a file begins with.
func (b *bucket) removePartials(file export.File) error {
	inbox, err := b.destination().Open(b.t.Context())
	if err != nil {
		return err
	}
	return errors.Join(inbox.RemovePartials(b.t.Context(), []string{file.Name}), inbox.Close())
}

type readerAt func([]byte, int64) (int, error)

func (r readerAt) ReadAt(p []byte, at int64) (int, error) { return r(p, at) }

// A real server says what it does not like in the words that are known here.
func TestServerSaysWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*bucket)
		want   string
	}{
		{"another secret", func(b *bucket) {
			b.write("credentials", []byte("aws_access_key_id="+accessKey+"\naws_secret_access_key=another\n"))
		}, "the server says SignatureDoesNotMatch (HTTP 403)"},
		{"an account it does not know", func(b *bucket) {
			b.write("credentials", []byte("aws_access_key_id=AKNOBODY\naws_secret_access_key="+secretKey+"\n"))
		}, "No user exists with the provided access key ID"},
		{"no such bucket", func(b *bucket) { b.cfg.Bucket = "imports" }, "make the bucket imports, or correct bucket"},
		{"another authority", func(b *bucket) { b.cfg.CAFile = newSetup(b.t).path("ca.pem") }, "give the certificate of the server's authority in ca_file"},
		{"another region", func(b *bucket) { b.cfg.Region = "eu-west-1" }, "correct region or endpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := startServer(t)
			c.change(b)
			_, err := newCourier().Deliver(t.Context(), b.destination(), delivery(10))
			if err == nil || !strings.Contains(err.Error(), c.want) || export.MayPass(err) || strings.Contains(err.Error(), secretKey) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}
