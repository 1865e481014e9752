package gatewaysim_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
)

func TestFaultsAsTheClientSeesThem(t *testing.T) {
	for _, c := range []struct {
		kind        gatewaysim.FaultKind
		status      int
		retcode     string
		contentType string
		says        string
	}{
		{"http500", 500, "", "text/html; charset=UTF-8", "<h1>Internal Server Error</h1>"},
		{"http502", 502, "", "text/html; charset=UTF-8", "<h1>Bad Gateway</h1>"},
		{"http503", 503, "", "text/html; charset=UTF-8", "<h1>Service Unavailable</h1>"},
		{"redirect", 302, "", "text/html; charset=UTF-8", ""},
		{"html", 200, "", "text/html; charset=UTF-8", "<h1>Sign in</h1>"},
		{"wrongguid", 200, "000-003", "application/json; charset=UTF-8", ""},
		{"000-000", 200, "000-000", "application/json; charset=UTF-8", ""},
		{"000-003", 200, "000-003", "application/json; charset=UTF-8", ""},
		{"000-004", 200, "000-004", "application/json; charset=UTF-8", ""},
		{"000-007", 200, "000-007", "application/json; charset=UTF-8", ""},
		{"100-007", 200, "100-007", "application/json; charset=UTF-8", ""},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			b := start(t, withFaults(gatewaysim.Fault{Kind: c.kind, Chance: 1}))
			got := b.do(t, b.request(t, 101))
			if got.StatusCode != c.status || got.retcode != c.retcode || got.Header.Get("Content-Type") != c.contentType || !strings.Contains(got.body, c.says) {
				t.Errorf("got %s %q %s", got.Status, got.Header.Get("Content-Type"), got.body)
			}
			if c.retcode != "" && got.message == "" {
				t.Error("the message is empty")
			}
			if location := got.Header.Get("Location"); (location != "") != (c.kind == "redirect") {
				t.Errorf("Location is %q", location)
			}
		})
	}
}

func TestGarbageIsNoReply(t *testing.T) {
	b := start(t, withFaults(gatewaysim.Fault{Kind: gatewaysim.FaultGarbage, Chance: 1}))
	seen := map[string]bool{}
	for range 40 {
		got := b.do(t, b.request(t, 101))
		if got.StatusCode != http.StatusOK || got.retcode != "" {
			t.Fatalf("got %s %s", got.Status, got.body)
		}
		seen[got.body] = true
	}
	if len(seen) < 4 {
		t.Errorf("40 bodies of garbage are only %v", seen)
	}
}

func TestOversizeIsLargerThanAnyReplyMayBe(t *testing.T) {
	b := start(t, withFaults(gatewaysim.Fault{Kind: gatewaysim.FaultOversize, Chance: 1}))
	if got := b.do(t, b.request(t, 101)); len(got.body) < 1<<20 || got.retcode != "0" {
		t.Errorf("got %d bytes", len(got.body))
	}
}

func TestCutBodyEndsTheConnection(t *testing.T) {
	b := start(t, withFaults(gatewaysim.Fault{Kind: gatewaysim.FaultCut, Chance: 1}))
	response, err := b.client.Do(b.request(t, 101))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 || response.ContentLength != int64(2*len(body)) && response.ContentLength != int64(2*len(body)+1) {
		t.Errorf("read %d of %d bytes, %v", len(body), response.ContentLength, err)
	}
}

func TestResetBodyEndsTheConnection(t *testing.T) {
	b := start(t, withFaults(gatewaysim.Fault{Kind: gatewaysim.FaultReset, Chance: 1}))
	response, err := b.client.Do(b.request(t, 101))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); !errors.Is(err, syscall.ECONNRESET) || len(body) == 0 {
		t.Errorf("read %q, %v", body, err)
	}
}

// A reply that stalls and one that trickles have begun and never end.
func TestRepliesWithoutEnd(t *testing.T) {
	for _, kind := range []gatewaysim.FaultKind{gatewaysim.FaultStall, gatewaysim.FaultEndless} {
		t.Run(string(kind), func(t *testing.T) {
			b := start(t, withFaults(gatewaysim.Fault{Kind: kind, Chance: 1}))
			impatient := *b.client
			impatient.Timeout = 300 * time.Millisecond
			response, err := impatient.Do(b.request(t, 101))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(string(body), `{"message"`) {
				t.Errorf("read %q, %v", body, err)
			}
		})
	}
}

