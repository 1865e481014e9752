package store

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Proof says how much of a server's identity a connection has proved. A
// later one proves more.
type Proof uint8

// What sslmode leaves open: disable everything; allow, prefer and require who
// the server is; verify-ca which of an authority's servers it is; verify-full
// nothing.
const (
	NothingProved   Proof = iota // not encrypted
	EncryptedOnly                // to a server that may be anybody
	AuthorityProved              // to any server of the authority
	NameProved                   // to the server that database.url names
)

// Connection is the way to the server.
type Connection struct {
	IsLocal  bool // through a Unix socket or the loopback interface: nobody else hears it
	Proof    Proof
	NotAfter time.Time // when the server's certificate expires; zero without TLS
}

// connectionOf looks at a connection that stands: what the handshake has proved
// counts, not what the settings say.
func connectionOf(conn *pgx.Conn) Connection {
	c := Connection{IsLocal: isLocal(conn.PgConn().Conn().RemoteAddr())}
	encrypted, ok := conn.PgConn().Conn().(*tls.Conn)
	if !ok {
		return c
	}
	state := encrypted.ConnectionState()
	c.NotAfter = state.PeerCertificates[0].NotAfter.UTC()
	switch config := conn.Config().TLSConfig; {
	case len(state.VerifiedChains) > 0:
		c.Proof = NameProved
	case config != nil && config.VerifyPeerCertificate != nil: // the driver's own, for verify-ca
		c.Proof = AuthorityProved
	default:
		c.Proof = EncryptedOnly
	}
	return c
}

func isLocal(server net.Addr) bool {
	tcp, isTCP := server.(*net.TCPAddr)
	return !isTCP || tcp.IP.IsLoopback()
}

// AdvisedError is an error of Open that knows what to do about it.
type AdvisedError struct {
	Cause  error
	Advice string
}

// Error says both.
func (e *AdvisedError) Error() string { return e.Cause.Error() + "; " + e.Advice }

// Unwrap returns the cause.
func (e *AdvisedError) Unwrap() error { return e.Cause }

// tlsFailure words a connection that failed over TLS or certificates; it is nil
// where something else was the matter.
func tlsFailure(err error) error {
	if other, ok := errors.AsType[x509.HostnameError](err); ok {
		return &AdvisedError{other, "write the host into database.url as the certificate names it, or give the server a certificate for " + other.Host}
	}
	if stranger, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return &AdvisedError{stranger, "name the authority that signed the server's certificate: sslrootcert=/path/to/ca.pem in database.url"}
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return &AdvisedError{invalid, "give the server a new certificate, or set the clock that is wrong"}
	}
	if strings.Contains(err.Error(), "server refused TLS connection") {
		return &AdvisedError{errors.New("the server speaks no TLS"), "set ssl = on in its postgresql.conf, with a certificate that names its host"}
	}
	return nil
}

// notAnAddress words why the driver does not take a database URL. Its own text
// may repeat parts of the URL; the path of a file is no secret.
func notAnAddress(err error) error {
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("database.url names a file that cannot be read: %w", file)
	}
	return errors.New("database.url is not a valid Postgres URL or key=value string")
}
