package main

import (
	"sync"

	"talktime/ingest"
)

// orders are what a recorder is told to do. They may change while it records.
type orders struct {
	mu      sync.Mutex
	current order
	changes chan ingest.Change // the latest one not taken up yet
}

// order is one version of them; it never changes.
type order struct {
	schedules   []ingest.Schedule
	concurrency int // polls in flight at most
	derive      deriveConfig
	maintain    maintainConfig
	exports     []*exportConfig
}

func newOrders(c *config) *orders {
	return &orders{current: orderOf(c), changes: make(chan ingest.Change, 1)}
}

func orderOf(c *config) order {
	return order{c.schedules, c.gateway.concurrency, c.derive, c.maintain, c.exports}
}

// now returns those in force.
func (o *orders) now() order {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.current
}

// change puts a configuration in the place of the one before.
func (o *orders) change(c *config) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.current = orderOf(c)
	select {
	case <-o.changes: // the new one says it all
	default:
	}
	o.changes <- ingest.Change{Schedules: o.current.schedules, Concurrency: o.current.concurrency}
}
