package ccgateway_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

// failure is a reply with a retcode, in the shape failures have been seen in.
func failure(retcode string) string {
	return `{"message":"x","retcode":"` + retcode + `","result":""}`
}

// sends answers with a whole HTTP/1.1 reply as it stands and hangs up.
func sends(reply string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, reply)
		_ = conn.Close()
	}
}

// trickles sends a beginning and then the same again and again.
func trickles(w http.ResponseWriter, begin, again string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	for text := begin; err == nil; text = again {
		_, err = io.WriteString(conn, text)
	}
}

// resets sends the beginning of a reply and resets the connection.
func resets(begin string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, begin)
		plain := conn.(*tls.Conn).NetConn().(*net.TCPConn)
		_ = plain.SetLinger(0)
		_ = plain.Close()
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// Each row of gateway.md's table "Outcomes of a poll", under a GUID believed
// good.
func TestPollOutcomes(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		outcome ingest.Outcome
		status  ingest.Status
		retcode string
		asked   int
	}{
		{"observed", says(idle), ingest.Observed, ingest.Status{AgentState: 4}, "", 1},
		{"observed talking", says(`{"retcode":"0","result":[{"agentState":7,"isWorking":true}]}`), ingest.Observed, ingest.Status{AgentState: 7, IsWorking: true}, "", 1},
		{"not signed in", says(failure("100-006")), ingest.NotSignedIn, ingest.Status{}, "100-006", 1},
		{"already signed out", says(failure("100-008")), ingest.NotSignedIn, ingest.Status{}, "100-008", 1},
		{"status beside a failure", says(`{"retcode":"100-006","result":{"agentState":4,"isWorking":true}}`), ingest.NotSignedIn, ingest.Status{}, "100-006", 1},
		{"no right", says(failure("000-003")), ingest.Unauthorized, ingest.Status{}, "000-003", 1},
		{"bad parameter", says(failure("000-002")), ingest.BadRequest, ingest.Status{}, "000-002", 1},
		{"switched over", says(failure("000-004")), ingest.GatewayError, ingest.Status{}, "000-004", 4},
		{"internal error", says(failure("100-007")), ingest.GatewayError, ingest.Status{}, "100-007", 4},
		{"unknown", says(failure("000-000")), ingest.GatewayError, ingest.Status{}, "000-000", 4},
		{"repeated call", says(failure("000-007")), ingest.GatewayError, ingest.Status{}, "000-007", 4},
		{"undocumented", says(failure("999-999")), ingest.GatewayError, ingest.Status{}, "999-999", 4},
		{"retcode with a GUID in it", says(failure(guid101)), ingest.GatewayError, ingest.Status{}, ccgateway.MalformedRetcode, 4},
		{"success without result", says(`{"retcode":"0","result":""}`), ingest.BadReply, ingest.Status{}, "", 1},
		{"HTML", says("<html><h1>It works!</h1></html>"), ingest.BadReply, ingest.Status{}, "", 1},
		{"empty body", says(""), ingest.BadReply, ingest.Status{}, "", 1},
		{"trailing garbage", says(idle + "x"), ingest.BadReply, ingest.Status{}, "", 1},
		{"HTTP 500", status(500, idle), ingest.BadReply, ingest.Status{}, "", 1},
		{"HTTP 503 HTML", status(503, "<html>"), ingest.BadReply, ingest.Status{}, "", 1},
		{"HTTP 401", status(401, failure("000-003")), ingest.BadReply, ingest.Status{}, "", 1},
		{"HTTP 204", status(204, ""), ingest.BadReply, ingest.Status{}, "", 1},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, ingest.BadReply, ingest.Status{}, "", 1},
		{"largest body", says(idle + strings.Repeat(" ", 64<<10-len(idle))), ingest.Observed, ingest.Status{AgentState: 4}, "", 1},
		{"oversized body", says(idle + strings.Repeat(" ", 64<<10-len(idle)+1)), ingest.BadReply, ingest.Status{}, "", 1},
		{"oversized header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 20<<10))
			_, _ = io.WriteString(w, idle)
		}, ingest.BadReply, ingest.Status{}, "", 1},
		{"endless body", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
					return
				}
			}
		}, ingest.BadReply, ingest.Status{}, "", 1},
		{"endless header", func(w http.ResponseWriter, _ *http.Request) {
			trickles(w, "HTTP/1.1 200 OK\r\n", "X: "+strings.Repeat("x", 1000)+"\r\n")
		}, ingest.BadReply, ingest.Status{}, "", 1},
		{"endless beginnings", func(w http.ResponseWriter, _ *http.Request) {
			trickles(w, "", "HTTP/1.1 100 Continue\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n")
		}, ingest.BadReply, ingest.Status{}, "", 1},
		{"reset in the body", resets("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"retcode\""), ingest.BadReply, ingest.Status{}, "", 1},
		{"reset without a byte", resets(""), ingest.Unreachable, ingest.Status{}, "", 1},
		{"body cut", sends("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"retcode\""), ingest.BadReply, ingest.Status{}, "", 1},
		{"header cut", sends("HTTP/1.1 200 OK\r\nContent-"), ingest.BadReply, ingest.Status{}, "", 1},
		{"not HTTP", sends("SSH-2.0-OpenSSH " + guid101 + "\r\n"), ingest.BadReply, ingest.Status{}, "", 1},
		{"hung up without a byte", sends(""), ingest.Unreachable, ingest.Status{}, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int32
			b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				c.handler(w, r)
			})
			got := b.Poll(t.Context(), 101)
			want := ingest.Poll{PolledAt: got.PolledAt, Outcome: c.outcome, Status: c.status, Retcode: c.retcode}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if n := int(asked.Load()); n != c.asked {
				t.Errorf("asked %d times, want %d", n, c.asked)
			}
			if strings.Contains(b.log.String(), guid101[:20]) {
				t.Errorf("the log shows the GUID:\n%s", b.log)
			}
		})
	}
}

