package gatewaysim

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"talktime/ingest"
)

// Gateway is a running CC-Gateway. All its methods are safe for concurrent use.
type Gateway struct {
	opts      Options
	startedAt time.Time // by the play's clock, whole ms
	url       string
	caPEM     []byte
	replies   *replies
	players   map[ingest.AgentID]*player
	requests  atomic.Uint64
	dated     atomic.Pointer[dated]
	server    *http.Server
	served    chan error // what Serve returned
}

// player is one agent as the gateway sees them.
type player struct {
	agent    ingest.AgentID
	script   *Script
	requests atomic.Uint64 // what the faults are drawn by
	asked    atomic.Bool   // a call is not answered yet
}

// Start makes the certificates, listens and serves until Close.
func Start(opts Options) (*Gateway, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	host, err := loopbackHost(opts.Listen)
	if err != nil {
		return nil, err
	}
	authority := opts.Authority
	if authority == nil {
		if authority, err = newAuthority(opts.MachineTime); err != nil {
			return nil, fmt.Errorf("make the gateway's authority: %w", err)
		}
	}
	certificate, err := authority.certify(opts.MachineTime, host, opts.Certificate)
	if err != nil {
		return nil, fmt.Errorf("make the gateway's certificate: %w", err)
	}
	listener, err := net.Listen("tcp", opts.Listen)
	if err != nil {
		return nil, err // "listen tcp 127.0.0.1:8043: bind: address already in use"
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	g := &Gateway{
		opts:      opts,
		startedAt: opts.Clock.Now().Truncate(time.Millisecond),
		url:       "https://" + net.JoinHostPort(host, port),
		caPEM:     authority.pem(),
		replies:   newReplies(opts.ResultArray),
		players:   make(map[ingest.AgentID]*player, opts.Agents.Len()),
		served:    make(chan error, 1),
	}
	for agent := range opts.Agents.All() {
		g.players[agent] = &player{agent: agent, script: opts.Script(agent)}
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	g.server = &http.Server{
		Handler:           http.HandlerFunc(g.serve),
		Protocols:         protocols,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // clients that leave are the faults' doing
	}
	go func() { g.served <- g.server.ServeTLS(listener, "", "") }()
	return g, nil
}

// Close stops listening and cuts every connection, requests that hang included.
func (g *Gateway) Close() error {
	err := g.server.Close()
	if served := <-g.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	g.served <- http.ErrServerClosed // for the next Close
	return err
}

// URL is the address of the gateway, such as https://127.0.0.1:43521.
func (g *Gateway) URL() string { return g.url }

// CAPEM is the certificate, PEM, of the authority that signed the gateway's.
func (g *Gateway) CAPEM() []byte { return append([]byte(nil), g.caPEM...) }

// StartedAt is the instant of the play the gateway was started at.
func (g *Gateway) StartedAt() time.Time { return g.startedAt }

// Requests counts the requests received so far, whatever became of them.
func (g *Gateway) Requests() uint64 { return g.requests.Load() }

// Truth returns the true durations of every agent over [from, to).
func (g *Gateway) Truth(from, to time.Time) map[ingest.AgentID]Totals {
	truth := make(map[ingest.AgentID]Totals, len(g.players))
	for agent, p := range g.players {
		truth[agent] = p.script.Totals(from, to)
	}
	return truth
}
