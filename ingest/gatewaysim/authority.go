package gatewaysim

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Authority signs the certificates of gateways.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// newAuthority makes one that is valid from an hour before an instant of the
// machine's clock for a year.
func newAuthority(at time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{Organization: []string{"talktime"}, CommonName: "simulated CC-Gateway CA"},
		NotBefore:             at.Add(-validBefore),
		NotAfter:              at.Add(validAfter),
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &Authority{certificate, key}, err
}

// KeepAuthority gives the authority whose ca.pem and key lie in a directory, or
// makes a new one and writes both, so that a recorder trusts a gateway that is
// started again. One that ends within a day of an instant of the machine's
// clock is replaced.
func KeepAuthority(dir string, at time.Time) (*Authority, error) {
	a, err := readAuthority(dir)
	if err == nil && at.After(a.certificate.NotBefore) && at.Add(24*time.Hour).Before(a.certificate.NotAfter) {
		return a, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; remove %s to make a new one", err, filepath.Join(dir, KeyFile))
	}
	if a, err = newAuthority(at); err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(a.key)
	if err != nil {
		return nil, err
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	return a, writeFile(dir, KeyFile, 0o600, append(key, a.pem()...))
}

// readAuthority reads the key and, behind it, the certificate.
func readAuthority(dir string) (*Authority, error) {
	path := filepath.Join(dir, KeyFile)
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	first, rest := pem.Decode(content)
	second, _ := pem.Decode(rest)
	if first == nil || second == nil {
		return nil, fmt.Errorf("read %s: not a key and a certificate", path)
	}
	key, err := x509.ParseECPrivateKey(first.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	certificate, err := x509.ParseCertificate(second.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if public, ok := certificate.PublicKey.(*ecdsa.PublicKey); !ok || !public.Equal(&key.PublicKey) {
		return nil, fmt.Errorf("read %s: the key is not the certificate's", path)
	}
	return &Authority{certificate, key}, nil
}

// pem is the certificate as clients read it.
func (a *Authority) pem() []byte {
	var b bytes.Buffer
	_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}) // a buffer takes all
	return b.Bytes()
}
