package ccgateway

// Counts are a Client's figures since it was made, for metrics.
type Counts struct {
	Requests uint64 // requests made: attempts, probes included
	HeldBack uint64 // requests not made because the gateway was down
	Down     bool   // the gateway is down and only probed
	Openings uint64 // how often it was found down
}

// Counts returns the figures of now. They are read one after the other, while
// polls go on.
func (c *Client) Counts() Counts {
	return Counts{
		Requests: c.requests.Load(),
		HeldBack: c.breaker.heldBack.Load(),
		Down:     c.breaker.state.Load() == down,
		Openings: c.breaker.openings.Load(),
	}
}