// "Believed good" (gateway.md, "Outcomes of a poll").
func TestTrustInGUID(t *testing.T) {
	const first, second = "first-guid-of-101", "second-guid-of-101"
	dynamic := func(s *setup) { s.cfg.AuthMode = ccgateway.AuthModeDynamic }
	static := func(s *setup) { s.cfg.AuthMode = ccgateway.AuthModeStatic }
	// The first GUID's file is one second older than the clock's start.
	for _, c := range []struct {
		name    string
		mode    func(*setup)
		retcode string
		steps   func(t *testing.T, b *bench)
		want    ingest.Outcome
	}{
		{"static, however old", static, "100-006", after(1000 * time.Hour), ingest.NotSignedIn},
		{"static, already signed out", static, "100-008", after(1000 * time.Hour), ingest.NotSignedIn},
		{"static, no right", static, "000-003", after(0), ingest.Unauthorized},
		{"dynamic, 119.999 s", dynamic, "100-006", after(119*time.Second - time.Millisecond), ingest.NotSignedIn},
		{"dynamic, 120 s", dynamic, "100-006", after(119 * time.Second), ingest.Unauthorized},
		{"dynamic, already signed out, 119.999 s", dynamic, "100-008", after(119*time.Second - time.Millisecond), ingest.NotSignedIn},
		{"dynamic, already signed out, 120 s", dynamic, "100-008", after(119 * time.Second), ingest.Unauthorized},
		{"static, first poll after a replacement", static, "100-006", func(t *testing.T, b *bench) {
			b.replace(t, "101,"+second+"\n")
		}, ingest.Unauthorized},
		{"static, already signed out after a replacement", static, "100-008", func(t *testing.T, b *bench) {
			b.replace(t, "101,"+second+"\n")
		}, ingest.NotSignedIn},
		{"static, second poll after a replacement", static, "100-006", func(t *testing.T, b *bench) {
			b.replace(t, "101,"+second+"\n")
			b.Poll(t.Context(), 101)
		}, ingest.NotSignedIn},
		{"dynamic, first poll after a replacement", dynamic, "100-006", func(t *testing.T, b *bench) {
			b.replace(t, "101,"+second+"\n")
		}, ingest.Unauthorized},
		{"dynamic, second poll 119.999 s after a replacement", dynamic, "100-006", func(t *testing.T, b *bench) {
			b.clock.advance(time.Hour)
			b.replace(t, "101,"+second+"\n")
			b.Poll(t.Context(), 101)
			b.clock.advance(120*time.Second - time.Millisecond)
		}, ingest.NotSignedIn},
		{"dynamic, second poll 120 s after a replacement", dynamic, "100-006", func(t *testing.T, b *bench) {
			b.clock.advance(time.Hour)
			b.replace(t, "101,"+second+"\n")
			b.Poll(t.Context(), 101)
			b.clock.advance(120 * time.Second)
		}, ingest.Unauthorized},
		{"an unanswered poll is not the first", static, "100-006", func(t *testing.T, b *bench) {
			b.replace(t, "101,"+second+"\n")
			ctx, end := tickUntil(t, b.clock.Now().Add(time.Second))
			end()
			if got := b.Poll(ctx, 101); got.Outcome != ingest.Skipped {
				t.Errorf("got %v", got)
			}
		}, ingest.Unauthorized},
		{"another agent's replacement", static, "100-006", func(t *testing.T, b *bench) {
			b.replace(t, "101,"+first+"\n102,"+second+"\n")
		}, ingest.NotSignedIn},
		{"given anew after it was gone", static, "100-006", func(t *testing.T, b *bench) {
			b.replace(t, "agentid,guid\n")
			b.replace(t, "101,"+first+"\n")
		}, ingest.Unauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, says(failure(c.retcode)), c.mode, func(s *setup) { s.guids = "101," + first + "\n" })
			c.steps(t, b)
			if got := b.Poll(t.Context(), 101); got.Outcome != c.want || got.Retcode != c.retcode {
				t.Errorf("got %+v, want %s", got, c.want)
			}
		})
	}
}

