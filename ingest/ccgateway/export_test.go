package ccgateway

// Rest does what happens when a client's connections have been idle for restLimit.
func (c *Client) Rest() { c.connections.dismiss() }
