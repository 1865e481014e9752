package main

import (
	"context"
	"errors"
	"sync/atomic"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

// polling is the client that asks the configured gateway, with the GUIDs of the
// configured file. Another gateway may take its place between two polls.
type polling struct{ current atomic.Pointer[link] }

// link is a client and what it was made of.
type link struct {
	gateway gatewayConfig
	book    *ccgateway.Book
	*ccgateway.Client
}

// openPoller makes the client of a configuration. Nothing is asked yet. The
// configuration must have been loaded forPolling; all that is wrong with the
// files, and schedules that ask for more than can be, are one usage error.
func (a *app) openPoller(c *config) (*polling, error) {
	book, noBook := ccgateway.OpenBook(c.guidsFile, c.maxAgentID, a.clock, a.log)
	l, noClient := a.newLink(c, book)
	err := errors.Join(noBook, noClient)
	if err == nil {
		err = a.checkReach(c, book.Agents())
	}
	if err != nil {
		return nil, usageError(err)
	}
	p := &polling{}
	p.current.Store(l)
	return p, nil
}

func (a *app) newLink(c *config, book *ccgateway.Book) (*link, error) {
	client, err := ccgateway.New(c.ccgateway(), book, a.clock, a.log)
	return &link{c.gateway, book, client}, err
}

// ccgateway is the configuration in the client's words.
func (c *config) ccgateway() ccgateway.Config {
	return ccgateway.Config{
		BaseURL:     c.gateway.url,
		CAFile:      c.gateway.caFile,
		Timeout:     c.gateway.timeout,
		Concurrency: c.gateway.concurrency,
		MaxRate:     float64(c.gateway.maxRate),
		AuthMode:    c.gateway.authMode,
		MaxAgentID:  c.maxAgentID,
	}
}

// Poll implements ingest.Poller.
func (p *polling) Poll(ctx context.Context, agent ingest.AgentID) ingest.Poll {
	return p.current.Load().Poll(ctx, agent)
}

// Agents implements ingest.Poller.
func (p *polling) Agents() ingest.AgentSet { return p.current.Load().Agents() }

// GUIDs tells of the GUIDs held; see ccgateway.Client.
func (p *polling) GUIDs() ccgateway.GUIDs { return p.current.Load().GUIDs() }

// Counts tells what the client has counted; another gateway's begin anew. See
// ccgateway.Client.
func (p *polling) Counts() ccgateway.Counts { return p.current.Load().Counts() }

// reach tells how much can be asked of the gateway as its replies are now.
func (p *polling) reach() reach {
	l := p.current.Load()
	return reach{l.gateway.concurrency, l.gateway.maxRate, l.Latency(), "what replies take now"}
}

// Close drops the connections kept. Call it after the last poll.
func (p *polling) Close() { p.current.Load().Close() }

// prepare makes what polling another configuration takes and returns what puts
// it in the place of the one before, or all faults. Polls that are out end at
// the gateway they were sent to. GUIDs keep their age where the file stays.
func (p *polling) prepare(a *app, before, c *config) (replace func(), err error) {
	old := p.current.Load()
	book, err := ccgateway.OpenBook(c.guidsFile, c.maxAgentID, a.clock, a.log)
	if err == nil {
		err = a.checkReach(c, book.Agents())
	}
	if sameBook := before.guidsFile == c.guidsFile && before.maxAgentID == c.maxAgentID; err == nil && sameBook {
		book = old.book
		if old.gateway == c.gateway {
			return func() { book.Refresh() }, nil
		}
	}
	next, noClient := a.newLink(c, book)
	if err := errors.Join(err, noClient); err != nil {
		return nil, err
	}
	return func() {
		book.Refresh()
		p.current.Store(next)
		old.Close() // what is out keeps its connection until it has idled
	}, nil
}
