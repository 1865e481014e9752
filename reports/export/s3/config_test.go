package s3_test

import (
	"os"
	"strings"
	"testing"

	"talktime/reports/export/s3"
)

// All faults of a configuration are told at once, none with a secret in it.
func TestConfigRefused(t *testing.T) {
	s := newSetup(t)
	s.cfg.Endpoint = "https://127.0.0.1:9000"
	s.write("wide", []byte("aws_secret_access_key = "+secretKey))
	if err := os.Chmod(s.path("wide"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.write("half", []byte("aws_secret_access_key = "+secretKey))
	s.write("other", []byte("[default]\n\n# ours\n"+secretKey))
	s.write("process", []byte("credential_process = rm "+secretKey))
	for _, c := range []struct {
		name   string
		change func(*s3.Config)
		want   []string
	}{
		{"nothing at all", func(cfg *s3.Config) { *cfg = s3.Config{} }, []string{"endpoint is missing", `bucket "" is not`, "credentials_file is missing"}},
		{"in the clear", func(cfg *s3.Config) { cfg.Endpoint = "http://s3.example" }, []string{"must begin with https://, for figures about people"}},
		{"in the clear, allowed", func(cfg *s3.Config) {
			cfg.Endpoint, cfg.AllowPlainLoopback = "http://s3.example", true
		}, []string{"must begin with https://"}},
		{"in the clear on this machine", func(cfg *s3.Config) { cfg.Endpoint = "http://[::1]:9000" }, []string{"allow it with allow_plain_loopback"}},
		{"keys in the endpoint", func(cfg *s3.Config) { cfg.Endpoint = "https://me:" + secretKey + "@s3.example" }, []string{"keys belong in credentials_file"}},
		{"no URL", func(cfg *s3.Config) { cfg.Endpoint = "https://%zz" + secretKey }, []string{"endpoint is not of the form"}},
		{"no scheme", func(cfg *s3.Config) { cfg.Endpoint = "s3.example:9000" }, []string{"endpoint is not of the form"}},
		{"a path", func(cfg *s3.Config) { cfg.Endpoint = "https://s3.example/exports" }, []string{"and nothing after it"}},
		{"a bucket", func(cfg *s3.Config) { cfg.Bucket = "Exports" }, []string{`bucket "Exports" is not the name of a bucket`}},
		{"a prefix", func(cfg *s3.Config) { cfg.Prefix = "a/../b" }, []string{`prefix "a/../b" is not of`}},
		{"a prefix with a hole", func(cfg *s3.Config) { cfg.Prefix = "a//b" }, []string{`prefix "a//b" is not of`}},
		{"a time-out", func(cfg *s3.Config) { cfg.Timeout = 1 }, []string{"timeout 1ns is outside 1s to 10m0s"}},
		{"no such CA", func(cfg *s3.Config) { cfg.CAFile = s.path("gone") }, []string{"read ca_file: open "}},
		{"no CA in it", func(cfg *s3.Config) { cfg.CAFile = s.path("half") }, []string{"no certificate in PEM form"}},
		{"credentials all may read", func(cfg *s3.Config) { cfg.CredentialsFile = s.path("wide") }, []string{"its mode 0644 is wider than 0600; run: chmod 600"}},
		{"half of them", func(cfg *s3.Config) { cfg.CredentialsFile = s.path("half") }, []string{"has no aws_access_key_id and aws_secret_access_key"}},
		{"something else", func(cfg *s3.Config) { cfg.CredentialsFile = s.path("other") }, []string{"line 4: it is neither key = value nor [default]"}},
		{"a program to run", func(cfg *s3.Config) { cfg.CredentialsFile = s.path("process") }, []string{"line 1: it is not aws_access_key_id"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := s.cfg
			c.change(&cfg)
			_, err := s3.New(cfg)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secretKey) {
					t.Errorf("got %v\nwant %s", err, want)
				}
			}
		})
	}
}

func TestString(t *testing.T) {
	s := newSetup(t)
	s.cfg.Endpoint = "https://s3.example"
	for prefix, want := range map[string]string{"": "s3://exports/", "a": "s3://exports/a", "/a/b/": "s3://exports/a/b"} {
		s.cfg.Prefix = prefix
		if got := s.destination().String(); got != want {
			t.Errorf("%q: got %s, want %s", prefix, got, want)
		}
	}
}
