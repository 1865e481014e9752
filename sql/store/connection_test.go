package store_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/sql/localpg"
	"talktime/sql/store"
)

// authority signs certificates for tests.
type authority struct {
	t           *testing.T
	file        string // its certificate
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, file: filepath.Join(t.TempDir(), "ca.pem"), key: newKey(t)}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

// certify writes a certificate for an address of the loopback, and its key.
func (a *authority) certify(dir string, ip net.IP, notAfter time.Time) {
	a.t.Helper()
	key := newKey(a.t)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "postgres"}, IPAddresses: []net.IP{ip},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: a.certificate.NotBefore, NotAfter: notAfter,
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	writePEM(a.t, filepath.Join(dir, "server.pem"), "CERTIFICATE", der)
	writePEM(a.t, filepath.Join(dir, "server.key"), "PRIVATE KEY", secret)
}

// startTLS starts a Postgres that takes TLS connections, and only those, on two
// addresses of the loopback; its certificate names the first.
func startTLS(t *testing.T, a *authority, notAfter time.Time) (named, other net.IP) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "talktime-tls-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	options := localpg.Options{Dir: filepath.Join(dir, "pg"), Disposable: true}
	server, err := localpg.Start(t.Context(), options) // makes the cluster, and shows whose it is
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	// Any port but the socket's is not localpg's, so the addresses must be our own.
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails
	named, other = net.IPv4(127, 77, b[0], b[1]), net.IPv4(127, 78, b[0], b[1])
	a.certify(dir, named, notAfter)
	if err := os.WriteFile(filepath.Join(dir, "hba.conf"), []byte("local talktime,postgres all trust\nhostssl talktime all 127.0.0.0/8 trust\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "pg", "cluster"))
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	for _, name := range []string{"server.pem", "server.key", "hba.conf"} {
		if err := os.Chown(filepath.Join(dir, name), int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	options.Settings = map[string]string{
		"listen_addresses": named.String() + "," + other.String(), "ssl": "on",
		"ssl_cert_file": filepath.Join(dir, "server.pem"), "ssl_key_file": filepath.Join(dir, "server.key"),
		"hba_file": filepath.Join(dir, "hba.conf"),
	}
	if server, err = localpg.Start(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return named, other
}

func tlsURL(host net.IP, settings string) ingest.Secret {
	return ingest.NewSecret(fmt.Sprintf("postgres://talktime:hush@%s:5432/talktime?%s", host, settings))
}

// What each sslmode proves is seen from the connection; verify-full refuses any
// server but the one meant, and says what to do.
func TestTLS(t *testing.T) {
	t.Parallel()
	ours, stranger := newAuthority(t, "ours"), newAuthority(t, "another")
	expires := time.Now().Add(20 * time.Hour).UTC().Truncate(time.Second)
	named, other := startTLS(t, ours, expires)

	for _, c := range []struct {
		host     net.IP
		settings string
		proof    store.Proof
	}{
		{named, "sslmode=verify-full&sslrootcert=" + ours.file, store.NameProved},
		{named, "sslmode=verify-ca&sslrootcert=" + ours.file, store.AuthorityProved},
		{other, "sslmode=verify-ca&sslrootcert=" + ours.file, store.AuthorityProved},
		{other, "sslmode=require&sslrootcert=" + ours.file, store.AuthorityProved},
		{other, "sslmode=require", store.EncryptedOnly},
		{other, "sslmode=prefer", store.EncryptedOnly},
		{other, "", store.EncryptedOnly},
	} {
		s, err := store.Open(t.Context(), tlsURL(c.host, c.settings))
		if err != nil {
			t.Errorf("%s: %v", c.settings, err)
			continue
		}
		server, err := s.Server(t.Context(), aheadOf(0))
		if err != nil {
			t.Errorf("%s: %v", c.settings, err)
		}
		if diff := cmp.Diff(store.Connection{IsLocal: true, Proof: c.proof, NotAfter: expires}, server.Connection); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.settings, diff)
		}
		s.Close()
	}

	for _, c := range []struct {
		name     string
		host     net.IP
		settings string
		says     []string
	}{
		{"another authority", named, "sslmode=verify-full&sslrootcert=" + stranger.file, []string{
			"open the database talktime at " + named.String() + " port 5432: cannot connect: x509: certificate signed by unknown authority",
			"; name the authority that signed the server's certificate: sslrootcert=/path/to/ca.pem in database.url",
		}},
		{"the system's authorities", named, "sslmode=verify-full", []string{"; name the authority that signed the server's certificate"}},
		{"another authority, name not asked for", named, "sslmode=verify-ca&sslrootcert=" + stranger.file, []string{"; name the authority that signed the server's certificate"}},
		{"another name", other, "sslmode=verify-full&sslrootcert=" + ours.file, []string{
			"cannot connect: x509: certificate is valid for " + named.String() + ", not " + other.String(),
			"; write the host into database.url as the certificate names it, or give the server a certificate for " + other.String(),
		}},
		{"no such file", named, "sslmode=verify-full&sslrootcert=/nowhere/ca.pem", []string{
			"open the database: database.url names a file that cannot be read: open /nowhere/ca.pem: no such file or directory",
		}},
		{"no such mode", named, "sslmode=verified", []string{"database.url is not a valid Postgres URL or key=value string"}},
		{"not encrypted", named, "sslmode=disable", []string{"no encryption"}},
	} {
		_, err := store.Open(t.Context(), tlsURL(c.host, c.settings))
		if err == nil {
			t.Errorf("%s is accepted", c.name)
			continue
		}
		for _, says := range c.says {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%s: the error does not say %q:\n%v", c.name, says, err)
			}
		}
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the password is told: %v", c.name, err)
		}
	}
}

func TestExpiredTLS(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "ours")
	named, _ := startTLS(t, ours, time.Now().Add(-time.Minute))
	_, err := store.Open(t.Context(), tlsURL(named, "sslmode=verify-full&sslrootcert="+ours.file))
	if err == nil || !strings.Contains(err.Error(), "certificate has expired") || !strings.HasSuffix(err.Error(), "; give the server a new certificate, or set the clock that is wrong") {
		t.Error(err)
	}
}
