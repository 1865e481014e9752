package ccgateway_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

// examine walks to a bench's gateway for agent 101.
func examine(t *testing.T, handler http.HandlerFunc, changes ...func(*setup)) ccgateway.Examination {
	t.Helper()
	var cfg *ccgateway.Config
	b := newBench(t, handler, append(changes, func(s *setup) { cfg = &s.cfg })...)
	file, err := ccgateway.ExamineGUIDs(b.guids, cfg.MaxAgentID)
	if err != nil {
		t.Fatal(err)
	}
	x, err := ccgateway.Examine(t.Context(), *cfg, file, 101, b.clock)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestExamine(t *testing.T) {
	x := examine(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Guid") != guid101 || !strings.HasSuffix(r.URL.Path, "/onlineagent/101/agentstatus") {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("Date", noon.Add(90*time.Second).Format(http.TimeFormat))
		_, _ = io.WriteString(w, idle)
	})
	if x.Host != "127.0.0.1" || len(x.Addresses) != 1 || !strings.HasPrefix(x.Address, "127.0.0.1:") || x.TLS != "TLS 1.3" ||
		time.Until(x.NotAfter) < 50*time.Minute || time.Until(x.NotAfter) > time.Hour {
		t.Errorf("the way is %+v", x)
	}
	if x.Agent != 101 || x.Status != 200 || x.Outcome != ingest.Observed || x.Retcode != "" || !x.Dated || x.Ahead != 90*time.Second || x.AnswerErr != nil {
		t.Errorf("the answer is %+v", x)
	}
}

func TestExamineTellsWhereItEnds(t *testing.T) {
	never := func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") }
	if x := examine(t, never, func(s *setup) { s.cfg.BaseURL = "https://gateway.invalid:8043" }); x.NameErr == nil || x.Host != "gateway.invalid" {
		t.Errorf("a name that does not exist: %+v", x)
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	if x := examine(t, never, func(s *setup) { s.cfg.BaseURL = "https://" + gone.Addr().String() }); !errors.Is(x.ConnectErr, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: %+v", x)
	}
	if x := examine(t, never, func(s *setup) { s.cfg.CAFile = newAuthority(t).file }); !isKind[x509.UnknownAuthorityError](x.TLSErr) {
		t.Errorf("another authority: %+v", x)
	}
	expired := func(s *setup) {
		ca := newAuthority(t)
		s.cfg.CAFile = ca.file
		s.server.TLS.Certificates = []tls.Certificate{ca.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })}
	}
	if x := examine(t, never, expired); !isKind[x509.CertificateInvalidError](x.TLSErr) {
		t.Errorf("expired: %+v", x)
	}
	otherName := func(s *setup) {
		ca := newAuthority(t)
		s.cfg.CAFile = ca.file
		s.server.TLS.Certificates = []tls.Certificate{ca.issue(t, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"gateway.example"} })}
	}
	if x := examine(t, never, otherName); !isKind[x509.HostnameError](x.TLSErr) {
		t.Errorf("another name: %+v", x)
	}
	if x := examine(t, never, func(s *setup) { s.guids = "102,x\n" }); x.Agent != 0 || x.TLS == "" {
		t.Errorf("nobody to ask about: %+v", x)
	}
}

func isKind[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestExamineJudgesTheAnswer(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example")
			w.WriteHeader(code)
		}
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		outcome ingest.Outcome
		retcode string
		err     string
	}{
		{"signed out", says(`{"retcode":"100-006"}`), ingest.NotSignedIn, "100-006", ""},
		{"no right", says(`{"retcode":"000-003"}`), ingest.Unauthorized, "000-003", ""},
		{"busy", says(`{"retcode":"000-007"}`), ingest.GatewayError, "000-007", ""},
		{"redirected", status(http.StatusFound), ingest.BadReply, "", "HTTP status 302"},
		{"broken", status(http.StatusBadGateway), ingest.BadReply, "", "HTTP status 502"},
		{"HTML", says("<html>" + guid101), ingest.BadReply, "", "a body that is none of a CC-Gateway: "},
		{"endless", says(strings.Repeat(" ", 1<<20)), ingest.BadReply, "", "a body that is none of a CC-Gateway: "},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, idle[:20])
		}, ingest.BadReply, "", "an answer that is cut off"},
		{"silent", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ingest.Unreachable, "", "no answer that is HTTP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := examine(t, c.handler)
			told := ""
			if x.AnswerErr != nil {
				told = x.AnswerErr.Error()
			}
			if x.Outcome != c.outcome || x.Retcode != c.retcode || !strings.HasPrefix(told, c.err) || (c.err == "") != (told == "") || strings.Contains(told, guid101) {
				t.Errorf("got %s %q, %q", x.Outcome, x.Retcode, told)
			}
		})
	}
}

func TestExamineGUIDs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "guids.csv")
	write(t, file, guidsFor(5))
	setTime(t, file, noon)
	for mode, private := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		got, err := ccgateway.ExamineGUIDs(file, ingest.DefaultMaxAgentID)
		if err != nil {
			t.Fatal(err)
		}
		if got.IsPrivate != private || !got.ChangedAt.Equal(noon) || got.Agents.String() != "101-105" {
			t.Errorf("mode %#o: %+v", mode, got)
		}
	}
	write(t, file, "101,a\n100,b\n")
	if _, err := ccgateway.ExamineGUIDs(file, ingest.DefaultMaxAgentID); err == nil || !strings.Contains(err.Error(), "line 2: agent 100 is outside 101-59999") {
		t.Error(err)
	}
}
