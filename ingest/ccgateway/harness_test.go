package ccgateway_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// agent101's GUID in every test that does not say otherwise.
const guid101 = "1f0c2f0e-6d0a-4a3e-9d53-0123456789ab.AgentGateway1"

// tick is a context whose deadline is an instant of a test's clock.
type tick struct {
	context.Context
	deadline time.Time
}

func (c tick) Deadline() (time.Time, bool) { return c.deadline, true }

// tickUntil gives a context with a deadline and the function that ends it.
func tickUntil(t testing.TB, deadline time.Time) (ctx context.Context, end func()) {
	inner, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return tick{inner, deadline}, cancel
}

// authority signs the certificates of a test's gateways.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return &authority{cert, key, file}
}

// issue makes a certificate for 127.0.0.1; change may spoil it.
func (a *authority) issue(t testing.TB, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "gateway"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// bench is a gateway of the test's making with a client before it.
type bench struct {
	*ccgateway.Client
	clock *clock
	book  *ccgateway.Book
	guids string // the GUID file
	log   *lines
}

// setup is what a test may change before its bench is made.
type setup struct {
	cfg    ccgateway.Config
	server *httptest.Server
	clock  ingest.Clock
	guids  string
	log    slog.Handler
}

func newBench(t testing.TB, handler http.HandlerFunc, changes ...func(*setup)) *bench {
	t.Helper()
	ca := newAuthority(t)
	b := &bench{clock: newClock(), log: &lines{}, guids: filepath.Join(t.TempDir(), "guids.csv")}
	s := &setup{
		cfg: ccgateway.Config{
			CAFile: ca.file, Timeout: 10 * time.Second, Concurrency: 8,
			AuthMode: ccgateway.AuthModeStatic, MaxAgentID: ingest.DefaultMaxAgentID,
		},
		clock: b.clock,
		guids: "101," + guid101 + "\n",
		log:   slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}),
	}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.clock != (machineClock{}) {
			w.Header().Set("Date", s.clock.Now().Format(http.TimeFormat))
		}
		handler(w, r)
	}))
	s.server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}
	s.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	for _, change := range changes {
		change(s)
	}
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	if s.cfg.BaseURL == "" {
		s.cfg.BaseURL = s.server.URL
	}

	logger := slog.New(s.log)
	write(t, b.guids, s.guids)
	setTime(t, b.guids, noon.Add(-time.Second))
	var err error
	if b.book, err = ccgateway.OpenBook(b.guids, s.cfg.MaxAgentID, s.clock, logger); err != nil {
		t.Fatal(err)
	}
	if b.Client, err = ccgateway.New(s.cfg, b.book, s.clock, logger); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// replace gives the book a new file, as a careful writer does.
func (b *bench) replace(t testing.TB, content string) {
	t.Helper()
	write(t, b.guids+".new", content)
	setTime(t, b.guids+".new", b.clock.Now())
	if err := os.Rename(b.guids+".new", b.guids); err != nil {
		t.Fatal(err)
	}
	b.book.Refresh()
}

// says answers every request with one body.
func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

const idle = `{"message":"","retcode":"0","result":{"agentState":4,"isWorking":false}}`
