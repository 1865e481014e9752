package ccgateway

import (
	"sync/atomic"
	"time"
)

// Counts are a Client's figures since it was made, for metrics.
type Counts struct {
	Requests uint64 // requests made: attempts, probes included
	HeldBack uint64 // requests not made because the gateway was down
	Down     bool   // the gateway is down and only probed
	Openings uint64 // how often it was found down

	// ClockSkew is by how much the gateway's clock is ahead of ours, below 0 if
	// it is behind, by the last reply: the difference nearest to 0 that its
	// Date header, of whole seconds, leaves possible.
	ClockSkew time.Duration
	// ClockSkews is how often a skew above 2 s was found where there had been
	// none, or one that differed by more than that.
	ClockSkews uint64
}

// Counts returns the figures of now. They are read one after the other, while
// polls go on.
func (c *Client) Counts() Counts {
	return Counts{
		Requests:   c.requests.Load(),
		HeldBack:   c.breaker.heldBack.Load(),
		Down:       c.breaker.state.Load() == down,
		Openings:   c.breaker.openings.Load(),
		ClockSkew:  time.Duration(c.skew.latest.Load()),
		ClockSkews: c.skew.changes.Load(),
	}
}

// Latency returns what replies take now, on a standing connection: a running mean
// of some hundred. It is 0 before the first reply.
func (c *Client) Latency() time.Duration { return time.Duration(c.latency.mean.Load()) }

// latency is a running mean, in which a reply counts for 1/lastReplies. One that is
// lost to another of the same moment does no harm.
type latency struct{ mean atomic.Int64 }

const lastReplies = 256

func (l *latency) add(took time.Duration) {
	mean := l.mean.Load()
	if mean == 0 {
		mean = int64(took)
	}
	l.mean.Store(mean + (int64(took)-mean)/lastReplies)
}
