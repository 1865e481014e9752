//go:build clients

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"talktime/sql/localpg"
)

// servedOverTLS is a Postgres as BI tools meet it: over TCP, with a certificate
// and a password.
type servedOverTLS struct {
	host string // an address of the loopback, the certificate's only name
	ca   string // the file that proves it
}

// serveOverTLS starts the private Postgres in dir/postgres that way. Its socket
// stays, for talktime itself.
func serveOverTLS(t *testing.T, dir string) servedOverTLS {
	t.Helper()
	if err := os.MkdirAll(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	options := localpg.Options{Dir: filepath.Join(dir, "postgres"), Disposable: true}
	server, err := localpg.Start(t.Context(), options) // makes the cluster, and shows whose it is
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	// Every localpg has the same port: the address must be our own.
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails
	host := net.IPv4(127, 79, b[0], b[1])
	certificate, key := certify(t, host)
	files := map[string][]byte{
		"server.pem": certificate,
		"server.key": key,
		"hba.conf":   []byte("local all talktime,postgres trust\nhostssl talktime all 127.0.0.0/8 scram-sha-256\n"),
	}
	info, err := os.Stat(filepath.Join(dir, "postgres", "cluster"))
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	options.Settings = map[string]string{
		"listen_addresses": host.String(), "ssl": "on", "hba_file": filepath.Join(dir, "hba.conf"),
		"ssl_cert_file": filepath.Join(dir, "server.pem"), "ssl_key_file": filepath.Join(dir, "server.key"),
	}
	if server, err = localpg.Start(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return servedOverTLS{host: host.String(), ca: filepath.Join(dir, "server.pem")}
}

// certify makes a certificate for an address that is its own authority, and its
// key.
func certify(t *testing.T, ip net.IP) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "postgres"}, IPAddresses: []net.IP{ip}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}
