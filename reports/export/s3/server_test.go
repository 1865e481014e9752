//go:build clients

package s3_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// bucket is a bucket of a real S3 server, versitygw, reached over TLS through a
// relay that can break connections.
type bucket struct {
	*setup
	folder string // of its objects on this machine
	relay  net.Listener
	// budget returns how many bytes may be sent on a connection, counted from 1.
	budget      func(connection int64) int64
	connections atomic.Int64
}

func startServer(t *testing.T) *bucket {
	t.Helper()
	program, err := exec.LookPath("versitygw")
	if err != nil {
		t.Fatal("versitygw is missing: run .ci/run s3, which installs it, or put it on the PATH (", err, ")")
	}
	b := &bucket{setup: newSetup(t)}
	key, err := x509.MarshalPKCS8PrivateKey(b.certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	b.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	buckets, attributes := t.TempDir(), t.TempDir()
	b.folder = filepath.Join(buckets, "exports")
	if err := os.Mkdir(b.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "s3-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, "--port", socket, "--cert", b.path("ca.pem"), "--key", b.path("key.pem"),
		"--quiet", "posix", "--sidecar", attributes, buckets)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+accessKey, "ROOT_SECRET_KEY="+secretKey)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var relaying sync.WaitGroup
	t.Cleanup(func() {
		if b.relay != nil {
			_ = b.relay.Close()
		}
		stop()
		_ = cmd.Wait()
		relaying.Wait()
		_ = os.RemoveAll(dir)
		if t.Failed() {
			t.Log(log.String())
		}
	})
	awaitSocket(t, cmd, socket, &log)
	if b.relay, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	b.cfg.Endpoint = "https://" + b.relay.Addr().String()
	relaying.Go(func() {
		for {
			conn, err := b.relay.Accept()
			if err != nil {
				return
			}
			relaying.Go(func() { b.join(conn, socket) })
		}
	})
	return b
}

// awaitSocket waits until the server listens, or a while.
func awaitSocket(t *testing.T, cmd *exec.Cmd, socket string, log *strings.Builder) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for range 1500 {
		if conn, err := dial(t.Context(), socket); err == nil {
			_ = conn.Close()
			return
		}
		<-look.C
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	t.Fatal("the server does not listen: ", log.String())
}

func dial(ctx context.Context, socket string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", socket)
}

// join relays a connection.
func (b *bucket) join(conn net.Conn, socket string) {
	defer conn.Close()
	server, err := dial(b.t.Context(), socket)
	if err != nil {
		return
	}
	defer server.Close()
	number := b.connections.Add(1)
	var answers sync.WaitGroup
	answers.Go(func() {
		_, _ = io.Copy(conn, server)
		_ = conn.Close()
	})
	if b.budget == nil {
		_, _ = io.Copy(server, conn)
	} else {
		_, _ = io.CopyN(server, conn, b.budget(number))
		_ = conn.Close()
	}
	_ = server.Close()
	answers.Wait()
}

// core is a client of the server's own protocol, to look at it from outside.
func (b *bucket) core() *minio.Core {
	b.t.Helper()
	pool := x509.NewCertPool()
	certificate, err := x509.ParseCertificate(b.certificate.Certificate[0])
	if err != nil {
		b.t.Fatal(err)
	}
	pool.AddCert(certificate)
	transport, err := minio.DefaultTransport(true)
	if err != nil {
		b.t.Fatal(err)
	}
	transport.TLSClientConfig.RootCAs = pool
	b.t.Cleanup(transport.CloseIdleConnections)
	core, err := minio.NewCore(b.relay.Addr().String(), &minio.Options{
		Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Secure: true, Region: "us-east-1",
		Transport: transport, BucketLookup: minio.BucketLookupPath,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return core
}

// objects returns what is in the bucket: the content by key.
func (b *bucket) objects() map[string]string {
	b.t.Helper()
	objects := make(map[string]string)
	core := b.core()
	for object := range core.Client.ListObjects(context.Background(), "exports", minio.ListObjectsOptions{Recursive: true}) {
		if object.Err != nil {
			b.t.Fatal(object.Err)
		}
		content, err := os.ReadFile(filepath.Join(b.folder, object.Key))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			b.t.Fatal(err)
		}
		objects[object.Key] = string(content)
	}
	return objects
}

// uploads returns the keys of uploads that are not completed.
func (b *bucket) uploads() []string {
	b.t.Helper()
	var keys []string
	core := b.core()
	for upload := range core.Client.ListIncompleteUploads(context.Background(), "exports", "", true) {
		if upload.Err != nil {
			b.t.Fatal(upload.Err)
		}
		keys = append(keys, upload.Key)
	}
	return keys
}
