package ccgateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
)

func TestLogLines(t *testing.T) {
	body := idle
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	for _, c := range []struct {
		name, body string
		move       time.Duration
		want       []string // the lines of one poll, from their level on
	}{
		{"observed", idle, 0, []string{
			`level=DEBUG msg="poll answered" method=getAgentStatus agent=101 outcome=observed retcode="" attempt=1`,
		}},
		{"not signed in", failure("100-006"), 0, []string{
			`level=DEBUG msg="poll answered" method=getAgentStatus agent=101 outcome=not_signed_in retcode=100-006 attempt=1`,
		}},
		{"first of its kind", failure("000-003"), 0, []string{
			`level=WARN msg="poll failed; more of this kind are told once a minute" method=getAgentStatus agent=101 outcome=unauthorized retcode=000-003 attempt=1`,
		}},
		{"second of its kind", failure("000-003"), 59 * time.Second, []string{
			`level=DEBUG msg="poll failed" method=getAgentStatus agent=101 outcome=unauthorized retcode=000-003 attempt=1`,
		}},
		{"a minute later", failure("000-003"), time.Second, []string{
			`level=WARN msg="poll failed; more of this kind are told once a minute" method=getAgentStatus agent=101 outcome=unauthorized retcode=000-003 attempt=1`,
		}},
		{"why", "<html>", 0, []string{
			`level=WARN msg="poll failed; more of this kind are told once a minute" method=getAgentStatus agent=101 outcome=bad_reply retcode="" attempt=1 why="reply byte 0: not a JSON object"`,
		}},
		{"attempts", failure("100-007"), 0, []string{
			`level=DEBUG msg="attempt failed, asking again" method=getAgentStatus agent=101 outcome=gateway_error retcode=100-007 attempt=1`,
			`level=DEBUG msg="attempt failed, asking again" method=getAgentStatus agent=101 outcome=gateway_error retcode=100-007 attempt=2`,
			`level=DEBUG msg="attempt failed, asking again" method=getAgentStatus agent=101 outcome=gateway_error retcode=100-007 attempt=3`,
			`level=WARN msg="poll failed; more of this kind are told once a minute" method=getAgentStatus agent=101 outcome=gateway_error retcode=100-007 attempt=4`,
		}},
	} {
		body = c.body
		b.clock.advance(c.move)
		before := len(b.log.String())
		b.Poll(t.Context(), 101)
		var got []string
		for line := range strings.Lines(b.log.String()[before:]) {
			_, line, _ = strings.Cut(strings.TrimSpace(line), " ")
			got = append(got, line)
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: got\n%s", c.name, strings.Join(got, "\n"))
		}
	}
	if log := b.log.String(); strings.Contains(log, guid101) {
		t.Errorf("the log shows the GUID:\n%s", log)
	}
}

// A gateway that makes up retcodes does not fill the log or the memory.
func TestWarningsAreBounded(t *testing.T) {
	n := 0
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		_, _ = fmt.Fprintf(w, `{"retcode":"x%d"}`, n)
	})
	ctx, _ := tickUntil(t, noon.Add(50*time.Millisecond)) // no attempt is asked again
	for range 200 {
		if got := b.Poll(ctx, 101); got.Outcome != ingest.GatewayError {
			t.Fatal(got)
		}
	}
	if got := strings.Count(b.log.String(), "level=WARN"); got != 64 {
		t.Errorf("%d warnings", got)
	}
}
