package gatewaysim_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
)

// bench is a running gateway, its clock and a client that trusts it.
type bench struct {
	*gatewaysim.Gateway
	clock  *playClock
	script *gatewaysim.Script // of agent 101
	client *http.Client
}

// noon is a moment at which agent 101 of seed 1 is signed in.
const noon = "2026-11-20T11:00:00Z"

// start plays agents 101-124 of seed 1, noon UTC, with the options changed.
func start(t testing.TB, change func(*gatewaysim.Options)) *bench {
	t.Helper()
	agents, err := ingest.ParseAgentSet("101-124", ingest.DefaultMaxAgentID)
	if err != nil {
		t.Fatal(err)
	}
	clock := newPlayClock(instant(t, noon))
	opts := gatewaysim.Options{
		Play:        gatewaysim.Play{Seed: 1, Zone: time.UTC},
		Agents:      agents,
		Clock:       clock,
		MachineTime: time.Now(),
	}
	if change != nil {
		change(&opts)
	}
	g, err := gatewaysim.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, g)
	t.Cleanup(func() {
		client.CloseIdleConnections()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{g, clock, opts.Script(101), client}
}

func newClient(t testing.TB, g *gatewaysim.Gateway) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(g.CAPEM()) {
		t.Fatal("ca.pem holds no certificate")
	}
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 8},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// request is a documented call for an agent, with the GUID in force.
func (b *bench) request(t testing.TB, agent ingest.AgentID) *http.Request {
	t.Helper()
	url := fmt.Sprintf("%s/agentgateway/resource/onlineagent/%d/agentstatus", b.URL(), agent)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json; charset=UTF-8")
	if guid := b.GUIDs()[agent]; !guid.IsEmpty() {
		r.Header.Set("Guid", guid.Reveal())
	}
	return r
}

// answer is a reply as it came.
type answer struct {
	*http.Response
	body    string
	message string
	retcode string
	result  string // its JSON
}

// do sends a request and reads the reply; one that is JSON is taken apart.
func (b *bench) do(t testing.TB, r *http.Request) answer {
	t.Helper()
	response, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{Response: response, body: string(body)}
	var reply struct {
		Message, Retcode string
		Result           json.RawMessage
	}
	if json.Unmarshal(body, &reply) == nil {
		a.message, a.retcode, a.result = reply.Message, reply.Retcode, string(reply.Result)
	}
	return a
}

// hang sends a call for agent 101 that the gateway leaves without an answer, and
// returns when the gateway works on it. The channel gives what the client got.
func (b *bench) hang(ctx context.Context, t *testing.T) <-chan error {
	t.Helper()
	r := b.request(t, 101).WithContext(ctx)
	ended := make(chan error, 1)
	arrived := b.clock.nextLook()
	go func() {
		response, err := b.client.Do(r)
		if err == nil {
			err = response.Body.Close()
		}
		ended <- err
	}()
	<-arrived
	return ended
}

func withFaults(faults ...gatewaysim.Fault) func(*gatewaysim.Options) {
	return func(o *gatewaysim.Options) { o.Faults = faults }
}

func TestCertificateServesLoopbackNamesOnly(t *testing.T) {
	b := start(t, nil)
	_, port, _ := strings.Cut(strings.TrimPrefix(b.URL(), "https://"), ":")
	r := b.request(t, 101)
	r.URL.Host = "localhost:" + port
	if got := b.do(t, r); got.retcode != "0" {
		t.Errorf("by localhost: %s", got.body)
	}
	stranger := &http.Client{Transport: &http.Transport{}}
	defer stranger.CloseIdleConnections()
	response, err := stranger.Do(b.request(t, 101))
	if err == nil {
		t.Fatal(response.Status, response.Body.Close())
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("a client that does not know the authority gets %v", err)
	}
}

func TestStartRefusesWhatMakesNoSense(t *testing.T) {
	_, err := gatewaysim.Start(gatewaysim.Options{
		Play: gatewaysim.Play{Shift: 7}, Listen: "0.0.0.0:8043", MaxAgentID: 7, AuthMode: 3,
	})
	if err == nil {
		t.Fatal("it started")
	}
	for _, says := range []string{
		"no time zone", "shift(7) is not known", "no clock", "machine's time is missing", "highest agent id 7 is outside 101-999999",
		"no agent to play", "auth mode 3 is neither", `"0.0.0.0:8043" is not a loopback address`,
	} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("the error does not say %q:\n%s", says, err)
		}
	}
	for _, listen := range []string{":8043", "gateway:8043", "192.168.1.2:0", "[::]:0"} {
		if err := (gatewaysim.Options{Listen: listen}).Validate(); !strings.Contains(err.Error(), "is not a loopback address") {
			t.Errorf("listen address %q is not refused: %v", listen, err)
		}
	}
	for _, listen := range []string{"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:https"} {
		if err := (gatewaysim.Options{Listen: listen}).Validate(); !strings.Contains(err.Error(), "is not host:port") {
			t.Errorf("listen address %q is not refused: %v", listen, err)
		}
	}
	agents := ingest.NewAgentSet(101, 60000)
	if err := (gatewaysim.Options{Agents: agents}).Validate(); !strings.Contains(err.Error(), "agents 101,60000 are not all within 101-59999") {
		t.Errorf("agents outside the range are not refused: %v", err)
	}
}

func TestAddressInUse(t *testing.T) {
	b := start(t, nil)
	_, err := gatewaysim.Start(gatewaysim.Options{
		Play: gatewaysim.Play{Zone: time.UTC}, Agents: ingest.NewAgentSet(101), Clock: b.clock, MachineTime: time.Now(),
		Listen: strings.TrimPrefix(b.URL(), "https://"),
	})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("a taken port gives %v", err)
	}
}

func TestCloseTwiceAndWithARequestThatHangs(t *testing.T) {
	b := start(t, withFaults(gatewaysim.Fault{Kind: gatewaysim.FaultTimeout, Chance: 1}))
	ended := b.hang(t.Context(), t)
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-ended; err == nil {
		t.Error("the request that hung was answered")
	}
}

func TestTruthSumsByAgent(t *testing.T) {
	b := start(t, nil)
	from := instant(t, "2026-11-20T08:00:00Z")
	truth := b.Truth(from, from.Add(10*time.Hour))
	var agents []ingest.AgentID
	for agent, totals := range truth {
		agents = append(agents, agent)
		var sum time.Duration
		for _, d := range totals {
			sum += d
		}
		if sum != 10*time.Hour || totals["talk"] < time.Hour {
			t.Errorf("agent %d: %v sum to %s", agent, totals, sum)
		}
	}
	slices.Sort(agents)
	if len(agents) != 24 || agents[0] != 101 || agents[23] != 124 {
		t.Errorf("the truth is about %v", agents)
	}
}