// A reply nobody asked for follows the one that was.
func TestUnaskedReply(t *testing.T) {
	b := start(t, withFaults(gatewaysim.Fault{Kind: gatewaysim.FaultUnasked, Chance: 1}))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(b.CAPEM())
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(b.URL(), "https://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := b.request(t, 101).Write(conn); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || strings.Count(string(got), "HTTP/1.1 200 OK") != 2 || !strings.Contains(string(got), b.GUIDs()[101].Reveal()) {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestFaultsKeepToTheirAgents(t *testing.T) {
	b := start(t, withFaults(gatewaysim.Fault{Kind: "100-007", Chance: 1, Agents: ingest.AgentRange{First: 102, Last: 103}}))
	for agent, struck := range map[ingest.AgentID]bool{101: false, 102: true, 103: true, 104: false} {
		if got := b.do(t, b.request(t, agent)); (got.retcode == "100-007") != struck {
			t.Errorf("agent %d: %s", agent, got.body)
		}
	}
}

func TestTimeoutHangsUntilTheClientLeaves(t *testing.T) {
	b := start(t, withFaults(gatewaysim.Fault{Kind: gatewaysim.FaultTimeout, Chance: 1}))
	impatient := *b.client
	impatient.Timeout = 20 * time.Millisecond
	response, err := impatient.Do(b.request(t, 101))
	if err == nil {
		t.Errorf("answered %s, %v", response.Status, response.Body.Close())
	}
	var timeout interface{ Timeout() bool }
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("the client gets %v", err)
	}
}

func TestLatenciesAddUp(t *testing.T) {
	const least = 15 * time.Millisecond
	b := start(t, withFaults(
		gatewaysim.Fault{Kind: gatewaysim.FaultLatency, Chance: 1, Least: least, Most: least},
		gatewaysim.Fault{Kind: "100-007", Chance: 1},
		gatewaysim.Fault{Kind: gatewaysim.FaultLatency, Chance: 1, Least: least, Most: 2 * least},
		gatewaysim.Fault{Kind: "000-004", Chance: 1},
	))
	began := time.Now()
	got := b.do(t, b.request(t, 101))
	if took := time.Since(began); took < 2*least {
		t.Errorf("answered after %s, before %s", took, 2*least)
	}
	if got.retcode != "100-007" {
		t.Errorf("got %s, want the first fault that strikes, 100-007", got.body)
	}
}

func TestFaultsKeepToTheirWindow(t *testing.T) {
	// 11:59:30 in Berlin is 10:59:30 UTC in November.
	fault, err := gatewaysim.ParseFault("100-007@11:59:30-12:00")
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, func(o *gatewaysim.Options) {
		o.Zone = berlin(t)
		o.Faults = []gatewaysim.Fault{fault}
	})
	for at, struck := range map[string]bool{
		"2026-11-20T10:59:29.999Z": false,
		"2026-11-20T10:59:30Z":     true,
		"2026-11-20T10:59:59.999Z": true,
		"2026-11-20T11:00:00Z":     false,
		"2026-11-21T10:59:30Z":     true,
	} {
		b.clock.set(instant(t, at))
		if got := b.do(t, b.request(t, 101)); (got.retcode == "100-007") != struck {
			t.Errorf("at %s: %s", at, got.body)
		}
	}
}

func TestWindowOverMidnight(t *testing.T) {
	fault, err := gatewaysim.ParseFault("100-007@23:00-01:00")
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, withFaults(fault))
	for at, struck := range map[string]bool{
		"2026-11-20T22:59:59Z": false, "2026-11-20T23:00:00Z": true,
		"2026-11-21T00:59:59Z": true, "2026-11-21T01:00:00Z": false,
	} {
		b.clock.set(instant(t, at))
		if got := b.do(t, b.request(t, 101)); (got.retcode == "100-007") != struck {
			t.Errorf("at %s: %s", at, got.body)
		}
	}
}

// The same requests meet the same faults at every run, however many agents are
// asked between them; and about as many as the chance says.
func TestFaultsAreDrawnByAgentAndRequest(t *testing.T) {
	play := func(agents ...ingest.AgentID) string {
		b := start(t, withFaults(gatewaysim.Fault{Kind: "100-007", Chance: 0.3}, gatewaysim.Fault{Kind: gatewaysim.FaultHTTP503, Chance: 0.2}))
		var fates strings.Builder
		for range 200 {
			for _, agent := range agents {
				got := b.do(t, b.request(t, agent))
				if agent == 101 {
					fmt.Fprintf(&fates, "%d%s ", got.StatusCode, strings.TrimPrefix(got.retcode, "0"))
				}
			}
		}
		return fates.String()
	}
	alone, among := play(101), play(102, 101)
	if alone != among {
		t.Errorf("agent 101 alone met\n%s\nand among others\n%s", alone, among)
	}
	for fate, want := range map[string]int{"200100-007": 60, fmt.Sprint(http.StatusServiceUnavailable): 28} {
		if n := strings.Count(alone, fate); n < want/2 || n > 2*want {
			t.Errorf("%s befell %d of 200 requests, want about %d", fate, n, want)
		}
	}
}
