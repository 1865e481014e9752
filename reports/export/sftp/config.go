package sftp

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"talktime/reports/export"
)

// Config says which folder of which server is meant, and how to reach it.
// Errors name its keys as the configuration has them.
type Config struct {
	Host       string
	Port       int // 0 is 22
	User       string
	Folder     string // on the server; relative to where the account begins
	KnownHosts string // file of host keys, as OpenSSH's
	// KeyFile is a private key without a passphrase, PasswordFile a password.
	// One of them or both are given; both files are of mode 0600.
	KeyFile, PasswordFile string
	// Timeout is how long the server may be silent; 0 is 30 s.
	Timeout time.Duration
}

// The defaults, and the least and longest silence that makes sense.
const (
	defaultPort    = 22
	defaultTimeout = 30 * time.Second
	minTimeout     = time.Second
	maxTimeout     = 10 * time.Minute
)

// Destination is a folder on an SFTP server.
type Destination struct{ cfg Config }

// New returns the destination, or all faults of its configuration. It reads the
// files named there, which are read again whenever the destination is opened,
// and does not look for the server.
func New(cfg Config) (*Destination, error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if cfg.Port == 0 {
		cfg.Port = defaultPort
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Host == "" || strings.ContainsAny(cfg.Host, " \t@/[]") {
		fault("host %q is not the name or address of a server", cfg.Host)
	}
	if cfg.Port < 1 || cfg.Port > 65535 {
		fault("port %d is outside 1-65535", cfg.Port)
	}
	if cfg.User == "" {
		fault("user is missing")
	}
	if cfg.Folder == "" {
		fault("folder is missing; . is where the account begins")
	}
	if cfg.Timeout < minTimeout || cfg.Timeout > maxTimeout {
		fault("timeout %s is outside %s to %s", cfg.Timeout, minTimeout, maxTimeout)
	}
	d := &Destination{cfg}
	if _, err := d.hosts(); err != nil {
		faults = append(faults, err)
	}
	if _, err := d.proofs(); err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return d, nil
}

// String returns the folder as a URL without any secret.
func (d *Destination) String() string {
	folder := d.cfg.Folder
	if !strings.HasPrefix(folder, "/") {
		folder = "/~/" + folder
	}
	return "sftp://" + d.cfg.User + "@" + d.address() + folder
}

func (d *Destination) address() string { return net.JoinHostPort(d.cfg.Host, strconv.Itoa(d.cfg.Port)) }

// proofs returns the ways in which the account is proven, as the files say now.
func (d *Destination) proofs() ([]ssh.AuthMethod, error) {
	var proofs []ssh.AuthMethod
	var faults []error
	if d.cfg.KeyFile != "" {
		signer, err := readKey(d.cfg.KeyFile)
		if err != nil {
			faults = append(faults, fmt.Errorf("key_file: %w", err))
		}
		proofs = append(proofs, ssh.PublicKeys(signer))
	}
	if d.cfg.PasswordFile != "" {
		secret, err := export.ReadSecret(d.cfg.PasswordFile)
		if err != nil {
			faults = append(faults, fmt.Errorf("password_file: %w", err))
		}
		password := strings.TrimRight(secret.Reveal(), "\r\n")
		proofs = append(proofs, ssh.Password(password), ssh.KeyboardInteractive(answers(password)))
	}
	if d.cfg.KeyFile == "" && d.cfg.PasswordFile == "" {
		faults = append(faults, errors.New("key_file or password_file is missing"))
	}
	return proofs, errors.Join(faults...)
}

func readKey(path string) (ssh.Signer, error) {
	secret, err := export.ReadSecret(path)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey([]byte(secret.Reveal()))
	if _, isLocked := errors.AsType[*ssh.PassphraseMissingError](err); isLocked {
		return nil, fmt.Errorf("the key %s has a passphrase, and nobody is there to type it: use a key of its own without one", path)
	}
	if err != nil {
		return nil, fmt.Errorf("the key %s is not a private key as ssh-keygen writes it", path)
	}
	return signer, nil
}

// answers gives the password to servers that ask for it as a question.
func answers(password string) ssh.KeyboardInteractiveChallenge {
	return func(_, _ string, questions []string, echos []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i, isShown := range echos {
			if !isShown {
				answers[i] = password
			}
		}
		return answers, nil
	}
}
