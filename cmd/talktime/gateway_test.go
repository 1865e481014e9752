package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sleepTold is the machine's clock; it tells when somebody first waits for it.
type sleepTold struct {
	wallClock
	once  sync.Once
	slept chan struct{}
}

func (c *sleepTold) SleepUntil(ctx context.Context, t time.Time) error {
	c.once.Do(func() { close(c.slept) })
	return c.wallClock.SleepUntil(ctx, t)
}

func TestGatewayServesUntilStopped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for it")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stdout, stderr bytes.Buffer
	clock := &sleepTold{wallClock: newWallClock(), slept: make(chan struct{})}
	a := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, clock: clock}
	code := make(chan int, 1)
	go func() {
		code <- a.run(ctx, []string{"gateway", "--dir", dir, "--agents", "103-105,200", "--result", "array"})
	}()
	select {
	case <-clock.slept: // the files are written
	case c := <-code:
		t.Fatalf("ended at once with %d:\n%s", c, &stderr)
	}

	if body := pollAsToldBy(t, dir, "105"); !strings.Contains(body, `"retcode":"`) || strings.Contains(body, "000-003") {
		t.Errorf("an agent with a GUID gets %s", body)
	}
	if body := pollAsToldBy(t, dir, "102"); !strings.Contains(body, "000-003") {
		t.Errorf("an agent that is not played gets %s", body)
	}

	stop()
	if c := <-code; c != exitOK {
		t.Errorf("ended with %d", c)
	}
	truth, err := os.ReadFile(filepath.Join(dir, "truth.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, agent := range []string{"103", "104", "105", "200"} {
		if !bytes.Contains(truth, []byte("\n"+agent+",")) {
			t.Errorf("truth.csv does not speak of agent %s:\n%s", agent, truth)
		}
	}
	for _, says := range []string{"playing agents 103-105,200 at https://127.0.0.1:", `ca_file: "` + dir, "stopped after 2 requests"} {
		if !strings.Contains(stderr.String(), says) {
			t.Errorf("standard error does not say %q:\n%s", says, &stderr)
		}
	}
	if stdout.Len() > 0 {
		t.Errorf("standard output holds %s", &stdout)
	}
}

// pollAsToldBy asks for an agent with nothing but what the files say.
func pollAsToldBy(t *testing.T, dir, agent string) string {
	t.Helper()
	read := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	url := strings.TrimSpace(string(read("gateway.url"))) + "/agentgateway/resource/onlineagent/" + agent + "/agentstatus"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json; charset=UTF-8")
	guids, err := csv.NewReader(bytes.NewReader(read("guids.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range guids {
		if line[0] == agent {
			request.Header.Set("Guid", line[1])
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read("ca.pem"))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestShellQuote(t *testing.T) {
	for text, want := range map[string]string{"a b$c": "'a b$c'", "it's": `'it'\''s'`} {
		if got := shellQuote(text); got != want {
			t.Errorf("%s is quoted %s, want %s", text, got, want)
		}
	}
}
