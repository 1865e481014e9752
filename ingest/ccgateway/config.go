package ccgateway

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"strings"
	"time"

	"talktime/ingest"
)

// Config is the section "gateway" of the configuration; errors name its keys.
type Config struct {
	BaseURL     string         // https://host:port, nothing else
	CAFile      string         // PEM certificates to trust instead of the system's; may be empty
	Timeout     time.Duration  // for one attempt, connecting included
	Concurrency int            // requests out at once, and so connections kept
	MaxRate     float64        // requests per second, retries included; 0 is no limit
	AuthMode    int            // the gateway's AUTHMODE, 1 or 2
	MaxAgentID  ingest.AgentID // highest agent id of the gateway's edition
}

// check returns every fault of the configuration, and the certificates to
// trust (nil: the system's).
func (cfg Config) check() (*x509.CertPool, error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	if err := checkBaseURL(cfg.BaseURL); err != nil {
		faults = append(faults, err)
	}
	roots, err := readRoots(cfg.CAFile)
	if err != nil {
		faults = append(faults, err)
	}
	if cfg.Timeout <= 0 {
		fault("gateway.timeout %s must be above 0, such as 3s", cfg.Timeout)
	}
	if cfg.Concurrency < 1 {
		fault("gateway.concurrency %d must be at least 1", cfg.Concurrency)
	}
	if cfg.MaxRate < 0 || math.IsNaN(cfg.MaxRate) || math.IsInf(cfg.MaxRate, 0) {
		fault("gateway.max_rate %v must be requests per second, or 0 for no limit", cfg.MaxRate)
	}
	if cfg.AuthMode != AuthModeStatic && cfg.AuthMode != AuthModeDynamic {
		fault("gateway.auth_mode %d must be 1 (static) or 2 (dynamic)", cfg.AuthMode)
	}
	if err := checkMaxID(cfg.MaxAgentID); err != nil {
		faults = append(faults, err)
	}
	return roots, errors.Join(faults...)
}

// checkBaseURL quotes neither a URL that it cannot take apart or that may have
// a user in it, nor a query or fragment: there may be a password.
func checkBaseURL(base string) error {
	u, err := url.Parse(base)
	shown := base
	if end := strings.IndexAny(base, "?#"); end >= 0 {
		shown = base[:end] + "…"
	}
	switch {
	case base == "":
		return errors.New("gateway.url is missing; give https://host:port")
	case err != nil:
		return errors.New("gateway.url is not a URL; give https://host:port")
	case u.User != nil, strings.Contains(u.Opaque, "@"):
		return errors.New("gateway.url holds a user or password; give https://host:port only")
	case u.Scheme != "https":
		return fmt.Errorf("gateway.url %q must begin with https://, for GUIDs are never sent in the clear", shown)
	case u.Hostname() == "":
		return fmt.Errorf("gateway.url %q names no host; give https://host:port", shown)
	case u.Port() == "":
		return fmt.Errorf("gateway.url %q names no port; a CC-Gateway listens on 8043", shown)
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return fmt.Errorf("gateway.url %q must be https://host:port and nothing after it", shown)
	}
	return nil
}

func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read gateway.ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read gateway.ca_file %s: no certificate in PEM form (-----BEGIN CERTIFICATE-----)", file)
	}
	return roots, nil
}
