package ccgateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"talktime/ingest"
)

// Examination is how far one walks to a gateway, step by step: each step has
// been taken where the one before it has no error.
type Examination struct {
	Host      string   // of gateway.url
	Addresses []string // what Host resolves to
	NameErr   error

	Address    string // what was connected to
	ConnectErr error

	TLS      string    // the version agreed on, such as "TLS 1.3"
	NotAfter time.Time // when the first certificate of the chain expires
	TLSErr   error

	Agent     ingest.AgentID // who was asked about; 0 where nobody has a GUID
	Status    int            // of HTTP
	Outcome   ingest.Outcome // what a round would store
	Retcode   string
	Latency   time.Duration // from request to reply on a standing connection
	Ahead     time.Duration // the gateway's clock before ours: the least that its Date header allows
	Dated     bool          // the gateway told its clock
	AnswerErr error         // what was wrong with the answer, in words of our own
}

// Examine walks to the gateway as a poll does and asks once for the status of an
// agent, where file has a GUID for one. A recorder may ask for the same agent at
// the same time: the gateway then tells one of the two to repeat. The error is of
// cfg.
func Examine(ctx context.Context, cfg Config, file GUIDFile, agent ingest.AgentID, clock ingest.Clock) (Examination, error) {
	c, err := New(cfg, nil, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		return Examination{}, err
	}
	defer c.Close()
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return Examination{}, err
	}
	x := Examination{Host: base.Hostname()}
	// Each step has a poll's time.
	resolving, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	if x.Addresses, x.NameErr = net.DefaultResolver.LookupHost(resolving, x.Host); x.NameErr != nil {
		return x, nil
	}
	if x.connect(ctx, c, base.Host); x.ConnectErr != nil || x.TLSErr != nil {
		return x, nil
	}
	if file.content == nil {
		return x, nil
	}
	if g := file.content.guid(agent); g != nil {
		x.Agent = agent
		x.ask(ctx, c, g)
	}
	return x, nil
}

// connect makes a connection of its own, so that each step has its own error.
func (x *Examination) connect(ctx context.Context, c *Client, host string) {
	conn, err := c.connections.dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		x.ConnectErr = err
		return
	}
	defer conn.Close() //nolint:errcheck // nothing is left to say on it
	x.Address = conn.RemoteAddr().String()
	encrypted := tls.Client(conn, c.connections.secure)
	handshake, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	if x.TLSErr = encrypted.HandshakeContext(handshake); x.TLSErr != nil {
		return
	}
	state := encrypted.ConnectionState()
	x.TLS = tls.VersionName(state.Version)
	for _, certificate := range state.VerifiedChains[0] {
		if x.NotAfter.IsZero() || certificate.NotAfter.Before(x.NotAfter) {
			x.NotAfter = certificate.NotAfter.UTC()
		}
	}
}

// ask polls once. It looks at the reply's HTTP itself, which a poll keeps to
// itself.
func (x *Examination) ask(ctx context.Context, c *Client, g *guid) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var body bytes.Buffer
	exchange := exchange{clock: c.clock, sent: c.clock.Now()}
	r, err := c.connections.exchange(ctx, &exchange, c.appendRequest(nil, x.Agent, g), &body)
	received := c.clock.Now()
	x.Outcome = ingest.Unreachable
	switch {
	case err != nil && exchange.began && ctx.Err() == nil:
		x.Outcome, x.AnswerErr = ingest.BadReply, oddReply("an answer that is cut off or not HTTP")
		return
	case err != nil && ctx.Err() != nil:
		x.AnswerErr = fmt.Errorf("no answer within %s", c.cfg.Timeout)
		return
	case err != nil:
		x.AnswerErr = oddReply("no answer that is HTTP")
		return
	}
	x.Outcome, x.Status, x.Latency = ingest.BadReply, r.status, received.Sub(exchange.sent)
	difference, date := newSkew(slog.New(slog.DiscardHandler)), r.header.Get("Date")
	if _, x.Dated = difference.read(date); x.Dated {
		difference.see(ctx, date, exchange.sent, received)
		x.Ahead = time.Duration(difference.latest.Load())
	}
	if r.status != http.StatusOK {
		x.AnswerErr = oddReply(fmt.Sprintf("HTTP status %d", r.status))
		return
	}
	reply, err := Decode(body.Bytes())
	if err != nil {
		x.AnswerErr = oddReply("a body that is none of a CC-Gateway: " + err.Error())
		return
	}
	x.Outcome = outcomeOf(reply, c.cfg.AuthMode, g, received)
	if x.Outcome != ingest.Observed {
		x.Retcode = reply.Retcode
	}
}

// GUIDFile is what a file of GUIDs is like.
type GUIDFile struct {
	IsPrivate bool   // only its owner can read or write it
	Mode      string // such as "0644"
	ChangedAt time.Time
	Agents    ingest.AgentSet // who has a GUID in it
	content   *edition        // nil where the file has faults
}

// ExamineGUIDs reads a file of GUIDs as OpenBook does, but tells of one whose
// mode is too wide instead of refusing it. A GUID is at least as old as the
// file's last change.
func ExamineGUIDs(path string, maxID ingest.AgentID) (GUIDFile, error) {
	content, version, err := readGUIDs(path)
	if err != nil {
		return GUIDFile{}, err
	}
	mode := version.Mode().Perm()
	file := GUIDFile{IsPrivate: isPrivate(mode), Mode: fmt.Sprintf("%#o", mode), ChangedAt: version.ModTime().UTC()}
	texts, err := parseGUIDs(path, content, maxID)
	if err != nil {
		return file, err
	}
	file.content = newEdition(&edition{}, texts, file.ChangedAt, false)
	file.Agents = file.content.agents
	return file, nil
}
