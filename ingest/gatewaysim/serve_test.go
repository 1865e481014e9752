package gatewaysim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"talktime/ingest/gatewaysim"
)

func TestReplyIsTheDocumentedOne(t *testing.T) {
	b := start(t, nil)
	got := b.do(t, b.request(t, 101))
	status, _ := b.script.At(b.clock.Now())
	want := fmt.Sprintf(`{"message":"","retcode":"0","result":{"agentState":%d,"isWorking":%t}}`, status.AgentState, status.IsWorking)
	if got.body != want || got.StatusCode != http.StatusOK {
		t.Errorf("got %s %s, want %s", got.Status, got.body, want)
	}
	if media := got.Header.Get("Content-Type"); media != "application/json; charset=UTF-8" {
		t.Errorf("Content-Type is %q", media)
	}
	if got.Proto != "HTTP/1.1" || got.TLS == nil {
		t.Errorf("served by %s, TLS %t", got.Proto, got.TLS != nil)
	}
	if n := b.Requests(); n != 1 {
		t.Errorf("%d requests counted", n)
	}
}

func TestResultAsArray(t *testing.T) {
	b := start(t, func(o *gatewaysim.Options) { o.ResultArray = true })
	got := b.do(t, b.request(t, 101))
	status, _ := b.script.At(b.clock.Now())
	if want := fmt.Sprintf(`[{"agentState":%d,"isWorking":%t}]`, status.AgentState, status.IsWorking); got.result != want {
		t.Errorf("result is %s, want %s", got.result, want)
	}
}

// Every answer over a day is the script's, whatever the agent does.
func TestRepliesFollowTheScript(t *testing.T) {
	b := start(t, nil)
	seen := map[string]bool{}
	for at := instant(t, "2026-11-20T00:00:00Z"); at.Before(instant(t, "2026-11-21T00:00:00Z")); at = at.Add(97 * time.Second) {
		b.clock.set(at)
		got := b.do(t, b.request(t, 101))
		status, signedIn := b.script.At(at)
		if _, justBefore := b.script.At(at.Add(-time.Minute)); !signedIn {
			want := "100-006"
			if justBefore {
				want = "100-008"
			}
			if got.retcode != want || got.result != `""` || got.StatusCode != http.StatusOK || got.message == "" {
				t.Fatalf("at %s, signed out: %s %s, want %s", at, got.Status, got.body, want)
			}
		} else if want := fmt.Sprintf(`{"agentState":%d,"isWorking":%t}`, status.AgentState, status.IsWorking); got.retcode != "0" || got.result != want {
			t.Fatalf("at %s: %s, want %s", at, got.body, want)
		}
		seen[got.retcode+got.result] = true
	}
	if len(seen) < 7 {
		t.Errorf("a day showed only %d answers: %v", len(seen), seen)
	}
}

