package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
)

func TestStrayLog(t *testing.T) {
	for _, c := range []struct{ printed, want string }{
		{"http: proxy error", `level=DEBUG msg="printed by a library" text="http: proxy error"`},
		{`starting with "HTTP/1.1 200 OK\r\nGuid: hush"; err=<nil>`, `level=DEBUG msg="printed by a library" text="starting with …"`},
		{"panic serving: 'hush'", `level=DEBUG msg="printed by a library" text="panic serving: …"`},
		{"panic\nhush()", `level=DEBUG msg="printed by a library" text="panic …"`},
	} {
		var out bytes.Buffer
		to := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})
		slog.NewLogLogger(strayLog{to}, slog.LevelError).Print(c.printed)
		slog.New(strayLog{to}).With("a", "hush").WithGroup("g").Error(c.printed, "b", "hush")
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		for _, line := range lines {
			if _, got, _ := strings.Cut(line, " "); got != c.want || len(lines) != 2 {
				t.Errorf("%q is told as\n%s", c.printed, &out)
			}
		}
	}
	var out bytes.Buffer
	slog.New(strayLog{slog.NewTextHandler(&out, nil)}).Error("x")
	if out.Len() > 0 {
		t.Errorf("told above debug level: %s", &out)
	}
}

// What a gateway says without being asked costs no poll and is not quoted.
func TestUnaskedRepliesAreNotQuoted(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 124}), "* * * * * *",
		playing(gatewaysim.Fault{Kind: gatewaysim.FaultUnasked, Chance: 1}))
	p := c.startRecorder()
	p.await(roundStored, 3)
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	log := p.seen.String()
	for agent, guid := range c.gateway.GUIDs() {
		if strings.Contains(log, guid.Reveal()[:36]) {
			t.Fatalf("the log shows the GUID of agent %d", agent)
		}
	}
	if rows := fmt.Sprint(c.query("SELECT count(*) FROM talktime.samples WHERE outcome NOT IN ('observed', 'not_signed_in')")); rows != "[[0]]" {
		t.Errorf("%s polls failed:\n%s", rows, log)
	}
}
