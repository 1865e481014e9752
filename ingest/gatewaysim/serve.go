package gatewaysim

import (
	"context"
	"mime"
	"net/http"
	"strings"
	"time"

	"talktime/ingest"
)

// signedOutFor is how long an agent is "already signed out" (100-008) before
// they are "not signed in" (100-006).
const signedOutFor = time.Minute

// serve answers one request (page "Getting Agent Status").
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	g.requests.Add(1)
	if reply := g.reply(r); reply != nil {
		w.Header()["Date"] = g.date()
		reply.send(w, r)
	}
}

// reply decides the answer; nil says that the client has left.
func (g *Gateway) reply(r *http.Request) *reply {
	id, ok := agentIn(r.URL.Path)
	if !ok {
		return g.replies.pages[http.StatusNotFound]
	}
	if r.Method != http.MethodGet {
		return g.replies.pages[http.StatusMethodNotAllowed]
	}
	agent, err := ingest.ParseAgentID(id, g.opts.MaxAgentID)
	if err != nil || !isJSON(r.Header.Get("Content-Type")) {
		return g.replies.failures["000-002"]
	}
	p := g.players[agent]
	if p == nil {
		return g.replies.failures["000-003"]
	}
	if !p.asked.CompareAndSwap(false, true) {
		return g.replies.failures["000-007"]
	}
	defer p.asked.Store(false)
	return g.replyFor(r.Context(), p, r.Header.Get("Guid"))
}

// replyFor decides the answer to a call for an agent who is played.
func (g *Gateway) replyFor(ctx context.Context, p *player, sent string) *reply {
	now := g.opts.Clock.Now()
	l := draw(g.opts.Faults, g.opts.Seed, p.agent, p.requests.Add(1), now, g.opts.Zone)
	if l.latency > 0 {
		// The state is read halfway, as the poll's instant is taken there.
		if !pause(ctx, l.latency/2) {
			return nil
		}
		now = g.opts.Clock.Now()
	}
	answer := g.truthfulReply(p, sent, now)
	switch l.kind {
	case "":
	case FaultTimeout:
		<-ctx.Done()
		return nil
	case FaultHTTP500:
		answer = g.replies.pages[http.StatusInternalServerError]
	case FaultHTTP502:
		answer = g.replies.pages[http.StatusBadGateway]
	case FaultHTTP503:
		answer = g.replies.pages[http.StatusServiceUnavailable]
	case FaultRedirect:
		answer = g.replies.pages[http.StatusFound]
	case FaultHTML:
		answer = g.replies.pages[http.StatusOK]
	case FaultGarbage:
		answer = g.replies.garbage[l.luck.next()%uint64(len(g.replies.garbage))]
	case FaultOversize:
		answer = g.replies.oversize
	case FaultEndless, FaultStall, FaultCut, FaultReset, FaultUnasked:
		answer = answer.ending(l.kind)
	case FaultWrongGUID:
		answer = g.replies.failures["000-003"]
	default:
		answer = g.replies.failures[string(l.kind)]
	}
	if !pause(ctx, l.latency-l.latency/2) {
		return nil
	}
	return answer
}

// date is the Date header of a reply: the play's time, and not the machine's,
// which net/http would take.
func (g *Gateway) date() []string {
	now := g.opts.Clock.Now().Add(g.opts.Ahead)
	if d := g.dated.Load(); d != nil && d.second == now.Unix() {
		return d.header
	}
	d := &dated{now.Unix(), []string{now.UTC().Format(http.TimeFormat)}}
	g.dated.Store(d)
	return d.header
}

// dated is the Date header of a second.
type dated struct {
	second int64
	header []string
}

// truthfulReply is what the interface answers when nothing goes wrong.
func (g *Gateway) truthfulReply(p *player, sent string, now time.Time) *reply {
	if !g.isGood(sent, p.agent, now) {
		return g.replies.failures["000-003"]
	}
	ms := now.UnixMilli()
	status, since := p.script.at(ms)
	switch {
	case status != signedOut || g.opts.SignOutAsState2:
		return g.replies.statuses[status]
	case ms-since < signedOutFor.Milliseconds():
		return g.replies.failures["100-008"]
	default:
		return g.replies.failures["100-006"]
	}
}

// agentIn returns the agent id of /agentgateway/resource/onlineagent/{agentid}/agentstatus.
func agentIn(path string) (id string, ok bool) {
	id, before := strings.CutPrefix(path, "/agentgateway/resource/onlineagent/")
	id, after := strings.CutSuffix(id, "/agentstatus")
	return id, before && after && !strings.Contains(id, "/")
}

// isJSON reports whether a Content-Type is application/json, whatever its
// parameters.
func isJSON(contentType string) bool {
	if contentType == jsonType[0] {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == "application/json"
}

// pause waits by the machine's clock; false says that the client left first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
