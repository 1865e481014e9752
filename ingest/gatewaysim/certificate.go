package gatewaysim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"time"
)

// Certificates are valid from a little before the start, for clocks that are
// behind, and for longer than a simulator runs.
const (
	validBefore = time.Hour
	validAfter  = 365 * 24 * time.Hour
)

// Certificate says what is wrong with the server's certificate.
type Certificate string

// The certificates a gateway can show. ca.pem is always a sound authority's.
const (
	CertificateGood      Certificate = "good"
	CertificateExpired   Certificate = "expired"    // a minute before the start
	CertificateWrongName Certificate = "wrong-name" // for another host
	CertificateUnknownCA Certificate = "unknown-ca" // signed by another authority than ca.pem's
)

func (c Certificate) isKnown() bool {
	switch c {
	case CertificateGood, CertificateExpired, CertificateWrongName, CertificateUnknownCA:
		return true
	}
	return false
}

// certify makes a server certificate for loopback and the given host, signed by
// the authority, unless something shall be wrong with it.
func (a *Authority) certify(at time.Time, host string, wrong Certificate) (server tls.Certificate, err error) {
	leaf := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{Organization: []string{"talktime"}, CommonName: "simulated CC-Gateway"},
		NotBefore:    at.Add(-validBefore),
		NotAfter:     a.certificate.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = append(leaf.IPAddresses, ip)
	}
	switch wrong {
	case CertificateExpired:
		leaf.NotAfter = at.Add(-time.Minute)
	case CertificateWrongName:
		leaf.DNSNames, leaf.IPAddresses = []string{"gateway.invalid"}, nil
	case CertificateUnknownCA: // of the same name, with another key
		if a, err = newAuthority(at); err != nil {
			return server, err
		}
	case CertificateGood:
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return server, err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return server, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// serial draws a positive serial number, as no two certificates may share one.
func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}
