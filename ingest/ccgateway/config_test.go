package ccgateway_test

import (
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"talktime/ingest/ccgateway"
)

func TestNewTellsAllFaults(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "ca.pem")
	write(t, garbage, "no certificate\n")
	_, err := ccgateway.New(ccgateway.Config{
		BaseURL: "http://gateway:8043", CAFile: garbage, Timeout: 0, Concurrency: 0,
		MaxRate: -1, AuthMode: 3, MaxAgentID: 1000000,
	}, nil, newClock(), slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{
		`gateway.url "http://gateway:8043" must begin with https://, for GUIDs are never sent in the clear`,
		"read gateway.ca_file " + garbage + ": no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
		"gateway.timeout 0s must be above 0, such as 3s",
		"gateway.concurrency 0 must be at least 1",
		"gateway.max_rate -1 must be requests per second, or 0 for no limit",
		"gateway.auth_mode 3 must be 1 (static) or 2 (dynamic)",
		"agents.max_id 1000000 is outside 101-999999",
	}
	if got := err.Error(); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestNewRefuses(t *testing.T) {
	url := func(u string) func(*ccgateway.Config) { return func(c *ccgateway.Config) { c.BaseURL = u } }
	for _, c := range []struct {
		name   string
		change func(*ccgateway.Config)
		err    string
	}{
		{"no URL", url(""), "gateway.url is missing"},
		{"no scheme", url("gateway:8043"), "must begin with https://"},
		{"no URL at all", url("https://[::1"), "gateway.url is not a URL"},
		{"no host", url("https://:8043"), "names no host"},
		{"no port", url("https://gateway"), "names no port; a CC-Gateway listens on 8043"},
		{"a path", url("https://gateway:8043/agentgateway"), "must be https://host:port and nothing after it"},
		{"a query", url("https://gateway:8043/?x=1"), "nothing after it"},
		{"a fragment", url("https://gateway:8043#x"), "nothing after it"},
		{"a password", url("https://admin:pa55word@gateway:8043"), "holds a user or password"},
		{"no such file", func(c *ccgateway.Config) { c.CAFile = "no/such/ca.pem" }, "read gateway.ca_file: open no/such/ca.pem: no such file or directory"},
		{"rate not a number", func(c *ccgateway.Config) { c.MaxRate = math.NaN() }, "gateway.max_rate NaN"},
		{"rate without end", func(c *ccgateway.Config) { c.MaxRate = math.Inf(1) }, "gateway.max_rate +Inf"},
		{"no agent at all", func(c *ccgateway.Config) { c.MaxAgentID = 100 }, "agents.max_id 100 is outside 101-999999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := ccgateway.Config{
				BaseURL: "https://gateway:8043/", Timeout: time.Second, Concurrency: 1,
				AuthMode: ccgateway.AuthModeDynamic, MaxAgentID: 101,
			}
			if _, err := ccgateway.New(cfg, nil, newClock(), slog.New(slog.DiscardHandler)); err != nil {
				t.Fatalf("the sound configuration: %v", err)
			}
			c.change(&cfg)
			_, err := ccgateway.New(cfg, nil, newClock(), slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "pa55word") {
				t.Errorf("got %v, want %q", err, c.err)
			}
		})
	}
}
