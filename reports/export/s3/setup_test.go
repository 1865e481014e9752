package s3_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports/export"
	"talktime/reports/export/s3"
)

const (
	accessKey = "AKTALKTIME"
	secretKey = "not-to-be-seen-anywhere"
)

// setup is a configuration that works with a server of certificate.
type setup struct {
	t           *testing.T
	dir         string
	cfg         s3.Config
	certificate tls.Certificate
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	s := &setup{t: t, dir: t.TempDir()}
	s.certificate = newCertificate(t)
	s.write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate.Certificate[0]}))
	s.write("credentials", []byte("[default]\naws_access_key_id = "+accessKey+"\naws_secret_access_key = "+secretKey+"\n"))
	s.cfg = s3.Config{
		Bucket: "exports", Prefix: "talktime/daily", PathStyle: true,
		CAFile: s.path("ca.pem"), CredentialsFile: s.path("credentials"),
	}
	return s
}

func (s *setup) path(name string) string { return filepath.Join(s.dir, name) }

func (s *setup) write(name string, content []byte) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), content, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *setup) destination() *s3.Destination {
	s.t.Helper()
	d, err := s3.New(s.cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// newCertificate returns one for 127.0.0.1 that is its own authority.
func newCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
}

func newCourier() export.Courier {
	return export.Courier{Clock: ingest.NewSimClock(time.Unix(0, 0)), Log: slog.New(slog.DiscardHandler)}
}

// delivery is data of so many bytes with its checksum.
func delivery(size int) []export.File {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	file := export.NewFile("daily_r1.csv", data)
	return []export.File{file, file.SumFile()}
}
