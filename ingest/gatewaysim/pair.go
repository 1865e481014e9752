package gatewaysim

import "talktime/ingest"

// pair numbers the pairs (agentState, isWorking) that scripts play.
type pair uint8

const (
	signedOut pair = iota
	busy
	talkBusy // busy asked for during a call that goes on
	available
	acw
	ringing
	talk
	rest
	preRest
	unknown // a code no edition documents
	pairs
)

var statuses = [pairs]ingest.Status{
	signedOut: {AgentState: 2},
	busy:      {AgentState: 3},
	talkBusy:  {AgentState: 3, IsWorking: true},
	available: {AgentState: 4},
	acw:       {AgentState: 5},
	ringing:   {AgentState: 7},
	talk:      {AgentState: 7, IsWorking: true},
	rest:      {AgentState: 8},
	preRest:   {AgentState: 9},
	unknown:   {AgentState: 42},
}

// measures are the words of metrics.md §2 for each pair. They stand here, apart
// from the table in the database, because the truth must not be computed by
// what it is compared with.
var measures = [pairs]string{
	signedOut: "signed_out",
	busy:      "busy",
	talkBusy:  "talk",
	available: "available",
	acw:       "acw",
	ringing:   "reserved",
	talk:      "talk",
	rest:      "rest",
	preRest:   "pre_rest",
	unknown:   "other",
}
