package main

import (
	"errors"

	"talktime/ingest/ccgateway"
)

// openPoller makes the client that asks the configured gateway, with the GUIDs
// of the configured file. Nothing is asked yet. The configuration must have
// been loaded forPolling; all that is wrong with the files is one usage error.
func (a *app) openPoller(c *config) (*ccgateway.Client, error) {
	book, noBook := ccgateway.OpenBook(c.guidsFile, c.maxAgentID, a.clock, a.log)
	client, noClient := ccgateway.New(ccgateway.Config{
		BaseURL:     c.gateway.url,
		CAFile:      c.gateway.caFile,
		Timeout:     c.gateway.timeout,
		Concurrency: c.gateway.concurrency,
		MaxRate:     float64(c.gateway.maxRate),
		AuthMode:    c.gateway.authMode,
		MaxAgentID:  c.maxAgentID,
	}, book, a.clock, a.log)
	if err := errors.Join(noBook, noClient); err != nil {
		return nil, usageError(err)
	}
	return client, nil
}
