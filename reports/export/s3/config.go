package s3

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"talktime/reports/export"
)

// Config says which part of which bucket is meant, and how to reach it. Errors
// name its keys as the configuration has them.
type Config struct {
	// Endpoint is https://host or https://host:port.
	Endpoint string
	// AllowPlainLoopback admits http:// where the host is this machine.
	AllowPlainLoopback bool
	Region             string // empty: us-east-1
	Bucket             string
	Prefix             string // before the names, as talktime/daily; / at its ends is ignored
	PathStyle          bool   // https://host/bucket rather than https://bucket.host
	CAFile             string // PEM certificates to trust instead of the system's; may be empty
	// CredentialsFile is of mode 0600 and of the form of ~/.aws/credentials.
	CredentialsFile string
	// Timeout is how long the server may be silent; 0 is one minute.
	Timeout time.Duration
}

const (
	defaultRegion  = "us-east-1"
	defaultTimeout = time.Minute
	minTimeout     = time.Second
	maxTimeout     = 10 * time.Minute
)

// Destination is a part of a bucket.
type Destination struct {
	cfg      Config
	endpoint *url.URL
}

// Bucket names as Amazon has them, and the characters of a prefix that need no
// encoding anywhere.
var (
	bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)
)

// New returns the destination, or all faults of its configuration. It reads the
// files named there, which are read again whenever the destination is opened,
// and does not look for the server.
func New(cfg Config) (*Destination, error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if cfg.Region == "" {
		cfg.Region = defaultRegion
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	d := &Destination{cfg: cfg}
	d.cfg.Prefix = strings.Trim(cfg.Prefix, "/")
	var err error
	if d.endpoint, err = parseEndpoint(cfg.Endpoint, cfg.AllowPlainLoopback); err != nil {
		faults = append(faults, err)
	}
	if !bucketPattern.MatchString(cfg.Bucket) || strings.Contains(cfg.Bucket, "..") {
		fault("bucket %q is not the name of a bucket: 3 to 63 of a-z 0-9 . -", cfg.Bucket)
	}
	if prefix := d.cfg.Prefix; prefix != "" && (!prefixPattern.MatchString(prefix) || strings.Contains(prefix, "..")) {
		fault("prefix %q is not of A-Z a-z 0-9 _ . - and single / between them", cfg.Prefix)
	}
	if cfg.Timeout < minTimeout || cfg.Timeout > maxTimeout {
		fault("timeout %s is outside %s to %s", cfg.Timeout, minTimeout, maxTimeout)
	}
	if _, err := readRoots(cfg.CAFile); err != nil {
		faults = append(faults, err)
	}
	if _, err := d.account(); err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return d, nil
}

// parseEndpoint quotes no endpoint that may have a password in it.
func parseEndpoint(text string, allowPlainLoopback bool) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("endpoint is missing; give https://host")
	case err != nil || u.User != nil || u.Opaque != "":
		return nil, errors.New("endpoint is not of the form https://host or https://host:port; keys belong in credentials_file")
	case u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("endpoint %q must be https://host or https://host:port and nothing after it", text)
	case u.Scheme == "http" && allowPlainLoopback && isLoopback(u.Hostname()):
		return u, nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil, fmt.Errorf("endpoint %q would send figures in the clear; for a server on this machine allow it with allow_plain_loopback", text)
	case u.Scheme != "https":
		return nil, fmt.Errorf("endpoint %q must begin with https://, for figures about people are never sent in the clear", text)
	}
	return u, nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read ca_file %s: no certificate in PEM form (-----BEGIN CERTIFICATE-----)", file)
	}
	return roots, nil
}

func (d *Destination) account() (account, error) {
	if d.cfg.CredentialsFile == "" {
		return account{}, errors.New("credentials_file is missing")
	}
	secret, err := export.ReadSecret(d.cfg.CredentialsFile)
	if err != nil {
		return account{}, fmt.Errorf("credentials_file: %w", err)
	}
	a, err := parseAccount(secret.Reveal())
	if err != nil {
		return account{}, fmt.Errorf("credentials_file %s %w", d.cfg.CredentialsFile, err)
	}
	return a, nil
}

// key returns the key of the object that is a file.
func (d *Destination) key(name string) string {
	if d.cfg.Prefix == "" {
		return name
	}
	return d.cfg.Prefix + "/" + name
}

// String returns the place as a URL without any secret.
func (d *Destination) String() string { return "s3://" + d.cfg.Bucket + "/" + d.cfg.Prefix }
