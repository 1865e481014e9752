package store

// For tests: what goes over the border as bytes and text.
var (
	EncodeCopy   = encodeCopy
	MultirangeOf = multirangeOf
	AgentsOf     = agentsOf
)