func after(d time.Duration) func(*testing.T, *bench) {
	return func(_ *testing.T, b *bench) { b.clock.advance(d) }
}

// A GUID in doubt says nothing when the gateway first asks for patience: both
// attempts are one poll.
func TestTrustSpansTheAttemptsOfAPoll(t *testing.T) {
	var asked atomic.Int32
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			_, _ = io.WriteString(w, failure("000-004"))
			return
		}
		_, _ = io.WriteString(w, failure("100-006"))
	})
	b.replace(t, "101,another\n")
	if got := b.Poll(t.Context(), 101); got.Outcome != ingest.Unauthorized {
		t.Errorf("first poll: %+v", got)
	}
	if got := b.Poll(t.Context(), 101); got.Outcome != ingest.NotSignedIn {
		t.Errorf("second poll: %+v", got)
	}
}

func TestPollWithoutRequest(t *testing.T) {
	for _, c := range []struct {
		agent ingest.AgentID
		want  ingest.Outcome
	}{
		{102, ingest.Unauthorized},
		{59999, ingest.Unauthorized},
		{100, ingest.BadRequest},
		{60000, ingest.BadRequest},
		{0, ingest.BadRequest},
		{-101, ingest.BadRequest},
	} {
		t.Run(strconv.Itoa(int(c.agent)), func(t *testing.T) {
			b := newBench(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
			want := ingest.Poll{PolledAt: noon, Outcome: c.want}
			if got := b.Poll(t.Context(), c.agent); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// GUIDs that are replaced in the middle of a round: the old ones die, and until
// the new file is read, within a second, polls are unauthorized; none is lost
// and no agent is signed out by it.
func TestRotationInTheMiddleOfARound(t *testing.T) {
	for name, retcode := range map[string]string{"authentication expired": "000-003", "GUID unknown": "100-006"} {
		t.Run(name, func(t *testing.T) {
			var good atomic.Value
			good.Store("old")
			b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasPrefix(r.Header.Get("Guid"), good.Load().(string)) {
					_, _ = io.WriteString(w, failure(retcode))
					return
				}
				_, _ = io.WriteString(w, idle)
			}, func(s *setup) {
				s.cfg.AuthMode = ccgateway.AuthModeDynamic
				s.guids = rotated("old", 101, 130)
			})
			b.clock.advance(118 * time.Second) // they are 119 s old
			ctx, _ := tickUntil(t, b.clock.Now().Add(9*time.Second))
			expect := func(step string, first, last ingest.AgentID, want ingest.Outcome) {
				t.Helper()
				if got := b.pollAll(ctx, first, last); got[want] != int(last-first)+1 {
					t.Errorf("%s: %v, want only %s", step, got, want)
				}
			}
			expect("before", 101, 110, ingest.Observed)
			good.Store("new")
			b.clock.advance(time.Second) // the old ones are dead: 120 s
			expect("between", 111, 115, ingest.Unauthorized)
			write(t, b.guids+".new", rotated("new", 101, 130))
			setTime(t, b.guids+".new", b.clock.Now())
			if err := os.Rename(b.guids+".new", b.guids); err != nil {
				t.Fatal(err)
			}
			expect("written, not read yet", 116, 120, ingest.Unauthorized)
			b.clock.advance(time.Second)
			expect("read", 121, 130, ingest.Observed)
			if got := b.Counts(); got.Requests != 30 || got.Down {
				t.Errorf("counts %+v", got)
			}
		})
	}
}

// rotated is a file of GUIDs of one generation.
func rotated(generation string, first, last ingest.AgentID) string {
	var file strings.Builder
	for agent := first; agent <= last; agent++ {
		file.WriteString(strconv.Itoa(int(agent)) + "," + generation + "-of-" + strconv.Itoa(int(agent)) + "\n")
	}
	return file.String()
}