func TestAgentJustSignedOut(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*gatewaysim.Options)
		after  time.Duration
		want   string
	}{
		{"still there", nil, -time.Millisecond, `"retcode":"0"`},
		{"gone", nil, 0, `"retcode":"100-008"`},
		{"within the minute", nil, time.Minute - time.Millisecond, `"retcode":"100-008"`},
		{"after the minute", nil, time.Minute, `"retcode":"100-006"`},
		{"as state 2", func(o *gatewaysim.Options) { o.SignOutAsState2 = true }, 0, `"retcode":"0","result":{"agentState":2,"isWorking":false}`},
		{"as state 2 later", func(o *gatewaysim.Options) { o.SignOutAsState2 = true }, time.Hour, `"retcode":"0","result":{"agentState":2,"isWorking":false}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, c.change)
			var out time.Time
			for span := range b.script.Spans(b.clock.Now(), b.clock.Now().Add(12*time.Hour)) {
				out = span.From // the last span of the day is signed out
			}
			b.clock.set(out.Add(c.after))
			if got := b.do(t, b.request(t, 101)); !strings.Contains(got.body, c.want) {
				t.Errorf("got %s, want %s", got.body, c.want)
			}
		})
	}
}

func TestRequestsTheGatewayRefuses(t *testing.T) {
	b := start(t, func(o *gatewaysim.Options) { o.MaxAgentID = 60000 })
	path := func(p string) func(*http.Request) { return func(r *http.Request) { r.URL.Path = p } }
	id := func(id string) func(*http.Request) {
		return path("/agentgateway/resource/onlineagent/" + id + "/agentstatus")
	}
	for _, c := range []struct {
		name    string
		change  func(*http.Request)
		status  int
		retcode string
	}{
		{"id below the range", id("100"), 200, "000-002"},
		{"id above the range", id("60001"), 200, "000-002"},
		{"id no number", id("abc"), 200, "000-002"},
		{"id empty", id(""), 200, "000-002"},
		{"id of nobody played", id("60000"), 200, "000-003"},
		{"no Content-Type", func(r *http.Request) { r.Header.Del("Content-Type") }, 200, "000-002"},
		{"another Content-Type", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 200, "000-002"},
		{"Content-Type in other words", func(r *http.Request) { r.Header.Set("Content-Type", "Application/JSON;charset=utf-8") }, 200, "0"},
		{"no Guid", func(r *http.Request) { r.Header.Del("Guid") }, 200, "000-003"},
		{"unknown Guid", func(r *http.Request) { r.Header.Set("Guid", "4f1d8a60-0000-0000-0000-000000000000.AgentGateway1") }, 200, "000-003"},
		{"Guid of another agent", func(r *http.Request) { r.Header.Set("Guid", b.GUIDs()[102].Reveal()) }, 200, "000-003"},
		{"Guid as the sign-in gave it", func(r *http.Request) { r.Header.Set("Guid", "JSESSIONID="+r.Header.Get("Guid")) }, 200, "000-003"},
		{"another path", path("/agentgateway/resource/onlineagent/101"), 404, ""},
		{"a path within the id", path("/agentgateway/resource/onlineagent/101/x/agentstatus"), 404, ""},
		{"POST", func(r *http.Request) { r.Method = http.MethodPost }, 405, ""},
		{"PUT", func(r *http.Request) { r.Method = http.MethodPut }, 405, ""},
		{"HEAD", func(r *http.Request) { r.Method = http.MethodHead }, 405, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := b.request(t, 101)
			c.change(r)
			got := b.do(t, r)
			if got.StatusCode != c.status || got.retcode != c.retcode {
				t.Errorf("got %s %s, want %d %q", got.Status, got.body, c.status, c.retcode)
			}
			if c.status == 200 && c.retcode != "0" && (got.result != `""` || got.message == "") {
				t.Errorf("a failure is told as %s", got.body)
			}
			if c.status == 405 && got.Header.Get("Allow") != "GET" {
				t.Errorf("Allow is %q", got.Header.Get("Allow"))
			}
			if c.status != 200 && got.Header.Get("Content-Type") != "text/html; charset=UTF-8" {
				t.Errorf("Content-Type is %q", got.Header.Get("Content-Type"))
			}
		})
	}
}

func TestDynamicGUIDsDieAfterTwoMinutes(t *testing.T) {
	b := start(t, func(o *gatewaysim.Options) { o.AuthMode = gatewaysim.AuthDynamic })
	begin := b.clock.Now()
	old := b.request(t, 101)
	for _, c := range []struct {
		after time.Duration
		isNew bool
		want  string
	}{
		{0, false, "0"},
		{59 * time.Second, false, "0"},
		{60 * time.Second, true, "0"},
		{120*time.Second - time.Millisecond, true, "0"},
		{120 * time.Second, true, "000-003"},
		{time.Hour, true, "000-003"},
	} {
		b.clock.set(begin.Add(c.after))
		if got := b.do(t, old); got.retcode != c.want {
			t.Errorf("%s after the start the first GUID gets %s, want %s", c.after, got.body, c.want)
		}
		if got := b.do(t, b.request(t, 101)); got.retcode != "0" {
			t.Errorf("%s after the start the newest GUID gets %s", c.after, got.body)
		}
		if isNew := b.request(t, 101).Header.Get("Guid") != old.Header.Get("Guid"); isNew != c.isNew {
			t.Errorf("%s after the start the GUID is new: %t", c.after, isNew)
		}
	}
}

func TestStaticGUIDsLive(t *testing.T) {
	b := start(t, nil)
	old := b.request(t, 101)
	b.clock.set(b.clock.Now().Add(24 * time.Hour))
	if got := b.do(t, old); got.retcode != "0" {
		t.Errorf("a day later the GUID gets %s", got.body)
	}
	seen := map[string]bool{}
	for _, guid := range b.GUIDs() {
		text := guid.Reveal()
		if len(text) != 50 || !strings.HasSuffix(text, ".AgentGateway1") || strings.Count(text[:36], "-") != 4 {
			t.Errorf("GUID %s is not of the documented form", text)
		}
		seen[text] = true
	}
	if len(seen) != 24 {
		t.Errorf("24 agents share %d GUIDs", len(seen))
	}
}

func TestCallRepeatedBeforeTheAnswer(t *testing.T) {
	b := start(t, withFaults(gatewaysim.Fault{Kind: gatewaysim.FaultTimeout, Chance: 1}))
	ctx, leave := context.WithCancel(t.Context())
	ended := b.hang(ctx, t)
	got := b.do(t, b.request(t, 101))
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the first call was answered: %v", err)
	}
	if got.retcode != "000-007" {
		t.Errorf("the second call gets %s, want 000-007", got.body)
	}
}

func BenchmarkServe(b *testing.B) {
	gateway := start(b, nil)
	r := gateway.request(b, 101)
	b.ReportAllocs()
	for b.Loop() {
		response, err := gateway.client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
}

// The Date header is the play's time, ahead where it shall be.
func TestDate(t *testing.T) {
	b := start(t, func(o *gatewaysim.Options) { o.Ahead = 90 * time.Second })
	for at, want := range map[string]string{
		"2026-11-20T11:00:00.999Z": "Fri, 20 Nov 2026 11:01:30 GMT",
		"2026-11-20T11:00:01Z":     "Fri, 20 Nov 2026 11:01:31 GMT",
	} {
		b.clock.set(instant(t, at))
		if got := b.do(t, b.request(t, 101)).Header["Date"]; len(got) != 1 || got[0] != want {
			t.Errorf("at %s: %q, want %s", at, got, want)
		}
	}
}

func TestCertificates(t *testing.T) {
	for wrong, says := range map[gatewaysim.Certificate]string{
		gatewaysim.CertificateGood:      "",
		gatewaysim.CertificateExpired:   "certificate has expired",
		gatewaysim.CertificateWrongName: "cannot validate certificate for 127.0.0.1",
		gatewaysim.CertificateUnknownCA: "signed by unknown authority",
	} {
		t.Run(string(wrong), func(t *testing.T) {
			b := start(t, func(o *gatewaysim.Options) { o.Certificate = wrong })
			response, err := b.client.Do(b.request(t, 101))
			if err == nil {
				_ = response.Body.Close()
			}
			if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
				t.Errorf("got %v, want %q", err, says)
			}
		})
	}
}
