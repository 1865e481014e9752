package s3_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"talktime/reports/export"
)

// serve starts a server over TLS that a setup's certificate is for.
func (s *setup) serve(handle http.HandlerFunc) {
	s.t.Helper()
	server := httptest.NewUnstartedServer(handle)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{s.certificate}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	s.t.Cleanup(server.Close)
	s.cfg.Endpoint = server.URL
}

// says answers with an error of the protocol.
func says(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>as it says</Message></Error>`, code)
	}
}

// What the server says is told with what to do; what may pass is asked again,
// six times in all, and nothing else is.
func TestServerRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		handle   http.HandlerFunc
		mayPass  bool
		want     string
		attempts int64
	}{
		{"no rights", says(403, "AccessDenied"), false, "allow this account s3:PutObject and s3:GetObject on s3://exports/talktime/daily/* and s3:ListBucket on the bucket exports", 1},
		{"an account it does not know", says(403, "InvalidAccessKeyId"), false, "/credentials", 1},
		{"another secret", says(403, "SignatureDoesNotMatch"), false, "/credentials", 1},
		{"no bucket", says(404, "NoSuchBucket"), false, "make the bucket exports, or correct bucket", 1},
		{"a clock that is off", says(403, "RequestTimeTooSkewed"), false, "set this machine's clock", 1},
		{"another region", says(400, "AuthorizationHeaderMalformed"), false, "correct region or endpoint", 1},
		{"too fast", says(503, "SlowDown"), true, "the server says SlowDown (HTTP 503)", 6},
		{"its own trouble", says(500, "InternalError"), true, "the server says InternalError (HTTP 500)", 6},
		{"a proxy's trouble", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "<html>bad gateway</html>")
		}, true, "(HTTP 502)", 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			var attempts atomic.Int64
			s.serve(func(w http.ResponseWriter, r *http.Request) {
				if _, isList := r.URL.Query()["uploads"]; isList && r.URL.Query().Get("prefix") == "talktime/daily/daily_r1.csv" {
					attempts.Add(1)
				}
				c.handle(w, r)
			})
			_, err := newCourier().Deliver(t.Context(), s.destination(), delivery(10))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secretKey) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
			if n := attempts.Load(); n != c.attempts || export.MayPass(err) != c.mayPass {
				t.Errorf("%d attempts, may pass: %v", n, export.MayPass(err))
			}
		})
	}
}

// A server that is not the one meant, or none, is never sent a file.
func TestServerIsNotTheOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		change  func(*setup)
		mayPass bool
		want    string
	}{
		{"another authority", func(s *setup) { s.cfg.CAFile = newSetup(s.t).path("ca.pem") }, false, "give the certificate of the server's authority in ca_file"},
		{"the system's authorities", func(s *setup) { s.cfg.CAFile = "" }, false, "in ca_file"},
		{"another name", func(s *setup) { s.cfg.Endpoint = strings.Replace(s.cfg.Endpoint, "127.0.0.1", "localhost", 1) }, false, "the name it is made for in endpoint"},
		{"a bucket's host name that is nobody's", func(s *setup) {
			s.cfg.PathStyle = false
			s.cfg.Endpoint = "https://talktime.invalid"
		}, false, "path_style for a server that has no host name for each bucket"},
		{"no TLS", func(s *setup) {
			plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.t.Error("it was asked in the clear") }))
			s.t.Cleanup(plain.Close)
			s.cfg.Endpoint = strings.Replace(plain.URL, "http:", "https:", 1)
		}, false, "correct endpoint"},
		{"nobody", func(s *setup) {
			gone, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				s.t.Fatal(err)
			}
			s.cfg.Endpoint = "https://" + gone.Addr().String()
			_ = gone.Close()
		}, true, "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			s.serve(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
			c.change(s)
			_, err := newCourier().Deliver(t.Context(), s.destination(), delivery(10))
			if err == nil || !strings.Contains(err.Error(), c.want) || export.MayPass(err) != c.mayPass {
				t.Errorf("got %v (may pass: %v)\nwant %s", err, export.MayPass(err), c.want)
			}
		})
	}
}

// A server that says nothing is given up after the time-out; one that goes on
// taking bytes is not.
func TestServerFallsSilent(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	release := make(chan struct{})
	s.serve(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	s.cfg.Timeout = time.Second
	inbox, err := s.destination().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inbox.Close() }()
	err = inbox.Put(t.Context(), delivery(30 << 20)[0])
	if !export.MayPass(err) || !strings.Contains(err.Error(), "the server was silent for 1s") {
		t.Error(err)
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("Ctrl-C")
	cancel(reason)
	if _, err := newCourier().Deliver(ctx, s.destination(), delivery(10)); !errors.Is(err, reason) {
		t.Error(err)
	}
	close(release)
}

// Servers that know no conditions are asked without one; accounts that may not
// list uploads deliver nevertheless.
func TestModestServers(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	var put atomic.Int64
	s.serve(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodHead:
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodGet:
			says(http.StatusForbidden, "AccessDenied")(w, r)
		case r.Header.Get("If-None-Match") != "":
			says(http.StatusNotImplemented, "NotImplemented")(w, r)
		default:
			_, _ = io.Copy(io.Discard, r.Body)
			put.Add(1)
		}
	})
	got, err := newCourier().Deliver(t.Context(), s.destination(), delivery(10))
	if err != nil || len(got.Put) != 2 || put.Load() != 2 {
		t.Error(got, err, put.Load())
	}
}
