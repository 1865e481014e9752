package sftp

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hosts is what known_hosts says of the server.
type hosts struct {
	check      ssh.HostKeyCallback
	algorithms []string // of the keys that it names
}

// hosts reads known_hosts. That the server is not in it at all is told without
// asking the server.
func (d *Destination) hosts() (hosts, error) {
	file := d.cfg.KnownHosts
	if file == "" {
		return hosts{}, fmt.Errorf("known_hosts is missing: a file with the server's host key; %s", d.remedy())
	}
	callback, err := knownhosts.New(file)
	if err != nil {
		return hosts{}, fmt.Errorf("known_hosts: %w", err)
	}
	keys, err := knownKeys(callback, d.address())
	if err != nil {
		return hosts{}, fmt.Errorf("known_hosts %s: %w", file, err)
	}
	if len(keys) == 0 {
		return hosts{}, fmt.Errorf("known_hosts %s has no key of %s; %s", file, knownhosts.Normalize(d.address()), d.remedy())
	}
	h := hosts{check: func(address string, remote net.Addr, key ssh.PublicKey) error {
		return whyRefused(callback(address, remote, key), key)
	}}
	for _, known := range keys {
		h.algorithms = append(h.algorithms, algorithmsOf(known.Key.Type())...)
	}
	return h, nil
}

// remedy says how to get the server's key.
func (d *Destination) remedy() string {
	return fmt.Sprintf("get it with ssh-keyscan -p %d %s, and compare its fingerprint with what the server's operator tells you", d.cfg.Port, d.cfg.Host)
}

// knownKeys returns the keys known of an address, by asking for one that cannot
// be known.
func knownKeys(callback ssh.HostKeyCallback, address string) ([]knownhosts.KnownKey, error) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	unknown, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	err = callback(address, &net.TCPAddr{}, unknown)
	if wrong, isWrong := errors.AsType[*knownhosts.KeyError](err); isWrong {
		return wrong.Want, nil
	}
	return nil, err
}

// algorithmsOf returns the signatures that keys of a type make. Without them a
// server would show its first key, which may be of another type than the known
// one.
func algorithmsOf(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}

// HostKeyError says that a server is not, or no longer, the one meant.
type HostKeyError struct {
	Shown string // type and fingerprint of the key it showed
	Lines []string
	// IsRevoked is set where known_hosts says that the key must not be used.
	IsRevoked bool
}

func (e *HostKeyError) Error() string {
	where := strings.Join(e.Lines, ", ")
	if e.IsRevoked {
		return fmt.Sprintf("host key %s is revoked by %s: do not use that server before its operator has explained", e.Shown, where)
	}
	return fmt.Sprintf("host key %s is not the one of %s: either somebody stands in between, or the server has a new key. "+
		"Compare the fingerprint with what its operator tells you, and only then replace that line", e.Shown, where)
}

// whyRefused makes a sentence of what known_hosts says of a key.
func whyRefused(err error, key ssh.PublicKey) error {
	shown := key.Type() + " " + ssh.FingerprintSHA256(key)
	if revoked, isRevoked := errors.AsType[*knownhosts.RevokedError](err); isRevoked {
		return &HostKeyError{Shown: shown, Lines: linesOf(revoked.Revoked), IsRevoked: true}
	}
	if wrong, isWrong := errors.AsType[*knownhosts.KeyError](err); isWrong {
		return &HostKeyError{Shown: shown, Lines: linesOf(wrong.Want...)}
	}
	return err
}

func linesOf(keys ...knownhosts.KnownKey) []string {
	var lines []string
	for _, key := range keys {
		if line := fmt.Sprintf("%s line %d", key.Filename, key.Line); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}
