package ccgateway_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"talktime/ingest"
)

// A gateway that cannot be verified or reached is never sent a request, and the
// log says why.
func TestUnreachable(t *testing.T) {
	spoilt := func(change func(*x509.Certificate)) func(*testing.T, *setup) {
		return func(t *testing.T, s *setup) {
			ca := newAuthority(t)
			s.cfg.CAFile = ca.file
			s.server.TLS.Certificates = []tls.Certificate{ca.issue(t, change)}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*testing.T, *setup)
		why    string
	}{
		{"another authority", func(t *testing.T, s *setup) { s.cfg.CAFile = newAuthority(t).file }, "x509: certificate signed by unknown authority"},
		{"system's authorities", func(_ *testing.T, s *setup) { s.cfg.CAFile = "" }, "x509:"},
		{"another name", spoilt(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"gateway.example"} }), "x509: cannot validate certificate for 127.0.0.1"},
		{"expired", spoilt(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "certificate has expired"},
		{"not yet valid", spoilt(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), "not yet valid"},
		{"a client's certificate", spoilt(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), "incompatible key usage"},
		{"TLS 1.1", func(_ *testing.T, s *setup) {
			s.server.TLS.MinVersion, s.server.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}, "protocol version"},
		{"nobody listens", func(t *testing.T, s *setup) {
			gone, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s.cfg.BaseURL = "https://" + gone.Addr().String()
			_ = gone.Close()
		}, "connection refused"},
		{"hangs up at once", func(t *testing.T, s *setup) {
			s.cfg.BaseURL = "https://" + speaks(t, "")
		}, "EOF|reset by peer"},
		{"not TLS", func(t *testing.T, s *setup) {
			s.cfg.BaseURL = "https://" + speaks(t, "220 mail.example ESMTP\r\n")
		}, "first record does not look like a TLS handshake"},
		{"half-open", func(t *testing.T, s *setup) {
			s.cfg.BaseURL, s.cfg.Timeout = "https://"+newMute(t).Addr().String(), 50*time.Millisecond
		}, "timeout|no whole reply within 50ms"},
		{"deaf", func(t *testing.T, s *setup) {
			deaf, err := net.Listen("tcp", "127.0.0.1:0") // never accepts
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = deaf.Close() })
			s.cfg.BaseURL, s.cfg.Timeout = "https://"+deaf.Addr().String(), 50*time.Millisecond
		}, "timeout|no whole reply within 50ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") },
				func(s *setup) { c.change(t, s) })
			if got := b.Poll(t.Context(), 101); got.Outcome != ingest.Unreachable || got.Retcode != "" {
				t.Errorf("got %+v", got)
			}
			if log := b.log.String(); !regexp.MustCompile(c.why).MatchString(log) || strings.Contains(log, guid101) {
				t.Errorf("the log does not say %q, or shows the GUID:\n%s", c.why, log)
			}
		})
	}
}

// speaks accepts connections, says a word and hangs up.
func speaks(t *testing.T, word string) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, word)
			_, _ = conn.Read(make([]byte, 1)) // a byte of the client's, lest the word be lost
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

// A gateway of plain HTTP is told from one of HTTPS.
func TestPlainHTTPBehindHTTPS(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := &http.Server{
		Handler:           http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was sent in the clear") }),
		ReadHeaderTimeout: time.Second,
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = plain.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = plain.Close()
		<-served
	})
	b := newBench(t, says(idle), func(s *setup) { s.cfg.BaseURL = "https://" + listener.Addr().String() })
	if got := b.Poll(t.Context(), 101); got.Outcome != ingest.Unreachable {
		t.Errorf("got %+v", got)
	}
}

// The recorder does not take the environment's word for a proxy.
func TestNoProxyFromTheEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	b := newBench(t, says(idle))
	if got := b.Poll(t.Context(), 101); got.Outcome != ingest.Observed {
		t.Errorf("got %+v", got)
	}
}
