package sftp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"talktime/reports/export"
	"talktime/reports/export/sftp"
)

// What is wrong with the server or the account is told in a sentence, once.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		lines  []string
		change func(*server, *sftp.Config)
		want   string // a pattern
	}{
		{"another host key", nil, func(s *server, _ *sftp.Config) {
			s.know(public(s.t, newKey(s.t)))
		}, `host key ssh-ed25519 SHA256:\S+ is not the one of \S+/known_hosts line 2: either somebody stands in between, or the server has a new key\. Compare`},
		{"a revoked host key", nil, func(s *server, _ *sftp.Config) {
			known, _ := os.ReadFile(s.path("known_hosts"))
			s.write("known_hosts", append(known, "@revoked * "+string(ssh.MarshalAuthorizedKey(s.hostKey))...))
		}, `is revoked by \S+/known_hosts line 3: do not use that server`},
		{"an account's key the server does not know", nil, func(s *server, _ *sftp.Config) {
			s.write("client_key", privatePEM(s.t, newKey(s.t), ""))
		}, `the server does not let \w+ in: .*; have the server's operator add the public key of key_file \(ssh-keygen -y -f \S+/client_key\)`},
		{"another user", nil, func(_ *server, cfg *sftp.Config) { cfg.User = "nobody-here" }, `the server does not let nobody-here in`},
		{"no SFTP", []string{"Subsystem other /bin/false"}, nil, `lets the account in, but does not offer it SFTP`},
		{"no folder", nil, func(_ *server, cfg *sftp.Config) { cfg.Folder += "/gone" }, `there is no folder \S+/gone on the server; make it`},
		{"a file for a folder", nil, func(s *server, cfg *sftp.Config) { cfg.Folder = s.path("host_key") }, `\S+/host_key on the server is not a folder`},
		{"a folder the account may not write to", nil, func(_ *server, cfg *sftp.Config) { cfg.Folder = "/sys" }, `the account may not do that in /sys; have the server's operator allow it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, c.lines...)
			cfg := s.config()
			if c.change != nil {
				c.change(s, &cfg)
			}
			d, err := sftp.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			_, err = newCourier().Deliver(t.Context(), d, delivery(10))
			if err == nil || !regexp.MustCompile(c.want).MatchString(err.Error()) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
			if n := s.connections.Load(); n > 1 {
				t.Errorf("it was tried %d times", n)
			}
			if got := s.files(); len(got) > 0 {
				t.Error(brief(got))
			}
		})
	}
}

// A server with several host keys shows the one that is known.
func TestKnownKeyOfAnotherType(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/ecdsa"
	if err := os.WriteFile(file, privatePEM(t, key, ""), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, "HostKey "+file)
	s.know(public(t, key))
	if _, err := newCourier().Deliver(t.Context(), s.destination(), delivery(10)); err != nil {
		t.Error(err)
	}
}

// Nobody listens there: that may pass, and is tried to the end.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	d := s.destination()
	_ = s.listener.Close()
	_, err := newCourier().Deliver(t.Context(), d, delivery(10))
	if !export.MayPass(err) || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
}

// All faults of a configuration are told at once, none with a secret in it.
func TestConfigRefused(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	good := s.config()
	s.write("locked", privatePEM(t, newKey(t), "a passphrase"))
	s.write("no_key", []byte("hunter2"))
	s.write("empty", nil)
	s.write("wide", []byte("hunter2"))
	if err := os.Chmod(s.path("wide"), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*sftp.Config)
		want   []string
	}{
		{"nothing at all", func(cfg *sftp.Config) { *cfg = sftp.Config{} }, []string{
			`host "" is not`, "user is missing", "folder is missing", "known_hosts is missing", "key_file or password_file is missing",
		}},
		{"another server", func(cfg *sftp.Config) { cfg.Port = 2222 }, []string{
			"known_hosts has no key of [127.0.0.1]:2222; get it with ssh-keyscan -p 2222 127.0.0.1, and compare its fingerprint",
		}},
		{"no such known_hosts", func(cfg *sftp.Config) { cfg.KnownHosts = s.path("gone") }, []string{"known_hosts: open ", "no such file"}},
		{"no known_hosts in it", func(cfg *sftp.Config) { cfg.KnownHosts = s.path("no_key") }, []string{"no_key:1: "}},
		{"a user in the host", func(cfg *sftp.Config) { cfg.Host = "me@there" }, []string{`host "me@there" is not`}},
		{"a port", func(cfg *sftp.Config) { cfg.Port = 70000 }, []string{"port 70000 is outside 1-65535"}},
		{"a time-out", func(cfg *sftp.Config) { cfg.Timeout = 1 }, []string{"timeout 1ns is outside 1s to 10m0s"}},
		{"a locked key", func(cfg *sftp.Config) { cfg.KeyFile = s.path("locked") }, []string{"key_file: the key ", "has a passphrase, and nobody is there to type it"}},
		{"no key", func(cfg *sftp.Config) { cfg.KeyFile = s.path("no_key") }, []string{"is not a private key as ssh-keygen writes it"}},
		{"no such key", func(cfg *sftp.Config) { cfg.KeyFile = s.path("gone") }, []string{"key_file: read a secret: ", "no such file"}},
		{"a secret all may read", func(cfg *sftp.Config) { cfg.PasswordFile = s.path("wide") }, []string{"password_file: read the secret ", "its mode 0640 is wider than 0600; run: chmod 600 "}},
		{"an empty secret", func(cfg *sftp.Config) { cfg.PasswordFile = s.path("empty") }, []string{"it is empty"}},
		{"a folder for a secret", func(cfg *sftp.Config) { cfg.PasswordFile = s.dir }, []string{"it is not a regular file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			c.change(&cfg)
			_, err := sftp.New(cfg)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, want := range append(c.want, "") {
				if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v\nwant %s", err, want)
				}
			}
		})
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	cfg := s.config()
	cfg.User, cfg.Folder = "me", "/in"
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	for folder, want := range map[string]string{"/in": "/in", "in": "/~/in"} {
		cfg.Folder = folder
		d, err := sftp.New(cfg)
		if err != nil || d.String() != "sftp://me@127.0.0.1:"+port+want {
			t.Error(d, err)
		}
	}
}
