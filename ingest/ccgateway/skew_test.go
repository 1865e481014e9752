package ccgateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

// The skew is the difference nearest to 0 that the reply's Date leaves
// possible.
func TestClockSkew(t *testing.T) {
	const early, late = "Fri, 20 Nov 2026 11:59:55 GMT", "Fri, 20 Nov 2026 12:00:05 GMT"
	for _, c := range []struct {
		name  string
		date  string
		sent  time.Duration // after noon
		takes time.Duration
		want  time.Duration
	}{
		{"the same second", "Fri, 20 Nov 2026 12:00:00 GMT", 0, 0, 0},
		{"the end of the second", "Fri, 20 Nov 2026 12:00:00 GMT", 999 * time.Millisecond, 0, 0},
		{"a second begins meanwhile", "Fri, 20 Nov 2026 12:00:01 GMT", 990 * time.Millisecond, 10 * time.Millisecond, 0},
		{"ahead", late, 0, 0, 5 * time.Second},
		{"ahead, at its reply", late, 0, 40 * time.Millisecond, 4960 * time.Millisecond},
		{"behind", early, 0, 0, -4 * time.Second},
		{"behind, at its request", early, 300 * time.Millisecond, 40 * time.Millisecond, -4300 * time.Millisecond},
		{"a second for the reply", late, 0, time.Second, 4 * time.Second},
		{"too slow to tell", late, 0, time.Second + 1, 0},
		{"our clock set back", late, 0, -time.Second, 0},
		{"another form of date", "Friday, 20-Nov-26 12:00:05 GMT", 0, 0, 5 * time.Second},
		{"no date", "", 0, 0, 0},
		{"nonsense", "yesterday", 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b *bench
			b = newBench(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Date"] = []string{c.date}
				b.clock.advance(c.takes)
				_, _ = io.WriteString(w, idle)
			})
			b.clock.advance(c.sent)
			b.Poll(t.Context(), 101)
			if got := b.Counts().ClockSkew; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A skew of more than 2 s is counted and told once for each change.
func TestSkewIsTold(t *testing.T) {
	var ahead time.Duration
	reply := idle
	var b *bench
	b = newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", b.clock.Now().Add(ahead).Format(http.TimeFormat))
		_, _ = io.WriteString(w, reply)
	})
	const differ = ` msg="the gateway's clock and ours differ; see that both follow a time server" method=getAgentStatus gateway_ahead=`
	const agree = ` msg="the gateway's clock and ours agree again" method=getAgentStatus gateway_ahead=`
	for _, c := range []struct {
		name  string
		ahead time.Duration
		pass  time.Duration
		skews uint64
		want  string
	}{
		{"agree", 0, 0, 0, ""},
		{"two seconds are borne", 2 * time.Second, 0, 0, ""},
		{"ahead", 10 * time.Second, 0, 1, "level=WARN" + differ + "10s"},
		{"as before", 10 * time.Second, time.Second, 1, ""},
		{"drifts", 12 * time.Second, time.Second, 1, ""},
		{"jumps within a minute", -10 * time.Second, time.Second, 2, "level=DEBUG" + differ + "-9s"},
		{"agree within a minute", time.Second, time.Second, 2, "level=DEBUG" + agree + "1s"},
		{"ahead again, later", 10 * time.Second, time.Minute, 3, "level=WARN" + differ + "10s"},
		{"agree, later", 0, time.Minute, 3, "level=INFO" + agree + "0s"},
	} {
		ahead = c.ahead
		b.clock.advance(c.pass)
		before := len(b.log.String())
		b.Poll(t.Context(), 101)
		got := ""
		for line := range strings.Lines(b.log.String()[before:]) {
			if strings.Contains(line, "gateway_ahead") {
				_, got, _ = strings.Cut(strings.TrimSpace(line), " ")
			}
		}
		if got != c.want || b.Counts().ClockSkews != c.skews {
			t.Errorf("%s: %d skews, told %q", c.name, b.Counts().ClockSkews, got)
		}
	}

	// A page that is no reply may be a proxy's, dated by its clock.
	ahead, reply = time.Hour, "<html>"
	b.clock.advance(time.Minute)
	b.Poll(t.Context(), 101)
	if got := b.Counts(); got != (ccgateway.Counts{Requests: 10, ClockSkews: 3}) {
		t.Errorf("after a proxy's page: %+v", got)
	}
}

// Samples are dated by our clock whatever the gateway's says.
func TestSkewDoesNotDateSamples(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", noon.Add(time.Hour).Format(http.TimeFormat))
		_, _ = io.WriteString(w, idle)
	})
	want := ingest.Poll{PolledAt: noon, Outcome: ingest.Observed, Status: ingest.Status{AgentState: 4}}
	if got := b.Poll(t.Context(), 101); got != want {
		t.Errorf("got %+v", got)
	}
}
