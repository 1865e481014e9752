package gatewaysim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
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

// certify makes a certificate authority and a server certificate it signed, for
// loopback and the given host, unless something shall be wrong with it. The
// authority's key is forgotten with the call.
func certify(at time.Time, host string, wrong Certificate) (caPEM []byte, server tls.Certificate, err error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, server, err
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
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, server, err
	}
	leaf := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{Organization: []string{"talktime"}, CommonName: "simulated CC-Gateway"},
		NotBefore:    ca.NotBefore,
		NotAfter:     ca.NotAfter,
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
	case CertificateUnknownCA: // one of the same name, and another key
		if caKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, server, err
		}
	case CertificateGood:
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, server, err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return nil, server, err
	}
	caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	return caPEM, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// serial draws a positive serial number, as no two certificates may share one.
func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}
